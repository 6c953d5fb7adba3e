//! What translations ask for besides what is done with the frame.

use crate::shared::Shared;
use crate::translate::{Effect, Learnt};
use sim_core::Time;

/// Carries out an effect.
pub(crate) fn carry_out(sw: &Shared, now: Time, effect: &Effect) {
    match effect {
        Effect::Learn(learnt) => {
            let Learnt { change, limit, .. } = &**learnt;
            // What can't be learnt isn't, as in Open vSwitch.
            let _ = sw.change_tables(|tables| tables.learn(now, change, *limit));
        }
        Effect::FinTimeout { rule, idle_timeout, hard_timeout } => {
            sw.change_tables(|tables| tables.reduce_timeouts(rule, *idle_timeout, *hard_timeout));
        }
    }
}
