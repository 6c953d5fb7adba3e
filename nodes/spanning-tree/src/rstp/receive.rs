//! Port receive machine: IEEE 802.1D-2004 clause 17.23, the validation of 9.3.4, and what the guards refuse.
//!
//! A BPDU is taken in at once: rcvdBPDU and rcvdMsg (17.19.25, 17.19.27) never wait, since the machines rest between
//! two inputs.

use super::Bridge;
use super::port::Information;
use super::timers::Timer;
use super::times::{HELLOS_OF_INFORMATION, MIGRATE_TIME, span};
use super::vector::Priority;
use packet::wire::bpdu::{Bpdu, Flags, PortRole, Vector};
use sim_core::Time;

impl Bridge {
    /// Takes a BPDU in, and leaves to the machines what follows.
    pub(super) fn hear(&mut self, now: Time, index: usize, bpdu: &Bpdu) {
        let id = self.config.id;
        let hello_time = span(self.root_times.hello_time);
        let speaks_rstp = self.speaks_rstp();
        let port = &mut self.ports[index];
        if !port.is_enabled() {
            return;
        }
        if let Bpdu::Config(message) = bpdu
            && message.message_age >= message.max_age
        {
            port.counters.errors += 1;
            return;
        }
        port.counters.rx += 1;
        if port.config.guard.bpdu {
            port.is_shut = true;
            return;
        }
        if let Some(message) = bpdu.vector()
            && Priority::of_message(message).is_from(id, port.id())
        {
            port.timers.start(Timer::Refusal, now, hello_time * HELLOS_OF_INFORMATION);
            port.agreed = false;
            return;
        }
        port.oper_edge = false;
        port.timers.start(Timer::EdgeDelay, now, MIGRATE_TIME);
        // A role that isn't told makes an RST BPDU a configuration BPDU (9.2.9), which tells of a designated port.
        let (message, is_rst) = match bpdu {
            Bpdu::Rst(message) if message.flags.role != PortRole::Unknown => (message, true),
            Bpdu::Rst(message) | Bpdu::Config(message) => (&as_config(message), false),
            Bpdu::TopologyChange => {
                port.rcvd_stp = true;
                port.rcvd_tcn = true;
                return;
            }
        };
        port.rcvd_rstp = is_rst;
        port.rcvd_stp = !is_rst;
        debug_assert!(port.information != Information::Disabled, "an enabled port has information");
        self.reselect |= port.take_information(now, message, speaks_rstp);
    }
}

/// A message with the flags that a configuration BPDU has and the role that it implies.
const fn as_config(message: &Vector) -> Vector {
    let Flags { topology_change, topology_change_ack, .. } = message.flags;
    let flags = Flags {
        topology_change,
        topology_change_ack,
        proposal: false,
        role: PortRole::Designated,
        learning: false,
        forwarding: false,
        agreement: false,
    };
    Vector { flags, ..*message }
}
