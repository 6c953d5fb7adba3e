//! Meters: rates above which frames are dropped or marked (OpenFlow 1.5.1 section 5.11).
//!
//! A band is a bucket that fills at its rate and holds at most its burst; a frame that finds too little in it has
//! exceeded the band and takes nothing. Of the exceeded bands the one of the highest rate decides, and counts the frame.
//! As in Open vSwitch's userspace datapath, time counts in whole milliseconds, a band without a burst has that of one
//! second, a bucket starts full, and a changed meter starts anew. Unlike there, `dscp_remark` is carried out.

use crate::error::TableError;
use openflow::{BandKind, Meter, MeterMod, MeterUnit};
use sim_core::Time;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeterVerdict {
    /// No band is exceeded.
    Pass,
    /// It is dropped.
    Drop,
    /// Its drop precedence is raised by so much.
    Remark(u8),
}

/// A meter at run time. The one worker that moves a bridge's frames charges it, without a lock; anybody may read it.
#[derive(Debug)]
pub struct MeterState {
    /// What its maker asked for.
    pub meter: Meter,
    /// When it was made; a change keeps it.
    pub since: Time,
    /// When it was last charged, in ms.
    used_ms: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
    bands: Box<[BandState]>,
}

#[derive(Debug)]
struct BandState {
    kind: BandKind,
    rate: u64,
    /// What the bucket holds at most, in bits or thousandths of a frame.
    size: u64,
    bucket: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
}

/// The meters of a bridge by number.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    meters: BTreeMap<u32, Arc<MeterState>>,
}

impl MeterState {
    /// A meter whose buckets are full.
    pub fn new(meter: Meter, since: Time, now: Time) -> Self {
        let band = |band: &openflow::Band| {
            let burst = if band.burst == 0 { band.rate } else { band.burst };
            let size = u64::from(burst) * 1000;
            BandState {
                kind: band.kind,
                rate: band.rate.into(),
                size,
                bucket: size.into(),
                packets: AtomicU64::default(),
                bytes: AtomicU64::default(),
            }
        };
        let bands = meter.bands.iter().map(band).collect();
        Self { meter, since, used_ms: millis(now).into(), packets: 0.into(), bytes: 0.into(), bands }
    }

    /// Counts a frame of so many bytes, and says what becomes of it.
    #[inline]
    pub fn charge(&self, now: Time, bytes: usize) -> MeterVerdict {
        let now_ms = millis(now);
        let passed_ms = now_ms.saturating_sub(get(&self.used_ms));
        put(&self.used_ms, now_ms);
        add(&self.packets, 1);
        add(&self.bytes, bytes as u64);
        // In a millisecond a kilobit a second is a bit, and a frame a second a thousandth of a frame.
        let volume = match self.meter.unit {
            MeterUnit::Kbps => bytes as u64 * 8,
            MeterUnit::Pktps => 1000,
        };
        let mut exceeded: Option<&BandState> = None;
        for band in &self.bands {
            let bucket = get(&band.bucket).saturating_add(passed_ms.saturating_mul(band.rate)).min(band.size);
            if bucket >= volume {
                put(&band.bucket, bucket - volume);
            } else {
                put(&band.bucket, bucket);
                if exceeded.is_none_or(|other| band.rate > other.rate) {
                    exceeded = Some(band);
                }
            }
        }
        let Some(band) = exceeded else { return MeterVerdict::Pass };
        add(&band.packets, 1);
        add(&band.bytes, bytes as u64);
        match band.kind {
            BandKind::Drop => MeterVerdict::Drop,
            BandKind::DscpRemark(precedence) => MeterVerdict::Remark(precedence),
        }
    }

    /// Frames and bytes so far.
    pub fn counts(&self) -> (u64, u64) {
        (get(&self.packets), get(&self.bytes))
    }

    /// Frames and bytes for which each band decided, in the order of the meter.
    pub fn band_counts(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.bands.iter().map(|band| (get(&band.packets), get(&band.bytes)))
    }
}

fn millis(time: Time) -> u64 {
    time.as_nanos() / 1_000_000
}

#[inline]
fn get(cell: &AtomicU64) -> u64 {
    cell.load(Ordering::Relaxed)
}

#[inline]
fn put(cell: &AtomicU64, value: u64) {
    cell.store(value, Ordering::Relaxed);
}

#[inline]
fn add(cell: &AtomicU64, more: u64) {
    put(cell, get(cell).wrapping_add(more));
}

impl Meters {
    /// How many there may be.
    pub const MAX: usize = 262_144;
    /// How many bands one may have.
    pub const MAX_BANDS: usize = 8;

    /// The meter of a number.
    pub fn get(&self, id: u32) -> Option<&Arc<MeterState>> {
        self.meters.get(&id)
    }

    /// The meters by number.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<MeterState>> {
        self.meters.values()
    }

    /// Makes a change; gives the numbers of meters that changed, and whether they are gone.
    pub(crate) fn apply(&mut self, now: Time, change: &MeterMod) -> Result<(Vec<u32>, bool), TableError> {
        match change {
            MeterMod::Add(meter) => {
                check(meter)?;
                if self.meters.contains_key(&meter.id) {
                    return Err(TableError::MeterExists);
                }
                if self.meters.len() >= Self::MAX {
                    return Err(TableError::OutOfMeters);
                }
                self.put(meter, now, now);
                Ok((vec![meter.id], false))
            }
            MeterMod::Modify(meter) => {
                check(meter)?;
                let since = self.get(meter.id).ok_or(TableError::UnknownMeter)?.since;
                self.put(meter, since, now);
                Ok((vec![meter.id], false))
            }
            MeterMod::Delete(None) => Ok((std::mem::take(&mut self.meters).into_keys().collect(), true)),
            MeterMod::Delete(Some(id)) => Ok((self.meters.remove(id).map(|_| *id).into_iter().collect(), true)),
        }
    }

    fn put(&mut self, meter: &Meter, since: Time, now: Time) {
        self.meters.insert(meter.id, Arc::new(MeterState::new(meter.clone(), since, now)));
    }
}

fn check(meter: &Meter) -> Result<(), TableError> {
    let is_special = matches!(meter.id, Meter::SLOWPATH | Meter::CONTROLLER);
    if meter.id == 0 || meter.id > Meter::MAX_ID && !is_special {
        return Err(TableError::InvalidMeter);
    }
    match meter.bands.len() {
        0 => Err(TableError::BadBand),
        n if n > Meters::MAX_BANDS => Err(TableError::OutOfBands),
        _ if meter.bands.iter().any(|band| band.rate == 0) => Err(TableError::BadBand),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use openflow::Band;

    fn meter(unit: MeterUnit, bands: &[(BandKind, u32, u32)]) -> MeterState {
        let band = |&(kind, rate, burst): &(BandKind, u32, u32)| Band { kind, rate, burst };
        let bands = bands.iter().map(band).collect();
        MeterState::new(Meter { id: 1, unit, burst: true, stats: true, bands }, Time::ZERO, Time::ZERO)
    }

    fn at_ms(ms: u64) -> Time {
        Time::from_nanos(ms * 1_000_000)
    }

    #[test]
    fn a_meter_of_frames_passes_its_burst_and_then_its_rate() {
        let meter = meter(MeterUnit::Pktps, &[(BandKind::Drop, 10, 5)]);
        let passed = |from: u64, to: u64| {
            let times = (from..to).map(at_ms);
            times.filter(|now| meter.charge(*now, 100) == MeterVerdict::Pass).count()
        };
        // One frame each millisecond: the five of the burst, and one for each 100 ms.
        assert_eq!(passed(0, 100), 5);
        assert_eq!(passed(100, 1100), 10);
        assert_eq!(meter.counts(), (1100, 110_000));
        assert_eq!(meter.band_counts().collect::<Vec<_>>(), [(1085, 108_500)]);
    }

    #[test]
    fn a_meter_without_burst_has_that_of_a_second() {
        let meter = meter(MeterUnit::Kbps, &[(BandKind::Drop, 80, 0)]);
        // 80 kbit are 100 frames of 100 bytes.
        let passed = (0..1000).filter(|_| meter.charge(at_ms(0), 100) == MeterVerdict::Pass).count();
        assert_eq!(passed, 100);
        // An hour fills the bucket and no more.
        let passed = (0..1000).filter(|_| meter.charge(at_ms(3_600_000), 100) == MeterVerdict::Pass).count();
        assert_eq!(passed, 100);
    }

    #[test]
    fn of_exceeded_bands_the_one_of_the_highest_rate_decides_and_counts() {
        let meter = meter(MeterUnit::Pktps, &[(BandKind::DscpRemark(2), 1, 2), (BandKind::Drop, 2, 4)]);
        let verdicts: Vec<_> = (0..6).map(|_| meter.charge(Time::ZERO, 60)).collect();
        let (pass, remark, drop) = (MeterVerdict::Pass, MeterVerdict::Remark(2), MeterVerdict::Drop);
        assert_eq!(verdicts, [pass, pass, remark, remark, drop, drop]);
        assert_eq!(meter.band_counts().collect::<Vec<_>>(), [(2, 120), (2, 120)]);
    }

    #[test]
    fn a_frame_that_is_larger_than_the_bucket_leaves_it_as_it_is() {
        let meter = meter(MeterUnit::Kbps, &[(BandKind::Drop, 8, 1)]);
        assert_eq!(meter.charge(Time::ZERO, 126), MeterVerdict::Drop);
        assert_eq!(meter.charge(Time::ZERO, 125), MeterVerdict::Pass);
        assert_eq!(meter.charge(Time::ZERO, 1), MeterVerdict::Drop);
        // A frame of one byte is there after a millisecond.
        assert_eq!(meter.charge(at_ms(1), 1), MeterVerdict::Pass);
    }
}
