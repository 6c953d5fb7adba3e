//! `ovs-appctl`: its table of commands, and those about MAC tables and spanning trees, in Open vSwitch's layouts and
//! messages (ovs-vswitchd(8)).

use crate::bridge::Bridge;
use crate::command::CommandError;
use crate::dpctl;
use crate::mac_table::StationKey;
use crate::switch::Switch;
use crate::trace;
use crate::tree;
use packet::MacAddr;
use sim_core::Time;
use spanning_tree::Protocol;
use std::fmt::Write;

/// A command: its name, its arguments, how many it needs and takes.
struct Command {
    name: &'static str,
    usage: &'static str,
    min: usize,
    max: usize,
    run: fn(&mut Switch, Time, &[String]) -> Result<String, String>,
}

const COMMANDS: &[Command] = &[
    Command { name: "dpctl/del-flows", usage: "[dp]", min: 0, max: 1, run: dpctl::del_flows },
    Command { name: "dpctl/dump-flows", usage: "[-m] [--names] [dp]", min: 0, max: 3, run: dpctl::dump_flows },
    Command { name: "dpctl/show", usage: "[dp]", min: 0, max: 1, run: dpctl::show },
    Command { name: "dpif/dump-flows", usage: "[-m] [--names] bridge", min: 1, max: 3, run: dpctl::dump_flows_of },
    Command { name: "dpif/show", usage: "", min: 0, max: 0, run: dpctl::show_bridges },
    Command { name: "fdb/add", usage: "bridge port vlan mac", min: 4, max: 4, run: add },
    Command { name: "fdb/del", usage: "bridge vlan mac", min: 3, max: 3, run: del },
    Command { name: "fdb/flush", usage: "[bridge]", min: 0, max: 1, run: flush },
    Command { name: "fdb/show", usage: "bridge", min: 1, max: 1, run: show },
    Command { name: "fdb/stats-clear", usage: "[bridge]", min: 0, max: 1, run: stats_clear },
    Command { name: "fdb/stats-show", usage: "bridge", min: 1, max: 1, run: stats_show },
    Command { name: "help", usage: "", min: 0, max: 0, run: list_commands },
    Command { name: "list-commands", usage: "", min: 0, max: 0, run: list_commands },
    Command { name: "ofproto/list", usage: "", min: 0, max: 0, run: list },
    Command {
        name: "ofproto/trace",
        usage: "{[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet]",
        min: 1,
        max: usize::MAX,
        run: trace::trace,
    },
    Command {
        name: "ofproto/trace-packet-out",
        usage: "[-consistent] {[dp_name] odp_flow | bridge br_flow} [OPTIONS...] [-generate|packet] actions",
        min: 2,
        max: usize::MAX,
        run: trace::trace_packet_out,
    },
    Command { name: "rstp/show", usage: "[bridge]", min: 0, max: 1, run: |s, t, w| tree_show(s, t, w, Protocol::Rstp) },
    Command { name: "rstp/tcn", usage: "[bridge]", min: 0, max: 1, run: |s, t, w| tree_tcn(s, t, w, Protocol::Rstp) },
    Command { name: "stp/show", usage: "[bridge]", min: 0, max: 1, run: |s, t, w| tree_show(s, t, w, Protocol::Stp) },
    Command { name: "stp/tcn", usage: "[bridge]", min: 0, max: 1, run: |s, t, w| tree_tcn(s, t, w, Protocol::Stp) },
];

/// The names of all commands.
pub(crate) fn commands() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|command| command.name)
}

/// Runs a line; `words` come after `ovs-appctl`.
pub(crate) fn run(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, CommandError> {
    let words = without_options(words);
    let Some((name, words)) = words.split_first() else {
        return Err(CommandError::new(
            "ovs-appctl: at least one non-option argument is required (use --help for help)",
        ));
    };
    dispatch(switch, now, name, words).map_err(|message| CommandError {
        message: format!("{message}\novs-appctl: ovs-vswitchd: server returned an error"),
        status: 2,
    })
}

fn dispatch(switch: &mut Switch, now: Time, name: &str, words: &[String]) -> Result<String, String> {
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let known = COMMANDS.iter().map(|command| command.name);
        let hint = packet::nearest(name, known).map_or(String::new(), |near| format!("; did you mean {near}?"));
        return Err(format!(
            "\"{name}\" is not a valid command (use \"list-commands\" to see a list of valid commands){hint}"
        ));
    };
    if words.len() < command.min {
        return Err(format!("\"{name}\" command requires at least {} arguments", command.min));
    }
    if words.len() > command.max {
        return Err(format!("\"{name}\" command takes at most {} arguments", command.max));
    }
    (command.run)(switch, now, words)
}

/// The words behind the options that say which process is meant; here there is one.
fn without_options(words: &[String]) -> &[String] {
    match words {
        [option, _, rest @ ..] if option == "-t" || option == "--target" => without_options(rest),
        [option, rest @ ..] if option.starts_with("--target=") || option.starts_with("--timeout=") => {
            without_options(rest)
        }
        _ => words,
    }
}

fn bridge<'a>(switch: &'a Switch, name: &str) -> Result<&'a Bridge, String> {
    switch.bridge(name).ok_or_else(|| "no such bridge".to_owned())
}

/// The bridge that is named, or all.
fn bridges<'a>(switch: &'a Switch, words: &[String]) -> Result<Vec<&'a Bridge>, String> {
    match words.first() {
        Some(name) => Ok(vec![bridge(switch, name)?]),
        None => Ok(switch.bridges.iter().collect()),
    }
}

fn station(vlan: &str, mac: &str) -> Result<StationKey, String> {
    let vlan = vlan.parse::<u16>().ok().filter(|vlan| *vlan < 4096);
    let vlan = vlan.ok_or("bad VLAN: a number from 0 to 4095")?;
    let mac: MacAddr = mac.parse().map_err(|_| "bad MAC address")?;
    if mac.is_multicast() {
        return Err("bad MAC address: a group address is behind no port".to_owned());
    }
    Ok(StationKey::new(mac.as_u64(), vlan))
}

fn add(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, String> {
    let bridge = bridge(switch, &words[0])?;
    let Some(slot) = bridge.slot_named(&words[1]) else {
        return Err(format!("bridge {} has no port {}", words[0], words[1]));
    };
    let key = station(&words[2], &words[3])?;
    let bundle = bridge.shared.plan().ports[usize::from(slot)].bundle;
    bridge.shared.macs.add_static(key, bundle, now).map_err(|_| "the table is full of static entries")?;
    Ok(String::new())
}

fn del(switch: &mut Switch, _: Time, words: &[String]) -> Result<String, String> {
    let bridge = bridge(switch, &words[0])?;
    let key = station(&words[1], &words[2])?;
    match bridge.shared.macs.remove_static(key) {
        true => Ok(String::new()),
        false => Err("could not find static mac entry".to_owned()),
    }
}

fn flush(switch: &mut Switch, _: Time, words: &[String]) -> Result<String, String> {
    bridges(switch, words)?.into_iter().for_each(|bridge| bridge.shared.macs.flush());
    Ok("table successfully flushed\n".to_owned())
}

/// The entries by port, VLAN and address. (Open vSwitch lists them by age.)
fn show(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, String> {
    bridge(switch, &words[0])?;
    let mut text = " port  VLAN  MAC                Age\n".to_owned();
    for entry in switch.macs(&words[0], now) {
        let port = if entry.ofport == crate::plan::LOCAL { "LOCAL".to_owned() } else { entry.ofport.to_string() };
        let age = if entry.is_static { "static".to_owned() } else { format!("{:3}", entry.age_s) };
        // Writing to a string can't fail.
        let _ = writeln!(text, "{port:>5}  {:>4}  {}  {age}", entry.vlan, entry.mac);
    }
    Ok(text)
}

fn stats_show(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, String> {
    let stats = bridge(switch, &words[0])?.shared.macs.stats(now);
    Ok(format!(
        "Statistics for bridge \"{}\":\n  \
         Current/maximum MAC entries in the table: {}/{}\n  \
         Current static MAC entries in the table : {}\n  \
         Total number of learned MAC entries     : {}\n  \
         Total number of expired MAC entries     : {}\n  \
         Total number of evicted MAC entries     : {}\n  \
         Total number of port moved MAC entries  : {}\n",
        words[0],
        stats.entries,
        stats.max_entries,
        stats.static_entries,
        stats.learnt,
        stats.expired,
        stats.evicted,
        stats.moved
    ))
}

fn stats_clear(switch: &mut Switch, _: Time, words: &[String]) -> Result<String, String> {
    bridges(switch, words)?.into_iter().for_each(|bridge| bridge.shared.macs.clear_stats());
    Ok("statistics successfully cleared\n".to_owned())
}

/// The places of the bridges that speak a protocol: the one that is named, or all.
fn trees(switch: &Switch, words: &[String], protocol: Protocol) -> Result<Vec<usize>, String> {
    let is_meant = |bridge: &Bridge| {
        let is_named = words.first().is_none_or(|name| *name == bridge.name);
        is_named && bridge.tree.as_ref().is_some_and(|tree| tree.protocol() == protocol)
    };
    let found: Vec<usize> = (0..switch.bridges.len()).filter(|at| is_meant(&switch.bridges[*at])).collect();
    if found.is_empty() && !words.is_empty() {
        let message = if protocol == Protocol::Stp { "no such stp object" } else { "No such RSTP object" };
        return Err(message.to_owned());
    }
    Ok(found)
}

fn tree_show(switch: &mut Switch, now: Time, words: &[String], protocol: Protocol) -> Result<String, String> {
    let bridges = trees(switch, words, protocol)?.into_iter().map(|at| &switch.bridges[at]);
    Ok(bridges.filter_map(|bridge| Some(tree::show(bridge, bridge.tree.as_ref()?, now))).collect())
}

fn tree_tcn(switch: &mut Switch, now: Time, words: &[String], protocol: Protocol) -> Result<String, String> {
    for at in trees(switch, words, protocol)? {
        switch.drive(at, now, |tree| tree.notify_change(now));
    }
    Ok("OK\n".to_owned())
}

fn list(switch: &mut Switch, _: Time, _: &[String]) -> Result<String, String> {
    Ok(switch.bridges().map(|name| format!("{name}\n")).collect())
}

fn list_commands(_: &mut Switch, _: Time, _: &[String]) -> Result<String, String> {
    let lines =
        COMMANDS.iter().map(|command| format!("  {:<23} {}", command.name, command.usage).trim_end().to_owned());
    Ok(format!("The available commands are:\n{}\n", lines.collect::<Vec<_>>().join("\n")))
}
