//! Comparison with Open vSwitch's own `ovs-ofctl`: the normal form of matches and the fields of
//! frames. Left out unless NETLOOM_TEST_WITH names `ovs`.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::field::Format;
use crate::key::slot;
use crate::testing::{frame, match_text, needs};
use crate::{FIELDS, Field, FlowKey, FlowMask, Match, Subfield};

#[expect(unreachable_pub, reason = "tests of other crates have the file as well")]
#[path = "../../../tests/support/real_ovs.rs"]
mod real_ovs;

use real_ovs::Real;

/// Runs `ovs-ofctl` on an input and gives its output.
fn ovs_ofctl(args: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("ovs-ofctl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("NETLOOM_TEST_WITH promises ovs, so that ovs-ofctl can be run");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("the child was not waited for");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ovs-ofctl: {complaint}");
    writer.join().expect("writing does not panic").expect("ovs-ofctl reads its input");
    String::from_utf8(output.stdout).expect("ovs-ofctl prints ASCII")
}

/// Values of a strategy, the same at each run.
fn samples<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    let mut next = || strategy.new_tree(&mut runner).expect("the strategy rejects nothing").current();
    (0..count).map(|_| next()).collect()
}

/// The normal forms of matches.
fn normal_forms(texts: &[String]) -> Vec<String> {
    let lines: String = texts.iter().map(|t| format!("{t},actions=drop\n")).collect();
    ovs_ofctl(&["parse-flows", "-"], lines.as_bytes())
        .lines()
        .filter_map(|line| line.split_once(": ADD"))
        .map(|(_, flow)| flow.trim().trim_end_matches("actions=drop").trim().to_owned())
        .collect()
}

#[test]
fn matches_are_printed_as_ovs_ofctl_prints_them() {
    if !needs("ovs") {
        return;
    }
    let fixed = [
        "in_port=LOCAL",
        "in_port=CONTROLLER",
        "dl_vlan=0xffff",
        "vlan_vid=0x1009",
        "vlan_vid=0/0x1000",
        "vlan_vid=0x1001/0x1001",
        "dl_vlan=0,dl_vlan_pcp=7",
        "dl_type=0x88cc",
        "dl_type=0x5ff",
        "rarp,arp_op=3",
        "arp,arp_spa=1.2.3.4/16,arp_tha=00:00:00:00:00:02/ff:ff:ff:ff:ff:00",
        "arp,nw_proto=2,nw_dst=1.2.3.4",
        "icmp,icmp_type=8,icmp_code=0",
        "icmp6,icmpv6_type=136,icmpv6_code=0,nd_target=fe80::/64,nd_tll=00:00:00:00:00:01",
        "icmp6,icmp_type=135,nd_sll=00:00:00:00:00:01",
        "sctp,sctp_dst=80",
        "sctp6,tp_src=80",
        "ip,nw_proto=58",
        "ipv6,nw_proto=1",
        "ip,nw_proto=2",
        "mpls",
        "mplsm",
        "tcp,tcp_flags=+syn-ack",
        "tcp,tcp_flags=syn|ack",
        "tcp,tcp_flags=0",
        "tcp,tcp_flags=0x802",
        "tcp,tcp_flags=0x800/0x801",
        "ip,ip_dscp=63,ip_ecn=3",
        "ipv6,ipv6_src=::ffff:1.2.3.4,ipv6_dst=::1.2.3.4",
        "ipv6,ipv6_src=1::2/ffff::ffff",
        "tcp,udp",
        "tcp,mpls",
        "tcp,arp",
        "ip,ip_frag=later",
        "ipv6,nw_frag=no",
        "ip,dl_type=0x86dd",
    ];
    let mut texts: Vec<String> = fixed.map(String::from).to_vec();
    let random = samples(&match_text(), 400);
    texts.extend(random.into_iter().filter(|text| !text.contains("inner_vlan")));
    let expected = normal_forms(&texts);
    assert_eq!(expected.len(), texts.len());
    for (text, expected) in texts.iter().zip(expected) {
        let parsed = Match::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(parsed.to_string(), expected, "{text}");
    }
}

#[test]
fn what_rides_with_a_frame_is_printed_as_ovs_ofctl_prints_it() {
    if !needs("ovs") {
        return;
    }
    let mut texts: Vec<String> = [
        "metadata=5,reg0=5,reg1=0x5/0xff,reg15=7,xreg3=9,xxreg2=0x1/0xff,pkt_mark=3",
        "recirc_id=3,tcp",
        "recirc_id=3,dl_vlan=9",
        "recirc_id=3,in_port=1",
        "dp_hash=5/0xff",
        "conj_id=4,actset_output=LOCAL",
        "tunnel_id=0x5/0xff",
        "tun_src=1.2.3.4,tun_dst=1.2.3.0/24,tun_flags=+oam",
        "tun_ipv6_src=::1,tun_ipv6_dst=::/64,tun_flags=oam,tun_gbp_id=4/0xff,tun_gbp_flags=0x8,tun_flags=0",
        "tun_src=1.2.3.4/255.0.255.0,tun_gbp_id=0",
        "mplsm,mpls_label=5,mpls_tc=3,mpls_bos=1,mpls_ttl=9",
        "packet_type=(0,0)",
        "packet_type=(1,0x800)",
        "ct_state=+trk-new,ct_zone=5,ct_mark=7/0xff,ct_label=0x123456789012345678",
        "ct_state=trk|new",
        "ct_state=0",
        "ct_state=0x21/0x21",
        "ct_state=new|est|rel|rpl|inv|trk|snat|dnat",
        "ct_state=+trk+est,ip,ct_nw_src=1.2.3.4,ct_nw_dst=1.2.0.0/16,ct_nw_proto=6,ct_tp_src=80,ct_tp_dst=0x80/0xff",
        "ct_state=+trk-inv,ipv6,ct_ipv6_src=::1,ct_ipv6_dst=1::/16,ct_nw_proto=17,ct_tp_src=80",
        "dl_vlan=3,in_port=3,metadata=1,reg2=4,tun_id=4,ct_state=+trk+est,ct_zone=3,ct_mark=1,ct_label=1,pkt_mark=1,tcp,nw_src=1.1.1.1,ct_nw_src=1.1.1.1,ct_nw_dst=1.1.1.1,ct_tp_src=8,ct_tp_dst=9,ct_nw_proto=6,dl_src=00:00:00:00:00:01,tun_src=1.1.1.1,tun_dst=1.1.1.2,tun_gbp_id=3,tun_gbp_flags=3,tun_flags=oam,conj_id=7,actset_output=9,xxreg3=1,nw_tos=4,nw_ecn=1,nw_ttl=9,nw_frag=no,tcp_flags=+syn,tp_src=3",
    ]
    .map(String::from)
    .to_vec();
    for field in FIELDS.iter().filter(|field| field.format == Format::Number && !field.nxm.is_empty()) {
        texts.push(format!("{}=0", field.name));
        // Of these flags ovs-ofctl prints no mask.
        let is_masked = field.maskable && field.name != "tun_gbp_flags";
        texts.extend(is_masked.then(|| format!("{}=0x1/0xf", field.name)));
    }
    let expected = normal_forms(&texts);
    assert_eq!(expected.len(), texts.len());
    for (text, expected) in texts.iter().zip(expected) {
        let parsed = Match::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(parsed.to_string(), expected, "{text}");
    }
}

#[test]
fn a_subfield_has_the_name_and_width_that_ovs_ofctl_knows() {
    if !needs("ovs") {
        return;
    }
    // Moving a field to as many bits works if the widths agree.
    let fields: Vec<_> = FIELDS.iter().filter(|field| !field.nxm.is_empty()).collect();
    let first = |field: &Field| match (field.name, field.needs.protocols) {
        ("vlan_vid" | "dl_vlan_pcp", _) => "dl_vlan=1".to_owned(),
        ("nd_target" | "nd_sll", _) => "icmp6,icmp_type=135,icmp_code=0".to_owned(),
        ("nd_tll", _) => "icmp6,icmp_type=136,icmp_code=0".to_owned(),
        (_, [protocol, ..]) if field.needs.connection => format!("ct_state=+trk+est,{}", protocol.name),
        (_, []) if field.needs.connection => "ct_state=+trk+est,tcp,ct_nw_proto=6".to_owned(),
        (_, [protocol, ..]) => protocol.name.to_owned(),
        (_, []) => "in_port=1".to_owned(),
    };
    let line =
        |name: &str, field: &Field| format!("{},actions=move:{name}[]->xxreg0[0..{}]\n", first(field), field.width - 1);
    let by_name: String = fields.iter().map(|field| line(field.set_name, field)).collect();
    let by_nxm: String = fields.iter().map(|field| line(field.nxm, field)).collect();
    for text in [by_name, by_nxm] {
        let printed = ovs_ofctl(&["-OOpenFlow15", "parse-flows", "-"], text.as_bytes());
        let moves: Vec<_> = printed.lines().filter_map(|line| line.split_once("actions=move:")).collect();
        assert_eq!(moves.len(), fields.len());
        for ((_, printed), field) in moves.into_iter().zip(&fields) {
            let (name, _) = printed.split_once("->").expect("a move has two ends");
            let subfield = Subfield::parse(field.nxm).expect("the table's own name is known");
            // In OpenFlow 1.2 and later, fields have their newer name if there is one.
            let newer = if field.oxm.is_empty() { field.nxm } else { field.oxm };
            assert!(name == subfield.to_string() || name == format!("{newer}[]"), "{printed} {subfield}");
        }
    }
}

#[test]
fn frames_and_entries_are_printed_as_ofproto_trace_prints_them() {
    if !needs("ovs") {
        return;
    }
    let real = Real::start("packet-trace");
    real.vsctl("add-br br0 -- set bridge br0 datapath_type=dummy fail_mode=secure -- add-port br0 p1 -- set interface p1 type=dummy ofport_request=1");
    let flows = [
        "in_port=1,tcp,nw_dst=1.0.0.1,tcp_dst=80,tcp_flags=syn,nw_frag=first,dl_vlan=9,nw_tos=184,nw_ecn=1",
        "in_port=1,udp6,ipv6_src=::1",
        "in_port=1,arp,arp_op=1",
        "in_port=1,rarp",
        "in_port=1,icmp,icmp_type=8",
        "in_port=1,icmp6,icmpv6_type=135,nd_target=::1,nd_sll=00:00:00:00:00:01",
        "in_port=1,icmp6,icmpv6_type=136,nd_target=::1,nd_tll=00:00:00:00:00:01",
        "in_port=1,dl_type=0x1234",
        "in_port=1",
        "in_port=1,dl_vlan=0,dl_vlan_pcp=3",
        "in_port=1,mpls,mpls_label=5,mpls_bos=1",
        "in_port=1,mpls,mpls_label=5,mpls_bos=0",
        "in_port=1,ip,nw_frag=later",
        "in_port=LOCAL,sctp",
        "in_port=1,ip,nw_proto=2",
        "in_port=1,ipv6,nw_proto=44",
        "in_port=1,tun_id=5,ct_state=trk|est,reg5=3,metadata=5,pkt_mark=3,skb_priority=7,ip,ct_nw_src=1.2.3.4,ct_nw_proto=6,ct_tp_src=4,ct_zone=5,ct_mark=3,ct_label=7,nw_proto=2",
        "in_port=1,ct_state=est|trk,ip",
        "in_port=1,xreg7=5,reg3=1,dp_hash=3",
    ];
    for flow in flows {
        let traced = real.appctl(&["ofproto/trace", "br0", flow]);
        let line = |start: &str| {
            let line = traced.lines().find_map(|line| line.strip_prefix(start));
            line.unwrap_or_else(|| panic!("no {start} in {traced}")).to_owned()
        };
        let key = FlowKey::parse_with(flow, &|_| None).unwrap_or_else(|error| panic!("{flow}: {error}"));
        assert_eq!(key.to_string(), line("Flow: "), "{flow}");
        // Nothing is asked in an empty table: what is left are the parts of every entry.
        let entry = Match { key, mask: FlowMask::EMPTY }.megaflow();
        assert_eq!(entry.to_string(), line("Megaflow: "), "{flow}");
    }
}

#[test]
fn a_netloom_match_is_read_by_ovs_ofctl_as_the_same() {
    if !needs("ovs") {
        return;
    }
    let texts = samples(&match_text(), 400).into_iter().filter(|text| !text.contains("inner_vlan"));
    let printed: Vec<String> = texts.map(|t| Match::parse(&t).expect("terms fit together").to_string()).collect();
    let read = normal_forms(&printed);
    assert_eq!(read.len(), printed.len());
    for (read, printed) in read.iter().zip(&printed) {
        assert_eq!(read, printed);
    }
}

#[test]
fn frames_have_the_fields_that_open_vswitch_extracts() {
    if !needs("ovs") {
        return;
    }
    // IGMP has fields of its own in Open vSwitch, which are not in the table.
    let known = |key: &FlowKey| key.nw_proto() != 2;
    let frames: Vec<_> =
        samples(&frame(), 3000).into_iter().filter(|f| !f.is_empty() && known(&FlowKey::extract(0, f))).collect();
    let mut pcap = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1] {
        pcap.extend(word.to_le_bytes());
    }
    for frame in &frames {
        let size = (frame.len() as u32).to_le_bytes();
        pcap.extend([[0; 4], [0; 4], size, size].concat());
        pcap.extend(frame);
    }
    let output = ovs_ofctl(&["parse-pcap", "/dev/stdin"], &pcap);
    assert_eq!(output.lines().count(), frames.len());
    for (frame, line) in frames.iter().zip(output.lines()) {
        let text = line
            .replace("dl_vlan1=", "inner_vlan=")
            .replace("dl_vlan_pcp1=", "inner_vlan_pcp=")
            .replace("vlan_tci1=", "inner_vlan_tci=");
        // A solicitation has no target's address to match, but the extraction does read one.
        let lladdr = |t: &&str| t.starts_with("nd_sll=") || t.starts_with("nd_tll=");
        let (lladdrs, others): (Vec<_>, Vec<_>) = text.split(',').partition(lladdr);
        let mut found = Match::parse(&others.join(",")).unwrap_or_else(|e| panic!("{line}: {e}"));
        for (slot, term) in [slot::ARP_SHA, slot::ARP_THA].into_iter().zip(lladdrs) {
            let mac: crate::MacAddr = term[7..].parse().expect("Open vSwitch prints a MAC address");
            found.require(slot, mac.as_u64().into());
        }
        // Open vSwitch's line names every field that the frame has, so that no bit is left over.
        // The tags' types have no field.
        let key = FlowKey::extract(0xffff, frame).with(slot::VLAN_IS_SERVICE, 0).with(slot::INNER_IS_SERVICE, 0);
        assert_eq!(Match::new(key, found.mask), found, "{line}\n{frame:02x?}");
        assert_eq!(key.masked(&found.mask), key, "{line}\n{frame:02x?}");
    }
}
