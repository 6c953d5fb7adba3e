//! The commands of a server's shell: a table, and one file for each program.
//!
//! Each answers in the words and the layout of the original (iproute2, net-tools, bridge-utils, uml-utilities, iputils,
//! tcpdump). What prepares a machine and is done already here is accepted in silence (`quiet`).

mod arp;
mod brctl;
mod ifconfig;
mod ip;
mod ping;
mod quiet;
mod route;
mod sysctl;
mod tcpdump;
mod tunctl;
mod words;

pub(crate) use ping::PingText;
pub(crate) use tcpdump::{Format, line};
pub(crate) use words::mask_len;

use host::Reply;
use sim_core::{Cx, Tag};
use switch::CommandError;

use crate::Server;
use crate::inside::Side;

/// A program of a server's shell.
#[derive(Clone, Copy, Debug)]
pub struct Applet {
    /// Its name: the first word of a line.
    pub name: &'static str,
    /// What may stand behind the name.
    pub usage: &'static str,
    /// What it does, in one line.
    pub what: &'static str,
    takes_time: bool,
    run: fn(&mut Server, &mut Cx<'_>, &Line<'_>) -> Answer,
}

/// A line, split into words.
pub(crate) struct Line<'a> {
    /// The program.
    pub(crate) program: &'a str,
    /// What is behind it.
    pub(crate) words: &'a [&'a str],
    /// Marks the frames that it sends.
    pub(crate) tag: Tag,
}

/// Why a line failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What the program prints on standard error.
    pub(crate) message: String,
    /// Its exit status.
    pub(crate) status: u8,
}

/// What a line comes to.
pub(crate) type Answer = Result<Reply, Failure>;

impl Failure {
    pub(crate) fn new(status: u8, message: impl Into<String>) -> Self {
        Self { message: message.into(), status }
    }
}

/// Done, with nothing to say.
pub(crate) fn done() -> Answer {
    Ok(Reply::Done(String::new()))
}

/// The programs.
pub fn applets() -> &'static [Applet] {
    APPLETS
}

macro_rules! applets {
    ($($name:literal $usage:literal $what:literal $takes_time:literal $run:path;)+) => {
        const APPLETS: &[Applet] =
            &[$(Applet { name: $name, usage: $usage, what: $what, takes_time: $takes_time, run: $run }),+];
    };
}

applets! {
    "apt-get" "install PACKAGE..." "accepted: everything is installed" false quiet::run;
    "arp" "[-n] [-a] [HOST] | -d HOST | -s HOST MAC" "the ARP cache" false arp::run;
    "brctl" "COMMAND [BRIDGE [PORT|VALUE]]" "bridges of Open vSwitch in bridge-utils' words" false brctl::run;
    "echo" "TEXT [> /proc/sys/...]" "print words, or set a kernel parameter" false sysctl::echo;
    "hostname" "" "the server's name" false quiet::hostname;
    "ifconfig" "[-a] [IFACE [ADDRESS[/LEN]] [netmask M] [up|down] [mtu N] [hw ether MAC]]" "interfaces" false ifconfig::run;
    "ip" "[-4|-6|-br|-d] addr|link|route|neigh|tuntap [COMMAND ...]" "interfaces, addresses, routes, neighbours" false ip::run;
    "iptables" "" "not here: a server filters by flows" false quiet::iptables;
    "modprobe" "MODULE" "accepted: modules are loaded" false quiet::run;
    "ping" "[-4|-6] [-c N] [-i S] [-s BYTES] [-W S] [-w S] [-t TTL] [-I IFACE] [-M do] [-q] HOST" "echo requests; five without -c" true ping::run;
    "ping6" "as ping" "echo requests over IPv6" true ping::run;
    "route" "[-n] [-A inet6] [add|del [-net|-host] TARGET [netmask M] [gw GATEWAY] [metric N] [dev IFACE]]" "the routing table" false route::run;
    "service" "openvswitch-switch start" "accepted: Open vSwitch runs" false quiet::run;
    "sysctl" "[-w] KEY[=VALUE]" "net.ipv4.ip_forward, net.ipv6.conf.all.forwarding" false sysctl::run;
    "systemctl" "start openvswitch-switch" "accepted: Open vSwitch runs" false quiet::run;
    "tcpdump" "[-i IFACE|any] [-c N] [-enqvxX] [-t...] [FILTER]" "frames as they pass, until -c or Ctrl-C" true tcpdump::run;
    "tunctl" "[-t DEVICE] [-d DEVICE] [-u USER] [-b]" "TAPs" false tunctl::run;
}

/// The programs of Open vSwitch.
const SWITCH: [&str; 3] = ["ovs-vsctl", "ovs-ofctl", "ovs-appctl"];

/// Does what a line says.
pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &[String], tag: Tag) -> Answer {
    let words: Vec<&str> = line.iter().map(String::as_str).collect();
    let Some((first, rest)) = words.split_first() else { return done() };
    let program = first.rsplit_once('/').filter(|(path, _)| path.ends_with("bin")).map_or(*first, |(_, name)| name);
    let answer = if SWITCH.contains(&program) {
        let mut line = line.to_vec();
        program.clone_into(&mut line[0]);
        let result = server.with_side(cx, Side::Bridges, |server, cx| server.switch.command(cx, &line));
        result.map(Reply::Done).map_err(|error| Failure::new(error.status, error.message))
    } else if let Some(applet) = find(program) {
        (applet.run)(server, cx, &Line { program: applet.name, words: rest, tag })
    } else if quiet::is_init_script(program) {
        quiet::run(server, cx, &Line { program: "service", words: rest, tag })
    } else {
        let reply = server.with_host(cx, |host, cx| host.command(cx, &words, tag));
        match reply {
            Reply::Done(text) if matches!(program, "help" | "?") => Ok(Reply::Done(format!("{}\n{text}", help()))),
            Reply::Failed(message) if message.starts_with("unknown command") => Err(unknown(program, message)),
            Reply::Failed(message) => Err(Failure::new(1, message)),
            reply => Ok(reply),
        }
    };
    server.follow(cx);
    answer
}

/// Does what a line says before the lab runs.
pub(crate) fn set_up(server: &mut Server, cx: &mut Cx<'_>, line: &[String]) -> Result<String, CommandError> {
    let later = |program: &str| CommandError {
        message: format!("{program}: takes lab time, and setup comes before it; put the line into [[events]]"),
        status: 1,
    };
    if let Some(applet) = line.first().and_then(|first| find(first)).filter(|applet| applet.takes_time) {
        return Err(later(applet.name));
    }
    match run(server, cx, line, Tag::NONE) {
        Ok(Reply::Done(text)) => Ok(text),
        Ok(Reply::Running(id)) => {
            server.cancel_session(id);
            Err(later(&line[0]))
        }
        Ok(Reply::Failed(message)) => Err(CommandError { message, status: 1 }),
        Err(Failure { message, status }) => Err(CommandError { message, status }),
    }
}

/// The programs, one a line. Where a host's prompt has a word of the same name, the program is meant.
fn help() -> String {
    let lines = APPLETS.iter().map(|applet| format!("{:<29} {}\n", applet.name, applet.what));
    let switch = SWITCH.iter().map(|name| format!("{name:<29} Open vSwitch\n"));
    lines.chain(switch).collect()
}

fn find(name: &str) -> Option<&'static Applet> {
    let alias = if name == "apt" { "apt-get" } else { name };
    APPLETS.iter().find(|applet| applet.name == alias)
}

/// What to say of a word that neither a server nor a host's prompt knows.
fn unknown(program: &str, of_host: String) -> Failure {
    let known = APPLETS.iter().map(|applet| applet.name).chain(SWITCH);
    let message = match packet::nearest(program, known) {
        Some(near) => format!("unknown command `{}`: did you mean `{near}`?", words::shown(program)),
        None => of_host,
    };
    Failure::new(127, message)
}
