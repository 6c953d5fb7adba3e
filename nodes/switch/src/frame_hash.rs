//! The hash by which a `select` group spreads frames: of the addresses, the protocol and the ports.

use packet::key::slot;
use packet::{EtherType, FlowKey};

/// The words that are hashed: type and fragment, addresses, protocol and ports.
const WORDS: u64 = 0b1_1111_1111;

/// A hash that is the same for all frames of a connection in one direction, fragments and all. Frames without IP are
/// told apart by their Ethernet addresses.
pub(crate) fn frame_hash(frame: &[u8], basis: u32) -> u32 {
    let mut key = FlowKey::EMPTY;
    FlowKey::extract_words(0, frame, WORDS, &mut key);
    let mut hash = u64::from(basis);
    let mut add = |word: u64| {
        // The finalizer of SplitMix64.
        hash = (hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash = (hash ^ hash >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ hash >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        hash ^= hash >> 31;
    };
    match key.dl_type() {
        EtherType::IPV4 => add(key.words()[4]),
        EtherType::IPV6 => key.words()[5..9].iter().for_each(|word| add(*word)),
        _ => {
            add(key.dl_src().as_u64());
            add(key.dl_dst().as_u64());
        }
    }
    // Fragments but the first have no ports.
    if matches!(key.dl_type(), EtherType::IPV4 | EtherType::IPV6) && key.nw_frag() == 0 {
        add(u64::from(key.nw_proto()) << 32 | key.words()[3] & (slot::TP_SRC.max() as u64 | 0xffff << 16));
    }
    (hash >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet::compose;

    fn hash(text: &str) -> u32 {
        frame_hash(&compose(&FlowKey::parse_with(text, &|_| None).unwrap()), 7)
    }

    #[test]
    fn what_tells_connections_apart_counts_and_nothing_else() {
        let one = hash("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=1,udp_dst=2");
        assert_eq!(one, hash("udp,nw_src=10.0.0.1,nw_dst=10.0.0.2,udp_src=1,udp_dst=2,nw_ttl=3,dl_vlan=9,nw_tos=4"));
        for other in ["udp_src=3,udp_dst=2,nw_dst=10.0.0.2", "udp_src=1,udp_dst=2,nw_dst=10.0.0.3"] {
            assert_ne!(one, hash(&format!("udp,nw_src=10.0.0.1,{other}")));
        }
        assert_eq!(hash("udp,nw_frag=first,udp_src=5"), hash("udp,nw_frag=later"));
        assert_ne!(hash("dl_type=0x1234,dl_src=2:0:0:0:0:1"), hash("dl_type=0x1234,dl_src=2:0:0:0:0:2"));
    }

    #[test]
    fn connections_spread_evenly() {
        let mut counts = [0; 4];
        for port in 0..4000 {
            let at = hash(&format!("tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,tcp_src={port},tcp_dst=80")) % 4;
            counts[at as usize] += 1;
        }
        assert!(counts.iter().all(|count| (900..1100).contains(count)), "{counts:?}");
    }
}
