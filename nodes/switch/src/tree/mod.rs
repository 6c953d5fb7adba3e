//! The spanning tree of a bridge: the machine, and what connects it with rows, links, plan and MAC table.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `config` | what the rows want |
//! | `status` | the status columns |
//! | `show` | `ovs-appctl stp/show`, `rstp/show` |
//!
//! What the machine wants is carried out at once, but for BPDUs: they wait in [`Tree::take_sends`] for the node's next
//! turn, since a command line may come without one. Bonds, internal ports and mirrors' outputs take no part, as in Open
//! vSwitch. The worker knows nothing of BPDUs: whoever drives several workers has to take them out before, as the node
//! does.

mod config;
mod show;
mod status;

use crate::lab_ports::LabPorts;
use crate::plan::{Gate, Plan};
use packet::wire::bpdu::{self, Bpdu};
use packet::wire::vlan;
use sim_core::{Duration, Time};
use spanning_tree::{BridgeConfig, Output, PortNumber, PortStatus, Protocol, Role, SpanningTree, State};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) use config::{Wanted, WantedPort, wanted};
pub(crate) use show::show;
pub(crate) use status::{bridge_cells, openflow_state, port_cells};

/// The spanning tree of a bridge.
#[derive(Debug)]
pub(crate) struct Tree {
    machine: SpanningTree,
    config: BridgeConfig,
    /// The ports that take part, by slot.
    ports: BTreeMap<u16, Port>,
    slots: BTreeMap<PortNumber, u16>,
    /// BPDUs that wait to be sent, with the slots of their ports.
    sends: Vec<(u16, Bpdu)>,
}

/// A port that takes part.
#[derive(Debug)]
struct Port {
    number: PortNumber,
    config: WantedPort,
    gate: Gate,
    has_link: bool,
    /// How often its link has come up or gone down.
    link_resets: u32,
    since: Time,
}

/// What a machine's step asks of the bridge.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    /// Whether a port's gate opened or closed.
    pub(crate) has_moved: bool,
    /// The slots of the ports whose stations are to be forgotten.
    pub(crate) flushed: BTreeSet<u16>,
}

impl Tree {
    pub(crate) fn new(protocol: Protocol, config: BridgeConfig) -> Self {
        let machine = SpanningTree::new(protocol, config);
        Self { machine, config, ports: BTreeMap::new(), slots: BTreeMap::new(), sends: Vec::new() }
    }

    pub(crate) fn machine(&self) -> &SpanningTree {
        &self.machine
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.machine.protocol()
    }

    /// The ports that take part: their numbers and slots.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (PortNumber, u16)> {
        self.ports.iter().map(|(slot, port)| (port.number, *slot))
    }

    /// The number that a port has by slot, if it takes part.
    pub(crate) fn number(&self, slot: u16) -> Option<PortNumber> {
        Some(self.ports.get(&slot)?.number)
    }

    pub(crate) fn port_status(&self, slot: u16) -> Option<PortStatus> {
        self.machine.port_status(self.number(slot)?)
    }

    /// Does what the rows want.
    pub(crate) fn follow(&mut self, wanted: Wanted, now: Time) -> Effects {
        let config = wanted.config;
        let mut effects = Effects::default();
        if config != self.config {
            self.config = config;
            self.step(&mut effects, |machine, out| machine.configure(now, config, out));
        }
        let stays = |slot: u16, port: &Port| {
            let wanted = wanted.ports.get(&slot);
            wanted.is_some_and(|(number, config)| *number == port.number && config.interface == port.config.interface)
        };
        let gone: Vec<u16> =
            self.ports.iter().filter(|(slot, port)| !stays(**slot, port)).map(|(slot, _)| *slot).collect();
        for slot in gone {
            let Some(number) = self.number(slot) else { continue };
            self.step(&mut effects, |machine, out| machine.remove_port(now, number, out));
            self.ports.remove(&slot);
            self.slots.remove(&number);
            self.sends.retain(|(to, _)| *to != slot);
        }
        for (slot, (number, config)) in wanted.ports {
            let old = self.ports.get(&slot).map(|port| port.config);
            let port = self.ports.entry(slot).or_insert(Port {
                number,
                config,
                gate: Gate::Closed,
                has_link: false,
                link_resets: 0,
                since: now,
            });
            port.config = config;
            self.slots.insert(number, slot);
            if old.map(|old| old.port) != Some(config.port) {
                self.step(&mut effects, |machine, out| machine.set_port(now, number, config.port, out));
            }
            if config.asks && !old.is_some_and(|old| old.asks) {
                self.step(&mut effects, |machine, out| machine.check_migration(now, number, out));
            }
        }
        effects
    }

    /// Tells the machine which links are up.
    pub(crate) fn follow_links(&mut self, plan: &Plan, lab: &LabPorts, now: Time) -> Effects {
        let mut effects = Effects::default();
        let mut changed = Vec::new();
        for (slot, port) in &mut self.ports {
            let Some(lab_port) = plan.ports.get(usize::from(*slot)).and_then(|port| port.lab) else { continue };
            let (had_link, resets) = (port.has_link, lab.link_resets(lab_port));
            port.has_link = lab.is_up(lab_port);
            let was_away = std::mem::replace(&mut port.link_resets, resets) != resets;
            if had_link && (was_away || !port.has_link) {
                changed.push((port.number, false));
            }
            if port.has_link && (was_away || !had_link) {
                changed.push((port.number, true));
            }
        }
        for (number, is_up) in changed {
            self.step(&mut effects, |machine, out| machine.set_link(now, number, is_up, out));
        }
        effects
    }

    /// Says of each port what it may do.
    pub(crate) fn close_gates(&self, plan: &mut Plan) {
        for (slot, port) in &self.ports {
            if let Some(plan) = plan.ports.get_mut(usize::from(*slot)) {
                plan.gate = port.gate;
            }
        }
    }

    /// A frame with a BPDU came in; whether the port takes part, so that it is the machine's.
    pub(crate) fn receive(&mut self, slot: u16, frame: &[u8], now: Time, effects: &mut Effects) -> bool {
        let Some(number) = self.number(slot) else { return false };
        match Bpdu::parse_frame(frame) {
            Ok(bpdu) => self.step(effects, |machine, out| machine.receive(now, number, &bpdu, out)),
            Err(_) => self.machine.count_error(number),
        }
        true
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, now: Time) -> Effects {
        let mut effects = Effects::default();
        self.step(&mut effects, |machine, out| machine.wake(now, out));
        effects
    }

    /// Says that the topology has changed.
    pub(crate) fn notify_change(&mut self, now: Time) -> Effects {
        let mut effects = Effects::default();
        self.step(&mut effects, |machine, out| machine.notify_change(now, out));
        effects
    }

    /// When [`Tree::wake`] is due; at once if there is something to send.
    pub(crate) fn next_wake(&self) -> Time {
        if self.sends.is_empty() { self.machine.next_wake() } else { Time::ZERO }
    }

    /// Takes out the frames to send, with the slots of their ports.
    pub(crate) fn take_sends(&mut self) -> Vec<(u16, [u8; bpdu::FRAME_SIZE])> {
        let sends = std::mem::take(&mut self.sends);
        let frame = |(slot, bpdu): (u16, Bpdu)| Some((slot, bpdu.to_frame(self.ports.get(&slot)?.config.mac)));
        sends.into_iter().filter_map(frame).collect()
    }

    /// How soon stations are to be forgotten while STP has the topology changing. RSTP flushes instead.
    pub(crate) fn ageing(&self, now: Time) -> Option<Duration> {
        let status = self.machine.status(now);
        let is_changing = self.protocol() == Protocol::Stp && status.is_changing;
        is_changing.then(|| status.forward_delay.max(Duration::from_secs(1)))
    }

    /// Why a port passes nothing on, in words: `an alternate port, blocking`.
    pub(crate) fn reason(&self, slot: u16) -> Option<String> {
        let status = self.port_status(slot)?;
        let state = status::state_name(self.protocol(), status.state).to_lowercase();
        let guard = self.ports.get(&slot)?.config.port.guard;
        Some(match status.role {
            _ if status.is_guarded && guard.root && status.state != State::Disabled => {
                "blocked by its root guard: a better root is heard there".to_owned()
            }
            _ if status.is_guarded => "shut by its BPDU guard".to_owned(),
            Role::Disabled => "a disabled port".to_owned(),
            Role::Alternate => format!("an alternate port, {state}"),
            Role::Backup => format!("a backup port, {state}"),
            Role::Root => format!("the root port, {state}"),
            Role::Designated => format!("a designated port, {state}"),
        })
    }

    /// Calls the machine and does what it wants.
    fn step(&mut self, effects: &mut Effects, call: impl FnOnce(&mut SpanningTree, &mut Vec<Output>)) {
        let mut out = Vec::new();
        call(&mut self.machine, &mut out);
        for output in out {
            let (Output::Send(number, _)
            | Output::State(number, _)
            | Output::Flush(number)
            | Output::BpduGuard(number)) = output;
            let Some(slot) = self.slots.get(&number) else { continue };
            let Some(port) = self.ports.get_mut(slot) else { continue };
            match output {
                Output::Send(_, bpdu) => self.sends.push((*slot, bpdu)),
                Output::State(_, state) => {
                    let gate = gate(state);
                    effects.has_moved |= gate != port.gate;
                    port.gate = gate;
                }
                Output::Flush(_) => {
                    effects.flushed.insert(*slot);
                }
                // The port's status tells.
                Output::BpduGuard(_) => {}
            }
        }
    }
}

impl Effects {
    pub(crate) fn merge(&mut self, mut other: Self) {
        self.has_moved |= other.has_moved;
        self.flushed.append(&mut other.flushed);
    }
}

fn gate(state: State) -> Gate {
    match state {
        State::Disabled | State::Blocking | State::Listening => Gate::Closed,
        State::Learning => Gate::Learning,
        State::Forwarding => Gate::Open,
    }
}

/// Whether a frame is one of spanning tree's, as Open vSwitch tells: to its group, and of IEEE 802.3.
#[inline]
pub(crate) fn is_bpdu(frame: &[u8]) -> bool {
    frame.starts_with(&bpdu::GROUP.0) && vlan::payload(frame, 2).is_some_and(|(length, _)| length.is_length())
}
