//! What translations ask for besides what is done with the frame.

use crate::shared::Shared;
use crate::translate::{Effect, Learnt};
use packet::FlowKey;
use packet::wire::IpProtocol;
use sim_core::Time;

/// Carries out an effect, for this frame.
pub(super) fn carry_out(sw: &Shared, now: Time, effect: &Effect, frame: &[u8]) {
    match effect {
        Effect::Learn(learnt) => {
            let Learnt { change, limit, .. } = &**learnt;
            // What can't be learnt isn't, as in Open vSwitch.
            let _ = sw.change_tables(|tables| tables.learn(now, change, *limit));
        }
        Effect::FinTimeout { rule, idle_timeout, hard_timeout } => {
            if ends_connection(frame) {
                sw.change_tables(|tables| tables.reduce_timeouts(rule, *idle_timeout, *hard_timeout));
            }
        }
    }
}

/// Whether a frame is a TCP segment with FIN or RST.
pub(super) fn ends_connection(frame: &[u8]) -> bool {
    const FIN_RST: u16 = 0x005;
    let key = FlowKey::extract(0, frame);
    key.ip_protocol() == IpProtocol::TCP && key.tcp_flags().0 & FIN_RST != 0
}
