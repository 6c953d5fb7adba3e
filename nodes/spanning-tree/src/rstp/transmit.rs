//! Port transmit machine: IEEE 802.1D-2004 clause 17.26.
//!
//! txCount falls a second after it began to rise, and every second from then on, so that in no second more than
//! TxHoldCount BPDUs go out.

use super::Bridge;
use super::port::Port;
use super::timers::Timer;
use super::times::{TRANSMIT_INTERVAL, span, transmit_hold_count};
use crate::{Output, Role};
use packet::wire::bpdu::{Bpdu, Flags, PortRole, Vector};
use sim_core::Time;

impl Bridge {
    /// Sends what is due. The machines rest when it is called, and what it does moves none of them.
    pub(super) fn transmit(&mut self, now: Time, index: usize, out: &mut Vec<Output>) {
        let hold_count = transmit_hold_count(&self.config);
        let port = &mut self.ports[index];
        if port.tx_count > 0 && port.timers.has_expired(Timer::Transmit, now) {
            port.tx_count -= 1;
            if port.tx_count > 0 {
                port.timers.start(Timer::Transmit, now, TRANSMIT_INTERVAL);
            }
        }
        if !port.is_enabled() {
            return;
        }
        let is_changing = !port.timers.has_expired(Timer::TopologyChange, now);
        if port.timers.has_expired(Timer::Hello, now) {
            port.start_hello(now);
            port.new_info |= port.role == Role::Designated || (port.role == Role::Root && is_changing);
        }
        if !port.new_info || port.tx_count >= hold_count {
            return;
        }
        let bpdu = match (port.send_rstp, port.role) {
            (true, _) => Bpdu::Rst(port.message(is_changing)),
            (false, Role::Designated) => Bpdu::Config(port.message(is_changing)),
            // An agreement is new information as well, but not to an STP bridge.
            (false, Role::Root) if is_changing => Bpdu::TopologyChange,
            (false, _) => {
                port.new_info = false;
                return;
            }
        };
        port.new_info = false;
        port.tc_ack &= bpdu == Bpdu::TopologyChange;
        port.tx_count += 1;
        if port.tx_count == 1 {
            port.timers.start(Timer::Transmit, now, TRANSMIT_INTERVAL);
        }
        port.start_hello(now);
        port.counters.tx += 1;
        out.push(Output::Send(port.number, bpdu));
    }
}

impl Port {
    /// IDLE: the next hello is a hello time after what was sent last.
    fn start_hello(&mut self, now: Time) {
        self.timers.start(Timer::Hello, now, span(self.designated_times.hello_time));
    }

    /// txRstp, txConfig (17.21.19, 17.21.20).
    fn message(&self, is_changing: bool) -> Vector {
        let priority = &self.designated_priority;
        let times = &self.designated_times;
        let flags = match self.send_rstp {
            true => Flags {
                topology_change: is_changing,
                proposal: self.proposing,
                role: match self.role {
                    Role::Root => PortRole::Root,
                    Role::Designated => PortRole::Designated,
                    Role::Alternate | Role::Backup => PortRole::AlternateBackup,
                    Role::Disabled => PortRole::Unknown,
                },
                learning: self.learn,
                forwarding: self.forward,
                agreement: self.agree,
                topology_change_ack: false,
            },
            false => Flags { topology_change: is_changing, topology_change_ack: self.tc_ack, ..Flags::default() },
        };
        Vector {
            flags,
            root: priority.root,
            root_path_cost: priority.root_path_cost,
            bridge: priority.bridge,
            port: priority.port,
            message_age: times.message_age,
            max_age: times.max_age,
            hello_time: times.hello_time,
            forward_delay: times.forward_delay,
        }
    }
}
