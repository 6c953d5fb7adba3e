//! What a dissector that others wrote finds in the segments of hosts.

mod lab;
#[path = "../../../tests/support/peers.rs"]
#[allow(dead_code, reason = "a part of it is used")]
mod peers;

use std::path::Path;

use host::Reply;
use lab::{Lab, host};
use sim_core::Tag;

/// A capture of frames with nanoseconds (the pcap format's version 2.4).
fn pcap(frames: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_3c4du32, 0x0004_0002, 0, 0, 65535, 1] {
        file.extend(word.to_le_bytes());
    }
    for (at, bytes) in frames {
        let size = bytes.len() as u32;
        for word in [(at / 1_000_000_000) as u32, (at % 1_000_000_000) as u32, size, size] {
            file.extend(word.to_le_bytes());
        }
        file.extend(bytes);
    }
    file
}

#[test]
fn tshark_finds_nothing_wrong_with_a_session_on_a_clean_link() {
    if !peers::needs(&["tshark"]) {
        return;
    }
    let mut lab = Lab::new();
    let a = lab.host(host(1, &["10.0.0.1/24", "2001:db8::1/64"]));
    let b = lab.host(host(2, &["10.0.0.2/24", "2001:db8::2/64"]));
    lab.link((a, 0), (b, 0));
    let lines = [
        (b, "http 80"),
        (b, "iperf -s"),
        (b, "iperf -s -u"),
        (a, "curl http://10.0.0.2/"),
        (a, "curl http://[2001:db8::2]/"),
        (a, "iperf -c 10.0.0.2 -n 300K"),
        (a, "iperf -u -c 2001:db8::2 -n 20K"),
        (a, "nc -z 10.0.0.2 81"),
    ];
    for (node, line) in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let reply = lab.act(node, |host, cx| host.command(cx, &words, Tag(1)));
        assert!(!matches!(reply, Reply::Failed(_)), "{line}: {reply:?}");
        lab.run(lab.engine.now().as_nanos() + 3_000_000_000);
    }
    let frames: Vec<_> = lab.engine.watch().arrivals.iter().map(|frame| (frame.at, frame.bytes.clone())).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sockets.pcap");
    std::fs::write(&path, pcap(&frames)).expect("the target directory can be written");
    let options = ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
    let found = |filter: &str| {
        let output =
            std::process::Command::new("tshark").args(options).arg("-r").arg(&path).args(["-Y", filter]).output();
        let output = output.expect("tshark runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let wrong = "_ws.malformed or tcp.checksum.status == 0 or udp.checksum.status == 0 or ip.checksum.status == 0 \
                 or tcp.analysis.retransmission or tcp.analysis.out_of_order or tcp.analysis.lost_segment \
                 or tcp.analysis.duplicate_ack or tcp.analysis.zero_window or tcp.analysis.ack_lost_segment";
    assert_eq!(found(wrong), "");
    assert_eq!(found("http.response.code == 200").lines().count(), 2);
    assert_eq!(found("tcp.flags.reset == 1").lines().count(), 1, "the port that is closed");
    assert_eq!(found("tcp.flags.fin == 1").lines().count(), 6, "both sides of three connections");
}
