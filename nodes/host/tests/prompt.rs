//! VPCS's words.

mod lab;

use host::{Host, Reply};
use lab::{Lab, host, with_gateway};
use proptest::prelude::*;
use sim_core::{NodeIx, Tag};

const SECOND: u64 = 1_000_000_000;

fn pair() -> (Lab, NodeIx) {
    let mut lab = Lab::new();
    let a = lab.host(with_gateway(host(1, &["10.0.0.1/24", "2001:db8::1/64"]), "10.0.0.254"));
    let b = lab.host(host(2, &["10.0.0.2/24", "2001:db8::2/64"]));
    lab.link((a, 0), (b, 0));
    (lab, a)
}

fn type_line(lab: &mut Lab, node: NodeIx, line: &str) -> Reply {
    let words: Vec<&str> = line.split_whitespace().collect();
    lab.act(node, |host: &mut Host, cx| host.command(cx, &words, Tag(5)))
}

/// What a line prints in the end.
fn check(lab: &mut Lab, node: NodeIx, line: &str, expect: &str) {
    let printed = match type_line(lab, node, line) {
        Reply::Done(text) => text,
        Reply::Failed(text) => format!("error: {text}\n"),
        Reply::Running(id) => {
            assert_eq!(lab.act(node, |host, _| host.session_output(id)), None, "it takes time");
            lab.run(lab.engine.now().as_nanos() + 30 * SECOND);
            let text = lab.act(node, |host, _| host.session_output(id)).expect("done by now");
            assert_eq!(lab.act(node, |host, _| host.session_output(id)), None, "told once");
            text
        }
    };
    assert_eq!(printed, expect, "{line}");
}

#[test]
fn ping_prints_vpcs_lines() {
    let (mut lab, a) = pair();
    check(
        &mut lab,
        a,
        "ping 10.0.0.2 -c 2",
        "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n\
         84 bytes from 10.0.0.2 icmp_seq=2 ttl=64 time=0.020 ms\n",
    );
    let progress = lab.notices.iter().filter(|(_, tag)| *tag == Tag(5));
    assert_eq!(progress.count(), 2);
    check(&mut lab, a, "ping 2001:db8::2 -c 1 -s 100", "148 bytes from 2001:db8::2 icmp6_seq=1 ttl=64 time=0.040 ms\n");
    let own = "84 bytes from 10.0.0.1 icmp_seq=1 ttl=64 time=0.000 ms\n";
    check(&mut lab, a, "ping 10.0.0.1 -c 1", own);
    check(&mut lab, a, "ping 10.0.0.2 -c 1 -s 5000 -D", "10.0.0.2 icmp_seq=1 longer than the MTU of 1500 bytes\n");
}

#[test]
fn a_host_that_is_not_there_is_not_reachable_and_one_that_is_silent_times_out() {
    let (mut lab, a) = pair();
    check(&mut lab, a, "ping 10.0.0.9", "host (10.0.0.9) not reachable\n");
    let far = "host (192.0.2.1) not reachable: gateway 10.0.0.254 does not answer\n";
    check(&mut lab, a, "ping 192.0.2.1 -c 3", far);
    check(&mut lab, a, "ping 10.0.0.2 -c 1", "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    lab.engine.set_running(NodeIx(1), false);
    lab.engine.set_running(NodeIx(1), true);
    let fast = "10.0.0.2 icmp_seq=1 timeout\n84 bytes from 10.0.0.2 icmp_seq=2 ttl=64 time=0.020 ms\n";
    let mut config = lab.engine.link_config(sim_core::LinkIx(0).forward()).clone();
    type_line(&mut lab, a, "ping 10.0.0.2 -c 1");
    lab.run(lab.engine.now().as_nanos() + SECOND);
    config.loss = sim_core::Probability::ONE;
    lab.engine.configure(sim_core::LinkIx(0).forward(), config.clone());
    let Reply::Running(id) = type_line(&mut lab, a, "ping 10.0.0.2 -c 2 -w 500") else { panic!("a ping runs") };
    lab.run(lab.engine.now().as_nanos() + SECOND / 2);
    config.loss = sim_core::Probability::ZERO;
    lab.engine.configure(sim_core::LinkIx(0).forward(), config);
    lab.run(lab.engine.now().as_nanos() + SECOND);
    assert_eq!(lab.act(a, |host, _| host.session_output(id)).as_deref(), Some(fast));
}

#[test]
fn a_command_that_is_cancelled_gives_what_it_has() {
    let (mut lab, a) = pair();
    let Reply::Running(id) = type_line(&mut lab, a, "ping 10.0.0.2 -c 100") else { panic!("a ping runs") };
    lab.run(SECOND / 2);
    let text = lab.act(a, |host, _| host.cancel_session(id)).expect("it ran");
    assert_eq!(text, "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    lab.run(10 * SECOND);
    assert_eq!(lab.engine.next_event(), sim_core::Time::NEVER);
}

#[test]
fn show_prints_addresses_and_neighbours() {
    let (mut lab, a) = pair();
    check(&mut lab, a, "show arp", "arp table is empty\n");
    check(
        &mut lab,
        a,
        "show ip",
        "NAME      : h1\nINTERFACE : eth0\nIP/MASK   : 10.0.0.1/24\nGATEWAY   : 10.0.0.254\n\
         MAC       : 02:00:00:00:00:01\nMTU       : 1500\n",
    );
    check(
        &mut lab,
        a,
        "show ipv6",
        "NAME             : h1\nINTERFACE        : eth0\nLINK-LOCAL SCOPE : fe80::ff:fe00:1/64\n\
         GLOBAL SCOPE     : 2001:db8::1/64\nGATEWAY          :\nMAC              : 02:00:00:00:00:01\n\
         MTU              : 1500\n",
    );
    check(
        &mut lab,
        a,
        "show",
        "NAME  INTERFACE  IP/MASK         GATEWAY     MAC\n\
         h1    eth0       10.0.0.1/24     10.0.0.254  02:00:00:00:00:01\n\
         h1    eth0       2001:db8::1/64              02:00:00:00:00:01\n",
    );
    check(&mut lab, a, "ping 10.0.0.2 -c 1", "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    check(&mut lab, a, "arp", "02:00:00:00:00:02  10.0.0.2 expires in 270 seconds\n");
    check(&mut lab, a, "clear arp", "");
    check(&mut lab, a, "arp", "arp table is empty\n");
}

#[test]
fn ip_sets_the_address_and_the_gateway() {
    let (mut lab, a) = pair();
    check(&mut lab, a, "ip 10.0.1.7/24 10.0.1.254", "h1 : 10.0.1.7/24 gateway 10.0.1.254\n");
    let addresses: Vec<String> = lab.at(a).addresses().map(|(_, address)| address.to_string()).collect();
    assert_eq!(addresses, ["10.0.1.7/24", "2001:db8::1/64", "fe80::ff:fe00:1/64"]);
    check(&mut lab, a, "ip 10.0.0.5/24", "h1 : 10.0.0.5/24\n");
    check(&mut lab, a, "ping 10.0.0.2 -c 1", "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    let no_route = "error: host (192.0.2.1) not reachable: no route; `ip ADDRESS/LEN GATEWAY` sets a gateway\n";
    check(&mut lab, a, "ping 192.0.2.1", no_route);
}

#[test]
fn what_is_not_understood_says_what_could_be_typed() {
    let (mut lab, a) = pair();
    for (line, expect) in [
        ("pnig 10.0.0.2", "unknown command `pnig`: did you mean `ping`?"),
        ("show arpp", "unknown command `show arpp`: did you mean `show arp`?"),
        (
            "frobnicate",
            "unknown command `frobnicate`: one of arp, clear, close, curl, http, ip, iperf, listen, nc, netstat, ping, \
             show, ss, trace, help",
        ),
        ("ping", "usage: ping HOST [-c COUNT] [-s SIZE] [-i MS] [-w MS] [-T TTL] [-D]"),
        ("ping nobody", "ping: `nobody` is neither an address nor a host's name"),
        ("ping 10.0.0.2 -c 0", "ping: `-c` takes a number from 1 to 65535, found `0`"),
        ("ping 10.0.0.2 -c", "ping: `-c` needs a number behind it"),
        ("ping 10.0.0.2 -x", "ping: unknown option `-x`: one of -c -s -l -i -w -T -D"),
        (
            "ip 10.0.0.1",
            "ip: `10.0.0.1` is not an address with a prefix length, as in 192.168.9.1/24 or 2001:db8::1/64",
        ),
        ("ip 10.0.0.1/24 10.1.0.1", "ip: the gateway 10.1.0.1 is not in 10.0.0.0/24"),
        ("ip 224.0.0.1/24", "ip: 224.0.0.1 is no host's address"),
    ] {
        check(&mut lab, a, line, &format!("error: {expect}\n"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_words_are_answered(words in prop::collection::vec("(ping|show|ip|clear|arp|-c|-s|10\\.0\\.0\\.2|::1|/|[0-9]{1,6}|\\PC{0,6})", 0..6)) {
        let (mut lab, a) = pair();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match lab.act(a, |host, cx| host.command(cx, &words, Tag::NONE)) {
            Reply::Failed(text) => prop_assert!(!text.is_empty()),
            Reply::Done(text) => prop_assert!(text.is_empty() || text.ends_with('\n')),
            Reply::Running(id) => prop_assert!(lab.act(a, |host, _| host.cancel_session(id)).is_some()),
        }
    }
}

/// Two hosts with a server on the second, named by what is typed there.
fn served(lines: &[&str]) -> (Lab, NodeIx, NodeIx) {
    let (mut lab, a) = pair();
    for line in lines {
        assert!(matches!(type_line(&mut lab, NodeIx(1), line), Reply::Done(_)), "{line}");
    }
    // The neighbours know each other from here on.
    check(&mut lab, a, "ping 10.0.0.2 -c 1", "84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time=0.040 ms\n");
    check(&mut lab, a, "ping 2001:db8::2 -c 1", "104 bytes from 2001:db8::2 icmp6_seq=1 ttl=64 time=0.040 ms\n");
    (lab, a, NodeIx(1))
}

#[test]
fn nc_sends_prints_and_scans_as_netcat_does() {
    let (mut lab, a, _) = served(&["listen tcp 7", "listen udp 7 echo", "listen tcp 9 discard", "http 80"]);
    check(&mut lab, a, "nc 10.0.0.2 7 hello there", "hello there\n");
    check(&mut lab, a, "nc -u 10.0.0.2 7 hello", "hello\n");
    check(&mut lab, a, "nc -v 10.0.0.2 9 x", "Connection to 10.0.0.2 9 port [tcp/*] succeeded!\n");
    check(&mut lab, a, "nc 10.0.0.2 8 x", "nc: connect to 10.0.0.2 port 8 (tcp) failed: Connection refused\n");
    check(&mut lab, a, "nc 2001:db8::2 7 six", "six\n");
    check(&mut lab, a, "nc -u 10.0.0.2 8 x", "nc: read failed (udp): Connection refused\n");
    check(
        &mut lab,
        a,
        "nc -zv 10.0.0.2 79-81",
        "nc: connect to 10.0.0.2 port 79 (tcp) failed: Connection refused\n\
         Connection to 10.0.0.2 80 port [tcp/*] succeeded!\n\
         nc: connect to 10.0.0.2 port 81 (tcp) failed: Connection refused\n",
    );
    check(&mut lab, a, "nc -w 2 10.0.0.9 80", "nc: connect to 10.0.0.9 port 80 (tcp) failed: Connection timed out\n");
    check(&mut lab, a, "nc 10.0.0.9 80", "nc: connect to 10.0.0.9 port 80 (tcp) failed: No route to host\n");
}

#[test]
fn nc_listens_once_in_the_foreground_and_for_ever_in_the_background() {
    let (mut lab, a, b) = served(&["nc -l -k 9000"]);
    let Reply::Running(id) = type_line(&mut lab, b, "nc -l 9001") else { panic!("it waits") };
    check(&mut lab, a, "nc 10.0.0.2 9001 first", "");
    assert_eq!(lab.act(b, |host, _| host.session_news(id)).as_deref(), Some("first\n"));
    assert_eq!(lab.act(b, |host, _| host.session_news(id)).as_deref(), Some(""));
    assert_eq!(lab.act(b, |host, _| host.session_output(id)).as_deref(), Some(""), "all was told");
    check(&mut lab, a, "nc 10.0.0.2 9001 x", "nc: connect to 10.0.0.2 port 9001 (tcp) failed: Connection refused\n");
    check(&mut lab, a, "nc 10.0.0.2 9000 one", "");
    check(&mut lab, a, "nc 10.0.0.2 9000 two", "");
    check(&mut lab, b, "show log", "one\ntwo\n");
    let Reply::Running(id) = type_line(&mut lab, b, "nc -u -l 9002") else { panic!("it waits") };
    check(&mut lab, a, "nc -u 10.0.0.2 9002 by datagram", "");
    assert_eq!(lab.act(b, |host, _| host.cancel_session(id)).as_deref(), Some("by datagram\n"));
    check(&mut lab, a, "nc -u 10.0.0.2 9002 x", "nc: read failed (udp): Connection refused\n");
    check(&mut lab, b, "close tcp 9000", "");
    let nothing = "error: close: nothing serves tcp port 9000: `show sockets` lists what listens\n";
    check(&mut lab, b, "close tcp 9000", nothing);
}

#[test]
fn a_command_that_would_print_for_ever_ends() {
    let (mut lab, a, _) = served(&["listen tcp 19 chargen"]);
    let Reply::Running(id) = type_line(&mut lab, a, "nc 10.0.0.2 19") else { panic!("it runs") };
    lab.run(lab.engine.now().as_nanos() + SECOND / 10);
    let text = lab.act(a, |host, _| host.session_output(id)).expect("it has ended");
    assert!(
        text.starts_with("!\"#$%&'()*+,-./0123456789") && (1 << 20..(1 << 20) + 10_000).contains(&text.len()),
        "{}",
        text.len()
    );
    lab.run(lab.engine.now().as_nanos() + SECOND);
    assert_eq!(lab.engine.next_event(), sim_core::Time::NEVER, "its connection is reset");
}

#[test]
fn curl_prints_what_curl_prints() {
    let (mut lab, a, _) = served(&["http 80", "http 8080"]);
    let body = |port| {
        format!(
            "<!DOCTYPE html>\n<html>\n<head><title>h2</title></head>\n<body><h1>h2</h1>\n<p>h2, port {port}</p>\n</body>\n\
             </html>\n"
        )
    };
    let head = "HTTP/1.1 200 OK\nServer: netloom\nContent-Type: text/html; charset=utf-8\nContent-Length: 107\n\
                Connection: close\n\n";
    let page = body(80);
    assert_eq!(page.len(), 107);
    check(&mut lab, a, "curl http://10.0.0.2/", &page);
    check(&mut lab, a, "curl 10.0.0.2", &page);
    check(&mut lab, a, "curl http://[2001:db8::2]:8080/", &body(8080));
    check(&mut lab, a, "curl -i 10.0.0.2", &format!("{head}{page}"));
    check(&mut lab, a, "curl -I 10.0.0.2", head);
    check(&mut lab, a, "http get http://10.0.0.2/", &format!("HTTP/1.1 200 OK\n{page}"));
    let verbose = format!(
        "*   Trying 10.0.0.2:80...\n* Connected to 10.0.0.2 (10.0.0.2) port 80 (#0)\n> GET / HTTP/1.1\n> Host: 10.0.0.2\n\
         > User-Agent: netloom\n> Accept: */*\n> Connection: close\n>\n< HTTP/1.1 200 OK\n< Server: netloom\n\
         < Content-Type: text/html; charset=utf-8\n< Content-Length: 107\n< Connection: close\n<\n{page}\
         * Closing connection 0\n"
    );
    check(&mut lab, a, "curl -v 10.0.0.2", &verbose);
    let refused = "curl: (7) Failed to connect to 10.0.0.2 port 81 after 0 ms: Couldn't connect to server\n";
    check(&mut lab, a, "curl 10.0.0.2:81", refused);
    check(&mut lab, a, "curl http://nobody/", "error: curl: (6) Could not resolve host: nobody\n");
    let secure = "error: curl: (1) Protocol \"https\" not supported: only http\n";
    check(&mut lab, a, "curl https://10.0.0.2/", secure);
}

#[test]
fn iperf_prints_the_lines_of_iperf_2() {
    let (mut lab, a, b) = served(&[]);
    let rule = "------------------------------------------------------------\n";
    let listening = format!("{rule}Server listening on TCP port 5001\nTCP window size: 16.0 MByte (default)\n{rule}");
    check(&mut lab, b, "iperf -s", &listening);
    let connecting =
        format!("{rule}Client connecting to 10.0.0.2, TCP port 5001\nTCP window size: 16.0 MByte (default)\n{rule}");
    let Reply::Running(id) = type_line(&mut lab, a, "iperf -c 10.0.0.2 -t 0.2 -i 0.1") else { panic!("it runs") };
    lab.run(lab.engine.now().as_nanos() + SECOND);
    let text = lab.act(a, |host, _| host.session_output(id)).expect("done");
    let port = text.split("port ").nth(2).and_then(|rest| rest.split(' ').next()).expect("a port").to_string();
    let expect = format!(
        "{connecting}[  1] local 10.0.0.1 port {port} connected with 10.0.0.2 port 5001 (icwnd/mss/irtt=14/1460/20)\n\
         [ ID] Interval       Transfer     Bandwidth\n"
    );
    assert!(text.starts_with(&expect), "{text}");
    let lines: Vec<&str> = text[expect.len()..].lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(lines[0].starts_with("[  1] 0.0000-0.1000 sec   115 MBytes  9.6"), "{text}");
    assert!(lines[1].starts_with("[  1] 0.1000-0.2000 sec   115 MBytes  9.6"), "{text}");
    assert!(lines[2].starts_with("[  1] 0.0000-0.2") && lines[2].ends_with("9.64 Gbits/sec"), "{text}");
    let Reply::Done(log) = type_line(&mut lab, b, "show log") else { panic!("it is printed") };
    assert!(log.contains(&format!("local 10.0.0.2 port 5001 connected with 10.0.0.1 port {port} (icwnd")), "{log}");
    assert!(log.ends_with("9.64 Gbits/sec\n"), "{log}");
    check(&mut lab, b, "iperf -s -u -1", &format!("{rule}Server listening on UDP port 5001\n{rule}"));
    let Reply::Running(id) = type_line(&mut lab, a, "iperf -u -c 10.0.0.2 -t 1 -b 10M") else { panic!("it runs") };
    lab.run(lab.engine.now().as_nanos() + 2 * SECOND);
    let text = lab.act(a, |host, _| host.session_output(id)).expect("done");
    let expect = "[ ID] Interval       Transfer     Bandwidth\n\
                  [  1] 0.0000-1.0000 sec  1.25 MBytes  10.5 Mbits/sec\n\
                  [  1] Sent 892 datagrams\n\
                  [  1] Server Report:\n\
                  [ ID] Interval       Transfer     Bandwidth        Jitter   Lost/Total Datagrams\n\
                  [  1] 0.0000-0.9993 sec  1.25 MBytes  10.5 Mbits/sec   0.000 ms 0/892 (0%)\n";
    assert!(text.contains("Sending 1470 byte datagrams, IPG target: 1121.52 us (kalman adjust)\n"), "{text}");
    assert!(text.ends_with(expect), "{text}");
    let Reply::Running(id) = type_line(&mut lab, a, "iperf -u -c 10.0.0.2 -t 1") else { panic!("it runs") };
    lab.run(lab.engine.now().as_nanos() + 2 * SECOND);
    let text = lab.act(a, |host, _| host.session_output(id)).expect("the server was for one client");
    assert!(text.ends_with("write failed: Connection refused\n"), "{text}");
    let taken =
        "error: iperf: tcp port 5001 is in use: `show sockets` lists what listens, `close tcp 5001` closes it\n";
    check(&mut lab, b, "iperf -s", taken);
}

#[test]
fn trace_prints_the_hops_as_vpcs_does() {
    let (mut lab, a, _) = served(&[]);
    check(
        &mut lab,
        a,
        "trace 10.0.0.2",
        "trace to 10.0.0.2, 8 hops max, press Ctrl+C to stop\n\
         \x20\x201   *10.0.0.2   0.020 ms (ICMP type:3, code:3, Destination port unreachable)\n"
            .replace("\u{20}\u{20}1", " 1")
            .as_str(),
    );
    check(
        &mut lab,
        a,
        "trace 2001:db8::2 -P icmp",
        "trace to 2001:db8::2, 8 hops max, press Ctrl+C to stop\n 1   2001:db8::2   0.020 ms   0.020 ms   0.020 ms\n",
    );
    let far = type_line(&mut lab, a, "trace 192.0.2.1 -m 2");
    assert!(matches!(far, Reply::Running(_)), "{far:?}");
}

#[test]
fn show_sockets_lists_what_listens_and_what_is_connected() {
    let (mut lab, a, b) = served(&["http 80", "listen udp 7", "iperf -s"]);
    let Reply::Running(_) = type_line(&mut lab, a, "iperf -c 10.0.0.2") else { panic!("it runs") };
    lab.run(lab.engine.now().as_nanos() + SECOND / 100);
    let Reply::Done(text) = type_line(&mut lab, b, "show sockets") else { panic!("it is printed") };
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(
        lines[..3],
        ["Proto Local Address Foreign Address State", "tcp *:80 *:* LISTEN (http)", "tcp *:5001 *:* LISTEN (iperf)"]
    );
    assert!(lines[3].starts_with("tcp 10.0.0.2:5001 10.0.0.1:") && lines[3].ends_with(" ESTABLISHED"), "{text}");
    assert_eq!(lines[4], "udp *:7 *:* (echo)");
    check(&mut lab, a, "iperf -x", "error: iperf: unknown option `-x`: one of -s -c -u -p -b -t -i -n -l -P -w -1\n");
    check(&mut lab, a, "nc -l 70000", "error: nc: `70000` is no port: take one from 1 to 65535\n");
}
