//! The switch as a node of a lab: a row store, the bridges that follow it, and the worker that moves the frames.

use crate::bridge::Bridge;
use crate::command::CommandError;
use crate::counters::PortCounters;
use crate::lab_ports::{LabPorts, Place};
use crate::mac_table::MacStats;
use crate::shared::Shared;
use crate::tree::{self, Effects, Tree};
use crate::worker::{Direction, Worker, drop_all};
use crate::{explain, status};
use openflow::PacketOut;
use ovsdb::vswitch::{bridge, open_vswitch};
use ovsdb::{Changes, Row, Store, Table, Txn};
use packet::MacAddr;
use sim_core::{Batch, Carrier, Cx, Drop, DropReason, Node, PortIx, Seed, Time};
use spanning_tree::{PortNumber, SpanningTree};
use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// The worker that the switches of one thread share.
#[derive(Clone, Debug, Default)]
pub struct WorkerHandle(pub(crate) Rc<RefCell<Worker>>);

/// An Open vSwitch: any number of bridges, configured by the rows of its store.
///
/// What is read for each frame comes first and is one cache line: in a lab of many switches each frame finds another
/// one, and what it reads comes from far away.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Switch {
    pending: Pending,
    /// When a spanning tree or a flow's time-out is due; at the start of time if it is to follow something or to send.
    next_wake: Time,
    pub(crate) worker: WorkerHandle,
    pub(crate) lab: LabPorts,
    pub(crate) bridges: Vec<Bridge>,
    pub(crate) name: String,
    pub(crate) seed: Seed,
    pub(crate) store: Store,
    /// The files that command lines may name, by name.
    pub(crate) files: BTreeMap<String, Arc<str>>,
    /// The frames that the command line at hand sends, each with its bridge; `None` where none can be sent.
    pub(crate) packet_outs: Option<Vec<(Arc<Shared>, PacketOut)>>,
}

/// What the bridges have not followed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pending {
    Nothing,
    Carriers,
    Rows,
}

/// An entry of a bridge's MAC table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacEntry {
    /// The station.
    pub mac: MacAddr,
    /// Its VLAN, 0 for none.
    pub vlan: u16,
    /// The OpenFlow number of the port that it is behind.
    pub ofport: u16,
    /// The node's port that it is behind, if that is one.
    pub port: Option<PortIx>,
    /// Whether it was entered by `fdb/add` and never ages.
    pub is_static: bool,
    /// Whole seconds since it was last heard.
    pub age_s: u64,
}

impl WorkerHandle {
    /// A worker without bridges.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has every frame translated anew, or no longer: [`Worker::set_caching`].
    ///
    /// # Panics
    /// As [`WorkerHandle::worker`].
    pub fn set_caching(&self, is_on: bool) {
        self.0.borrow_mut().set_caching(is_on);
    }

    /// The worker.
    ///
    /// # Panics
    /// While the worker runs, which is within [`Switch`]'s own methods only.
    pub fn worker(&self) -> Ref<'_, Worker> {
        self.0.borrow()
    }
}

impl Switch {
    /// A switch as `ovs-vsctl init` leaves it: without bridges. `name` is the node's.
    pub fn new(name: &str, seed: Seed, worker: &WorkerHandle) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            store: Store::new(seed.key(&format!("rows {name}"))),
            lab: LabPorts::default(),
            bridges: Vec::new(),
            worker: worker.clone(),
            pending: Pending::Nothing,
            next_wake: Time::NEVER,
            files: BTreeMap::new(),
            packet_outs: None,
        }
    }

    /// Says that the network device `name` exists: it is the node's port `port`. An interface of that name sends
    /// and receives there, now or when its row is made.
    pub fn attach(&mut self, name: &str, port: PortIx) {
        self.lab.attach(name, port);
        self.pending = Pending::Rows;
        self.wake_trees();
    }

    /// Takes back [`Switch::attach`]: the network device is gone.
    pub fn detach(&mut self, name: &str) {
        self.lab.detach(name);
        self.pending = Pending::Rows;
        self.wake_trees();
    }

    /// Tells the MAC address of the network device at a port, and of a bridge if that is its local port.
    pub fn set_mac(&mut self, port: PortIx, mac: MacAddr) {
        self.lab.set_mac(port, mac);
    }

    /// The rows. Status columns are written when a command line is run.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Makes the changes that `body` makes in one transaction; the bridges follow.
    ///
    /// # Errors
    /// As [`Store::transact`]; then nothing has changed.
    pub fn transact<T, E: From<ovsdb::Error>>(
        &mut self,
        body: impl FnOnce(&mut Txn<'_>) -> Result<T, E>,
    ) -> Result<(T, Changes), E> {
        let result = self.store.transact(body)?;
        self.rows_changed(&result.1);
        Ok(result)
    }

    /// Runs a line whose first word is `ovs-vsctl`, `ovs-ofctl` or `ovs-appctl`; gives what it prints.
    ///
    /// # Errors
    /// What the program would print on standard error, and its exit status.
    pub fn command(&mut self, cx: &mut Cx<'_>, words: &[String]) -> Result<String, CommandError> {
        self.packet_outs = Some(Vec::new());
        let result = self.command_at(cx.now, words);
        {
            let mut worker = self.worker.0.borrow_mut();
            for (bridge, packet) in self.packet_outs.take().unwrap_or_default() {
                worker.packet_out(&bridge, cx.now, &packet, cx.pool, cx.out);
            }
        }
        self.send_bpdus(cx);
        result
    }

    /// As [`Switch::command`], for setup before the lab runs: nothing is sent, and lines that send are refused.
    ///
    /// # Errors
    /// As [`Switch::command`].
    pub fn command_at(&mut self, now: Time, words: &[String]) -> Result<String, CommandError> {
        self.settle(now);
        self.flush_counters();
        let result = crate::command::run(self, now, words);
        self.settle(now);
        self.set_wake();
        result
    }

    /// Adds the flows of a file's text to a bridge, as `ovs-ofctl --bundle add-flows BRIDGE FILE` does with the file
    /// `name`: all or none.
    ///
    /// # Errors
    /// Every line that is wrong.
    pub fn add_flows(&mut self, now: Time, bridge: &str, name: &str, text: &str) -> Result<(), CommandError> {
        self.settle(now);
        let missing = || CommandError::new(format!("ovs-ofctl: {bridge} is not a bridge or a socket"));
        crate::ofctl::add_flows(self.bridge(bridge).ok_or_else(missing)?, now, name, text)?;
        self.set_wake();
        Ok(())
    }

    /// Gives the text of a file that command lines may name: see [`files_of`](crate::files_of).
    pub fn give_file(&mut self, name: &str, text: &str) {
        self.files.insert(name.to_owned(), text.into());
    }

    /// The bridges' names, in the order of their creation.
    pub fn bridges(&self) -> impl Iterator<Item = &str> {
        self.bridges.iter().map(|bridge| bridge.name.as_str())
    }

    /// The data path of a bridge. Its flows have counted all frames so far.
    pub fn shared(&self, bridge: &str) -> Option<&Shared> {
        let shared = &self.bridge(bridge)?.shared;
        self.worker.0.borrow_mut().flush(shared.id());
        Some(shared)
    }

    /// Has the flows of all bridges count what the worker's cache has counted for them.
    fn flush_counters(&self) {
        let mut worker = self.worker.0.borrow_mut();
        self.bridges.iter().for_each(|bridge| worker.flush(bridge.shared.id()));
    }

    /// What `ovs-ofctl mod-port` has set: ports of a bridge with the words that set it.
    pub fn port_settings(&self, bridge: &str) -> Vec<(&str, &'static str)> {
        let members = self.bridge(bridge).map(Bridge::members).unwrap_or_default();
        let settings =
            members.into_iter().flat_map(|(_, member)| member.config.set().map(|(word, _)| (&*member.name, word)));
        settings.collect()
    }

    /// The MAC table of a bridge by port, VLAN and address; empty if there is no such bridge.
    pub fn macs(&self, bridge: &str, now: Time) -> Vec<MacEntry> {
        let Some(bridge) = self.bridge(bridge) else { return Vec::new() };
        let plan = bridge.shared.plan();
        let mut entries: Vec<MacEntry> = bridge
            .shared
            .macs
            .entries(now)
            .into_iter()
            .filter_map(|entry| {
                let port = plan.ports.get(usize::from(entry.port))?;
                Some(MacEntry {
                    mac: entry.mac,
                    vlan: entry.vlan,
                    ofport: port.ofport,
                    port: port.lab,
                    is_static: entry.is_static,
                    age_s: entry.age_ms / 1000,
                })
            })
            .collect();
        entries.sort_by_key(|entry| (entry.ofport, entry.vlan, entry.mac));
        entries
    }

    /// The spanning tree of a bridge, if it has one. [`Switch::tree_ports`] names its ports.
    pub fn spanning_tree(&self, bridge: &str) -> Option<&SpanningTree> {
        Some(self.bridge(bridge)?.tree.as_ref()?.machine())
    }

    /// The interfaces that take part in a bridge's spanning tree, by their numbers there.
    pub fn tree_ports(&self, bridge: &str) -> BTreeMap<PortNumber, &str> {
        let Some(bridge) = self.bridge(bridge) else { return BTreeMap::new() };
        let name = |slot: u16| Some(&*bridge.slots.get(usize::from(slot))?.as_ref()?.name);
        let numbers = bridge.tree.iter().flat_map(|tree| tree.numbers());
        numbers.filter_map(|(number, slot)| Some((number, name(slot)?))).collect()
    }

    /// What of a bridge's spanning tree configuration couldn't be followed, in the words of Open vSwitch's log.
    pub fn tree_complaints(&self, bridge: &str) -> &[String] {
        self.bridge(bridge).map_or(&[], |bridge| &bridge.complaints)
    }

    /// The counts of a bridge's MAC table.
    pub fn mac_stats(&self, bridge: &str, now: Time) -> Option<MacStats> {
        Some(self.bridge(bridge)?.shared.macs.stats(now))
    }

    /// The name of the interface that is attached to a port.
    pub fn interface(&self, port: PortIx) -> Option<&str> {
        self.lab.name(port)
    }

    /// The port that an interface is attached to.
    pub fn port(&self, interface: &str) -> Option<PortIx> {
        self.lab.find(interface)
    }

    /// The OpenFlow number of an interface that is in a bridge.
    pub fn ofport(&self, interface: &str) -> Option<u16> {
        let members = self.bridges.iter().flat_map(|bridge| bridge.slots.iter().flatten());
        members.filter(|member| *member.name == *interface).map(|member| member.ofport).next()
    }

    /// What went through an interface that is in a bridge.
    pub fn counters(&self, interface: &str) -> Option<PortCounters> {
        let worker = self.worker.worker();
        self.bridges.iter().find_map(|bridge| {
            let is_it = |member: &Option<crate::bridge::Member>| member.as_ref().is_some_and(|m| *m.name == *interface);
            let slot = bridge.slots.iter().position(is_it)?;
            Some(worker.counters(bridge.shared.id(), slot as u16))
        })
    }

    /// Why a frame died here, from the configuration as it is now: `vlan_not_allowed (VLAN 19, port carries 9)`.
    pub fn explain_drop(&self, drop: &Drop, frame: &[u8]) -> String {
        explain::drop(self, drop, frame)
    }

    pub(crate) fn bridge(&self, name: &str) -> Option<&Bridge> {
        self.bridges.iter().find(|bridge| bridge.name == name)
    }

    /// The bridge that a port of the node is in.
    pub(crate) fn bridge_of(&self, port: PortIx) -> Option<&Bridge> {
        let place = self.lab.place(port)?;
        self.bridges.iter().find(|bridge| Arc::ptr_eq(&bridge.shared, &place.bridge))
    }

    /// The address of an interface or bridge: the one that was told, else a local and unicast one, a hash of the names of
    /// node and interface.
    pub fn mac(&self, interface: &str) -> MacAddr {
        self.lab.mac(interface).unwrap_or_else(|| self.default_mac(interface))
    }

    /// The MAC address of an interface that nobody gave one.
    pub fn default_mac(&self, interface: &str) -> MacAddr {
        mac(self.seed, &self.name, interface)
    }

    /// Marks that the bridges have to follow the rows.
    pub(crate) fn rows_changed(&mut self, changes: &Changes) {
        if !changes.is_empty() {
            self.pending = Pending::Rows;
            self.wake_trees();
        }
    }

    /// Has trees follow what is pending soon: they don't wait for a frame.
    fn wake_trees(&mut self) {
        let wants =
            |row: &Row| row.bool(bridge::STP_ENABLE) == Some(true) || row.bool(bridge::RSTP_ENABLE) == Some(true);
        if self.bridges.iter().any(|bridge| bridge.tree.is_some()) || self.store.rows(Table::Bridge).any(wants) {
            self.next_wake = Time::ZERO;
        }
    }

    /// Marks that the bridges have to follow what isn't in the rows.
    pub(crate) fn configuration_changed(&mut self) {
        self.pending = Pending::Rows;
        self.wake_trees();
    }

    /// Finds out when a tree or a flow's time-out is due next.
    fn set_wake(&mut self) {
        let trees = self.bridges.iter().filter_map(|bridge| bridge.tree.as_ref()).map(Tree::next_wake);
        let flows = self.bridges.iter().map(|bridge| bridge.shared.tables().next_expiry());
        self.next_wake = trees.chain(flows).min().unwrap_or(Time::NEVER);
    }

    /// Brings the bridges up to date.
    pub(crate) fn settle(&mut self, now: Time) {
        match std::mem::replace(&mut self.pending, Pending::Nothing) {
            Pending::Nothing => return,
            Pending::Carriers => self.bridges.iter_mut().for_each(|bridge| bridge.follow_carriers(&self.lab, now)),
            Pending::Rows => self.follow_rows(now),
        }
        self.set_wake();
    }

    /// Calls the spanning tree of a bridge by its place, and carries out what it wants but for BPDUs.
    pub(crate) fn drive(&mut self, bridge: usize, now: Time, call: impl FnOnce(&mut Tree) -> Effects) {
        if let Some(bridge) = self.bridges.get_mut(bridge) {
            bridge.drive(&self.lab, now, call);
            self.set_wake();
        }
    }

    /// Sends the BPDUs that wait.
    fn send_bpdus(&mut self, cx: &mut Cx<'_>) {
        let mut worker = self.worker.0.borrow_mut();
        for bridge in &mut self.bridges {
            let Some(tree) = &mut bridge.tree else { continue };
            for (slot, bytes) in tree.take_sends() {
                let plan = bridge.shared.plan();
                let lab = plan.ports.get(usize::from(slot)).and_then(|port| port.lab);
                if let Some(port) = lab.filter(|port| self.lab.is_up(*port)) {
                    worker.count_own(&bridge.shared, slot, Direction::Out, bytes.len());
                    cx.out.send(port, cx.pool.copied(&bytes));
                }
            }
        }
        drop(worker);
        self.set_wake();
    }

    /// Takes the BPDUs out of frames that came in by a port of a bridge with a spanning tree, and moves the others.
    #[cold]
    fn receive_bpdus(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        let Some(Place { bridge, slot, .. }) = self.lab.place(port).cloned() else { return };
        let Some(at) = self.bridges.iter().position(|other| Arc::ptr_eq(&other.shared, &bridge)) else { return };
        let (bpdus, others): (Vec<_>, Vec<_>) = batch.drain().partition(|frame| tree::is_bpdu(frame));
        for frame in bpdus {
            self.worker.0.borrow_mut().count_own(&bridge, slot, Direction::In, frame.len());
            let mut takes_part = false;
            self.drive(at, cx.now, |tree| {
                let mut effects = Effects::default();
                takes_part = tree.receive(slot, &frame, cx.now, &mut effects);
                effects
            });
            if !takes_part {
                cx.out.drop(frame, Drop::at(port, DropReason::ReservedMulticast));
            }
        }
        self.send_bpdus(cx);
        others.into_iter().for_each(|frame| batch.push(frame));
        if !batch.is_empty() {
            self.worker.0.borrow_mut().run_at(&bridge, cx.now, port, slot, batch, cx.pool, cx.out);
            self.set_wake();
        }
    }

    fn follow_rows(&mut self, now: Time) {
        let Self { name, seed, store, lab, bridges, worker, .. } = self;
        let mut worker = worker.0.borrow_mut();
        let rows: Vec<&Row> = store.root().map_or(Vec::new(), |root| {
            let uuids: Vec<_> = root.references(open_vswitch::BRIDGES).collect();
            store.rows(Table::Bridge).filter(|row| uuids.contains(&row.uuid())).collect()
        });
        bridges.retain(|bridge| {
            let stays = rows.iter().any(|row| row.uuid() == bridge.uuid);
            if !stays {
                worker.release(bridge.shared.id());
            }
            stays
        });
        lab.clear_places();
        for row in rows {
            let at = bridges.iter().position(|bridge| bridge.uuid == row.uuid()).unwrap_or_else(|| {
                let title = row.str(bridge::NAME).unwrap_or_default();
                let key = seed.key(&format!("macs {name}:{title}"));
                bridges.push(Bridge::new(row, worker.admit(), key));
                bridges.len() - 1
            });
            let mac_of = |interface: &str| lab.mac(interface).unwrap_or_else(|| mac(*seed, name, interface));
            bridges[at].follow(store, row, lab, &mut worker, &mac_of, now);
            let has_tree = bridges[at].tree.is_some();
            for (slot, member) in bridges[at].slots.iter().enumerate() {
                if let Some(port) = member.as_ref().and_then(|member| lab.find(&member.name)) {
                    lab.set_place(port, Place { bridge: Arc::clone(&bridges[at].shared), slot: slot as u16, has_tree });
                }
            }
        }
    }

    /// Writes the status columns, as each command line does before it reads them.
    pub fn write_status(&mut self, now: Time) {
        status::write(self, now);
    }
}

impl Node for Switch {
    #[inline]
    fn frames(&mut self, cx: &mut Cx<'_>, port: PortIx, batch: &mut Batch) {
        if self.pending != Pending::Nothing {
            self.settle(cx.now);
        }
        match self.lab.place(port) {
            Some(Place { has_tree: true, .. }) if batch.as_slice().iter().any(|frame| tree::is_bpdu(frame)) => {
                self.receive_bpdus(cx, port, batch);
            }
            Some(Place { bridge, slot, .. }) => {
                let before = bridge.version();
                self.worker.0.borrow_mut().run_at(bridge, cx.now, port, *slot, batch, cx.pool, cx.out);
                if bridge.version() != before {
                    // A frame has made a flow that times out.
                    self.set_wake();
                }
            }
            None => drop_all(batch, cx.out, Drop::at(port, DropReason::NoBridge)),
        }
    }

    fn carrier(&mut self, _cx: &mut Cx<'_>, port: PortIx, state: Carrier) {
        if self.lab.set_carrier(port, state) {
            self.pending = self.pending.max(Pending::Carriers);
            self.wake_trees();
        }
    }

    fn wake(&mut self, cx: &mut Cx<'_>) {
        if cx.now < self.next_wake {
            return;
        }
        self.settle(cx.now);
        // How long a flow was idle is what its frames say.
        self.flush_counters();
        for bridge in &mut self.bridges {
            bridge.drive(&self.lab, cx.now, |tree| tree.wake(cx.now));
            bridge.expire(cx.now);
        }
        self.send_bpdus(cx);
    }

    /// When a spanning tree or a flow's time-out is due. Stations age when they are looked at.
    fn next_wake(&self) -> Time {
        self.next_wake
    }
}

/// The address of an interface or bridge of a node.
fn mac(seed: Seed, node: &str, interface: &str) -> MacAddr {
    let hash = seed.key(&format!("mac {node}:{interface}"));
    MacAddr::from_u64((hash >> 16) & !(1 << 40) | 1 << 41)
}
