//! The figures of IEEE 802.1D-2004 clause 17.13, and the times that BPDUs carry (17.19.5, 17.19.15, 17.19.22).

use crate::BridgeConfig;
use packet::wire::bpdu::{Ticks, Vector};
use sim_core::Duration;

/// How long a port keeps to the version that it speaks, and how long it waits for a BPDU before it takes a
/// point-to-point link for an edge: Migrate Time (17.13.9, table 17-1).
pub(super) const MIGRATE_TIME: Duration = Duration::from_secs(3);
/// Hellos that may be missed until what was received is forgotten (17.21.23).
pub(super) const HELLOS_OF_INFORMATION: u64 = 3;
/// How fast a port may send again after it sent as much as it may: one BPDU a second (17.19.44, 17.22).
pub(super) const TRANSMIT_INTERVAL: Duration = Duration::from_secs(1);
/// What the root's information ages by at each bridge, at least (17.21.25 c).
const AGE_OF_A_HOP: u16 = 256;
/// The range of Transmit Hold Count (17.13.12, table 17-1).
const TRANSMIT_HOLD_COUNT: (u8, u8) = (1, 10);
/// The least Hello Time that is kept to, whoever asks for less.
const LEAST_HELLO_TIME: Ticks = Ticks(256);

/// Message Age, Max Age, Forward Delay and Hello Time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) message_age: Ticks,
    pub(super) max_age: Ticks,
    pub(super) hello_time: Ticks,
    pub(super) forward_delay: Ticks,
}

impl Times {
    /// BridgeTimes (17.18.4).
    pub(super) fn of_bridge(config: &BridgeConfig) -> Self {
        let ticks = |span: Duration| Ticks::from_nanos(span.as_nanos());
        Self {
            message_age: Ticks(0),
            max_age: ticks(config.max_age),
            hello_time: ticks(config.hello_time).max(LEAST_HELLO_TIME),
            forward_delay: ticks(config.forward_delay),
        }
    }

    /// What a BPDU tells: msgTimes (17.19.15).
    pub(super) const fn of_message(message: &Vector) -> Self {
        let Vector { message_age, max_age, hello_time, forward_delay, .. } = *message;
        Self { message_age, max_age, hello_time, forward_delay }
    }

    /// The times, one bridge on: a second older, in whole seconds.
    pub(super) fn one_hop_on(self) -> Self {
        let Ticks(age) = self.message_age;
        let rounded = age.saturating_add(AGE_OF_A_HOP).saturating_add(AGE_OF_A_HOP / 2) & !(AGE_OF_A_HOP - 1);
        Self { message_age: Ticks(rounded), ..self }
    }

    /// How long what came with these times is believed (17.21.23): not at all where it would be too old one hop on.
    pub(super) fn lifetime(self) -> Duration {
        if self.one_hop_on().message_age > self.max_age {
            return Duration::ZERO;
        }
        span(self.hello_time.max(LEAST_HELLO_TIME)) * HELLOS_OF_INFORMATION
    }
}

/// A time of a BPDU as a span.
pub(super) const fn span(ticks: Ticks) -> Duration {
    Duration::from_nanos(ticks.as_nanos())
}

/// TxHoldCount (17.13.12).
pub(super) fn transmit_hold_count(config: &BridgeConfig) -> u8 {
    config.transmit_hold_count.clamp(TRANSMIT_HOLD_COUNT.0, TRANSMIT_HOLD_COUNT.1)
}
