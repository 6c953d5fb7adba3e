//! A datapath's flow as OpenFlow's: `in_port(1),eth(src=..),eth_type(0x0800),ipv4(proto=6)` is `in_port=1,dl_src=..,
//! dl_type=0x0800,nw_proto=6` (ovs-dpctl(8)).

/// The names of OpenFlow for the fields of a header.
const FIELDS: &[(&str, &[(&str, &str)])] = &[
    ("eth", &[("src", "dl_src"), ("dst", "dl_dst")]),
    ("vlan", &[("vid", "dl_vlan"), ("pcp", "dl_vlan_pcp")]),
    (
        "ipv4",
        &[
            ("src", "nw_src"),
            ("dst", "nw_dst"),
            ("proto", "nw_proto"),
            ("tos", "nw_tos"),
            ("ttl", "nw_ttl"),
            ("frag", "nw_frag"),
        ],
    ),
    (
        "ipv6",
        &[
            ("src", "ipv6_src"),
            ("dst", "ipv6_dst"),
            ("label", "ipv6_label"),
            ("proto", "nw_proto"),
            ("tclass", "nw_tos"),
            ("hlimit", "nw_ttl"),
            ("frag", "nw_frag"),
        ],
    ),
    ("arp", &[("sip", "arp_spa"), ("tip", "arp_tpa"), ("op", "arp_op"), ("sha", "arp_sha"), ("tha", "arp_tha")]),
    ("tcp", &[("src", "tp_src"), ("dst", "tp_dst")]),
    ("udp", &[("src", "tp_src"), ("dst", "tp_dst")]),
    ("sctp", &[("src", "tp_src"), ("dst", "tp_dst")]),
    ("icmp", &[("type", "icmp_type"), ("code", "icmp_code")]),
    ("icmpv6", &[("type", "icmpv6_type"), ("code", "icmpv6_code")]),
    ("nd", &[("target", "nd_target"), ("sll", "nd_sll"), ("tll", "nd_tll")]),
    ("mpls", &[("label", "mpls_label"), ("tc", "mpls_tc"), ("ttl", "mpls_ttl"), ("bos", "mpls_bos")]),
];

/// Headers that hold one value.
const SINGLE: &[(&str, &str)] =
    &[("in_port", "in_port"), ("eth_type", "dl_type"), ("tcp_flags", "tcp_flags"), ("skb_mark", "pkt_mark")];

/// Headers that say nothing of a frame that comes in.
const IGNORED: &[&str] = &["skb_priority", "packet_type", "cvlan"];

/// Headers that say nothing unless they say more than 0.
const ZERO: &[&str] = &["recirc_id", "dp_hash", "ct_state", "ct_zone", "ct_mark", "ct_label"];

/// The flow in OpenFlow's words.
///
/// # Errors
/// The first header that isn't known.
pub(super) fn as_openflow(flow: &str) -> Result<String, String> {
    let bad = |what: &str| format!("Bad datapath flow syntax: {flow}: {what}");
    let mut words = Vec::new();
    let mut rest = flow.trim();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('(').ok_or_else(|| bad("a header has its fields in brackets"))?;
        let name = name.trim_matches([',', ' ', ')']);
        if name == "encap" {
            rest = after;
            continue;
        }
        let (inside, after) = after.split_once(')').ok_or_else(|| bad("a bracket is open"))?;
        rest = after.trim_start_matches([',', ' ', ')']);
        if IGNORED.contains(&name) {
            continue;
        }
        if ZERO.contains(&name) {
            if inside.trim_start_matches("0x").bytes().all(|byte| matches!(byte, b'0' | b'/'))
                || inside.starts_with("0/")
            {
                continue;
            }
            return Err(match name.starts_with("ct") {
                true => bad(&format!("{name}: there is no connection tracking here")),
                false => bad(&format!("{name}: a trace begins with a frame that comes in, for which it is 0")),
            });
        }
        if let Some((_, field)) = SINGLE.iter().find(|(known, _)| *known == name) {
            words.push(format!("{field}={inside}"));
            continue;
        }
        let (_, fields) = FIELDS.iter().find(|(known, _)| *known == name).ok_or_else(|| bad(name))?;
        for part in inside.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| bad(part))?;
            match fields.iter().find(|(known, _)| *known == key) {
                Some((_, "nw_tos")) => words.push(format!("nw_tos={value}")),
                Some((_, field)) => words.push(format!("{field}={value}")),
                None if key == "cfi" => {}
                None => return Err(bad(part)),
            }
        }
    }
    // The type comes in front of what needs it; behind tags it is the inner one that counts.
    let is_tag = |word: &String| matches!(word.as_str(), "dl_type=0x8100" | "dl_type=0x88a8");
    words.retain(|word| !is_tag(word));
    let place = |word: &String| match word.split('=').next() {
        Some("in_port") => 0,
        Some("dl_type") => 1,
        Some("nw_proto") => 2,
        _ => 3,
    };
    words.sort_by_key(place);
    Ok(words.join(","))
}
