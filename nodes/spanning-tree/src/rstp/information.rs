//! Port information machine: IEEE 802.1D-2004 clause 17.27. Whose vector is in force on a port's link.

use super::Bridge;
use super::port::{Information, Port};
use super::timers::Timer;
use super::times::{MIGRATE_TIME, Times};
use super::vector::Priority;
use packet::wire::bpdu::{PortRole, Vector};
use sim_core::Time;

/// What a message is to a port: rcvdInfo (17.21.8).
enum Received {
    SuperiorDesignated,
    RepeatedDesignated,
    InferiorDesignated,
    InferiorRootAlternate,
    Other,
}

impl Bridge {
    /// Ports that were enabled or disabled, and information that nobody repeated: DISABLED and AGED.
    pub(super) fn update_information(&mut self, now: Time) {
        for port in &mut self.ports {
            let changed = match (port.is_enabled(), port.information) {
                (false, Information::Disabled) => false,
                (false, _) => {
                    port.forget();
                    true
                }
                (true, Information::Disabled) => {
                    port.information = Information::Aged;
                    port.timers.start(Timer::EdgeDelay, now, MIGRATE_TIME);
                    port.timers.start(Timer::MigrationDelay, now, MIGRATE_TIME);
                    true
                }
                (true, Information::Received) if port.timers.has_expired(Timer::ReceivedInformation, now) => {
                    port.information = Information::Aged;
                    true
                }
                (true, _) => false,
            };
            port.is_refusing = !port.timers.has_expired(Timer::Refusal, now);
            self.reselect |= changed;
        }
    }
}

impl Port {
    /// DISABLED. The timers that run while a port is enabled stop.
    fn forget(&mut self) {
        self.information = Information::Disabled;
        self.proposing = false;
        self.proposed = false;
        self.agree = false;
        self.agreed = false;
        self.disputed = false;
        self.new_info = false;
        for timer in [
            Timer::ReceivedInformation,
            Timer::EdgeDelay,
            Timer::MigrationDelay,
            Timer::Hello,
            Timer::TopologyChange,
            Timer::Refusal,
        ] {
            self.timers.stop(timer);
        }
    }

    /// UPDATE: from now on the bridge's own vector is in force.
    pub(super) fn update(&mut self) {
        self.proposing = false;
        self.proposed = false;
        let is_mine = self.information == Information::Mine;
        self.agreed &= is_mine && self.designated_priority <= self.priority;
        self.synced &= self.agreed;
        self.priority = self.designated_priority;
        self.times = self.designated_times;
        self.information = Information::Mine;
        self.new_info = true;
    }

    /// RECEIVE and what follows from it; whether roles have to be selected again.
    pub(super) fn take_information(&mut self, now: Time, message: &Vector, speaks_rstp: bool) -> bool {
        let (priority, times) = (Priority::of_message(message), Times::of_message(message));
        let received = self.classify(message.flags.role, &priority, &times);
        match received {
            Received::SuperiorDesignated if self.config.guard.root => {
                self.timers.start(Timer::Refusal, now, times.lifetime());
                self.agreed = false;
                return false;
            }
            Received::SuperiorDesignated => {
                self.agreed = false;
                self.proposing = false;
                self.record_proposal(message, speaks_rstp);
                self.set_tc_flags(message);
                self.agree &= self.information == Information::Received && priority <= self.priority;
                self.priority = priority;
                self.times = times;
                self.timers.start(Timer::ReceivedInformation, now, times.lifetime());
                self.information = Information::Received;
                return true;
            }
            Received::RepeatedDesignated => {
                self.record_proposal(message, speaks_rstp);
                self.set_tc_flags(message);
                self.timers.start(Timer::ReceivedInformation, now, times.lifetime());
            }
            // recordDispute (17.21.10): who is worse and learns all the same, doesn't hear this port.
            Received::InferiorDesignated if message.flags.learning => {
                self.disputed = true;
                self.agreed = false;
            }
            Received::InferiorRootAlternate => {
                self.record_agreement(message, speaks_rstp);
                self.set_tc_flags(message);
            }
            Received::InferiorDesignated | Received::Other => {}
        }
        false
    }

    /// rcvInfo (17.21.8).
    fn classify(&self, role: PortRole, priority: &Priority, times: &Times) -> Received {
        match role {
            PortRole::Designated if priority.is_superior_to(&self.priority) => Received::SuperiorDesignated,
            PortRole::Designated if *priority != self.priority => Received::InferiorDesignated,
            PortRole::Designated if *times != self.times => Received::SuperiorDesignated,
            PortRole::Designated => Received::RepeatedDesignated,
            PortRole::Root | PortRole::AlternateBackup if *priority >= self.priority => Received::InferiorRootAlternate,
            PortRole::Root | PortRole::AlternateBackup | PortRole::Unknown => Received::Other,
        }
    }

    /// recordProposal (17.21.11). Who is forced to STP can't answer.
    fn record_proposal(&mut self, message: &Vector, speaks_rstp: bool) {
        self.proposed |= speaks_rstp && message.flags.proposal;
    }

    /// recordAgreement (17.21.9). Beyond the standard, what was agreed with must be what the port says now: the same
    /// root, and nothing that TxHoldCount keeps back.
    fn record_agreement(&mut self, message: &Vector, speaks_rstp: bool) {
        let is_current = message.root == self.priority.root && !self.new_info;
        self.agreed = speaks_rstp && self.config.point_to_point && message.flags.agreement && is_current;
        self.proposing &= !self.agreed;
    }

    /// setTcFlags (17.21.17).
    fn set_tc_flags(&mut self, message: &Vector) {
        self.rcvd_tc |= message.flags.topology_change;
        self.rcvd_tc_ack |= message.flags.topology_change_ack;
    }
}
