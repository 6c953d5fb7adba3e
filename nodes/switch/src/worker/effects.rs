//! What translations ask for besides what is done with the frame.

use crate::shared::Shared;
use crate::translate::{Effect, Learnt};
use openflow::{FlowCommand, FlowMod};
use packet::FlowKey;
use packet::wire::IpProtocol;
use sim_core::Time;

/// Carries out an effect, for this frame.
pub(super) fn carry_out(sw: &Shared, now: Time, effect: &Effect, frame: &[u8]) {
    match effect {
        Effect::Learn(learnt) => learn(sw, now, learnt),
        Effect::FinTimeout { .. } => {
            let _ = ends_connection(frame);
        }
    }
}

/// Whether a frame is a TCP segment with FIN or RST.
pub(super) fn ends_connection(frame: &[u8]) -> bool {
    const FIN_RST: u16 = 0x005;
    let key = FlowKey::extract(0, frame);
    key.ip_protocol() == IpProtocol::TCP && key.tcp_flags().0 & FIN_RST != 0
}

/// Makes a flow, unless it is there.
fn learn(sw: &Shared, now: Time, learnt: &Learnt) {
    let Learnt { change, .. } = learnt;
    let strictly = FlowMod { command: FlowCommand::DeleteStrict, ..change.clone() };
    let is_there = sw.tables().selected(&strictly).iter().any(|rule| {
        let flow = rule.flow();
        flow.priority == change.flow.priority
            && flow.matched == change.flow.matched
            && flow.actions == change.flow.actions
    });
    if !is_there {
        // What can't be learnt isn't, as in Open vSwitch.
        let _ = sw.change_tables(|tables| tables.apply(now, change));
    }
}
