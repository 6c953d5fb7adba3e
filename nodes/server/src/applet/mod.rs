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

pub(crate) use ping::{PingText, Told};
pub(crate) use route::METRIC_V6;
pub(crate) use tcpdump::{Format, line};
pub(crate) use words::mask_len;

use host::Reply;
use packet::Word;
use sim_core::{Cx, Tag};
use switch::CommandError;

use crate::Server;
use crate::inside::Side;

/// A program of a server's shell.
#[derive(Clone, Copy, Debug)]
struct Applet {
    name: &'static str,
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

/// The programs of a server's shell, without those of Open vSwitch.
pub fn commands() -> &'static [Word] {
    WORDS
}

/// All first words of a server's lines but for `help`, which lists them: its programs, those of Open vSwitch, and the words
/// of a host's prompt that no program has.
pub fn words() -> impl Iterator<Item = &'static Word> + Clone {
    let is_free = |word: &&Word| find(word.name).is_none();
    commands().iter().chain(switch::commands()).chain(host::commands().iter().filter(is_free))
}

/// Whether a line may begin with this word: one of [`words`], by its path too (`/sbin/ip`), another name of one, or a script
/// that starts Open vSwitch.
pub fn begins_line(word: &str) -> bool {
    let name = without_path(word);
    find(name).is_some() || quiet::is_init_script(name) || words().any(|known| known.name == name)
}

macro_rules! applets {
    ($($name:literal $usage:literal $what:literal $takes_time:literal $run:path;)+) => {
        const WORDS: &[Word] = &[$(Word::new($name, $usage, $what)),+];
        const APPLETS: &[Applet] = &[$(Applet { name: $name, takes_time: $takes_time, run: $run }),+];
    };
}

applets! {
    "apt-get" "update|install [PACKAGE ..]" "accepted: everything is installed" false quiet::run;
    "arp" "[-n] [-a] [-d HOST] [-s HOST] [HOST] [MAC]" "the ARP cache" false arp::run;
    "brctl" "show|showmacs|showstp|addbr|delbr|addif|delif|stp|setageing|setbridgeprio|setfd|sethello|setmaxage|setpathcost|setportprio [BRIDGE] [IFACE ..]" "bridges of Open vSwitch in bridge-utils' words" false brctl::run;
    "echo" "[TEXT ..]" "prints words; `echo 1 > /proc/sys/..` sets a kernel parameter" false sysctl::echo;
    "hostname" "" "the server's name" false quiet::hostname;
    "ifconfig" "[-a] [IFACE] [up|down|netmask|mtu|hw|ADDRESS/LEN ..]" "interfaces and their addresses" false ifconfig::run;
    "ip" "[-4] [-6] [-br] [-d] addr|link|route|neigh|tuntap [COMMAND ..]" "interfaces, addresses, routes, neighbours" false ip::run;
    "iptables" "" "not here: a server filters by flows" false quiet::iptables;
    "modprobe" "MODULE" "accepted: modules are loaded" false quiet::run;
    "ping" "HOST [-4] [-6] [-c N] [-i S] [-s BYTES] [-W S] [-w S] [-t TTL] [-I IFACE] [-M do] [-q]" "echo requests; five without -c" true ping::run;
    "ping6" "HOST [-c N] [-i S] [-s BYTES] [-W S] [-w S] [-t TTL] [-I IFACE] [-q]" "echo requests over IPv6" true ping::run;
    "route" "[-n] [-A inet6] [add|del] [-net|-host|default] [TARGET] [netmask|gw|metric|dev ..]" "the routing table" false route::run;
    "service" "openvswitch-switch start|restart|status" "accepted: Open vSwitch runs" false quiet::run;
    "sysctl" "[-w] [KEY=VALUE]" "net.ipv4.ip_forward, net.ipv6.conf.all.forwarding" false sysctl::run;
    "systemctl" "start|restart|enable|status openvswitch-switch" "accepted: Open vSwitch runs" false quiet::run;
    "tcpdump" "[-i IFACE|any] [-c N] [-e] [-n] [-q] [-v] [-x] [-X] [-t] [-D] [FILTER ..]" "frames as they pass, until -c or Ctrl-C" true tcpdump::run;
    "tunctl" "[-t DEVICE] [-d IFACE] [-u USER] [-b]" "TAPs" false tunctl::run;
}

/// Does what a line says.
pub(crate) fn run(server: &mut Server, cx: &mut Cx<'_>, line: &[String], tag: Tag) -> Answer {
    let words: Vec<&str> = line.iter().map(String::as_str).collect();
    let Some((first, rest)) = words.split_first() else { return done() };
    let program = without_path(first);
    let answer = if server.is_host && !crate::is_for_shell(line) {
        on_prompt(server, cx, &words, tag)
    } else if matches!(program, "help" | "?") {
        help(rest.first().copied())
    } else if switch::commands().iter().any(|word| word.name == program) {
        let mut line = line.to_vec();
        program.clone_into(&mut line[0]);
        let result = server.with_side(cx, Side::Bridges, |server, cx| server.switch.command(cx, &line));
        result.map(Reply::Done).map_err(|error| Failure::new(error.status, error.message))
    } else if let Some(applet) = find(program) {
        (applet.run)(server, cx, &Line { program: applet.name, words: rest, tag })
    } else if quiet::is_init_script(program) {
        quiet::run(server, cx, &Line { program: "service", words: rest, tag })
    } else if !host::commands().iter().any(|word| word.name == program) {
        Err(unknown(program))
    } else {
        on_prompt(server, cx, &words, tag)
    };
    server.follow(cx);
    answer
}

/// Does what a line of a host's prompt says.
fn on_prompt(server: &mut Server, cx: &mut Cx<'_>, words: &[&str], tag: Tag) -> Answer {
    match server.with_host(cx, |host, cx| host.command(cx, words, tag)) {
        Reply::Failed(message) => Err(Failure::new(1, message)),
        reply => Ok(reply),
    }
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

/// What there is, one a line, or what one word takes.
fn help(name: Option<&str>) -> Answer {
    let Some(name) = name else { return Ok(Reply::Done(Word::list(words()))) };
    words().find(|word| word.name == name).map(|word| Reply::Done(word.about())).ok_or_else(|| unknown(name))
}

fn find(name: &str) -> Option<&'static Applet> {
    let alias = if name == "apt" { "apt-get" } else { name };
    APPLETS.iter().find(|applet| applet.name == alias)
}

/// A program's name without the directory of programs in front of it.
pub(crate) fn without_path(word: &str) -> &str {
    word.rsplit_once('/').filter(|(path, _)| path.ends_with("bin")).map_or(word, |(_, name)| name)
}

/// What to say of a word that neither a server nor a host's prompt knows.
fn unknown(program: &str) -> Failure {
    let hint = match packet::nearest(program, words().map(|word| word.name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`help` lists what there is".to_owned(),
    };
    Failure::new(127, format!("unknown command `{}`: {hint}", words::shown(program)))
}
