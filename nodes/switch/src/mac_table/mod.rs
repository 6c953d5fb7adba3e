//! The MAC table: which station is behind which port (IEEE 802.1Q-2018, 8.7 and 8.8).
//!
//! A lookup takes no lock. The table is an open-addressed array of pairs of atomic words, and a frame whose
//! stations are known reads two pairs and writes at most a time stamp. Whatever changes the set of entries goes
//! through a mutex. An idle table owns no memory: arrays of growing sizes are allocated when they are needed,
//! and a reader probes exactly one of them.
//!
//! A reader that races with a writer may see the key of one entry with the value of another; seven bits of the
//! key's hash in the value make that a miss instead of a wrong port. A lost refresh or a miss costs one flooded
//! frame at most.
//!
//! Times are milliseconds of lab time. An entry is gone for lookups exactly when it has not been refreshed for
//! the ageing time; its memory is reclaimed later.

mod evict;
#[cfg(test)]
mod tests;
mod writer;

use packet::MacAddr;
use sim_core::{Duration, Time};
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use writer::Writer;

pub use writer::{Learnt, MacStats, TableFull};

/// Seconds after which an entry is forgotten unless the station is heard again.
pub const DEFAULT_AGEING_S: u64 = 300;
/// How many entries a table holds.
pub const DEFAULT_MAX_ENTRIES: usize = 8192;

/// Slots of the arrays. A table moves to the next one when more than half of the slots are in use.
const SIZES: [usize; 6] = [64, 512, 4096, 32_768, 262_144, 2_097_152];
/// The level of a table that never held anything.
const NO_LEVEL: usize = SIZES.len();

/// A key word and a value word.
type Pair = [AtomicU64; 2];

/// The stations of one bridge.
///
/// The order of the fields is that of [`Shared`](crate::Shared)'s cache line: all that a lookup needs of a table of the
/// first level is in the first 48 bytes.
#[repr(C)]
pub struct MacTable {
    hash_key: [u64; 2],
    /// The level that readers probe.
    current: AtomicU32,
    ageing_ms: AtomicU32,
    levels: [OnceLock<Box<[Pair]>>; SIZES.len()],
    writer: Mutex<Writer>,
}

/// A station's address and VLAN in one word that isn't zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StationKey(u64);

/// What is known of a station.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Station {
    /// The port that it is behind.
    pub port: u16,
    /// Whether it was entered by hand and never ages.
    pub is_static: bool,
    /// When it was last heard, in ms.
    stamp: u64,
    slot: usize,
}

/// An entry as [`MacTable::entries`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The port that the station is behind.
    pub port: u16,
    /// Its VLAN.
    pub vlan: u16,
    /// Its address.
    pub mac: MacAddr,
    /// Whether it was entered by hand and never ages.
    pub is_static: bool,
    /// Milliseconds since it was last heard; 0 for a static entry.
    pub age_ms: u64,
}

/// A table at one instant: what a worker looks up a batch of frames in.
#[derive(Clone, Copy)]
pub struct View<'a> {
    slots: &'a [Pair],
    hash_key: [u64; 2],
    now: u64,
    /// What was last heard before this has aged.
    first_live: u64,
}

/// The value word: port, static flag, check bits, stamp.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Value(u64);

impl MacTable {
    /// An empty table whose hash is keyed by `seed`.
    pub fn new(seed: u64) -> Self {
        // Two rounds of splitmix64 (Steele, Lea, Flood 2014); the multiplier of the hash must be odd.
        let hash_key = [splitmix(seed), splitmix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15)) | 1];
        Self {
            hash_key,
            current: AtomicU32::new(NO_LEVEL as u32),
            ageing_ms: AtomicU32::new(DEFAULT_AGEING_S as u32 * 1000),
            levels: Default::default(),
            writer: Mutex::new(Writer::new()),
        }
    }

    /// The table as it is at `now`.
    #[inline]
    pub fn view(&self, now: Time) -> View<'_> {
        let slots = self.slots(self.current.load(Ordering::Acquire) as usize);
        let now = millis(now);
        View { slots, hash_key: self.hash_key, now, first_live: (now + 1).saturating_sub(self.ageing()) }
    }

    /// Notes that a station was heard behind `port`.
    pub fn learn(&self, key: StationKey, port: u16, now: Time) -> Learnt {
        self.lock().learn(self, key, port, millis(now))
    }

    /// Enters a static entry, in place of a learnt one.
    ///
    /// # Errors
    /// If the table is full of static entries.
    pub fn add_static(&self, key: StationKey, port: u16, now: Time) -> Result<(), TableFull> {
        self.lock().add_static(self, key, port, millis(now))
    }

    /// Removes a static entry; whether there was one.
    pub fn remove_static(&self, key: StationKey) -> bool {
        self.lock().remove_static(self, key)
    }

    /// Forgets all learnt entries.
    pub fn flush(&self) {
        self.lock().remove_where(self, |value| !value.is_static());
    }

    /// Forgets all entries of a port, the static ones as well.
    pub fn flush_port(&self, port: u16) {
        self.lock().remove_where(self, |value| value.port() == port);
    }

    /// Forgets the learnt entries of the ports for which `is_flushed` is true.
    pub fn flush_learnt(&self, is_flushed: impl Fn(u16) -> bool) {
        self.lock().remove_where(self, |value| !value.is_static() && is_flushed(value.port()));
    }

    /// Sets the ageing time in seconds, within Open vSwitch's limits of 15 to 3600.
    pub fn set_ageing(&self, seconds: u64, now: Time) {
        self.age_within(Duration::from_secs(seconds.clamp(15, 3600)), now);
    }

    /// Sets the ageing time, which may be as short as spanning tree wants it while the topology changes.
    pub(crate) fn age_within(&self, ageing: Duration, now: Time) {
        let ageing_ms = u32::try_from(ageing.as_millis()).unwrap_or(u32::MAX);
        if self.ageing_ms.load(Ordering::Relaxed) == ageing_ms {
            return;
        }
        let mut writer = self.lock();
        // What is gone stays gone when the time becomes longer.
        writer.purge(self, millis(now));
        self.ageing_ms.store(ageing_ms, Ordering::Relaxed);
        writer.ageing_changed();
    }

    /// Sets how many entries the table holds, within Open vSwitch's limits of 10 to 1000000.
    pub fn set_max_entries(&self, max: usize, now: Time) {
        self.lock().set_max_entries(self, max.clamp(10, 1_000_000), millis(now));
    }

    /// The entries by port, VLAN and address.
    pub fn entries(&self, now: Time) -> Vec<Entry> {
        let mut writer = self.lock();
        let now = millis(now);
        writer.purge(self, now);
        let mut entries: Vec<Entry> = writer.entries(self, now).collect();
        entries.sort_unstable();
        entries
    }

    /// The counts of `fdb/stats-show`.
    pub fn stats(&self, now: Time) -> MacStats {
        let mut writer = self.lock();
        writer.purge(self, millis(now));
        writer.stats()
    }

    /// Sets the totals to zero.
    pub fn clear_stats(&self) {
        self.lock().clear_stats();
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        // A panic under this lock would be a defect of the writer; its data is then still memory-safe.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn slots(&self, level: usize) -> &[Pair] {
        self.levels.get(level).and_then(OnceLock::get).map_or(&[], |slots| slots)
    }

    #[inline]
    fn ageing(&self) -> u64 {
        u64::from(self.ageing_ms.load(Ordering::Relaxed))
    }
}

impl View<'_> {
    /// What is known of a station; `None` if it was never heard or has aged.
    #[inline(always)]
    pub fn find(&self, key: StationKey) -> Option<Station> {
        let hash = hash(self.hash_key, key);
        let home = hash as usize & self.slots.len().wrapping_sub(1);
        let pair = self.slots.get(home)?;
        let (slot, pair) = match pair[0].load(Ordering::Acquire) {
            found if found == key.0 => (home, pair),
            0 => return None,
            _ => find_further(self.slots, key, home)?,
        };
        let value = Value(pair[1].load(Ordering::Acquire));
        let station = Station { port: value.port(), is_static: value.is_static(), stamp: value.stamp(), slot };
        let is_live = value.is_check_of(hash) && (value.is_static() || value.stamp() >= self.first_live);
        is_live.then_some(station)
    }

    /// Whether [`View::refresh`] would change the entry.
    #[inline]
    pub fn is_stale(&self, station: &Station) -> bool {
        station.stamp < self.now && !station.is_static
    }

    /// Notes that a station was heard where it was.
    #[inline(always)]
    pub fn refresh(&self, key: StationKey, station: &Station) {
        let old = Value::new(station.port, station.is_static, hash(self.hash_key, key), station.stamp);
        if let Some(pair) = self.slots.get(station.slot) {
            // If it fails, the entry changed or went meanwhile; then there is nothing to refresh.
            let _ = pair[1].compare_exchange(old.0, old.at(self.now).0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }
}

impl StationKey {
    const USED: u64 = 1 << 63;

    /// The key of an address in a VLAN (0..=4095).
    #[inline]
    pub const fn new(mac: u64, vlan: u16) -> Self {
        Self(Self::USED | ((vlan as u64 & 0xfff) << 48) | (mac & 0xffff_ffff_ffff))
    }

    /// The address.
    pub const fn mac(self) -> MacAddr {
        MacAddr::from_u64(self.0 & 0xffff_ffff_ffff)
    }

    /// The VLAN.
    pub const fn vlan(self) -> u16 {
        ((self.0 >> 48) & 0xfff) as u16
    }
}

impl Value {
    const STATIC: u64 = 1 << 16;
    const STAMP_SHIFT: u32 = 24;
    /// 34 years in ms; later times count as this one.
    const LAST_STAMP: u64 = (1 << 40) - 1;

    #[inline]
    const fn new(port: u16, is_static: bool, hash: u64, stamp: u64) -> Self {
        let flag = if is_static { Self::STATIC } else { 0 };
        Self(port as u64 | flag | Self::check(hash) | (stamp << Self::STAMP_SHIFT))
    }

    /// The check bits of a hash, in their place. They are the highest: the slot comes from the lowest.
    #[inline]
    const fn check(hash: u64) -> u64 {
        (hash >> 57) << 17
    }

    #[inline]
    const fn is_check_of(self, hash: u64) -> bool {
        self.0 & (0x7f << 17) == Self::check(hash)
    }

    #[inline]
    const fn port(self) -> u16 {
        self.0 as u16
    }

    #[inline]
    const fn is_static(self) -> bool {
        self.0 & Self::STATIC != 0
    }

    #[inline]
    const fn stamp(self) -> u64 {
        self.0 >> Self::STAMP_SHIFT
    }

    #[inline]
    const fn is_aged(self, now: u64, ageing: u64) -> bool {
        !self.is_static() && now >= self.stamp() + ageing
    }

    #[inline]
    const fn at(self, stamp: u64) -> Self {
        Self((self.0 & ((1 << Self::STAMP_SHIFT) - 1)) | (stamp << Self::STAMP_SHIFT))
    }
}

/// Where a key is that isn't in the slot where its hash puts it. Not a method of [`View`], so that a view can stay in
/// registers.
#[inline(never)]
fn find_further(slots: &[Pair], key: StationKey, home: usize) -> Option<(usize, &Pair)> {
    let mask = slots.len().wrapping_sub(1);
    for step in 1..slots.len() {
        let slot = (home + step) & mask;
        match slots[slot][0].load(Ordering::Acquire) {
            found if found == key.0 => return Some((slot, &slots[slot])),
            0 => return None,
            _ => {}
        }
    }
    None
}

/// A keyed hash: the folded product of 64 by 64 bits.
#[inline]
const fn hash(hash_key: [u64; 2], key: StationKey) -> u64 {
    let product = (key.0 ^ hash_key[0]) as u128 * hash_key[1] as u128;
    product as u64 ^ (product >> 64) as u64
}

const fn splitmix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[inline]
fn millis(now: Time) -> u64 {
    now.as_millis().min(Value::LAST_STAMP)
}

impl fmt::Debug for MacTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacTable({:?})", self.lock().stats())
    }
}
