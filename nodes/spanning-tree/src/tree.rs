//! One of the two protocols.

use crate::{BridgeConfig, BridgeStatus, Output, PortConfig, PortNumber, PortStatus, rstp, stp};
use packet::wire::bpdu::Bpdu;
use sim_core::Time;

/// Which protocol a bridge speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// IEEE 802.1D-1998.
    Stp,
    /// IEEE 802.1D-2004.
    Rstp,
}

/// The spanning tree of a bridge.
#[derive(Debug)]
pub enum SpanningTree {
    /// IEEE 802.1D-1998.
    Stp(stp::Bridge),
    /// IEEE 802.1D-2004.
    Rstp(rstp::Bridge),
}

macro_rules! either {
    ($self:ident, $bridge:ident => $do:expr) => {
        match $self {
            Self::Stp($bridge) => $do,
            Self::Rstp($bridge) => $do,
        }
    };
}

impl SpanningTree {
    /// A bridge without ports, which takes itself for the root.
    pub fn new(protocol: Protocol, config: BridgeConfig) -> Self {
        match protocol {
            Protocol::Stp => Self::Stp(stp::Bridge::new(config)),
            Protocol::Rstp => Self::Rstp(rstp::Bridge::new(config)),
        }
    }

    /// Which protocol it is.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Stp(_) => Protocol::Stp,
            Self::Rstp(_) => Protocol::Rstp,
        }
    }

    /// Changes what the bridge is told.
    pub fn configure(&mut self, now: Time, config: BridgeConfig, out: &mut Vec<Output>) {
        either!(self, bridge => bridge.configure(now, config, out));
    }

    /// Adds a port, whose link is down, or changes what it is told.
    pub fn set_port(&mut self, now: Time, port: PortNumber, config: PortConfig, out: &mut Vec<Output>) {
        either!(self, bridge => bridge.set_port(now, port, config, out));
    }

    /// Removes a port.
    pub fn remove_port(&mut self, now: Time, port: PortNumber, out: &mut Vec<Output>) {
        either!(self, bridge => bridge.remove_port(now, port, out));
    }

    /// The port's link came up or went down.
    pub fn set_link(&mut self, now: Time, port: PortNumber, is_up: bool, out: &mut Vec<Output>) {
        either!(self, bridge => bridge.set_link(now, port, is_up, out));
    }

    /// A BPDU came in. What can't be read is counted with [`SpanningTree::count_error`].
    pub fn receive(&mut self, now: Time, port: PortNumber, bpdu: &Bpdu, out: &mut Vec<Output>) {
        either!(self, bridge => bridge.receive(now, port, bpdu, out));
    }

    /// Counts a BPDU that couldn't be read.
    pub fn count_error(&mut self, port: PortNumber) {
        either!(self, bridge => bridge.count_error(port));
    }

    /// Says that the topology has changed, as if a port had (`ovs-appctl stp/tcn`, `rstp/tcn`).
    pub fn notify_change(&mut self, now: Time, out: &mut Vec<Output>) {
        either!(self, bridge => bridge.notify_change(now, out));
    }

    /// Asks whether a port's neighbour speaks RSTP by now (`rstp-port-mcheck`). STP has nothing to ask.
    pub fn check_migration(&mut self, now: Time, port: PortNumber, out: &mut Vec<Output>) {
        if let Self::Rstp(bridge) = self {
            bridge.check_migration(now, port, out);
        }
    }

    /// [`SpanningTree::next_wake`] has come. Spurious calls are harmless.
    pub fn wake(&mut self, now: Time, out: &mut Vec<Output>) {
        either!(self, bridge => bridge.wake(now, out));
    }

    /// When [`SpanningTree::wake`] is due, in O(1).
    #[inline]
    pub fn next_wake(&self) -> Time {
        either!(self, bridge => bridge.next_wake())
    }

    /// What the bridge tells.
    pub fn status(&self, now: Time) -> BridgeStatus {
        either!(self, bridge => bridge.status(now))
    }

    /// What a port tells.
    pub fn port_status(&self, port: PortNumber) -> Option<PortStatus> {
        either!(self, bridge => bridge.port_status(port))
    }

    /// The ports, in the order of their numbers.
    pub fn ports(&self) -> Vec<PortNumber> {
        either!(self, bridge => bridge.ports())
    }
}
