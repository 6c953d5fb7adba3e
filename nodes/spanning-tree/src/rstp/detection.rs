//! Bridge detection machine: IEEE 802.1D-2004 clause 17.25. Whether a port leads to stations only.

use super::port::Port;
use super::timers::Timer;
use sim_core::Time;

impl Port {
    /// One step; whether there was one. A BPDU that comes in ends what is an edge (17.23).
    pub(super) fn detect_bridge(&mut self, now: Time) -> bool {
        let is_silent = self.timers.has_expired(Timer::EdgeDelay, now);
        let is_edge = match self.is_enabled() {
            false => self.config.admin_edge,
            true => self.oper_edge || (is_silent && self.config.auto_edge && self.send_rstp && self.proposing),
        };
        is_edge != std::mem::replace(&mut self.oper_edge, is_edge)
    }
}
