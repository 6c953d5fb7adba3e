//! Commands that run: what they print as they go, and at their end.

mod lab;

use host::{Reply, SessionId};
use lab::{Device, Lab, Plan};
use sim_core::NodeIx;

fn server() -> (Lab, NodeIx, NodeIx) {
    let mut lab = Lab::new();
    let peer = lab.host(1, "10.1.1.9/24", "");
    let nics: &[(&str, &[&str])] = &[("eth0", &["10.1.1.3/24"])];
    let server = lab.server(&Plan { name: "s", nics, taps: &[], setup: "" });
    lab.link((peer, 0), (server, 0));
    lab.run_for(1);
    (lab, peer, server)
}

fn start(lab: &mut Lab, node: NodeIx, line: &str) -> SessionId {
    match lab.try_line(node, line) {
        Reply::Running(id) => id,
        other => panic!("{line}: {other:?}"),
    }
}

fn of<R>(lab: &mut Lab, node: NodeIx, f: impl FnOnce(&mut server::Server) -> R) -> R {
    lab.engine.act(node, |device, _| match device {
        Device::Server(server) => f(server),
        Device::Host(_) => panic!("a host is no server"),
    })
}

#[track_caller]
fn news(lab: &mut Lab, node: NodeIx, id: SessionId) -> String {
    of(lab, node, |server| server.session_news(id)).expect("it runs")
}

#[test]
fn a_ping_tells_each_reply_as_it_comes_and_the_rest_at_its_end() {
    let (mut lab, _, server) = server();
    let whole = lab.line(server, "ping -c 3 10.1.1.9");
    let whole: Vec<&str> = whole.lines().collect();
    let id = start(&mut lab, server, "ping -c 3 10.1.1.9");
    lab.run_for(10);
    let first = news(&mut lab, server, id);
    assert_eq!(first.lines().next(), Some(whole[0]));
    assert!(first.lines().nth(1).is_some_and(|line| line.contains("icmp_seq=1")) && first.lines().count() == 2);
    assert_eq!(news(&mut lab, server, id), "");
    lab.run_for(1000);
    let second = news(&mut lab, server, id);
    assert!(second.contains("icmp_seq=2") && second.lines().count() == 1, "{second}");
    assert_eq!(of(&mut lab, server, |server| server.session_output(id)), None, "the third is to come");
    lab.run_for(2000);
    let rest = of(&mut lab, server, |server| server.session_output(id)).expect("it is over");
    let rest: Vec<&str> = rest.lines().collect();
    assert!(rest[0].contains("icmp_seq=3") && rest[1].is_empty() && rest.len() == 5, "{rest:?}");
    assert_eq!(rest[2], whole[5]);
    assert_eq!(of(&mut lab, server, |server| server.session_news(id)), None);
}

#[test]
fn a_ping_that_is_cancelled_gives_what_was_not_told() {
    let (mut lab, _, server) = server();
    let id = start(&mut lab, server, "ping -c 100 10.1.1.9");
    lab.run_for(1500);
    assert_eq!(news(&mut lab, server, id).matches("icmp_seq").count(), 2);
    lab.run_for(1000);
    let rest = of(&mut lab, server, |server| server.cancel_session(id)).expect("it ran");
    assert!(rest.matches("icmp_seq").count() == 1 && rest.contains("3 packets transmitted, 3 received"), "{rest}");
}

#[test]
fn tcpdump_tells_each_frame_as_it_passes() {
    let (mut lab, peer, server) = server();
    let id = start(&mut lab, server, "tcpdump -tni eth0 icmp");
    assert!(news(&mut lab, server, id).ends_with("snapshot length 262144 bytes\n"));
    assert!(lab.reaches(peer, "10.1.1.3"));
    let told = news(&mut lab, server, id);
    assert!(told.lines().count() == 2 && told.contains("echo request") && told.contains("echo reply"), "{told}");
    assert_eq!(news(&mut lab, server, id), "");
    let rest = of(&mut lab, server, |server| server.cancel_session(id)).expect("it ran");
    assert_eq!(rest, "2 packets captured\n2 packets received by filter\n0 packets dropped by kernel\n");
}

#[test]
fn what_tcpdump_keeps_is_bounded_while_nobody_asks() {
    let (mut lab, peer, server) = server();
    let id = start(&mut lab, server, "tcpdump -xxi eth0");
    assert!(lab.line(peer, "ping 10.1.1.3 -c 1").contains("icmp_seq=1"));
    let frames = 1000;
    lab.engine.act(peer, |device, cx| {
        let Device::Host(host) = device else { panic!("the peer is a host") };
        let frame = [[0xff; 6].as_slice(), &[2, 0, 0, 0, 0, 1, 8, 0], &[0; 1400]].concat();
        (0..frames).for_each(|_| host.send_raw(cx, sim_core::PortIx(0), &frame, sim_core::Tag::NONE));
    });
    lab.run_for(100);
    let text = news(&mut lab, server, id);
    assert!((1 << 20..(1 << 20) + 8192).contains(&text.len()), "{} bytes", text.len());
    assert!(lab.reaches(peer, "10.1.1.3"));
    let rest = of(&mut lab, server, |server| server.cancel_session(id)).expect("it ran");
    assert!(rest.contains("ICMP echo reply"), "there is room again: {rest}");
    let count = |what: &str| {
        let line = rest.lines().find(|line| line.ends_with(what)).expect("it is there");
        line.split(' ').next().and_then(|count| count.parse::<u64>().ok()).expect("it is a number")
    };
    assert!(count("packets dropped by kernel") > 0);
    assert_eq!(
        count("packets received by filter"),
        count("packets captured") + count("packets dropped by kernel"),
        "{rest}"
    );
}
