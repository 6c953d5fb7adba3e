//! Links: what happens to a frame between two ports.
//!
//! A link is two directions, each with its own configuration and state. A frame meets, in this order: up, MTU,
//! queue, loss, corruption, duplication, serialisation, delay and jitter. All of it is decided as the frame is
//! sent, so that a crossing is one event: its arrival.
//!
//! * Serialisation takes ceil(8e9 x bytes / rate) ns of the captured bytes: no FCS, preamble or padding.
//! * Jitter is uniform in `delay - jitter ..= delay + jitter` and never reorders; a reordered frame skips delay and jitter.
//! * Every crossing costs at least 1 ns.
//! * A change of rate or delay holds for frames sent from then on.

use crate::drops::{DropReason, DropTable};
use crate::engine::NodeIx;
use crate::frame::Frame;
use crate::node::PortIx;
use crate::random::{Probability, Stream};
use crate::time::{Duration, Time};
use std::collections::VecDeque;

/// A link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkIx(pub u32);

/// A direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirIx(pub u32);

impl LinkIx {
    /// The direction from the link's first end to its second.
    pub const fn forward(self) -> DirIx {
        DirIx(self.0 * 2)
    }

    /// The direction from the link's second end to its first.
    pub const fn backward(self) -> DirIx {
        DirIx(self.0 * 2 + 1)
    }
}

impl DirIx {
    /// The link that it is a direction of.
    pub const fn link(self) -> LinkIx {
        LinkIx(self.0 / 2)
    }

    /// The other direction of the same link.
    pub const fn reverse(self) -> Self {
        Self(self.0 ^ 1)
    }

    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How much may wait in front of a link, the frame being sent not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueLimit {
    /// So many frames.
    Frames(u32),
    /// So many bytes.
    Bytes(u64),
}

/// One direction of a link. The defaults are the lab file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectionConfig {
    /// Propagation time.
    pub delay: Duration,
    /// The most that a frame's delay differs from `delay`.
    pub jitter: Duration,
    /// Bits per second; 0 means that serialisation takes no time.
    pub rate: u64,
    /// How likely a frame is lost.
    pub loss: Probability,
    /// How likely a bit of a frame is flipped, which the receiver finds out.
    pub corrupt: Probability,
    /// How likely a frame is sent twice.
    pub duplicate: Probability,
    /// How likely a frame skips delay and jitter.
    pub reorder: Probability,
    /// The queue's limit.
    pub queue: QueueLimit,
    /// The most bytes after the Ethernet header and up to two tags.
    pub mtu: u32,
}

impl Default for DirectionConfig {
    fn default() -> Self {
        Self {
            delay: Duration::from_micros(10),
            jitter: Duration::ZERO,
            rate: 10_000_000_000,
            loss: Probability::ZERO,
            corrupt: Probability::ZERO,
            duplicate: Probability::ZERO,
            reorder: Probability::ZERO,
            queue: QueueLimit::Frames(1000),
            mtu: 1500,
        }
    }
}

impl DirectionConfig {
    /// Whether any frame's fate depends on chance.
    fn is_random(&self) -> bool {
        self.jitter > Duration::ZERO
            || [self.loss, self.corrupt, self.duplicate, self.reorder].iter().any(|&p| p > Probability::ZERO)
    }
}

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkConfig {
    /// From the first end to the second.
    pub forward: DirectionConfig,
    /// From the second end to the first.
    pub backward: DirectionConfig,
    /// Whether it is administratively down.
    pub down: bool,
}

/// What a direction has carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkCounters {
    /// Frames that arrived, corrupted ones included.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Those among them that were sent to a group address.
    pub group_frames: u64,
}

/// A frame on its way.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) arrival: Time,
    pub(crate) frame: Frame,
    pub(crate) corrupt: bool,
}

/// The state of one direction: a cache line that an arriving frame needs, and one more that a frame being sent needs as
/// well; what is needed now and then is in [`Rest`]. The order of the fields is the order in memory.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Direction {
    /// In the order of arrival.
    pub(crate) in_flight: VecDeque<InFlight>,
    pub(crate) to: NodeIx,
    pub(crate) to_port: PortIx,
    pub(crate) counters: LinkCounters,
    // The second line.
    busy_until: Time,
    last_arrival: Time,
    delay: Duration,
    /// The last length serialised and what it took: most traffic repeats it.
    memo: (u64, Duration),
    mtu: u32,
    pub(crate) up: bool,
    random: bool,
    pub(crate) rest: Box<Rest>,
}

/// What a direction needs now and then.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) tapped: bool,
    pub(crate) config: DirectionConfig,
    /// When each frame that waits starts to be sent, and its bytes.
    waiting: VecDeque<(Time, u64)>,
    waiting_bytes: u64,
    pub(crate) drops: DropTable,
    pub(crate) stream: Stream,
}

/// What came of sending a frame.
pub(crate) enum Sent {
    /// It is on its way; `Some` if the direction's next arrival is now at that time.
    Away(Option<Time>),
    /// It is on its way twice.
    Twice(Option<Time>, Option<Time>),
    /// It is dead.
    Killed(Frame, DropReason),
}

impl Direction {
    pub(crate) fn new(to: NodeIx, to_port: PortIx, config: DirectionConfig, stream: Stream) -> Self {
        let mut direction = Self {
            to,
            to_port,
            up: false,
            random: false,
            mtu: 0,
            delay: Duration::ZERO,
            in_flight: VecDeque::new(),
            busy_until: Time::ZERO,
            last_arrival: Time::ZERO,
            memo: (0, Duration::ZERO),
            counters: LinkCounters::default(),
            rest: Box::new(Rest {
                tapped: false,
                config: DirectionConfig::default(),
                waiting: VecDeque::new(),
                waiting_bytes: 0,
                drops: DropTable::default(),
                stream,
            }),
        };
        direction.configure(config);
        direction
    }

    pub(crate) fn configure(&mut self, config: DirectionConfig) {
        self.random = config.is_random();
        self.memo = (0, Duration::ZERO);
        self.mtu = config.mtu;
        self.delay = config.delay;
        self.rest.config = config;
    }

    /// Sends `frame` at `now`.
    #[inline]
    pub(crate) fn send(&mut self, now: Time, frame: Frame) -> Sent {
        if !self.up {
            return Sent::Killed(frame, DropReason::LinkDown);
        }
        let size = wire_size(&frame);
        if size.largest > 14 + u64::from(self.mtu) && payload_size(&frame, size.largest) > u64::from(self.mtu) {
            return Sent::Killed(frame, DropReason::MtuExceeded);
        }
        if self.busy_until > now && !self.has_room(now, size.total) {
            return Sent::Killed(frame, DropReason::QueueFull);
        }
        if self.random {
            return self.send_by_chance(now, frame, size.total);
        }
        Sent::Away(self.depart(now, frame, size.total, &Fate::default()))
    }

    /// The same for a link that leaves something to chance.
    #[inline(never)]
    fn send_by_chance(&mut self, now: Time, frame: Frame, size: u64) -> Sent {
        let fate = self.draw();
        if fate.lost {
            return Sent::Killed(frame, DropReason::Loss);
        }
        let copy = fate.twice.then(|| frame.share());
        let first = self.depart(now, frame, size, &fate);
        match copy {
            Some(copy) => Sent::Twice(first, self.send_copy(now, copy)),
            None => Sent::Away(first),
        }
    }

    /// Sends the second copy of a frame that the link duplicates: right behind the first, and as exposed to delay.
    fn send_copy(&mut self, now: Time, frame: Frame) -> Option<Time> {
        let size = wire_size(&frame).total;
        let fate = self.draw_delay(Fate::default());
        self.depart(now, frame, size, &fate)
    }

    /// Serialises a frame and puts it in flight; gives its arrival if it is the first to arrive.
    #[inline]
    fn depart(&mut self, now: Time, frame: Frame, size: u64, fate: &Fate) -> Option<Time> {
        let start = now.max(self.busy_until);
        if start > now {
            self.rest.waiting.push_back((start, size));
            self.rest.waiting_bytes += size;
        }
        let end = start + self.serialisation(size);
        self.busy_until = end;
        let earliest = now + Duration::from_nanos(1);
        let arrival = if fate.early {
            end.max(earliest)
        } else {
            let at = (end + self.delay + fate.later - fate.sooner).max(earliest).max(self.last_arrival);
            self.last_arrival = at;
            at
        };
        self.insert(InFlight { arrival, frame, corrupt: fate.corrupt })
    }

    /// Puts a frame among those in flight; gives its arrival if it is the first to arrive.
    #[inline]
    fn insert(&mut self, frame: InFlight) -> Option<Time> {
        let arrival = frame.arrival;
        if self.in_flight.back().is_none_or(|last| last.arrival <= arrival) {
            self.in_flight.push_back(frame);
            return (self.in_flight.len() == 1).then_some(arrival);
        }
        // It overtakes some: few, since those that it overtakes are in flight.
        let mut at = self.in_flight.len() - 1;
        while at > 0 && self.in_flight[at - 1].arrival > arrival {
            at -= 1;
        }
        self.in_flight.insert(at, frame);
        (at == 0).then_some(arrival)
    }

    /// Whether `size` more bytes find a place in the queue.
    fn has_room(&mut self, now: Time, size: u64) -> bool {
        while let Some(&(start, bytes)) = self.rest.waiting.front() {
            if start > now {
                break;
            }
            self.rest.waiting.pop_front();
            self.rest.waiting_bytes -= bytes;
        }
        match self.rest.config.queue {
            QueueLimit::Frames(limit) => self.rest.waiting.len() < limit as usize,
            QueueLimit::Bytes(limit) => self.rest.waiting_bytes + size <= limit,
        }
    }

    /// How many frames and bytes wait at `now`.
    pub(crate) fn waiting(&mut self, now: Time) -> (usize, u64) {
        self.has_room(now, 0);
        (self.rest.waiting.len(), self.rest.waiting_bytes)
    }

    #[inline]
    fn serialisation(&mut self, bytes: u64) -> Duration {
        if self.memo.0 != bytes {
            let nanos =
                if self.rest.config.rate == 0 { 0 } else { (bytes * 8_000_000_000).div_ceil(self.rest.config.rate) };
            self.memo = (bytes, Duration::from_nanos(nanos));
        }
        self.memo.1
    }

    /// Draws what chance has in store for a frame, in the order of the stages.
    fn draw(&mut self) -> Fate {
        let (config, stream) = (&self.rest.config, &mut self.rest.stream);
        let mut fate = Fate { lost: stream.chance(config.loss), ..Fate::default() };
        if fate.lost {
            return fate;
        }
        fate.corrupt = stream.chance(config.corrupt);
        fate.twice = stream.chance(config.duplicate);
        self.draw_delay(fate)
    }

    /// Draws when a frame arrives.
    fn draw_delay(&mut self, mut fate: Fate) -> Fate {
        let (config, stream) = (&self.rest.config, &mut self.rest.stream);
        fate.early = stream.chance(config.reorder);
        if config.jitter > Duration::ZERO && !fate.early {
            let jitter = config.jitter.as_nanos();
            let drawn = stream.below(jitter.saturating_mul(2).saturating_add(1));
            fate.later = Duration::from_nanos(drawn.saturating_sub(jitter));
            fate.sooner = Duration::from_nanos(jitter.saturating_sub(drawn));
        }
        fate
    }

    /// The link goes down: forgets the queue and gives what was in flight.
    pub(crate) fn cut(&mut self, now: Time) -> VecDeque<InFlight> {
        self.up = false;
        self.busy_until = now;
        self.last_arrival = now;
        self.rest.waiting.clear();
        self.rest.waiting_bytes = 0;
        std::mem::take(&mut self.in_flight)
    }
}

/// What chance does to a frame.
#[derive(Default)]
struct Fate {
    lost: bool,
    corrupt: bool,
    twice: bool,
    early: bool,
    later: Duration,
    sooner: Duration,
}

/// A frame as the wire sees it.
struct WireSize {
    /// Bytes of all its segments.
    total: u64,
    /// Bytes of the largest of them.
    largest: u64,
}

#[inline]
fn wire_size(frame: &Frame) -> WireSize {
    let len = frame.len() as u64;
    if !frame.is_segmented() {
        return WireSize { total: len, largest: len };
    }
    let offload = frame.offload();
    let (segment, header) = (u64::from(offload.segment_size), u64::from(offload.header_len));
    if len <= header + segment {
        return WireSize { total: len, largest: len };
    }
    let segments = (len - header).div_ceil(segment);
    WireSize { total: len + (segments - 1) * header, largest: header + segment }
}

/// Bytes after the Ethernet header and up to two tags (802.1Q, 802.1ad), of a frame of `size` bytes.
fn payload_size(bytes: &[u8], size: u64) -> u64 {
    let mut header = 14;
    while header < 22 && matches!(bytes.get(header - 2..header), Some([0x81, 0x00] | [0x88, 0xa8])) {
        header += 4;
    }
    size - header as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Offload, Pool};
    use crate::random::Seed;

    fn direction(config: DirectionConfig) -> Direction {
        let mut direction = Direction::new(NodeIx(0), PortIx(0), config, Seed(1).stream("test"));
        direction.up = true;
        direction
    }

    fn send(direction: &mut Direction, pool: &mut Pool, at: u64, len: usize) -> Result<(), DropReason> {
        match direction.send(Time::from_nanos(at), pool.zeroed(len)) {
            Sent::Away(_) | Sent::Twice(..) => Ok(()),
            Sent::Killed(_, reason) => Err(reason),
        }
    }

    fn arrivals(direction: &Direction) -> Vec<u64> {
        direction.in_flight.iter().map(|f| f.arrival.as_nanos()).collect()
    }

    #[test]
    fn what_every_frame_needs_fits_in_two_cache_lines() {
        assert_eq!(size_of::<Direction>(), 128);
    }

    #[test]
    fn a_frame_takes_its_serialisation_rounded_up_and_the_delay() {
        let mut pool = Pool::new();
        let mut d = direction(DirectionConfig { delay: Duration::from_micros(1), ..DirectionConfig::default() });
        send(&mut d, &mut pool, 0, 106).expect("room");
        send(&mut d, &mut pool, 0, 106).expect("room");
        assert_eq!(arrivals(&d), [1085, 1170]);
    }

    #[test]
    fn a_crossing_costs_at_least_a_nanosecond() {
        let config = DirectionConfig { delay: Duration::ZERO, rate: 0, ..DirectionConfig::default() };
        let mut d = direction(config);
        send(&mut d, &mut Pool::new(), 5, 60).expect("room");
        assert_eq!(arrivals(&d), [6]);
    }

    #[test]
    fn a_queue_of_frames_holds_so_many_beside_the_one_being_sent() {
        let mut pool = Pool::new();
        let config =
            DirectionConfig { rate: 8_000_000_000, queue: QueueLimit::Frames(2), ..DirectionConfig::default() };
        let mut d = direction(config);
        let results: Vec<_> = (0..4).map(|_| send(&mut d, &mut pool, 0, 100)).collect();
        assert_eq!(results, [Ok(()), Ok(()), Ok(()), Err(DropReason::QueueFull)]);
        // At 100 ns the second frame starts to be sent, which leaves room for one.
        assert_eq!(send(&mut d, &mut pool, 100, 100), Ok(()));
        assert_eq!(send(&mut d, &mut pool, 100, 100), Err(DropReason::QueueFull));
    }

    #[test]
    fn a_queue_of_bytes_counts_bytes() {
        let mut pool = Pool::new();
        let config =
            DirectionConfig { rate: 8_000_000_000, queue: QueueLimit::Bytes(250), ..DirectionConfig::default() };
        let mut d = direction(config);
        let results: Vec<_> = [100, 100, 100, 51, 50].map(|n| send(&mut d, &mut pool, 0, n)).into();
        assert_eq!(results, [Ok(()), Ok(()), Ok(()), Err(DropReason::QueueFull), Ok(())]);
    }

    #[test]
    fn the_mtu_counts_after_the_header_and_two_tags() {
        let mut pool = Pool::new();
        let mut d = direction(DirectionConfig::default());
        assert_eq!(send(&mut d, &mut pool, 0, 1514), Ok(()));
        assert_eq!(send(&mut d, &mut pool, 0, 1515), Err(DropReason::MtuExceeded));
        let tagged = |tags: usize, len: usize, pool: &mut Pool| {
            let mut frame = pool.zeroed(len);
            for tag in 0..tags {
                frame.bytes_mut(pool)[12 + 4 * tag..14 + 4 * tag].copy_from_slice(&[0x81, 0]);
            }
            frame
        };
        for (tags, len, fits) in [(1, 1518, true), (1, 1519, false), (2, 1522, true), (3, 1523, false)] {
            let frame = tagged(tags, len, &mut pool);
            let away = matches!(d.send(Time::ZERO, frame), Sent::Away(_));
            assert_eq!(away, fits, "{tags} tags, {len} bytes");
        }
    }

    #[test]
    fn a_super_frame_counts_as_its_segments() {
        let mut pool = Pool::new();
        let mut d = direction(DirectionConfig { delay: Duration::ZERO, ..DirectionConfig::default() });
        let mut frame = pool.zeroed(54 + 3000);
        frame.set_offload(Offload { segment_size: 1460, header_len: 54, ..Offload::default() });
        assert!(matches!(d.send(Time::ZERO, frame), Sent::Away(_)));
        // 3000 bytes are three segments: 3000 + 3 * 54 bytes at 0.8 ns each.
        assert_eq!(arrivals(&d), [2530]);
    }

    #[test]
    fn jitter_stays_in_its_range_and_never_reorders() {
        let mut pool = Pool::new();
        let (delay, jitter) = (Duration::from_micros(100), Duration::from_micros(50));
        let mut d = direction(DirectionConfig { delay, jitter, rate: 0, ..DirectionConfig::default() });
        for i in 0..1000 {
            send(&mut d, &mut pool, i * 1_000_000, 60).expect("room");
        }
        let spans: Vec<u64> = arrivals(&d).iter().enumerate().map(|(i, a)| a - i as u64 * 1_000_000).collect();
        assert!(spans.iter().all(|s| (50_000..=150_000).contains(s)));
        assert!(spans.iter().any(|s| *s < 60_000) && spans.iter().any(|s| *s > 140_000));
        let mut close = direction(d.rest.config.clone());
        (0..1000).for_each(|i| send(&mut close, &mut pool, i, 60).expect("room"));
        assert!(arrivals(&close).is_sorted());
    }

    #[test]
    fn a_reordered_frame_skips_the_delay() {
        let mut pool = Pool::new();
        let mut d = direction(DirectionConfig { rate: 0, ..DirectionConfig::default() });
        send(&mut d, &mut pool, 0, 60).expect("room");
        d.configure(DirectionConfig { reorder: Probability::ONE, ..d.rest.config.clone() });
        send(&mut d, &mut pool, 100, 61).expect("room");
        let order: Vec<_> = d.in_flight.iter().map(|f| (f.arrival.as_nanos(), f.frame.len())).collect();
        assert_eq!(order, [(101, 61), (10_000, 60)]);
    }

    #[test]
    fn chance_takes_duplicates_and_corrupts_as_often_as_told() {
        let mut pool = Pool::new();
        let p = |x| Probability::new(x).expect("a probability");
        let config =
            DirectionConfig { loss: p(0.1), duplicate: p(0.2), corrupt: p(0.3), rate: 0, ..DirectionConfig::default() };
        let mut d = direction(config);
        let (mut lost, mut twice) = (0, 0);
        for i in 0..10_000 {
            match d.send(Time::from_nanos(i), pool.zeroed(60)) {
                Sent::Killed(_, reason) => lost += usize::from(reason == DropReason::Loss),
                Sent::Twice(..) => twice += 1,
                Sent::Away(_) => {}
            }
        }
        let corrupt = d.in_flight.iter().filter(|f| f.corrupt).count();
        // Five standard deviations around 1000 of 10000, 0.2 and 0.3 of the 9000 that are left.
        assert!((850..=1150).contains(&lost), "lost {lost}");
        assert!((1600..=2000).contains(&twice), "twice {twice}");
        assert!((2480..=2920).contains(&corrupt), "corrupt {corrupt}");
    }
}
