//! Our captures as Wireshark's dissectors read them.

#[allow(dead_code, reason = "the helpers serve all crates")]
#[path = "../../tests/support/peers.rs"]
mod peers;

use std::fs;
use std::path::{Path, PathBuf};

use pcap::{Capture, Format, SNAPLEN, Section};

/// A broadcast ARP request of 192.168.9.1 for 192.168.9.2, tagged with VLAN 9 and padded with zeros to 64 bytes.
fn arp() -> Vec<u8> {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 1, 0x81, 0, 0, 9, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend([2, 0, 0, 0, 0, 1, 192, 168, 9, 1, 0, 0, 0, 0, 0, 0, 192, 168, 9, 2]);
    frame.resize(64, 0);
    frame
}

fn write(format: Format, file: &str) -> PathBuf {
    let mut capture = Capture::new(Vec::new(), format, &Section { lab: "vlan\nisolation", seed: 42 }).unwrap();
    let forth = capture.interface("s1:trunk > s2:trunk").unwrap();
    capture.packet(forth, 1, &arp(), None).unwrap();
    let back = capture.interface("s2:trunk > s1:\u{1b}[31m").unwrap();
    capture.packet(back, 86_400_000_000_001, &arp(), Some("drop vlan-mismatch at s1:trunk")).unwrap();
    capture.packet(forth, 86_400_000_000_002, &vec![0; SNAPLEN as usize + 1], None).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    fs::write(&path, capture.finish().unwrap()).unwrap();
    path
}

#[test]
fn tshark_reads_times_interfaces_and_comments_of_a_pcapng() {
    if !peers::needs(&["tshark"]) {
        return;
    }
    let file = write(Format::PcapNg, "fields.pcapng");
    let fields = ["frame.time_epoch", "frame.interface_name", "frame.comment", "frame.cap_len", "frame.len"];
    assert_eq!(
        peers::tshark_fields(&file, "", &fields),
        [
            ["0.000000001", "s1:trunk > s2:trunk", "", "64", "64"],
            ["86400.000000001", "s2:trunk > s1:\\u{1b}[31m", "drop vlan-mismatch at s1:trunk", "64", "64"],
            ["86400.000000002", "s1:trunk > s2:trunk", "", "262144", "262145"],
        ]
    );
}

#[test]
fn tshark_reads_times_of_a_pcap() {
    if !peers::needs(&["tshark"]) {
        return;
    }
    let file = write(Format::Pcap, "fields.pcap");
    let fields = ["frame.time_epoch", "frame.cap_len", "frame.len"];
    assert_eq!(
        peers::tshark_fields(&file, "", &fields),
        [["0.000000001", "64", "64"], ["86400.000000001", "64", "64"], ["86400.000000002", "262144", "262145"]]
    );
}

#[test]
fn tshark_dissects_a_padded_frame_without_a_warning_or_a_frame_check_sequence() {
    if !peers::needs(&["tshark"]) {
        return;
    }
    for (format, file) in [(Format::Pcap, "arp.pcap"), (Format::PcapNg, "arp.pcapng")] {
        let file = write(format, file);
        let fields = ["vlan.id", "arp.dst.proto_ipv4", "eth.fcs"];
        assert_eq!(peers::tshark_fields(&file, "arp", &fields), [["9", "192.168.9.2", ""], ["9", "192.168.9.2", ""]]);
        assert_eq!(peers::tshark_warnings(&file), Vec::<Vec<String>>::new());
    }
}

#[test]
fn tshark_names_a_malformed_frame_of_a_capture() {
    if !peers::needs(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new(Vec::new(), Format::PcapNg, &Section { lab: "cut", seed: 1 }).unwrap();
    let id = capture.interface("a:1 > b:1").unwrap();
    capture.packet(id, 0, &arp(), None).unwrap();
    capture.packet(id, 1, &arp()[..30], None).unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed.pcapng");
    fs::write(&path, capture.finish().unwrap()).unwrap();
    assert_eq!(peers::tshark_warnings(&path), [["2", "Malformed Packet (Exception occurred)"]]);
}
