//! Port protocol migration machine: IEEE 802.1D-2004 clause 17.24. Whether a port speaks RSTP or STP.

use super::port::{Migration, Port};
use super::timers::Timer;
use super::times::MIGRATE_TIME;
use sim_core::Time;

impl Port {
    /// One step; whether there was one.
    pub(super) fn migrate(&mut self, now: Time, speaks_rstp: bool) -> bool {
        let is_enabled = self.is_enabled();
        let has_expired = self.timers.has_expired(Timer::MigrationDelay, now);
        match self.migration {
            Migration::Checking if !is_enabled || !has_expired => return false,
            Migration::Selecting if is_enabled && !self.mcheck && !has_expired => return false,
            Migration::Checking | Migration::Selecting => {
                self.migration = Migration::Sensing;
                self.rcvd_rstp = false;
                self.rcvd_stp = false;
            }
            Migration::Sensing if !is_enabled || self.mcheck || (speaks_rstp && !self.send_rstp && self.rcvd_rstp) => {
                self.migration = Migration::Checking;
                self.mcheck = false;
                self.send_rstp = speaks_rstp;
                self.start_delay(now);
            }
            Migration::Sensing if self.send_rstp && self.rcvd_stp => {
                self.migration = Migration::Selecting;
                self.send_rstp = false;
                self.start_delay(now);
            }
            Migration::Sensing => return false,
        }
        true
    }

    /// mdelayWhile begins; it waits for the port to be enabled.
    fn start_delay(&mut self, now: Time) {
        if self.is_enabled() {
            self.timers.start(Timer::MigrationDelay, now, MIGRATE_TIME);
        }
    }
}
