//! What the workers of a bridge share.

use crate::mac_table::MacTable;
use crate::packet_in::PacketIns;
use crate::plan::Plan;
use flow_table::Tables;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// A bridge's data path. A worker that finds [`Shared::version`] unchanged takes no lock but that of the MAC
/// table, and that only to learn.
///
/// What is read for each frame is one cache line, of which the MAC table has the larger part.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Shared {
    version: AtomicU64,
    /// How many of the changes were to more of the plan than links and gates.
    epoch: AtomicU32,
    id: u32,
    /// The stations.
    pub macs: MacTable,
    tables: RwLock<Tables>,
    plan: Mutex<Arc<Plan>>,
    /// What leaves sideways.
    pub packet_ins: Box<PacketIns>,
}

impl Shared {
    /// The data path of a bridge without ports. `id` is its place among a worker's bridges, see
    /// [`Worker::admit`](crate::Worker::admit); `seed` keys its hashes.
    pub fn new(id: u32, seed: u64) -> Self {
        Self {
            id,
            tables: RwLock::new(Tables::keyed(seed)),
            plan: Mutex::default(),
            version: AtomicU64::new(1),
            epoch: AtomicU32::new(1),
            macs: MacTable::new(seed),
            packet_ins: Box::default(),
        }
    }

    /// Its place among a worker's bridges.
    #[inline]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Counts changes of the plan and the flow tables, from 1 on.
    #[inline]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Counts the changes of [`Shared::version`] after which all translations are void. After those of links, gates and
    /// flow tables the others tell themselves whether they hold.
    pub fn epoch(&self) -> u32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The plan.
    pub fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Publishes a new plan.
    pub fn set_plan(&self, plan: Plan) {
        self.epoch.fetch_add(1, Ordering::Release);
        self.set_links(plan);
    }

    /// Publishes a plan in which nothing is new but links and gates, so that translations hold.
    pub fn set_links(&self, plan: Plan) {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// The flow tables, to read.
    pub fn tables(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the flow tables. The version counts it if the tables' log has grown, which workers must know, or a time-out
    /// is due at another time.
    pub fn change_tables<R>(&self, change: impl FnOnce(&mut Tables) -> R) -> R {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let state = |tables: &Tables| (tables.log().count(), tables.next_expiry());
        let before = state(&tables);
        let result = change(&mut tables);
        if state(&tables) != before {
            self.version.fetch_add(1, Ordering::Release);
        }
        result
    }
}
