//! Comparison with Open vSwitch's own `ovs-ofctl`: the normal form of matches and the fields of
//! frames. Left out unless NETLOOM_TEST_WITH names `ovs`.

use std::io::Write;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::key::slot;
use crate::testing::{frame, match_text, needs};
use crate::{FlowKey, Match};

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
    // IGMP and MPLS have fields of their own in Open vSwitch, which are not in the table.
    let known = |key: &FlowKey| key.nw_proto() != 2 && !matches!(key.dl_type().0, 0x8847 | 0x8848);
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
        let key = FlowKey::extract(0xffff, frame);
        assert_eq!(Match::new(key, found.mask), found, "{line}\n{frame:02x?}");
        assert_eq!(key.masked(&found.mask), key, "{line}\n{frame:02x?}");
    }
}
