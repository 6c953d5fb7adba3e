//! What tshark reads in the captures of the examples: tags, addresses, questions and answers.

#[path = "support/for_examples.rs"]
mod for_examples;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{needs, netloom, tempdir, tshark_fields, tshark_warnings};

/// The capture of all links of an example.
struct Captured {
    _directory: tempfile::TempDir,
    file: PathBuf,
}

impl Captured {
    fn new(example: &str) -> Self {
        Self::of(example, "all", "pcapng", &[])
    }

    fn of(example: &str, link: &str, extension: &str, arguments: &[&str]) -> Self {
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(example).with_extension("toml");
        let directory = tempdir();
        let file = directory.path().join("lab").with_extension(extension);
        let capture = format!("{link}={}", file.display());
        let output = netloom().arg("check").arg(lab).args(["--capture", &capture]).args(arguments).output();
        let output = output.expect("netloom starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        Self { _directory: directory, file }
    }

    fn fields(&self, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        tshark_fields(&self.file, filter, fields)
    }

    fn count(&self, filter: &str) -> usize {
        self.fields(filter, &["frame.number"]).len()
    }

    /// Each different row once, with how often it is there.
    fn distinct(&self, filter: &str, fields: &[&str]) -> BTreeMap<Vec<String>, usize> {
        let mut rows = BTreeMap::new();
        self.fields(filter, fields).into_iter().for_each(|row| *rows.entry(row).or_default() += 1);
        rows
    }

    /// What tshark says of checksums when it looks at all of them.
    fn bad_checksums(&self) -> String {
        let output = Command::new("tshark")
            .env("WIRESHARK_CONFIG_DIR", "/nonexistent")
            .args(["-n", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-r"])
            .arg(&self.file)
            .args(["-Y", "ip.checksum.status != 1 || icmp.checksum.status != 1 || icmpv6.checksum.status != 1"])
            .output()
            .expect("tshark starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn strings<const N: usize>(row: [&str; N]) -> Vec<String> {
    row.map(str::to_owned).to_vec()
}

for_examples::each_example!(each_is_read_without_complaint, |name| {
    if crate::support::needs(&["tshark"]) {
        crate::sound(name);
    }
});

/// What tshark warns of and an example is about: the broadcast loop shows one ARP reply from several places; TCP is refused,
/// and loses segments where a queue is full.
const STORIES: [&str; 4] =
    ["Duplicate IP", "Connection reset (RST)", "Previous segment(s) not captured", "(suspected) out-of-order segment"];

/// No frame is malformed or strange, and every checksum is right, in pcapng and in pcap; both hold the same frames.
fn sound(example: &str) {
    let captured = Captured::new(example);
    let mut warnings = tshark_warnings(&captured.file);
    warnings.retain(|row| !STORIES.iter().any(|story| row[1].contains(story)));
    assert_eq!(warnings, Vec::<Vec<String>>::new());
    assert_eq!(captured.bad_checksums(), "");
    let pcap = Captured::of(example, "all", "pcap", &[]);
    let fields = ["frame.time_epoch", "frame.len", "eth.src", "eth.dst", "_ws.col.info"];
    let frames = captured.fields("", &fields);
    assert!(frames.len() > 4 && frames == pcap.fields("", &fields), "pcap and pcapng differ");
}

#[test]
fn the_trunk_of_two_servers_carries_tags_and_the_hosts_see_none() {
    if !needs(&["tshark"]) {
        return;
    }
    let captured = Captured::new("vlan-two-servers");
    let names = captured.distinct("vlan.id == 9", &["frame.interface_name", "vlan.id", "eth.type"]);
    let trunk = ["s1:trunk > s2:trunk", "s2:trunk > s1:trunk"];
    for direction in trunk {
        assert!(names.contains_key(&strings([direction, "9", "0x8100"])), "{names:?}");
    }
    // What the switches tag is on the trunk only; the probes of `apart` bring tags of their own from the hosts.
    let pings = captured.distinct("arp || icmp", &["frame.interface_name", "vlan.id"]);
    for row in pings.keys() {
        assert_eq!(trunk.contains(&row[0].as_str()), !row[1].is_empty(), "{row:?}");
    }
    assert_eq!(captured.count("frame.interface_name contains \"trunk\" && !vlan"), 0);
    let alone = Captured::of("vlan-two-servers", "s1:trunk", "pcapng", &[]);
    assert_eq!(alone.count(""), captured.count("frame.interface_name contains \"trunk\""));
}

#[test]
fn addresses_are_asked_for_and_told_and_every_echo_request_has_its_reply() {
    if !needs(&["tshark"]) {
        return;
    }
    let captured = Captured::new("vlan-two-servers");
    let asked = "arp.opcode == 1 && frame.interface_name == \"a1:eth0 > s1:a1\"";
    let rows = captured.distinct(asked, &["eth.dst", "arp.src.proto_ipv4", "arp.dst.proto_ipv4", "arp.dst.hw_mac"]);
    let to = |address| strings(["ff:ff:ff:ff:ff:ff", "192.168.9.1", address, "00:00:00:00:00:00"]);
    assert!(rows.contains_key(&to("192.168.9.2")) && rows.contains_key(&to("192.168.9.4")), "{rows:?}");
    let told = "arp.opcode == 2 && frame.interface_name == \"s1:a1 > a1:eth0\"";
    for row in captured.fields(told, &["eth.src", "arp.src.hw_mac", "eth.dst", "arp.dst.hw_mac", "arp.dst.proto_ipv4"])
    {
        assert_eq!((&row[0], &row[2], row[4].as_str()), (&row[1], &row[3], "192.168.9.1"));
    }
    let alone = Captured::of("vlan-two-servers", "a1:eth0", "pcapng", &[]);
    let echoes = |kind: u8, from: &str, to: &str| {
        alone.distinct(&format!("icmp.type == {kind}"), &[from, to, "icmp.ident", "icmp.seq", "data.data"])
    };
    let requests = echoes(8, "ip.src", "ip.dst");
    assert!(requests.len() >= 4 && requests.values().all(|count| *count == 1), "{requests:?}");
    assert_eq!(requests, echoes(0, "ip.dst", "ip.src"), "a reply comes back with what was asked");
    // 1 s between the ARP requests of a host that nobody answers.
    let asked = "arp.opcode == 1 && arp.dst.proto_ipv4 == 192.168.9.4 && frame.interface_name == \"a1:eth0 > s1:a1\"";
    let times: Vec<f64> =
        captured.fields(asked, &["frame.time_epoch"]).iter().map(|row| row[0].parse().expect("seconds")).collect();
    assert!(times.len() >= 3, "{times:?}");
    assert!(times.windows(2).all(|pair| pair[1] - pair[0] > 0.999), "{times:?}");
}

#[test]
fn native_and_voice_vlans_have_the_tags_of_their_ports() {
    if !needs(&["tshark"]) {
        return;
    }
    let captured = Captured::new("access-trunk-native");
    let tags = |link: &str| {
        let filter = format!("(arp || icmp) && frame.interface_name contains \"{link}\"");
        Vec::from_iter(captured.distinct(&filter, &["vlan.id"]).into_keys().map(|row| row[0].clone()))
    };
    assert_eq!(tags("uplink"), ["10", "20"]);
    assert_eq!(tags("s1:desk"), ["", "20"]);
    assert_eq!(tags("s1:pc"), [""]);
    assert_eq!(tags("s2:pbx"), [""]);
}

#[test]
fn the_provider_s_core_carries_a_service_tag_around_the_customer_s() {
    if !needs(&["tshark"]) {
        return;
    }
    let captured = Captured::new("qinq-provider");
    let core = "frame.interface_name contains \"core\" && icmp";
    let tags = captured.distinct(core, &["eth.type", "ieee8021ad.id", "vlan.id", "vlan.etype", "ip.proto"]);
    let rows: Vec<String> = tags.keys().map(|row| row.join(" ")).collect();
    for (service, customer) in [("100", "10"), ("100", "20"), ("200", "10")] {
        let wanted = |row: &Vec<String>| {
            row[0].starts_with("0x88a8")
                && row[1].split(',').next() == Some(service)
                && row[2].split(',').next_back() == Some(customer)
        };
        assert!(tags.keys().any(wanted), "{service} around {customer} in {rows:?}");
    }
    assert!(tags.keys().all(|row| row[0].starts_with("0x88a8")), "{rows:?}");
    let inner = captured.fields("frame.interface_name contains \"core\" && icmp", &["ieee8021ad.svid", "vlan.etype"]);
    assert!(!inner.is_empty());
    // The customers' side of the tunnel has one tag, of the customer.
    let customer = "frame.interface_name contains \"p1:red\" && icmp";
    let tags = captured.distinct(customer, &["eth.type", "ieee8021ad.id", "vlan.id"]);
    assert_eq!(Vec::from_iter(tags.into_keys()), [strings(["0x8100", "", "10"]), strings(["0x8100", "", "20"])]);
}

#[test]
fn ipv6_neighbours_are_solicited_by_multicast_and_advertise_themselves() {
    if !needs(&["tshark"]) {
        return;
    }
    let captured = Captured::new("ipv6-neighbours");
    let solicited = "icmpv6.type == 135 && frame.interface_name == \"h1:eth0 > s1:h1\"";
    let rows =
        captured.fields(solicited, &["eth.dst", "ipv6.src", "ipv6.dst", "ipv6.hlim", "icmpv6.nd.ns.target_address"]);
    assert_eq!(rows, [strings(["33:33:ff:00:00:02", "2001:db8::1", "ff02::1:ff00:2", "255", "2001:db8::2"])]);
    let advertised = "icmpv6.type == 136 && frame.interface_name == \"h2:eth0 > s1:h2\"";
    let fields = ["ipv6.src", "ipv6.dst", "ipv6.hlim", "icmpv6.nd.na.target_address", "icmpv6.nd.na.flag.s"];
    let rows = captured.fields(advertised, &fields);
    assert_eq!(rows[0][..4], strings(["2001:db8::2", "2001:db8::1", "255", "2001:db8::2"]));
    assert!(matches!(rows[0][4].as_str(), "1" | "True"), "{rows:?}");
    let echo = "frame.interface_name == \"h2:eth0 > s1:h2\" && icmpv6.type == 129";
    assert_eq!(captured.fields(echo, &["ipv6.src", "ipv6.dst"]), [strings(["2001:db8::2", "2001:db8::1"])]);
}

#[test]
fn frames_that_the_wan_lost_carry_a_comment_that_says_so() {
    if !needs(&["tshark"]) {
        return;
    }
    let captured = Captured::of("slow-lossy-wan", "all", "pcapng", &["--seed", "2"]);
    let rows = captured.distinct("frame.comment", &["frame.comment", "frame.interface_name"]);
    assert!(!rows.is_empty());
    for row in rows.keys() {
        let [comment, interface] = row.as_slice() else { panic!("{row:?}") };
        let (_, end) = interface.split_once(" > ").expect("a direction has two ends");
        assert_eq!(comment, &format!("drop loss at {end}"));
        assert!(end.ends_with(":wan"), "{row:?}");
    }
    let wan = "frame.interface_name contains \"wan\"";
    let (all, lost) = (captured.count(wan), captured.count("frame.comment"));
    assert!(lost * 30 > all && lost * 4 < all, "{lost} of {all} lost at 10 percent");
}

#[test]
fn the_section_says_the_lab_and_its_seed_and_nothing_of_the_machine() {
    if !needs(&["tshark"]) {
        return;
    }
    let captured = Captured::of("slow-lossy-wan", "all", "pcapng", &["--seed", "2"]);
    let output = Command::new("capinfos").arg(&captured.file).output().expect("capinfos comes with tshark");
    let about = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(about.contains("slow-lossy-wan") && about.contains("nanoseconds"), "{about}");
    for word in ["Capture hardware", "Capture oper-sys", "Capture application"] {
        assert!(!about.lines().any(|line| line.starts_with(word) && !line.trim_end().ends_with(':')), "{about}");
    }
}
