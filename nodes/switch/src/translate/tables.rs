//! Lookups in flow tables: resubmit and goto (ovs-actions(7), `resubmit`).

use super::{Failure, Lookup, Observer, Seen, Translator, World};
use packet::FlowMask;
use packet::key::{FRAG_ANY, slot};
use sim_core::DropReason;
use std::sync::Arc;

/// How deep lookups may be in one another, those not counted that go on in a later table.
const MAX_DEPTH: u32 = 64;
/// How many lookups there may be.
const MAX_RESUBMITS: u32 = MAX_DEPTH * MAX_DEPTH;
/// How deep they may be in one another, counting all.
const MAX_NESTED: u32 = 320;

/// The way to a lookup.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Depth {
    /// How deep it is in others, those that go on in a later table not counted.
    deepened: u32,
    /// How deep it is in others.
    nested: u32,
    /// How many there were.
    resubmits: u32,
    /// How deep it stands in the trace.
    pub level: u8,
}

impl<O: Observer> Translator<'_, O> {
    /// Says something to who watches.
    pub(super) fn say(&mut self, seen: Seen<'_>) {
        self.observer.see(self.depth.level, seen);
    }

    /// Looks up as if the frame came in by a port, and does what the rule says.
    #[inline(never)]
    pub(super) fn lookup(&mut self, in_port: u32, table: u8) {
        let World { tables, .. } = self.world;
        let mut key = self.state.flow;
        key.set_in_port(in_port);
        let mut looked = FlowMask::EMPTY;
        if key.nw_frag() & FRAG_ANY != 0 {
            // Fragments match as if they had no ports, the first one too.
            key.set_tp_src(0);
            key.set_tp_dst(0);
        }
        self.lookups.push(Lookup { table, key, written: self.state.written });
        let rule = tables.lookup(table, &key, &mut looked);
        if let Some(stats) = tables.table_stats(table) {
            self.counters.push(Arc::clone(&stats.lookups));
            self.counters.extend(rule.map(|_| Arc::clone(&stats.matched)));
        }
        if looked.get(slot::TP_SRC) | looked.get(slot::TP_DST) != 0 {
            looked.add(slot::NW_FRAG);
            if key.nw_frag() & FRAG_ANY != 0 {
                looked.set(slot::TP_SRC, 0);
                looked.set(slot::TP_DST, 0);
            }
        }
        looked.set(slot::IN_PORT, 0);
        self.look(&looked);
        self.observer.see(self.depth.level, Seen::Lookup { tables, table, key: &key, rule });
        let (old_rule, old_table) = (self.rule.take(), self.table);
        self.table = table;
        self.depth.level = self.depth.level.saturating_add(1);
        match rule {
            Some(rule) => {
                self.rules.push(Arc::clone(rule));
                self.rule = Some(Arc::clone(rule));
                self.actions(rule.actions());
            }
            None => {
                self.say(Seen::Drop);
                self.reason.get_or_insert(DropReason::TableMiss);
            }
        }
        self.depth.level = self.depth.level.saturating_sub(1);
        (self.rule, self.table) = (old_rule, old_table);
    }

    /// Looks up again from within a list of actions.
    pub(super) fn resubmit(&mut self, in_port: Option<u32>, table: u8) {
        if !self.may_resubmit() {
            return;
        }
        let in_port = in_port.unwrap_or_else(|| self.state.flow.in_port());
        self.deeper(table <= self.table, |at| at.lookup(in_port, table));
    }

    /// Does something that counts as a lookup.
    pub(super) fn deeper(&mut self, deepens: bool, body: impl FnOnce(&mut Self)) {
        let Depth { deepened, nested, .. } = self.depth;
        self.depth.resubmits += 1;
        self.depth.deepened += u32::from(deepens);
        self.depth.nested += 1;
        body(self);
        (self.depth.deepened, self.depth.nested) = (deepened, nested);
    }

    /// Whether one more lookup may be made; if not, the translation is given up.
    pub(super) fn may_resubmit(&mut self) -> bool {
        if self.depth.deepened >= MAX_DEPTH || self.depth.nested >= MAX_NESTED {
            self.say(Seen::Error(format_args!("over max translation depth {MAX_DEPTH}")));
            self.fail(Failure::TooDeep);
        } else if self.depth.resubmits >= MAX_RESUBMITS {
            self.say(Seen::Error(format_args!("over {MAX_RESUBMITS} resubmit actions")));
            self.fail(Failure::TooManyResubmits);
        }
        self.failure.is_none()
    }
}
