//! MPLS label stack entries in a frame (RFC 3032).
//!
//! As in Open vSwitch, the stack begins behind the tags.

use packet::key::Layers;
use sim_core::{Frame, Pool};

/// The size of a label stack entry.
const ENTRY_SIZE: usize = 4;

/// Puts an entry on top of the stack, and says that it's there.
pub(crate) fn push(frame: &mut Frame, pool: &mut Pool, ethertype: u16, entry: u32) {
    let Some(Layers { packet, .. }) = Layers::of(frame) else { return };
    let bytes = frame.prepend(pool, ENTRY_SIZE);
    bytes.copy_within(ENTRY_SIZE..ENTRY_SIZE + packet, 0);
    bytes[packet - 2..packet].copy_from_slice(&ethertype.to_be_bytes());
    bytes[packet..packet + ENTRY_SIZE].copy_from_slice(&entry.to_be_bytes());
}

/// Takes the top entry away, if there is a whole one; what follows it is of this type.
pub(crate) fn pop(frame: &mut Frame, pool: &mut Pool, ethertype: u16) {
    let Some(layers) = Layers::of(frame) else { return };
    let Some(packet) = layers.label(frame, 0) else { return };
    let bytes = frame.bytes_mut(pool);
    bytes[packet - 2..packet].copy_from_slice(&ethertype.to_be_bytes());
    bytes.copy_within(..packet, ENTRY_SIZE);
    frame.trim_front(ENTRY_SIZE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet::key::slot;
    use packet::{EtherType, FlowKey, compose};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_popped_label_leaves_the_frame_as_it_was(tags in 0u8..3, entry: u32, port: u16, is_shared: bool) {
            let text = ["udp", "udp,dl_vlan=9", "udp,dl_vlan=9,inner_vlan=7"][usize::from(tags)];
            let mut key = FlowKey::parse_with(text, &|_| None).unwrap();
            key.set_tp_dst(port);
            let bytes = compose(&key);
            let mut pool = Pool::new();
            let mut frame = pool.copied(&bytes);
            let other = is_shared.then(|| frame.share());
            push(&mut frame, &mut pool, 0x8847, entry);
            let pushed = FlowKey::extract(0, &frame);
            prop_assert_eq!(pushed.get(slot::MPLS_LSE[0]), u128::from(entry));
            prop_assert_eq!((pushed.vlan_tci(), pushed.inner_tci()), (key.vlan_tci(), key.inner_tci()));
            prop_assert_eq!((pushed.dl_src(), pushed.dl_type()), (key.dl_src(), EtherType::MPLS));
            pop(&mut frame, &mut pool, 0x0800);
            prop_assert_eq!(frame.bytes(), &bytes[..]);
            prop_assert!(other.is_none_or(|other| other.bytes() == &bytes[..]));
        }

        #[test]
        fn any_bytes_are_taken(bytes in prop::collection::vec(any::<u8>(), 0..40), is_mpls: bool) {
            let mut bytes = bytes;
            if is_mpls && bytes.len() > 14 {
                bytes[12..14].copy_from_slice(&[0x88, 0x47]);
            }
            let mut pool = Pool::new();
            let mut frame = pool.copied(&bytes);
            pop(&mut frame, &mut pool, 0x0800);
            let taken = bytes.len() - frame.len();
            prop_assert!(taken == 0 || taken == 4 && bytes.len() >= 18);
            push(&mut frame, &mut pool, 0x8847, 0x100);
            prop_assert!(frame.len() <= bytes.len() + 4);
        }
    }
}
