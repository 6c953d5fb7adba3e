//! Hosts with a shell: a host that is told a line of a program here becomes a server without Open vSwitch.
//!
//! Most hosts of a lab are never told one, and stay as small as they are. VPCS's words win where both have a word: `ping`,
//! `ip ADDRESS/LEN`, `arp` alone.

use core::net::IpAddr;

use host::{Cidr, Host};
use packet::Word;
use sim_core::Seed;
use switch::{Switch, WorkerHandle};

use crate::Server;
use crate::applet;
use crate::capture::Captures;
use crate::devices::Devices;
use crate::inside::Inside;
use crate::session::Sessions;

/// The programs that hosts have as well.
const PROGRAMS: [&str; 8] = ["arp", "echo", "hostname", "ifconfig", "ip", "route", "sysctl", "tcpdump"];

/// All first words of a host's lines but for `help`: VPCS's, and the programs of a shell that hosts have as well.
pub fn words_of_hosts() -> impl Iterator<Item = &'static Word> + Clone {
    let is_own = |word: &Word| host::commands().iter().any(|own| own.name == word.name);
    let of_shell = applet::commands().iter().filter(|word| PROGRAMS.contains(&word.name));
    host::commands().iter().chain(of_shell.filter(move |word| !is_own(word)))
}

/// Whether a host's line is for a program and none of its own prompt.
pub fn is_for_shell(line: &[String]) -> bool {
    let Some((first, rest)) = line.split_first() else { return false };
    match (applet::without_path(first), rest) {
        ("arp", []) => false,
        ("ip", []) => false,
        ("ip", [what, ..]) => what.parse::<Cidr>().is_err() && what.parse::<IpAddr>().is_err() && !what.contains('/'),
        (program, _) => PROGRAMS.contains(&program),
    }
}

impl Server {
    /// A host with a shell. What runs on it goes on.
    pub fn of_host(host: Host, seed: Seed) -> Self {
        let ports = host.interfaces().iter().map(|interface| interface.port().index() + 1);
        let devices = Devices::new(ports.max().unwrap_or(0));
        let switch = Switch::new(host.name(), seed, &WorkerHandle::new());
        let mut server = Self {
            host,
            switch,
            devices,
            loopback: inet::IfIx(0),
            inside: Inside::default(),
            captures: Captures::default(),
            sessions: Sessions::default(),
            is_host: true,
        };
        server.add_nics();
        // A port is free and the name too, unless the host has an interface called so: then that is the loopback's place.
        let _ = server.add_loopback();
        server
    }

    /// Whether it is a host with a shell.
    pub fn is_host(&self) -> bool {
        self.is_host
    }
}
