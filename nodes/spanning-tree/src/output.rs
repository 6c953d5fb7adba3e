//! What a machine wants done.

use crate::{PortNumber, State};
use packet::wire::bpdu::Bpdu;

/// What a machine wants done, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this out of the port.
    Send(PortNumber, Bpdu),
    /// From now on the port does this with frames.
    State(PortNumber, State),
    /// Forget the stations that were learnt at the port: they may be elsewhere.
    Flush(PortNumber),
    /// A BPDU came to a port whose guard refuses it: the port is disabled now.
    BpduGuard(PortNumber),
}
