//! Flows that a frame makes or ends: `learn`, `fin_timeout` (ovs-actions(7)).

use super::{Effect, Learnt, Observer, Seen, Translator};
use openflow::{Action, Flow, FlowCommand, FlowFlags, FlowMod, Learn, LearnSource, LearnSpec};
use packet::Subfield;
use packet::key::slot;
use std::sync::Arc;

/// The bits of TCP's flags that end a connection: FIN and RST.
const ENDS: u128 = 0x005;

impl<O: Observer> Translator<'_, O> {
    /// `learn`.
    pub(super) fn learn(&mut self, learn: &Learn) {
        let change = self.learnt_flow(learn);
        if let Some(result) = &learn.result {
            let has_room = learn.limit == 0 || self.has_room(learn, &change);
            self.store(result, u128::from(has_room));
        }
        let owner = if learn.delete_learned { self.rule.clone() } else { None };
        let learnt = Learnt { change, limit: learn.limit, owner };
        self.say(Seen::Learn(&learnt));
        self.effect(Effect::Learn(Box::new(learnt)));
    }

    fn learnt_flow(&mut self, learn: &Learn) -> FlowMod {
        let mut flow = Flow {
            table: learn.table,
            priority: learn.priority,
            cookie: learn.cookie,
            idle_timeout: learn.idle_timeout,
            hard_timeout: learn.hard_timeout,
            flags: FlowFlags { send_flow_rem: learn.send_flow_rem, ..FlowFlags::default() },
            ..Flow::default()
        };
        if learn.fin_idle_timeout != 0 || learn.fin_hard_timeout != 0 {
            flow.actions.push(Action::FinTimeout {
                idle_timeout: learn.fin_idle_timeout,
                hard_timeout: learn.fin_hard_timeout,
            });
        }
        for spec in &learn.specs {
            match spec {
                LearnSpec::Match { source, to } => {
                    let value = self.value_of(source, to);
                    to.set(&mut flow.matched.key, value);
                    to.add_to(&mut flow.matched.mask);
                    // Of a port's number, which has more bits in the key than in the field, all or none are matched.
                    if to.field.slot == slot::IN_PORT {
                        flow.matched.mask.add(slot::IN_PORT);
                    }
                }
                LearnSpec::Load { source, to } => {
                    let value = self.value_of(source, to);
                    flow.actions.push(Action::Load { to: *to, value });
                }
                LearnSpec::Output(from) => {
                    let port = self.read(from) as u32;
                    flow.actions.push(output(port));
                }
            }
        }
        FlowMod::new(FlowCommand::Add, flow)
    }

    fn value_of(&mut self, source: &LearnSource, to: &Subfield) -> u128 {
        let value = match source {
            LearnSource::Value(value) => *value,
            LearnSource::Field(from) => self.read(from),
        };
        value & to.max()
    }

    /// Whether the limit lets the flow be made: it is there, or there are fewer of its cookie.
    fn has_room(&self, learn: &Learn, change: &FlowMod) -> bool {
        let all = Flow { table: learn.table, ..Flow::default() };
        let which =
            FlowMod { cookie_mask: u64::MAX, cookie_match: learn.cookie, ..FlowMod::new(FlowCommand::Delete, all) };
        let flow = &change.flow;
        let others = self.world.tables.selected(&which);
        let same = |rule: &Arc<flow_table::Rule>| rule.priority() == flow.priority && rule.matched() == flow.matched;
        (others.iter().filter(|rule| rule.cookie == learn.cookie).count() as u64) < u64::from(learn.limit)
            || others.iter().any(same)
    }

    /// `fin_timeout`.
    pub(super) fn fin_timeout(&mut self, idle_timeout: u16, hard_timeout: u16) {
        self.look_at(slot::DL_TYPE);
        if !super::actions::IPS.are_met(&self.state.flow, &packet::FlowMask::FULL) {
            return;
        }
        self.look_at(slot::NW_PROTO);
        if self.state.flow.nw_proto() != 6 {
            return;
        }
        let mut looked = packet::FlowMask::EMPTY;
        looked.set(slot::TCP_FLAGS, ENDS);
        self.look(&looked);
        if let (Some(rule), true) = (&self.rule, self.state.flow.get(slot::TCP_FLAGS) & ENDS != 0) {
            let rule = Arc::clone(rule);
            self.effect(Effect::FinTimeout { rule, idle_timeout, hard_timeout });
        }
    }
}

/// The action that sends by a port of this number.
fn output(port: u32) -> Action {
    match port {
        super::output::IN_PORT => Action::InPort,
        super::output::NORMAL => Action::Normal,
        super::output::FLOOD => Action::Flood,
        super::output::ALL => Action::All,
        super::output::LOCAL => Action::Local,
        super::output::TABLE => Action::Table,
        port => Action::Output(port),
    }
}
