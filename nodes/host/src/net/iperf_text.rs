//! iperf 2's report layout: `Reports.c` and its `byte_snprintf`, as version 2.1.8 prints them.

use core::fmt::Write;
use core::net::SocketAddr;

use sim_core::{Duration, Time};
use sockets::Connection;

use crate::net::attempt::Protocol;
use crate::net::udp_report::Count;

/// The line around the first lines.
pub(crate) const RULE: &str = "------------------------------------------------------------\n";

/// A part of a transfer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    /// From here, counted from the transfer's start.
    pub(crate) from: Duration,
    /// To here.
    pub(crate) to: Duration,
    /// Bytes of data.
    pub(crate) bytes: u64,
}

/// A number with three digits.
fn three(value: f64) -> String {
    match value {
        v if v < 9.995 => format!("{v:4.2}"),
        v if v < 99.95 => format!("{v:4.1}"),
        v => format!("{v:4.0}"),
    }
}

/// The value in the largest unit of which there is one at least.
fn scaled(mut value: f64, base: f64, units: [&str; 5]) -> String {
    let mut at = 0;
    while value >= base && at + 1 < units.len() {
        value /= base;
        at += 1;
    }
    format!("{} {}", three(value), units[at])
}

/// Bytes, 1024 to a KByte.
pub(crate) fn bytes(count: u64) -> String {
    scaled(count as f64, 1024.0, ["Bytes", "KBytes", "MBytes", "GBytes", "TBytes"])
}

/// Bits a second, 1000 to a Kbit.
pub(crate) fn rate(bytes: u64, time: Duration) -> String {
    let bits = if time == Duration::ZERO { 0.0 } else { bytes as f64 * 8.0 / time.as_secs_f64() };
    scaled(bits, 1000.0, ["bits/sec", "Kbits/sec", "Mbits/sec", "Gbits/sec", "Tbits/sec"])
}

/// The lines that say what begins.
pub(crate) fn opening(what: &str, protocol: Protocol, port: u16, buffer: u32) -> String {
    let name = if protocol == Protocol::Tcp { "TCP" } else { "UDP" };
    let mut text = format!("{RULE}{what} {name} port {port}\n");
    if protocol == Protocol::Tcp {
        let size = scaled(f64::from(buffer), 1024.0, ["Byte", "KByte", "MByte", "GByte", "TByte"]);
        let _ = writeln!(text, "TCP window size: {size} (default)");
    }
    text
}

/// A connection is there.
pub(crate) fn connected(id: u32, connection: &Connection) -> String {
    let counters = connection.counters();
    let window = counters.congestion_window / 1024;
    let round_trip = counters.round_trip.map_or(0, |time| time.as_nanos() / 1000);
    let (local, remote) = (connection.local(), connection.remote());
    let more = format!(" (icwnd/mss/irtt={window}/{}/{round_trip})", counters.segment_size);
    ends(id, local, remote, &more)
}

/// Who talks to whom.
pub(crate) fn ends(id: u32, local: SocketAddr, remote: SocketAddr, more: &str) -> String {
    let (from, to) = (local.ip(), remote.ip());
    format!("[{id:3}] local {from} port {} connected with {to} port {}{more}\n", local.port(), remote.port())
}

/// The head of the table.
pub(crate) fn head(with_losses: bool) -> &'static str {
    match with_losses {
        false => "[ ID] Interval       Transfer     Bandwidth\n",
        true => "[ ID] Interval       Transfer     Bandwidth        Jitter   Lost/Total Datagrams\n",
    }
}

/// A line of the table.
pub(crate) fn line(id: &str, interval: &Interval) -> String {
    let Interval { from, to, bytes: count, .. } = *interval;
    let span = (Time::ZERO + to).since(Time::ZERO + from);
    format!(
        "[{id:>3}] {:6.4}-{:6.4} sec  {}  {}\n",
        from.as_secs_f64(),
        to.as_secs_f64(),
        bytes(count),
        rate(count, span)
    )
}

/// The same with jitter and losses.
pub(crate) fn line_with_losses(id: &str, interval: &Interval, count: &Count) -> String {
    let mut text = line(id, interval);
    text.pop();
    let percent = if count.datagrams == 0 { 0.0 } else { count.lost as f64 * 100.0 / count.datagrams as f64 };
    let jitter = count.jitter.as_nanos() as f64 / 1e6;
    let _ = writeln!(text, "  {jitter:6.3} ms {}/{} ({}%)", count.lost, count.datagrams, two_digits(percent));
    if count.out_of_order > 0 {
        let _ = writeln!(
            text,
            "[{id:>3}] {:6.4}-{:6.4} sec  {} datagrams received out-of-order",
            interval.from.as_secs_f64(),
            interval.to.as_secs_f64(),
            count.out_of_order
        );
    }
    text
}

/// As C's `%.2g` prints a percentage.
fn two_digits(percent: f64) -> String {
    if percent == 0.0 {
        return "0".into();
    }
    let digits = 1 - (percent.log10().floor() as i32);
    let text = format!("{percent:.*}", digits.max(0) as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').into(),
        false if percent >= 99.5 => "1e+02".into(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_iperf_2_1_8_printed() {
        let interval = |to: u64, bytes| Interval { from: Duration::ZERO, to: Duration::from_micros(to), bytes };
        let text = line("1", &interval(1_000_000, 2_687_500_000));
        assert_eq!(text, "[  1] 0.0000-1.0000 sec  2.50 GBytes  21.5 Gbits/sec\n");
        let text = line("2", &interval(16_500, 1 << 20));
        assert_eq!(text, "[  2] 0.0000-0.0165 sec  1.00 MBytes   508 Mbits/sec\n");
        let count = Count { datagrams: 1787, jitter: Duration::from_micros(1), ..Count::default() };
        let text = line_with_losses("1", &interval(2_002_000, 2_628_360), &count);
        assert_eq!(text, "[  1] 0.0000-2.0020 sec  2.51 MBytes  10.5 Mbits/sec   0.001 ms 0/1787 (0%)\n");
    }

    #[test]
    fn percentages_have_two_digits() {
        for (percent, expect) in
            [(0.0, "0"), (0.0561, "0.056"), (1.04, "1"), (4.96, "5"), (12.3, "12"), (100.0, "1e+02")]
        {
            assert_eq!(two_digits(percent), expect);
        }
    }
}
