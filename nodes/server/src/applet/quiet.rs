//! Lines of tutorials that prepare a machine. What they ask for is so already, so they say nothing: `modprobe MODULE`,
//! `/etc/init.d/openvswitch-switch start` (restart, status), `service` and `systemctl` with an Open vSwitch service,
//! `apt-get update` and `install`. Others are refused, as they would do something that isn't done here.

use host::Reply;
use sim_core::Cx;

use super::words::shown;
use super::{Answer, Failure, Line, done};
use crate::Server;

/// The scripts that start Open vSwitch.
pub(crate) fn is_init_script(program: &str) -> bool {
    let name = program.strip_prefix("/etc/init.d/").or_else(|| program.strip_prefix("/etc/rc.d/init.d/"));
    name.is_some_and(is_switch) || program.ends_with("/ovs-ctl") || program == "ovs-ctl"
}

fn is_switch(service: &str) -> bool {
    let service = service.strip_suffix(".service").unwrap_or(service);
    service.starts_with("openvswitch") || matches!(service, "ovs-vswitchd" | "ovsdb-server" | "networking")
}

pub(crate) fn run(_: &mut Server, _: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let named = || line.words.iter().any(|word| is_switch(word));
    let is_quiet = match line.program {
        "modprobe" => true,
        "apt-get" => {
            let verb = line.words.iter().find(|word| !word.starts_with('-'));
            verb.is_some_and(|verb| matches!(*verb, "install" | "update" | "upgrade"))
        }
        "systemctl" if line.words == ["daemon-reload"] => true,
        // A script of Open vSwitch has its own name in front.
        "service" if line.words.len() == 1 => true,
        _ => named(),
    };
    match is_quiet {
        true => done(),
        false => Err(Failure::new(
            1,
            format!(
                "{} {}: there is nothing like that on a server of a lab",
                line.program,
                shown(&line.words.join(" "))
            ),
        )),
    }
}

pub(crate) fn hostname(server: &mut Server, _: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    match line.words {
        [] | ["-s" | "-f" | "--short" | "--fqdn"] => Ok(Reply::Done(format!("{}\n", server.host.name()))),
        _ => Err(Failure::new(1, "hostname: a node's name is set in the lab file")),
    }
}

pub(crate) fn iptables(_: &mut Server, _: &mut Cx<'_>, _: &Line<'_>) -> Answer {
    Err(Failure::new(
        1,
        "iptables: no packet filter here; flows filter: `ovs-ofctl add-flow BRIDGE MATCH,actions=drop`",
    ))
}
