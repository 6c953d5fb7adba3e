//! Names of hosts in lines that nodes are told, replaced by addresses.
//!
//! A name is replaced where its command expects a host: where the command's usage says `HOST` or `URL`, and in the words
//! with a grammar of their own, `tcpdump` and `route`. Elsewhere a word stays as it is, since an interface, a bridge or a
//! port may have the name of a node.

use super::net::Net;
use super::usage::{Place, Usage};
use super::words;
use sim_core::NodeIx;
use std::net::IpAddr;

/// The words of a line for a node with names of hosts replaced.
pub(super) fn resolve(net: &Net, node: NodeIx, line: &[String]) -> Vec<String> {
    let mut resolved = line.to_vec();
    let Some((first, rest)) = line.split_first() else { return resolved };
    let program = first.rsplit_once('/').map_or(first.as_str(), |(_, name)| name);
    let Some(word) = words::of(net.engine().node(node)).find(|word| word.name == program) else { return resolved };
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    let family = match program {
        "ping6" => Some(true),
        "ping" if rest.contains(&"-6") => Some(true),
        "ping" if rest.contains(&"-4") => Some(false),
        _ => None,
    };
    let address = |name: &str| net.address_of(net.names().find(name)?, family);
    let usage = Usage::of(word);
    // Where the host of a ping stands doesn't matter; it is the one word that is no option's.
    let stands_anywhere = matches!(program, "ping" | "ping6");
    for (at, place) in usage.places(&rest).into_iter().enumerate() {
        let before = at.checked_sub(1).map(|before| rest[before]);
        let is_host = match (program, place) {
            ("tcpdump", _) => is_filtered(rest.get(at.wrapping_sub(2)).copied(), before, rest[at]),
            ("route", _) => matches!(before, Some("gw" | "-host")),
            (_, Place::Of("HOST") | Place::Value("HOST")) => true,
            (_, Place::Other) => stands_anywhere && !rest[at].starts_with('-'),
            _ => false,
        };
        let new = match place {
            _ if is_host => address(rest[at]).map(|address| address.to_string()),
            Place::Of("URL") => url(rest[at], address),
            _ => None,
        };
        if let Some(new) = new {
            resolved[at + 1] = new;
        }
    }
    resolved
}

/// Whether a word of a filter of tcpdump is a host: behind `host`, `src` or `dst`, unless it goes on or is about Ethernet.
fn is_filtered(second_before: Option<&str>, before: Option<&str>, word: &str) -> bool {
    let is_grammar = matches!(word, "host" | "net" | "port" | "portrange" | "or" | "and" | "src" | "dst");
    let is_ethernet = second_before == Some("ether");
    matches!(before, Some("host" | "src" | "dst")) && !is_grammar && !is_ethernet
}

/// A URL with its host's name replaced.
fn url(text: &str, address: impl Fn(&str) -> Option<IpAddr>) -> Option<String> {
    let start = text.find("://").map_or(0, |at| at + "://".len());
    let (scheme, rest) = text.split_at(start);
    let end = rest.find([':', '/', '?', '#']).unwrap_or(rest.len());
    let (name, behind) = rest.split_at(end);
    let host = match address(name)? {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    Some([scheme, &host, behind].concat())
}

#[cfg(test)]
mod tests {
    use crate::run::Session;

    const LAB: &str = r#"
[servers.br0]
nics.h1 = { ip = "10.0.0.9/24", to = "s1:9" }
setup = "ovs-vsctl add-br br1"
[switches.s1]
[hosts]
h1 = { ip = "10.0.0.1/24", to = "s1:1" }
web = { ip = ["10.0.0.2/24", "2001:db8::2/64"], to = "s1:2" }
six = { ip = "2001:db8::3/64", to = "s1:3" }
"80" = { ip = "10.0.0.80/24", to = "s1:80" }
"#;

    #[track_caller]
    fn check(line: &str, expect: &str) {
        let lab = crate::parse("lab.toml", LAB, &[]).expect("the lab is right").lab;
        let session = Session::new(lab).expect("so are its devices");
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let node = session.net().names().find(&words[0]).expect("the line begins with a node");
        assert_eq!(super::resolve(session.net(), node, &words[1..]).join(" "), expect, "{line}");
    }

    #[test]
    fn a_name_is_an_address_where_a_host_is_expected() {
        for node in ["h1", "br0"] {
            check(&format!("{node} ping web -c 2"), "ping 10.0.0.2 -c 2");
            check(&format!("{node} ping -c 2 web"), "ping -c 2 10.0.0.2");
            check(&format!("{node} nc -u -w 2 web 80 h1"), "nc -u -w 2 10.0.0.2 80 h1");
            check(&format!("{node} iperf -c web -p 80"), "iperf -c 10.0.0.2 -p 80");
            check(&format!("{node} trace -m 3 six"), "trace -m 3 2001:db8::3");
        }
        check("br0 ping -nqc 3 -I h1 web", "ping -nqc 3 -I h1 10.0.0.2");
        check("br0 ping -6 web", "ping -6 2001:db8::2");
        check("br0 ping6 web", "ping6 2001:db8::2");
        check("br0 arp -d web", "arp -d 10.0.0.2");
        check("br0 /sbin/route add -net 10.9.0.0 gw web dev h1", "/sbin/route add -net 10.9.0.0 gw 10.0.0.2 dev h1");
        check("br0 tcpdump -i h1 host web and port 80", "tcpdump -i h1 host 10.0.0.2 and port 80");
        check("br0 tcpdump src host web or dst h1", "tcpdump src host 10.0.0.2 or dst 10.0.0.1");
    }

    #[test]
    fn a_name_in_a_url_is_an_address() {
        check("h1 curl http://web/x", "curl http://10.0.0.2/x");
        check("h1 curl -m 3 -i web:8080/web", "curl -m 3 -i 10.0.0.2:8080/web");
        check("h1 http get http://six:80/", "http get http://[2001:db8::3]:80/");
        check("h1 curl http://[2001:db8::2]/web", "curl http://[2001:db8::2]/web");
    }

    #[test]
    fn elsewhere_a_name_stays_as_it_is() {
        for line in [
            "ifconfig h1",
            "ip link set h1 up",
            "brctl addif br0 h1",
            "ovs-vsctl add-port br0 h1",
            "ovs-appctl fdb/show br0",
            "tunctl -t web",
            "ip route add default dev h1",
            "tcpdump -i h1 ether host web",
            "echo web",
            "http 80",
            "listen tcp 80",
            "iperf -s -p 80",
        ] {
            check(&format!("br0 {line}"), line);
        }
        check("h1 iperf -s -p 80", "iperf -s -p 80");
        check("h1 close tcp 80", "close tcp 80");
        check("h1 http 80", "http 80");
    }
}
