//! Port role transitions machine: IEEE 802.1D-2004 clause 17.29.
//!
//! What makes it free of loops: a port that is to forward waits until every port that led to the root lately has
//! stopped (reRoot), and a bridge agrees with who is designated above it when its own designated ports have stopped
//! or been agreed with (sync).

use super::Bridge;
use super::port::Port;
use super::timers::Timer;
use super::times::{MIGRATE_TIME, span};
use crate::Role;
use sim_core::{Duration, Time};

/// Steps of one port in one round: far more than it has states.
const STEPS: usize = 32;

impl Bridge {
    /// Steps of a port's machine, until it rests; whether there was one.
    pub(super) fn move_role(&mut self, now: Time, index: usize) -> bool {
        (0..STEPS).take_while(|_| self.step_role(now, index)).count() > 0
    }

    fn step_role(&mut self, now: Time, index: usize) -> bool {
        let port = &mut self.ports[index];
        if port.role != port.selected_role {
            port.enter_role(now);
            return true;
        }
        match port.role {
            Role::Root => self.step_root(now, index),
            Role::Designated => port.step_designated(now),
            Role::Alternate | Role::Backup => self.step_blocked(index),
            Role::Disabled => port.settle_blocked(),
        }
    }

    /// Figure 17-21.
    fn step_root(&mut self, now: Time, index: usize) -> bool {
        let may_forward = self.may_root_forward(now, index);
        let all_synced = self.all_synced(index);
        let port = &mut self.ports[index];
        let forward_delay = port.forward_delay();
        if port.proposed && !port.agree {
            port.proposed = false;
            self.set_sync_tree();
        } else if port.proposed || (all_synced && !port.agree) {
            port.sync = false;
            port.answer();
        } else if !port.forward && !port.re_root {
            self.set_re_root_tree();
        } else if may_forward && !port.learn {
            port.timers.start(Timer::ForwardDelay, now, forward_delay);
            port.learn = true;
        } else if may_forward && !port.forward {
            port.timers.stop(Timer::ForwardDelay);
            port.forward = true;
        } else if port.re_root && port.forward {
            port.re_root = false;
        } else {
            return false;
        }
        true
    }

    /// Figure 17-23: alternate and backup ports.
    fn step_blocked(&mut self, index: usize) -> bool {
        let all_synced = self.all_synced(index);
        let port = &mut self.ports[index];
        if port.proposed && !port.agree {
            port.proposed = false;
            self.set_sync_tree();
        } else if port.proposed || (all_synced && !port.agree) {
            port.answer();
        } else {
            return port.settle_blocked();
        }
        true
    }

    /// Whether the root port may go on: in time, or because no other port led to the root lately (reRooted, 17.20.10).
    fn may_root_forward(&self, now: Time, index: usize) -> bool {
        let timers = &self.ports[index].timers;
        let others = || self.ports.iter().enumerate().filter(|(other, _)| *other != index);
        timers.has_expired(Timer::ForwardDelay, now)
            || (self.speaks_rstp()
                && timers.has_expired(Timer::RecentBackup, now)
                && others().all(|(_, port)| port.timers.has_expired(Timer::RecentRoot, now)))
    }

    /// allSynced (17.20.3), asked for where it matters only: where nothing has been agreed with yet.
    fn all_synced(&self, index: usize) -> bool {
        let is_synced = |port: &Port| port.role == port.selected_role && (port.synced || port.role == Role::Root);
        !self.ports[index].agree && self.ports.iter().all(is_synced)
    }

    /// setSyncTree (17.21.14).
    fn set_sync_tree(&mut self) {
        self.ports.iter_mut().for_each(|port| port.sync = true);
    }

    /// setReRootTree (17.21.15).
    fn set_re_root_tree(&mut self) {
        self.ports.iter_mut().for_each(|port| port.re_root = true);
    }
}

impl Port {
    /// Takes on the role that was selected. Timers that the old role held begin to run.
    fn enter_role(&mut self, now: Time) {
        let hello_time = span(self.designated_times.hello_time);
        match self.role {
            Role::Root => self.timers.start(Timer::RecentRoot, now, span(self.designated_times.forward_delay)),
            Role::Disabled => self.timers.start(Timer::ForwardDelay, now, span(self.designated_times.max_age)),
            Role::Alternate => self.timers.start(Timer::ForwardDelay, now, self.forward_delay()),
            Role::Backup => {
                self.timers.start(Timer::ForwardDelay, now, self.forward_delay());
                self.timers.start(Timer::RecentBackup, now, hello_time * 2);
            }
            Role::Designated => {}
        }
        self.role = self.selected_role;
        match self.role {
            Role::Root => self.timers.hold(Timer::RecentRoot),
            Role::Designated => {}
            Role::Alternate | Role::Backup | Role::Disabled => {
                self.learn = false;
                self.forward = false;
                self.timers.hold(Timer::ForwardDelay);
                self.timers.stop(Timer::RecentRoot);
                if self.role == Role::Backup {
                    self.timers.hold(Timer::RecentBackup);
                }
                self.settle_blocked();
            }
        }
    }

    /// What neither forwards nor will, is in step with everything.
    fn settle_blocked(&mut self) -> bool {
        let was_settled = self.synced && !self.sync && !self.re_root;
        self.synced = true;
        self.sync = false;
        self.re_root = false;
        !was_settled
    }

    /// ROOT_AGREED, ALTERNATE_AGREED.
    const fn answer(&mut self) {
        self.proposed = false;
        self.agree = true;
        self.new_info = true;
    }

    /// Figure 17-22.
    fn step_designated(&mut self, now: Time) -> bool {
        let was_root_lately = self.re_root && !self.timers.has_expired(Timer::RecentRoot, now);
        let may_forward = (self.timers.has_expired(Timer::ForwardDelay, now) || self.agreed || self.oper_edge)
            && !was_root_lately
            && !self.sync
            && !self.is_refusing;
        let must_stop =
            (((self.sync && !self.synced) || was_root_lately || self.disputed) && !self.oper_edge) || self.is_refusing;
        if !self.forward && !self.agreed && !self.proposing && !self.oper_edge {
            self.proposing = true;
            self.timers.start(Timer::EdgeDelay, now, self.edge_delay());
            self.new_info = true;
        } else if (!self.synced && (!self.learn || self.agreed || self.oper_edge)) || (self.sync && self.synced) {
            self.timers.stop(Timer::RecentRoot);
            self.synced = true;
            self.sync = false;
        } else if self.re_root && !was_root_lately {
            self.re_root = false;
        } else if must_stop && self.learn {
            self.learn = false;
            self.forward = false;
            self.disputed = false;
            self.timers.start(Timer::ForwardDelay, now, self.forward_delay());
        } else if may_forward && !self.learn {
            self.learn = true;
            self.timers.start(Timer::ForwardDelay, now, self.forward_delay());
        } else if may_forward && !self.forward {
            self.forward = true;
            self.timers.stop(Timer::ForwardDelay);
            self.agreed = self.send_rstp;
        } else {
            return false;
        }
        true
    }

    /// forwardDelay (17.20.5).
    fn forward_delay(&self) -> Duration {
        span(if self.send_rstp { self.designated_times.hello_time } else { self.designated_times.forward_delay })
    }

    /// EdgeDelay (17.20.4).
    fn edge_delay(&self) -> Duration {
        if self.config.point_to_point { MIGRATE_TIME } else { span(self.designated_times.max_age) }
    }
}
