//! `ovs-appctl dpctl/..` and `dpif/..`: what the cache holds, in Open vSwitch's layouts (ovs-dpctl(8), ovs-vswitchd(8)).
//!
//! There is one datapath, [`DATAPATH`], of all bridges of the switch, as with Open vSwitch's kernel module. Its ports have
//! their OpenFlow numbers, so that they mean in an entry what they mean in a flow.

mod key;

use crate::bridge::Bridge;
use crate::cache::Entry;
use crate::plan::Plan;
use crate::program::Program;
use crate::switch::Switch;
use crate::trace::Actions;
use packet::FlowKey;
use packet::key::slot;
use sim_core::Time;
use std::fmt::Write;

/// The datapath.
const DATAPATH: &str = "system@ovs-system";

/// What is asked for besides.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    is_verbose: bool,
    names: bool,
}

/// `dpctl/dump-flows [-m] [--names] [dp]`
pub(crate) fn dump_flows(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, String> {
    let (options, rest) = options(words)?;
    datapath(rest.first().copied())?;
    let names: Vec<String> = switch.bridges.iter().map(|bridge| bridge.name.clone()).collect();
    Ok(names.iter().map(|name| flows(switch, now, name, options)).collect())
}

/// `dpif/dump-flows [-m] [--names] bridge`
pub(crate) fn dump_flows_of(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, String> {
    let (options, rest) = options(words)?;
    match rest[..] {
        [name] if switch.bridge(name).is_some() => Ok(flows(switch, now, name, options)),
        _ => Err("no such bridge".to_owned()),
    }
}

/// `dpctl/del-flows [dp]`
pub(crate) fn del_flows(switch: &mut Switch, _: Time, words: &[String]) -> Result<String, String> {
    datapath(words.first().map(String::as_str))?;
    let mut worker = switch.worker.0.borrow_mut();
    switch.bridges.iter().for_each(|bridge| worker.forget(bridge.shared.id()));
    Ok(String::new())
}

/// `dpctl/show [dp]`
pub(crate) fn show(switch: &mut Switch, _: Time, words: &[String]) -> Result<String, String> {
    datapath(words.first().map(String::as_str))?;
    let (hits, misses) = lookups(switch);
    let worker = switch.worker.worker();
    let flows: usize = switch.bridges.iter().map(|bridge| worker.entries(bridge.shared.id()).len()).sum();
    let mut text = format!("{DATAPATH}:\n  lookups: hit:{hits} missed:{misses} lost:0\n  flows: {flows}\n");
    for bridge in &switch.bridges {
        for (_, member) in bridge.members() {
            let kind = if *member.name == *bridge.name { " (internal)" } else { "" };
            // Writing to a string can't fail.
            let _ = writeln!(text, "  port {}: {}{kind}", member.ofport, member.name);
        }
    }
    Ok(text)
}

/// `dpif/show`
pub(crate) fn show_bridges(switch: &mut Switch, _: Time, _: &[String]) -> Result<String, String> {
    let (hits, misses) = lookups(switch);
    let mut text = format!("{DATAPATH}: hit:{hits} missed:{misses}\n");
    let mut bridges: Vec<&Bridge> = switch.bridges.iter().collect();
    bridges.sort_by_key(|bridge| &bridge.name);
    for bridge in bridges {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {}:", bridge.name);
        let mut members = bridge.members();
        members.sort_by_key(|(_, member)| member.name.clone());
        for (_, member) in members {
            let kind = if *member.name == *bridge.name { "internal" } else { "system" };
            let _ = writeln!(text, "    {} {}/{}: ({kind})", member.name, member.ofport, member.ofport);
        }
    }
    Ok(text)
}

/// Frames that found an entry, and frames that didn't.
fn lookups(switch: &Switch) -> (u64, u64) {
    let worker = switch.worker.worker();
    let of = |bridge: &Bridge| worker.lookups(bridge.shared.id());
    switch.bridges.iter().map(of).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
}

/// The options, and the words that are none.
fn options(words: &[String]) -> Result<(Options, Vec<&str>), String> {
    let mut options = Options::default();
    let mut rest = Vec::new();
    for word in words {
        match word.as_str() {
            "-m" | "--more" => options = Options { is_verbose: true, names: true },
            "--names" => options.names = true,
            "--no-names" => options.names = false,
            other if other.starts_with('-') => return Err(format!("unrecognized option '{other}'")),
            other => rest.push(other),
        }
    }
    Ok((options, rest))
}

fn datapath(name: Option<&str>) -> Result<(), String> {
    match name {
        None | Some(DATAPATH | "ovs-system") => Ok(()),
        Some(_) => Err("datapath not found (Invalid argument)".to_owned()),
    }
}

/// The entries of a bridge, by port and in the order that they were made.
fn flows(switch: &Switch, now: Time, name: &str, options: Options) -> String {
    let Some(bridge) = switch.bridge(name) else { return String::new() };
    let mut worker = switch.worker.0.borrow_mut();
    worker.settle(&bridge.shared, now);
    let plan = bridge.shared.plan();
    let entries = worker.entries(bridge.shared.id());
    entries.into_iter().map(|entry| line(entry, now, bridge, &plan, options)).collect()
}

fn line(entry: &Entry, now: Time, bridge: &Bridge, plan: &Plan, options: Options) -> String {
    let named = |slot: u16| {
        let member = bridge.slots.get(usize::from(slot))?.as_ref()?;
        options.names.then(|| member.name.to_string())
    };
    let (mut key, mask) = entry.rest.basis.key();
    let ofport = plan.ports.get(usize::from(entry.slot)).map_or(0, |port| port.ofport);
    key.set(slot::IN_PORT, ofport.into());
    let port = named(entry.slot).unwrap_or_else(|| ofport.to_string());
    let mut text = String::new();
    if options.is_verbose {
        text.push_str(&format!("ufid:{}, ", ufid(&key, entry.id)));
    }
    text.push_str(&key::text(&key, &mask, &port, options.is_verbose));
    let (packets, bytes) = entry.found();
    let used = match packets {
        0 => "never".to_owned(),
        _ => format!("{:.3}s", now.since(entry.used()).as_nanos() as f64 / 1e9),
    };
    let dp = if options.is_verbose { ", dp:ovs" } else { "" };
    let actions = actions(&entry.program, &key, plan, entry.slot, &named);
    // Writing to a string can't fail.
    let _ = writeln!(text, ", packets:{packets}, bytes:{bytes}, used:{used}{dp}, actions:{actions}");
    text
}

fn actions(
    program: &Program,
    key: &FlowKey,
    plan: &Plan,
    in_slot: u16,
    name: &dyn Fn(u16) -> Option<String>,
) -> String {
    Actions { program, key, plan, in_slot, name, mirrors: true }.to_string()
}

/// What tells an entry apart: any number will do that no other has.
fn ufid(key: &FlowKey, id: u64) -> String {
    let mix = |seed: u64| {
        key.words().iter().chain([&id]).fold(seed, |hash, word| {
            let hash = (hash ^ word).wrapping_mul(0xd6e8_feb8_6659_fd93);
            hash ^ hash >> 32
        })
    };
    let (a, b) = (mix(1), mix(2));
    format!("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xffff, b >> 48, b & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::key;
    use packet::Match;
    use packet::key::slot;

    fn check(matched: &str, expected: &str) {
        let mut matched = Match::parse(matched).expect("it is a match");
        matched.mask.set(slot::IN_PORT, 0);
        assert_eq!(key::text(&matched.key, &matched.mask, "1", false), expected);
    }

    #[test]
    fn keys_are_told_as_ovs_dpctl_tells_them() {
        check("", "recirc_id(0),in_port(1)");
        check(
            "dl_src=02:00:00:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x0801",
            "recirc_id(0),in_port(1),eth(src=02:00:00:00:00:01,dst=ff:ff:ff:ff:ff:ff),eth_type(0x0801)",
        );
        check(
            "dl_dst=00:00:00:00:00:00/01:00:00:00:00:00,dl_type=0x1234",
            "recirc_id(0),in_port(1),eth(dst=00:00:00:00:00:00/01:00:00:00:00:00),eth_type(0x1234)",
        );
        check(
            "udp,nw_dst=10.0.0.0/8",
            "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(dst=10.0.0.0/255.0.0.0,proto=17,frag=no)",
        );
        check("ipv6,ipv6_dst=fe80::/16", "recirc_id(0),in_port(1),eth_type(0x86dd),ipv6(dst=fe80::/ffff::,frag=no)");
        check(
            "udp,dl_vlan=9,dl_vlan_pcp=3",
            "recirc_id(0),in_port(1),eth_type(0x8100),vlan(vid=9,pcp=3),encap(eth_type(0x0800),ipv4(proto=17,frag=no))",
        );
        check(
            "icmp,icmp_type=8,nw_tos=32,nw_ttl=64",
            "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=1,tos=0x20/0xfc,ttl=64,frag=no),icmp(type=8)",
        );
        check(
            "tcp,tp_dst=81,tcp_flags=+syn-ack",
            "recirc_id(0),in_port(1),eth_type(0x0800),ipv4(proto=6,frag=no),tcp(dst=81),tcp_flags(+syn-ack)",
        );
        check("arp,arp_tpa=10.1.2.3", "recirc_id(0),in_port(1),eth_type(0x0806),arp(tip=10.1.2.3)");
        check(
            "mpls,mpls_label=5",
            "recirc_id(0),in_port(1),eth_type(0x8847),mpls(label=5/0xfffff,tc=0/0,ttl=0/0,bos=0/0)",
        );
    }
}
