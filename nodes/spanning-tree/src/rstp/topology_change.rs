//! Topology change machine: IEEE 802.1D-2004 clause 17.31. Stations are forgotten where they may have moved away.

use super::Bridge;
use super::port::{Port, TopologyChange};
use super::timers::Timer;
use super::times::{Times, span};
use crate::{Output, Role};
use sim_core::{Duration, Time};

/// By how much tcWhile is longer than the hello time (17.21.7).
const MORE_THAN_HELLO: Duration = Duration::from_secs(1);

impl Bridge {
    /// One step; whether there was one.
    pub(super) fn move_topology(&mut self, now: Time, index: usize, out: &mut Vec<Output>) -> bool {
        let root_times = self.root_times;
        let port = &mut self.ports[index];
        let takes_part = matches!(port.role, Role::Root | Role::Designated);
        match port.topology_change {
            TopologyChange::Inactive if !port.learn => return false,
            TopologyChange::Inactive => port.start_learning(),
            TopologyChange::Learning if takes_part && port.forward && !port.oper_edge => {
                port.topology_change = TopologyChange::Active;
                port.start_tc_while(now, &root_times);
                port.new_info = true;
                self.set_tc_prop_tree(index);
            }
            TopologyChange::Learning if !takes_part && !port.learn => {
                port.topology_change = TopologyChange::Inactive;
                port.timers.stop(Timer::TopologyChange);
                port.tc_ack = false;
                out.push(Output::Flush(port.number));
            }
            TopologyChange::Learning if port.has_tc_flags() => port.start_learning(),
            TopologyChange::Learning => return false,
            TopologyChange::Active if !takes_part || port.oper_edge => port.start_learning(),
            TopologyChange::Active if port.rcvd_tc || port.rcvd_tcn => {
                if port.rcvd_tcn {
                    port.start_tc_while(now, &root_times);
                }
                port.rcvd_tc = false;
                port.rcvd_tcn = false;
                port.tc_ack |= port.role == Role::Designated;
                self.set_tc_prop_tree(index);
            }
            TopologyChange::Active if port.tc_prop => {
                port.start_tc_while(now, &root_times);
                port.tc_prop = false;
                out.push(Output::Flush(port.number));
            }
            TopologyChange::Active if port.rcvd_tc_ack => {
                port.timers.stop(Timer::TopologyChange);
                port.rcvd_tc_ack = false;
            }
            TopologyChange::Active => return false,
        }
        true
    }

    /// setTcPropTree (17.21.18): every port but this one.
    fn set_tc_prop_tree(&mut self, index: usize) {
        let others = self.ports.iter_mut().enumerate().filter(|(other, _)| *other != index);
        others.for_each(|(_, port)| port.tc_prop = true);
    }
}

impl Port {
    fn start_learning(&mut self) {
        self.topology_change = TopologyChange::Learning;
        self.rcvd_tc = false;
        self.rcvd_tcn = false;
        self.rcvd_tc_ack = false;
        self.tc_prop = false;
    }

    const fn has_tc_flags(&self) -> bool {
        self.rcvd_tc || self.rcvd_tcn || self.rcvd_tc_ack || self.tc_prop
    }

    /// newTcWhile (17.21.7).
    fn start_tc_while(&mut self, now: Time, root_times: &Times) {
        if !self.timers.has_expired(Timer::TopologyChange, now) {
            return;
        }
        let length = if self.send_rstp {
            self.new_info = true;
            span(self.designated_times.hello_time) + MORE_THAN_HELLO
        } else {
            span(root_times.max_age) + span(root_times.forward_delay)
        };
        self.timers.start(Timer::TopologyChange, now, length);
    }
}
