//! Flow tables, and what becomes of a key in them.

use crate::plan::{LOCAL, Plan};
use crate::program::{Op, Program};
use crate::rewrite::Rewrite;
use openflow::{Action, Flow};
use packet::key::slot;
use packet::{FlowKey, FlowMask};
use sim_core::{DropReason, Time};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A flow in a table.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What its maker asked for.
    pub flow: Flow,
    /// When it was made.
    pub since: Time,
    /// What it matched.
    pub stats: Arc<FlowStats>,
}

/// The bits of a VLAN and of a priority in a tag's control information.
const VID: u16 = 0x0fff;
const PCP: u16 = 0xe000;

/// What a flow matched. The one worker that moves a bridge's frames writes it, which takes no locked instruction; anybody
/// may read it.
#[derive(Debug, Default)]
pub struct FlowStats {
    packets: AtomicU64,
    bytes: AtomicU64,
    /// When it last matched, in ns of lab time; 0 for never.
    used: AtomicU64,
}

/// The flow tables of a bridge.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    /// By table, descending priority and age.
    rules: Vec<Rule>,
}

/// What is to be done with all frames that agree with a key in the bits of a mask.
#[derive(Debug)]
pub struct Translation {
    /// The steps.
    pub program: Program,
    /// The bits.
    pub mask: FlowMask,
}

impl FlowStats {
    /// Counts frames.
    #[inline]
    pub fn count(&self, packets: u64, bytes: u64, now: Time) {
        let add = |cell: &AtomicU64, more: u64| {
            cell.store(cell.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
        };
        self.used.store(now.as_nanos(), Ordering::Relaxed);
        add(&self.packets, packets);
        add(&self.bytes, bytes);
    }

    /// Frames and bytes so far.
    pub fn get(&self) -> (u64, u64) {
        (self.packets.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

impl Rule {
    /// Since when no frame has matched.
    pub fn idle_since(&self) -> Time {
        self.since.max(Time::from_nanos(self.stats.used.load(Ordering::Relaxed)))
    }

    /// A flow that is new.
    pub fn new(flow: Flow, since: Time) -> Self {
        Self { flow, since, stats: Arc::default() }
    }
}

impl Pipeline {
    /// The rules, by table, descending priority and age.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Adds a rule; one with the same table, priority and match goes.
    pub fn add(&mut self, rule: Rule) {
        let order = |rule: &Rule| (rule.flow.table, std::cmp::Reverse(rule.flow.priority));
        let start = self.rules.partition_point(|other| order(other) < order(&rule));
        let len = self.rules[start..].partition_point(|other| order(other) == order(&rule));
        match self.rules[start..start + len].iter().position(|other| other.flow.matched == rule.flow.matched) {
            Some(at) => self.rules[start + at] = rule,
            None => self.rules.insert(start + len, rule),
        }
    }

    /// Removes the rules for which `goes` is true.
    pub fn remove(&mut self, goes: impl Fn(&Rule) -> bool) {
        self.rules.retain(|rule| !goes(rule));
    }

    /// The bits that can matter to frames from an OpenFlow port.
    pub fn reads(&self, in_port: u16) -> FlowMask {
        let is_possible = |flow: &&Flow| {
            let mask = flow.matched.mask.get(slot::IN_PORT);
            flow.table == 0 && flow.matched.key.get(slot::IN_PORT) & mask == u128::from(in_port) & mask
        };
        let flows = self.rules.iter().map(|rule| &rule.flow).filter(is_possible);
        let mut reads = flows.fold(FlowMask::EMPTY, |all, flow| all.union(&flow.matched.mask));
        reads.set(slot::IN_PORT, 0);
        reads
    }

    /// What is to be done with frames like this one, which came in by the port of a slot.
    pub fn translate(&self, plan: &Plan, in_slot: u16, key: &FlowKey) -> Translation {
        let mut mask = FlowMask::EMPTY.with(slot::IN_PORT);
        for Rule { flow, stats, .. } in self.rules.iter().take_while(|rule| rule.flow.table == 0) {
            mask = mask.union(&flow.matched.mask);
            if flow.matched.matches(key) {
                let stats = Some(Arc::clone(stats));
                return Translation { program: compile(plan, in_slot, &flow.actions, stats), mask };
            }
        }
        Translation { program: Program::new(Vec::new(), DropReason::TableMiss, None), mask }
    }
}

/// The steps of a list of actions.
fn compile(plan: &Plan, in_slot: u16, actions: &[Action], stats: Option<Arc<FlowStats>>) -> Program {
    let mut reason = DropReason::FlowDrop;
    let mut output = |ofport: u32| match plan.slot_of_ofport(ofport) {
        Some(slot) if slot != in_slot => Some(Op::Output(slot)),
        Some(_) => {
            reason = DropReason::SamePort;
            None
        }
        None => {
            reason = DropReason::PortDown;
            None
        }
    };
    let steps = actions.iter().filter_map(|action| match *action {
        Action::Output(ofport) => output(ofport),
        Action::Local => output(u32::from(LOCAL)),
        _ => step(in_slot, action),
    });
    let steps = steps.collect();
    Program::new(steps, reason, stats)
}

/// The step of an action that names no port.
fn step(in_slot: u16, action: &Action) -> Option<Op> {
    Some(match *action {
        Action::InPort => Op::Output(in_slot),
        Action::Normal => Op::Normal,
        Action::Flood => Op::Everywhere { floodable_only: true },
        Action::All => Op::Everywhere { floodable_only: false },
        Action::ModVlanVid(vid) => Op::SetTci { value: vid, mask: VID, pushes: true },
        Action::ModVlanPcp(pcp) => Op::SetTci { value: u16::from(pcp) << 13, mask: PCP, pushes: true },
        Action::SetVlanVid(vid) => Op::SetTci { value: vid, mask: VID, pushes: false },
        Action::SetVlanPcp(pcp) => Op::SetTci { value: u16::from(pcp) << 13, mask: PCP, pushes: false },
        Action::StripVlan => Op::PopVlan,
        Action::PushVlan(ethertype) => Op::PushVlan(ethertype.0),
        Action::ModDlSrc(mac) => Op::Rewrite(Rewrite::EthSrc(mac.0)),
        Action::ModDlDst(mac) => Op::Rewrite(Rewrite::EthDst(mac.0)),
        Action::ModNwSrc(address) => Op::Rewrite(Rewrite::Ipv4Src(address.to_bits())),
        Action::ModNwDst(address) => Op::Rewrite(Rewrite::Ipv4Dst(address.to_bits())),
        Action::ModTpSrc(port) => Op::Rewrite(Rewrite::TpSrc(port)),
        Action::ModTpDst(port) => Op::Rewrite(Rewrite::TpDst(port)),
        Action::ModNwTos(tos) => Op::Rewrite(Rewrite::Dscp(tos)),
        Action::DecTtl => Op::DecTtl,
        _ => return None,
    })
}
