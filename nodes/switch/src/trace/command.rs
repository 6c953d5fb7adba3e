//! `ofproto/trace` and `ofproto/trace-packet-out` (ovs-vswitchd(8), "Packet Tracing").
//!
//! A flow is OpenFlow's, behind the name of its bridge, or a datapath's (`in_port(1),eth_type(0x0800)`), whose ports
//! have their OpenFlow numbers here. With a frame, in hex or made by `-generate`, what the frame teaches is learnt.

use super::run::{Learnt, Wish, key_of, run};
use crate::bridge::Bridge;
use crate::switch::Switch;
use crate::translate::Effect;
use openflow::{Action, parse_actions};
use packet::{FlowKey, Match};
use sim_core::Time;

/// The words of a command line.
struct Line<'a> {
    bridge: Option<&'a str>,
    flow: &'a str,
    packet: Packet,
    names: bool,
}

/// The frame of a trace.
enum Packet {
    Nothing,
    Generated,
    Bytes(Vec<u8>),
}

/// `ofproto/trace`.
pub(crate) fn trace(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, String> {
    let line = line(words)?;
    answer(switch, now, &line, None)
}

/// `ofproto/trace-packet-out`.
pub(crate) fn trace_packet_out(switch: &mut Switch, now: Time, words: &[String]) -> Result<String, String> {
    let is_option = |word: &&String| matches!(word.as_str(), "-consistent" | "--consistent");
    let words: Vec<String> = words.iter().filter(|word| !is_option(word)).cloned().collect();
    let Some((actions, words)) = words.split_last() else { return Err("must specify actions".to_owned()) };
    let line = line(words)?;
    answer(switch, now, &line, Some(actions))
}

fn answer(switch: &mut Switch, now: Time, line: &Line<'_>, actions: Option<&str>) -> Result<String, String> {
    let bridge = match line.bridge {
        Some(name) => switch.bridge(name).ok_or_else(|| format!("{name}: unknown bridge"))?,
        None => switch.bridges.first().ok_or("there is no bridge")?,
    };
    let mut key = match is_datapath_flow(line.flow) {
        true => key_of(bridge, &super::datapath_flow::as_openflow(line.flow)?)?,
        false if line.bridge.is_none() => return Err("Must specify bridge name".to_owned()),
        false => key_of(bridge, line.flow)?,
    };
    let actions = actions.map(|text| actions_of(bridge, text)).transpose()?;
    let in_port = key.in_port();
    let frame = match &line.packet {
        Packet::Nothing => None,
        Packet::Generated => Some(packet::compose(&key)),
        Packet::Bytes(bytes) => Some(bytes.clone()),
    };
    if let Some(frame) = &frame {
        // What rides with the frame is the flow's.
        let read = FlowKey::extract(in_port, frame);
        let wire = packet::key::slot::WIRE_WORDS;
        key.words_mut()[..wire].copy_from_slice(&read.words()[..wire]);
    }
    let wish =
        Wish { actions: actions.as_deref(), learns: frame.is_some(), names: line.names, frame: frame.as_deref() };
    let (trace, learnt) = run(bridge, now, &key, wish);
    if wish.learns {
        learn(bridge, now, learnt);
    }
    Ok(trace.to_string())
}

/// Does what a real frame would have done besides.
fn learn(bridge: &Bridge, now: Time, learnt: Learnt) {
    for (station, slot) in learnt.stations {
        bridge.shared.macs.learn(station, slot, now);
    }
    for effect in learnt.effects {
        if let Effect::Learn(learnt) = effect {
            // A table that takes no more flows is as it would be with a frame.
            let _ = bridge.shared.change_tables(|tables| tables.apply(now, &learnt.change).map(drop));
        }
    }
}

fn actions_of(bridge: &Bridge, text: &str) -> Result<Vec<Action>, String> {
    let port =
        |name: &str| bridge.slot_named(name).and_then(|slot| Some(bridge.slots[usize::from(slot)].as_ref()?.ofport));
    parse_actions(text, &Match::ANY, &|name| port(name).map(u32::from))
        .map_err(|error| format!("Bad action syntax: {error}"))
}

/// Whether a flow is a datapath's: its fields stand in brackets.
fn is_datapath_flow(flow: &str) -> bool {
    flow.split('=').next().is_some_and(|start| start.contains('('))
}

fn line(words: &[String]) -> Result<Line<'_>, String> {
    let mut names = false;
    let mut packet = Packet::Nothing;
    let mut rest = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--names" => names = true,
            "--no-names" => names = false,
            "-generate" | "--generate" => packet = Packet::Generated,
            "--ct-next" => {
                return Err(
                    "--ct-next: there is no connection tracking here, so no packet is resumed behind ct".to_owned()
                );
            }
            "--l7-len" | "--l7" => {
                words.next().ok_or_else(|| format!("{word} needs a value"))?;
            }
            "-consistent" | "--consistent" => {}
            word => rest.push(word),
        }
    }
    if let [.., _, last] = rest[..]
        && let Some(bytes) = hex(last)
    {
        if matches!(packet, Packet::Generated) {
            return Err("cannot use -generate and a packet together".to_owned());
        }
        packet = Packet::Bytes(bytes);
        rest.pop();
    }
    match rest[..] {
        [flow] => Ok(Line { bridge: None, flow, packet, names }),
        [bridge, flow] => {
            Ok(Line { bridge: Some(bridge), flow, packet, names }).map(|line| match is_datapath_flow(flow) {
                // The name is that of a datapath, and there is one.
                true => Line { bridge: None, ..line },
                false => line,
            })
        }
        [_, _, packet] => Err(format!("{packet}: trailing data in packet data: it has to be a frame in hex")),
        _ => Err("a flow is needed, behind the name of a bridge".to_owned()),
    }
}

/// The bytes of a hex string.
fn hex(text: &str) -> Option<Vec<u8>> {
    let is_hex = !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| (0..text.len()).step_by(2).filter_map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect())
}
