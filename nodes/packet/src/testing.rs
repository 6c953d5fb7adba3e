//! What the tests of several files share: random frames and match texts, and the gate for tests
//! that compare with programs of other projects.

use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::MacAddr;

/// True if the tests were promised this program: the environment's NETLOOM_TEST_WITH names it. A
/// test left out says so.
pub(crate) fn needs(name: &str) -> bool {
    let promised = std::env::var("NETLOOM_TEST_WITH").unwrap_or_default();
    let found = promised.split_whitespace().any(|word| word == name);
    if !found {
        println!("left out: needs {name}");
    }
    found
}

/// A frame of any bytes: noise, or well-formed layers of which some bytes are changed or cut.
pub(crate) fn frame() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..120);
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let cut = prop_oneof![4 => Just(None), 1 => any::<prop::sample::Index>().prop_map(Some)];
    let damaged = (layers(), damage, cut).prop_map(|(mut frame, damage, cut)| {
        for (at, byte) in damage {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        if let Some(cut) = cut {
            frame.truncate(cut.index(frame.len() + 1));
        }
        frame
    });
    prop_oneof![1 => noise, 9 => damaged]
}

/// Texts of terms that fit together, in any order and number.
pub(crate) fn match_text() -> impl Strategy<Value = String> {
    let number = any::<u16>().prop_map(|n| n.to_string());
    let masked = any::<(u16, u16)>().prop_map(|(n, m)| format!("{n}/0x{m:x}"));
    let common = prop_oneof![
        (0u16..0xff00).prop_map(|n| format!("in_port={n}")),
        (0u16..4096).prop_map(|n| format!("dl_vlan={n}")),
        (0u16..8).prop_map(|n| format!("dl_vlan_pcp={n}")),
        any::<(u16, u16)>().prop_map(|(n, m)| format!("vlan_tci={n}/{m}")),
        any::<(u16, u16)>().prop_map(|(n, m)| format!("inner_vlan_tci={n}/{m}")),
        any::<([u8; 6], [u8; 6])>().prop_map(|(a, b)| format!("dl_src={}/{}", MacAddr(a), MacAddr(b))),
        any::<[u8; 6]>().prop_map(|a| format!("dl_dst={}", MacAddr(a))),
        beside(),
    ];
    let ip = prop_oneof![
        any::<u8>().prop_map(|n| format!("nw_tos={n}")),
        (0u8..4).prop_map(|n| format!("nw_ecn={n}")),
        any::<u8>().prop_map(|n| format!("nw_ttl={n}")),
        // ovs-ofctl refuses ports of later fragments.
        prop::sample::select(vec!["no", "yes", "first", "not_later"]).prop_map(|s| format!("ip_frag={s}")),
        prop_oneof![number.clone(), masked.clone()].prop_map(|n| format!("tp_src={n}")),
        prop_oneof![number, masked].prop_map(|n| format!("tp_dst={n}")),
    ];
    let ipv4 = prop_oneof![
        any::<([u8; 4], u8)>().prop_map(|(a, len)| format!("nw_src={}/{}", Ipv4Addr::from(a), len % 33)),
        any::<([u8; 4], [u8; 4])>().prop_map(|(a, b)| format!("nw_dst={}/{}", Ipv4Addr::from(a), Ipv4Addr::from(b))),
        any::<(u16, u16)>().prop_map(|(n, m)| format!("tcp_flags={}/{}", n & 0xfff, m & 0xfff)),
    ];
    let ipv6 = prop_oneof![
        any::<([u8; 16], u8)>().prop_map(|(a, len)| format!("ipv6_src={}/{}", Ipv6Addr::from(a), len % 129)),
        // ovs-ofctl reads at most 46 characters of address and mask.
        any::<([u8; 16], u16)>().prop_map(|(a, m)| format!("ipv6_dst={}/::{m:x}", Ipv6Addr::from(a))),
        any::<u32>().prop_map(|n| format!("ipv6_label={}", n & 0xf_ffff)),
    ];
    let list = |first: &'static str, specific: BoxedStrategy<String>| {
        let any_term = prop_oneof![common.clone().boxed(), ip.clone().boxed(), specific];
        prop::collection::vec(any_term, 0..6).prop_map(move |terms| format!("{first},{}", terms.join(",")))
    };
    prop_oneof![list("tcp", ipv4.boxed()), list("udp6", ipv6.boxed())]
}

/// Terms of what rides beside a frame.
fn beside() -> impl Strategy<Value = String> {
    let flags = prop::sample::subsequence(vec!["new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"], 1..8);
    prop_oneof![
        (0u8..16, any::<u32>(), any::<u32>()).prop_map(|(n, v, m)| format!("reg{n}={v}/{m}")),
        (0u8..8, any::<u64>(), any::<u64>()).prop_map(|(n, v, m)| format!("xreg{n}={v}/0x{m:x}")),
        (0u8..4, any::<u128>(), any::<u128>()).prop_map(|(n, v, m)| format!("xxreg{n}=0x{v:x}/0x{m:x}")),
        any::<(u64, u64)>().prop_map(|(v, m)| format!("metadata={v}/{m}")),
        any::<(u64, u64)>().prop_map(|(v, m)| format!("tunnel_id=0x{v:x}/{m}")),
        any::<([u8; 4], u8)>().prop_map(|(a, len)| format!("tun_dst={}/{}", Ipv4Addr::from(a), len % 33)),
        any::<u16>().prop_map(|n| format!("tun_gbp_id={n}")),
        any::<u16>().prop_map(|n| format!("ct_zone={n}")),
        any::<(u32, u32)>().prop_map(|(v, m)| format!("ct_mark={v}/{m}")),
        any::<(u128, u128)>().prop_map(|(v, m)| format!("ct_label=0x{v:x}/0x{m:x}")),
        any::<(u32, u32)>().prop_map(|(v, m)| format!("pkt_mark={v}/{m}")),
        any::<u32>().prop_map(|n| format!("conj_id={n}")),
        (flags, any::<u8>()).prop_map(|(names, signs)| {
            let sign = |n: usize| if signs >> n & 1 == 1 { '+' } else { '-' };
            let each = names.iter().enumerate().map(|(n, name)| format!("{}{name}", sign(n)));
            format!("ct_state={}", each.collect::<String>())
        }),
    ]
}

/// Addresses, up to three tags, a type and a packet.
fn layers() -> impl Strategy<Value = Vec<u8>> {
    let tag = (prop::sample::select(vec![[0x81, 0x00], [0x88, 0xa8]]), any::<[u8; 2]>())
        .prop_map(|(tpid, tci)| [tpid, tci].concat());
    let tags = prop::collection::vec(tag, 0..4);
    let typed = prop_oneof![
        arp().prop_map(|p| [vec![0x08, 0x06], p].concat()),
        ipv4().prop_map(|p| [vec![0x08, 0x00], p].concat()),
        ipv6().prop_map(|p| [vec![0x86, 0xdd], p].concat()),
        mpls().prop_map(|p| [vec![0x88, 0x47], p].concat()),
        ipv4().prop_map(|p| [vec![0, 60, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], p].concat()),
        any::<[u8; 40]>().prop_map(Vec::from),
    ];
    (any::<[u8; 12]>(), tags, typed).prop_map(|(macs, tags, typed)| [macs.to_vec(), tags.concat(), typed].concat())
}

/// Up to five labels, of which the last one or an earlier one is the bottom of the stack.
fn mpls() -> impl Strategy<Value = Vec<u8>> {
    let entry = any::<([u8; 4], u8)>().prop_map(|([a, b, c, d], n)| [a, b, if n < 64 { c | 1 } else { c & !1 }, d]);
    (prop::collection::vec(entry, 0..5), ipv4()).prop_map(|(entries, packet)| [entries.concat(), packet].concat())
}

fn arp() -> impl Strategy<Value = Vec<u8>> {
    any::<(u8, [u8; 20], [u8; 5])>()
        .prop_map(|(op, addresses, padding)| [&[0, 1, 8, 0, 6, 4, 0, op % 5][..], &addresses, &padding].concat())
}

fn ipv4() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop_oneof![3 => Just([0x40, 0]), 1 => Just([0x20, 0]), 1 => any::<[u8; 2]>()];
    let options = prop::sample::select(vec![0usize, 0, 0, 4, 40]);
    (any::<[u8; 4]>(), fragment, options, any::<[u8; 8]>(), upper(1), 0usize..8).prop_map(
        |([tos, a, b, ttl], fragment, options, addresses, (proto, upper), padding)| {
            let total = (20 + options + upper.len()) as u16;
            let mut packet = vec![0x45 + (options / 4) as u8, tos];
            packet.extend(total.to_be_bytes());
            packet.extend([a, b]);
            packet.extend(fragment);
            packet.extend([ttl, proto, 0, 0]);
            packet.extend(addresses);
            packet.resize(20 + options, 0);
            packet.extend(upper);
            packet.resize(packet.len() + padding, 0xee);
            packet
        },
    )
}

fn ipv6() -> impl Strategy<Value = Vec<u8>> {
    let extension = (prop::sample::select(vec![0u8, 43, 44, 51, 60]), any::<[u8; 6]>(), 0u8..2);
    (any::<[u8; 4]>(), any::<u8>(), any::<[u8; 32]>(), prop::collection::vec(extension, 0..3), upper(58), 0usize..8)
        .prop_map(|(mut first, hops, addresses, extensions, (proto, upper), padding)| {
            first[0] = 0x60 | first[0] & 0xf;
            let mut next = proto;
            let mut payload = upper;
            for (kind, bytes, extra) in extensions {
                let (len, size) = match kind {
                    44 => (bytes[0], 8),
                    51 => (extra * 2, 8 + usize::from(extra) * 8),
                    _ => (extra, 8 + usize::from(extra) * 8),
                };
                // Half of the fragment headers are of atomic or first fragments.
                let offset = if bytes[1] & 1 == 0 { [0, bytes[2] & 1] } else { [bytes[1], bytes[2]] };
                let mut header = vec![next, len, offset[0], offset[1], bytes[3], bytes[4], 0, 0];
                header.resize(size, 0);
                payload = [header, payload].concat();
                next = kind;
            }
            let mut packet = first.to_vec();
            packet.extend((payload.len() as u16).to_be_bytes());
            packet.extend([next, hops]);
            packet.extend(addresses);
            packet.extend(payload);
            packet.resize(packet.len() + padding, 0xee);
            packet
        })
}

/// A protocol number and a payload of it.
fn upper(icmp: u8) -> impl Strategy<Value = (u8, Vec<u8>)> {
    let bytes = |size| prop::collection::vec(any::<u8>(), 0..size);
    let tcp = bytes(40).prop_map(|mut b| {
        if let Some(offset) = b.get_mut(12) {
            *offset = 0x50 | *offset & 0x3f;
        }
        b
    });
    let option = any::<(bool, u8, [u8; 6])>().prop_map(|(source, len, mac)| {
        [&[2 - u8::from(source), if len < 200 { 1 } else { len % 3 }][..], &mac].concat()
    });
    let ndisc =
        (135u8..137, any::<[u8; 16]>(), prop::collection::vec(option, 0..3)).prop_map(|(kind, target, options)| {
            [vec![kind, 0, 0, 0, 0, 0, 0, 0], target.to_vec(), options.concat()].concat()
        });
    prop_oneof![
        (Just(6), tcp),
        (Just(17), bytes(20)),
        (Just(132), bytes(20)),
        (Just(icmp), bytes(20)),
        (Just(icmp), ndisc),
        (any::<u8>(), bytes(20)),
    ]
}
