//! Hosts take the programs of a shell besides VPCS's words.

use sim_core::Time;
use topologies::parse;
use topologies::run::{End, Session};

const LAB: &str = r#"
[switches.s1]
[hosts]
h1 = { ip = "10.0.0.1/24", to = "s1:1" }
h2 = { ip = "10.0.0.2/24", to = "s1:2" }
"#;

fn lab(text: &str) -> Session {
    let mut lab =
        Session::new(parse("lab.toml", text, &[]).expect("the lab is right").lab).expect("so are its devices");
    lab.run(End::At(Time::from_millis(1)));
    lab
}

/// What a line prints, run to its end; what is wrong if it can't be done.
fn said(lab: &mut Session, line: &str) -> String {
    match lab.command(&ovsdb::words::split(line).expect("it has words")) {
        Ok(text) => {
            lab.run(End::Quiet);
            text + &lab.take_output()
        }
        Err(error) => error.message,
    }
}

#[test]
fn programs_answer_as_the_originals() {
    let mut lab = lab(LAB);
    let shown = said(&mut lab, "h1 ip addr show dev eth0");
    assert!(shown.starts_with("2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500"), "{shown}");
    assert!(shown.contains("inet 10.0.0.1/24 brd 10.0.0.255 scope global eth0"), "{shown}");
    assert!(said(&mut lab, "h1 ifconfig").contains("inet 10.0.0.1  netmask 255.255.255.0"));
    assert_eq!(said(&mut lab, "h1 ifconfig eth0 10.0.0.7/24"), "");
    assert!(said(&mut lab, "h2 ping 10.0.0.7 -c 1").contains("bytes from 10.0.0.7"));
    assert_eq!(said(&mut lab, "h1 ip route add 10.9.0.0/16 dev eth0"), "");
    assert!(said(&mut lab, "h1 route -n").contains("10.9.0.0"));
    assert!(said(&mut lab, "h1 arp -n").contains("10.0.0.2                 ether"));
    assert_eq!(said(&mut lab, "h1 sysctl -w net.ipv4.ip_forward=1"), "net.ipv4.ip_forward = 1\n");
}

#[test]
fn words_of_vpcs_stay_where_they_clash() {
    let mut lab = lab(LAB);
    for _ in 0..2 {
        assert_eq!(said(&mut lab, "h1 ip 10.0.0.5/24"), "h1 : 10.0.0.5/24\n");
        assert!(said(&mut lab, "h1 ping h2 -c 1").starts_with("84 bytes from 10.0.0.2 icmp_seq=1 ttl=64 time="));
        assert!(said(&mut lab, "h1 arp").contains("  10.0.0.2 expires in "));
        assert!(!said(&mut lab, "h1 show").contains("lo"), "VPCS has no loopback");
        assert!(said(&mut lab, "h1 ip").starts_with("usage: ip ADDRESS/LEN"));
        assert!(said(&mut lab, "h1 ovs-vsctl show").contains("unknown command"), "it has no Open vSwitch");
        assert!(said(&mut lab, "h1 tunctl -t tap0").contains("unknown command"));
        assert_eq!(said(&mut lab, "h1 ifconfg eth0"), "unknown command `ifconfg`: did you mean `ifconfig`?");
        // The same once it has a shell.
        said(&mut lab, "h1 ifconfig");
    }
}

#[test]
fn a_host_with_a_shell_is_a_host_to_the_lab() {
    let (mut plain, mut with_shell) = (lab(LAB), lab(LAB));
    said(&mut with_shell, "h1 ip link");
    for line in ["pingall", "dump", "h1 help", "h1 show", "save", "links"] {
        assert_eq!(said(&mut with_shell, line), said(&mut plain, line), "{line}");
    }
    assert_eq!(with_shell.inspect(), plain.inspect());
}

#[test]
fn what_runs_on_a_host_goes_on_when_it_gets_a_shell() {
    let mut lab = lab(LAB);
    said(&mut lab, "h1 listen tcp 7");
    lab.command(&["h1", "ping", "h2", "-c", "3"].map(str::to_owned)).expect("it starts");
    assert!(said(&mut lab, "h1 ifconfig").matches("icmp_seq").count() == 3);
    assert!(said(&mut lab, "h2 nc h1 7 hello").contains("hello"));
}

#[test]
fn tcpdump_on_a_host_shows_frames_as_they_pass() {
    let mut lab = lab(LAB);
    let job = lab.command(&["h2", "tcpdump", "-tni", "eth0", "-c", "2", "icmp"].map(str::to_owned));
    job.expect("it starts");
    let text = said(&mut lab, "h1 ping h2 -c 1");
    assert!(
        text.contains("IP 10.0.0.1 > 10.0.0.2: ICMP echo request") && text.contains("2 packets captured"),
        "{text}"
    );
}

#[test]
fn setup_of_a_host_takes_programs_and_what_they_did_is_saved() {
    let text = LAB.replace(
        "to = \"s1:2\"",
        "to = \"s1:2\", setup = '''\nip link add link eth0 name v5 type vlan id 5\nip addr add 10.5.0.2/24 dev v5\n\
         ifconfig v5 up\nip route add 10.9.0.0/16 via 10.5.0.9 metric 3\nip addr add 10.255.0.2/32 dev lo\n'''",
    );
    let mut first = lab(&text);
    let saved = first.save();
    let mut second = lab(&saved);
    assert_eq!(second.save(), saved);
    for line in ["h2 ip addr", "h2 ip route", "h2 ip -d link", "h1 ip addr", "dump"] {
        assert_eq!(said(&mut second, line), said(&mut first, line), "{saved}");
    }
    assert!(said(&mut first, "h2 ip route").contains("10.9.0.0/16 via 10.5.0.9 dev v5 metric 3"));
    let wrong = text.replace("ifconfig v5 up", "tcpdump -i eth0");
    let wrong = Session::new(parse("lab.toml", &wrong, &[]).expect("the lab is right").lab).map(|_| ());
    assert!(wrong.is_err_and(|errors| errors[0].message.contains("takes lab time")));
}
