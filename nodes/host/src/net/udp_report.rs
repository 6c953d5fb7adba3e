//! What iperf 2 writes into its datagrams, and how its server counts them.
//!
//! A datagram begins with its number and the time that it was sent at. A negative number says that it is the last; the
//! server answers it with what it has counted. Both in network byte order, as iperf 2's `payloads.h` lays them out.

use sim_core::{Duration, Time};

/// Bytes that a datagram has at least: its header and the server's answer.
pub(crate) const MIN_SIZE: usize = 12 + ANSWER_SIZE;
const ANSWER_SIZE: usize = 40;
/// The flag of an answer that carries what was counted.
const VERSION_1: u32 = 0x8000_0000;

/// What a server has counted of one sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) bytes: u64,
    pub(crate) datagrams: u64,
    pub(crate) lost: u64,
    pub(crate) out_of_order: u64,
    /// Smoothed as RFC 1889 section 6.3.1 does.
    pub(crate) jitter: Duration,
    pub(crate) elapsed: Duration,
}

/// Writes the header of datagram `number`.
pub(crate) fn write_header(data: &mut [u8], number: i32, now: Time) {
    let nanos = now.as_nanos();
    data[..4].copy_from_slice(&number.to_be_bytes());
    data[4..8].copy_from_slice(&((nanos / 1_000_000_000) as u32).to_be_bytes());
    data[8..12].copy_from_slice(&((nanos % 1_000_000_000 / 1000) as u32).to_be_bytes());
}

/// A datagram's number, and its sending time in microseconds.
pub(crate) fn read_header(data: &[u8]) -> Option<(i32, u64)> {
    let number = i32::from_be_bytes(*data.first_chunk()?);
    let micros = u64::from(word(data, 4)?) * 1_000_000 + u64::from(word(data, 8)?);
    Some((number, micros))
}

/// The answer to the last datagram.
pub(crate) fn write_answer(number: i32, count: &Count) -> Vec<u8> {
    let mut data = vec![0; MIN_SIZE];
    data[..4].copy_from_slice(&number.to_be_bytes());
    let (elapsed, jitter) = (count.elapsed.as_nanos() / 1000, count.jitter.as_nanos() / 1000);
    let words = [
        VERSION_1,
        (count.bytes >> 32) as u32,
        count.bytes as u32,
        (elapsed / 1_000_000) as u32,
        (elapsed % 1_000_000) as u32,
        count.lost as u32,
        count.out_of_order as u32,
        count.datagrams as u32,
        (jitter / 1_000_000) as u32,
        (jitter % 1_000_000) as u32,
    ];
    for (place, word) in data[12..].as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *place = word.to_be_bytes();
    }
    data
}

/// What a server's answer says.
pub(crate) fn read_answer(data: &[u8]) -> Option<Count> {
    let at = |i: usize| word(data, 12 + 4 * i).map(u64::from);
    if at(0)? & u64::from(VERSION_1) == 0 {
        return None;
    }
    Some(Count {
        bytes: (at(1)? << 32) | at(2)?,
        elapsed: Duration::from_micros(at(3)? * 1_000_000 + at(4)?),
        lost: at(5)?,
        out_of_order: at(6)?,
        datagrams: at(7)?,
        jitter: Duration::from_micros(at(8)? * 1_000_000 + at(9)?),
    })
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// One sender, as the server sees it.
#[derive(Debug)]
pub(crate) struct Flow {
    pub(crate) count: Count,
    pub(crate) first: Time,
    /// The number that comes next.
    next: i64,
    /// The last datagram's time on the way, in nanoseconds.
    transit: Option<i64>,
    jitter: f64,
    pub(crate) done: bool,
}

impl Flow {
    pub(crate) fn new(now: Time) -> Self {
        Self { count: Count::default(), first: now, next: 0, transit: None, jitter: 0.0, done: false }
    }

    /// The last datagram came in; its number says how many were before it.
    pub(crate) fn ended(&mut self, number: i32) {
        let sent = i64::from(number).abs();
        if sent > self.next {
            self.count.lost += (sent - self.next) as u64;
            self.next = sent;
            self.count.datagrams = sent as u64;
        }
    }

    /// A datagram came in.
    pub(crate) fn datagram(&mut self, now: Time, number: i32, sent_micros: u64, size: usize) {
        let count = &mut self.count;
        count.bytes += size as u64;
        count.elapsed = now.since(self.first);
        let number = i64::from(number);
        if number < self.next {
            // It was counted as lost when a later one came.
            count.out_of_order += 1;
            count.lost = count.lost.saturating_sub(1);
        } else {
            count.lost += (number - self.next) as u64;
            self.next = number + 1;
        }
        count.datagrams = self.next as u64;
        let transit = now.as_nanos() as i64 - sent_micros.saturating_mul(1000).min(i64::MAX as u64) as i64;
        if let Some(before) = self.transit.replace(transit) {
            self.jitter += (transit.abs_diff(before) as f64 - self.jitter) / 16.0;
            count.jitter = Duration::from_nanos(self.jitter as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let count = Count {
            bytes: 5_000_000_000,
            datagrams: 70_000,
            lost: 12,
            out_of_order: 3,
            jitter: Duration::from_micros(17),
            elapsed: Duration::from_micros(10_000_123),
        };
        assert_eq!(read_answer(&write_answer(-5, &count)), Some(count));
        assert_eq!(read_answer(&[0; 60]), None);
        assert_eq!(read_answer(&[0x80; 20]), None);
    }

    #[test]
    fn gaps_are_losses_until_the_missing_come_late() {
        let mut flow = Flow::new(Time::ZERO);
        for number in [0, 1, 4, 3, 5] {
            flow.datagram(Time::from_millis(number as u64), number, 0, 100);
        }
        let Count { datagrams, lost, out_of_order, bytes, .. } = flow.count;
        assert_eq!((datagrams, lost, out_of_order, bytes), (6, 1, 1, 500));
    }
}
