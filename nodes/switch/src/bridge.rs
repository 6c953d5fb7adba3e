//! A bridge, and how it follows its rows.

use crate::lab_ports::LabPorts;
use crate::mac_table::{DEFAULT_AGEING_S, DEFAULT_MAX_ENTRIES};
use crate::ofport::{Ofports, Wish};
use crate::plan::{Gate, LOCAL, Plan, PortPlan};
use crate::shared::Shared;
use crate::tree::{self, Effects, Tree, Wanted};
use crate::vlan_config;
use crate::worker::Worker;
use ::flow_table::TableConfig;
use openflow::{Action, Flow, FlowCommand, FlowMod};
use ovsdb::vswitch::{bridge, flow_table, interface, open_vswitch, port};
use ovsdb::{Row, Store, Table, Uuid};
use packet::{MacAddr, Subfield};
use sim_core::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A bridge.
#[derive(Debug)]
pub(crate) struct Bridge {
    pub(crate) uuid: Uuid,
    pub(crate) name: String,
    pub(crate) shared: Arc<Shared>,
    /// The interfaces by slot.
    pub(crate) slots: Vec<Option<Member>>,
    /// Its spanning tree, if it has one.
    pub(crate) tree: Option<Tree>,
    /// What of its spanning tree's configuration couldn't be followed, in words.
    pub(crate) complaints: Vec<String>,
    /// What its rows say of the ageing time, in seconds.
    ageing_s: u64,
    is_standalone: Option<bool>,
}

/// An interface of a bridge.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) uuid: Uuid,
    pub(crate) name: Box<str>,
    pub(crate) ofport: u16,
    request: Option<u16>,
    /// What `ovs-ofctl mod-port` says of it.
    pub(crate) config: PortConfig,
}

/// An OpenFlow port's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PortConfig {
    pub(crate) is_down: bool,
    /// Whether floods leave it out.
    pub(crate) is_unfloodable: bool,
    /// Whether it takes no frames: `no-receive`.
    pub(crate) is_deaf: bool,
    /// Whether it sends none: `no-forward`.
    pub(crate) is_mute: bool,
    /// Whether controllers are to hear nothing of frames that no flow matches. They don't anyway.
    pub(crate) is_quiet: bool,
}

impl PortConfig {
    /// What of it is set, as `mod-port` sets it, and as dumps show it.
    pub(crate) fn set(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let all = [
            (self.is_down, ("down", "PORT_DOWN")),
            (self.is_deaf, ("no-receive", "NO_RECV")),
            (self.is_unfloodable, ("no-flood", "NO_FLOOD")),
            (self.is_mute, ("no-forward", "NO_FWD")),
            (self.is_quiet, ("no-packet-in", "NO_PACKET_IN")),
        ];
        all.into_iter().filter(|(is_set, _)| *is_set).map(|(_, words)| words)
    }
}

/// A bridge's port with its interfaces, in the order of their insertion.
pub(crate) struct PortRows<'a> {
    pub(crate) port: &'a Row,
    pub(crate) interfaces: Vec<&'a Row>,
}

impl Bridge {
    pub(crate) fn new(row: &Row, id: u32, seed: u64) -> Self {
        Self {
            uuid: row.uuid(),
            name: row.str(bridge::NAME).unwrap_or_default().to_owned(),
            shared: Arc::new(Shared::new(id, seed)),
            slots: Vec::new(),
            tree: None,
            complaints: Vec::new(),
            ageing_s: DEFAULT_AGEING_S,
            is_standalone: None,
        }
    }

    /// Does what the rows say. `mac_of` gives an interface's address.
    pub(crate) fn follow(
        &mut self,
        store: &Store,
        row: &Row,
        lab: &LabPorts,
        worker: &mut Worker,
        mac_of: &dyn Fn(&str) -> MacAddr,
        now: Time,
    ) {
        let ports = port_rows(store, row);
        let old = self.shared.plan();
        self.admit(&ports, lab, worker);
        let mut plan = self.plan(&ports, lab);
        let vlan_limit = store.root().and_then(|root| root.value(open_vswitch::OTHER_CONFIG, "vlan-limit"));
        plan.vlan_limit = match vlan_limit.and_then(|limit| limit.parse().ok()) {
            Some(0_i64) => 2,
            Some(limit) => limit.clamp(1, 2) as u8,
            None => 1,
        };
        plan.forward_bpdu = row.value(bridge::OTHER_CONFIG, "forward-bpdu") == Some("true");
        plan.flood_vlans = vlan_config::vlans(row, bridge::FLOOD_VLANS);
        plan.mirrors = crate::mirror::mirrors(store, row, self);
        for mirror in &plan.mirrors {
            if let crate::plan::MirrorOutput::Port(slot) = mirror.output {
                plan.ports[usize::from(slot)].is_mirror_output = true;
            }
        }
        let macs = &self.shared.macs;
        let number = |key| row.value(bridge::OTHER_CONFIG, key).and_then(|value| value.parse::<u64>().ok());
        self.ageing_s = number("mac-aging-time").unwrap_or(DEFAULT_AGEING_S);
        macs.set_max_entries(number("mac-table-size").map_or(DEFAULT_MAX_ENTRIES, |size| size as usize), now);
        if plan.flood_vlans != old.flood_vlans {
            macs.flush();
        }
        for (slot, before) in old.ports.iter().enumerate().filter(|(_, port)| port.ofport != 0) {
            let after = &plan.ports[slot];
            let is_same = after.bundle == before.bundle
                && after.vlan == before.vlan
                && after.is_protected == before.is_protected
                && after.ofport == before.ofport;
            if !is_same {
                macs.flush_port(slot as u16);
            }
        }
        let (wanted, complaints) = tree::wanted(self, row, &ports, &plan, mac_of);
        self.complaints = complaints;
        let effects = self.follow_tree(wanted, &plan, lab, now);
        self.open_gates(&mut plan, lab);
        self.shared.set_plan(plan);
        self.relearn(&effects, now);
        self.set_fail_mode(row.str(bridge::FAIL_MODE) != Some("secure"), now);
        self.follow_tables(store, row);
    }

    /// Does what the rows of `Flow_Table` say.
    fn follow_tables(&self, store: &Store, row: &Row) {
        let mut wanted: BTreeMap<u8, TableConfig> =
            self.shared.tables().tables().map(|(number, _)| (number, TableConfig::default())).collect();
        for (number, uuid) in row.get(bridge::FLOW_TABLES).pairs() {
            let number = number.as_int().and_then(|number| u8::try_from(number).ok());
            if let (Some(number), Some(table)) =
                (number, uuid.as_uuid().and_then(|uuid| store.row(Table::FlowTable, uuid)))
            {
                wanted.insert(number, table_config(table));
            }
        }
        let is_as_wanted = |number: &u8, config: &TableConfig| {
            self.shared.tables().table_config(*number).unwrap_or(&TableConfig::default()) == config
        };
        wanted.retain(|number, config| !is_as_wanted(number, config));
        if !wanted.is_empty() {
            self.shared.change_tables(|tables| {
                for (number, config) in wanted {
                    // What is removed is told to controllers, of which there are none.
                    let _ = tables.configure(number, config);
                }
            });
        }
    }

    /// Publishes which links are up.
    pub(crate) fn follow_carriers(&mut self, lab: &LabPorts, now: Time) {
        let mut plan = (*self.shared.plan()).clone();
        let effects = self.tree.as_mut().map(|tree| tree.follow_links(&plan, lab, now)).unwrap_or_default();
        self.open_gates(&mut plan, lab);
        self.shared.set_links(plan);
        self.relearn(&effects, now);
    }

    /// Calls the spanning tree, if there is one, and carries out what it wants.
    pub(crate) fn drive(&mut self, lab: &LabPorts, now: Time, call: impl FnOnce(&mut Tree) -> Effects) {
        let Some(tree) = &mut self.tree else { return };
        let effects = call(tree);
        if effects.has_moved {
            let mut plan = (*self.shared.plan()).clone();
            self.open_gates(&mut plan, lab);
            self.shared.set_links(plan);
        }
        self.relearn(&effects, now);
    }

    /// Makes, changes or ends the spanning tree.
    fn follow_tree(&mut self, wanted: Option<Wanted>, plan: &Plan, lab: &LabPorts, now: Time) -> Effects {
        let protocol = |tree: &Tree| tree.protocol();
        if self.tree.as_ref().map(protocol) != wanted.as_ref().map(|wanted| wanted.protocol) {
            self.shared.macs.flush();
            self.tree = wanted.as_ref().map(|wanted| Tree::new(wanted.protocol, wanted.config));
        }
        let (Some(tree), Some(wanted)) = (&mut self.tree, wanted) else { return Effects::default() };
        let mut effects = tree.follow(wanted, now);
        effects.merge(tree.follow_links(plan, lab, now));
        effects
    }

    /// Says of each port what spanning tree lets it do, and where it sends.
    fn open_gates(&self, plan: &mut Plan, lab: &LabPorts) {
        plan.ports.iter_mut().for_each(|port| port.gate = Gate::Open);
        if let Some(tree) = &self.tree {
            tree.close_gates(plan);
        }
        for port in plan.ports.iter_mut().filter(|port| port.is_down) {
            port.gate = Gate::Closed;
        }
        set_links(plan, lab);
        for port in plan.ports.iter_mut().filter(|port| port.is_deaf) {
            port.gate = Gate::Closed;
        }
    }

    /// Forgets the stations that may be elsewhere, and sets how soon the others age.
    fn relearn(&self, effects: &Effects, now: Time) {
        let macs = &self.shared.macs;
        if !effects.flushed.is_empty() {
            macs.flush_learnt(|slot| effects.flushed.contains(&slot));
        }
        match self.tree.as_ref().and_then(|tree| tree.ageing(now)) {
            Some(ageing) => macs.age_within(ageing, now),
            None => macs.set_ageing(self.ageing_s, now),
        }
    }

    /// The slot of an interface.
    pub(crate) fn slot_of(&self, interface: Uuid) -> Option<u16> {
        let found = self.slots.iter().position(|member| member.as_ref().is_some_and(|m| m.uuid == interface));
        found.map(|slot| slot as u16)
    }

    /// The slot of an interface by its name or OpenFlow number.
    pub(crate) fn slot_named(&self, name: &str) -> Option<u16> {
        let number = match name {
            "LOCAL" => Some(LOCAL),
            _ => name.parse::<u16>().ok(),
        };
        let is_it = |member: &Member| *member.name == *name || Some(member.ofport) == number;
        self.slots.iter().position(|member| member.as_ref().is_some_and(is_it)).map(|slot| slot as u16)
    }

    /// The interfaces with their slots, by OpenFlow number.
    pub(crate) fn members(&self) -> Vec<(u16, &Member)> {
        let members = self.slots.iter().enumerate();
        let mut members: Vec<_> = members.filter_map(|(slot, member)| Some((slot as u16, member.as_ref()?))).collect();
        members.sort_by_key(|(_, member)| member.ofport);
        members
    }

    /// Gives slots and OpenFlow numbers to interfaces that are new, and takes back those that are gone.
    fn admit(&mut self, ports: &[PortRows<'_>], lab: &LabPorts, worker: &mut Worker) {
        let wanted: Vec<&Row> = ports
            .iter()
            .flat_map(|port| &port.interfaces)
            .copied()
            .filter(|row| is_internal(row, &self.name) || lab.find(name(row)).is_some())
            .collect();
        for place in &mut self.slots {
            let stays =
                |member: &Member| wanted.iter().any(|row| row.uuid() == member.uuid && request(row) == member.request);
            if !place.as_ref().is_some_and(stays) {
                *place = None;
            }
        }
        let mut ofports = Ofports::new(self.slots.iter().flatten().map(|member| member.ofport));
        let new: Vec<&Row> = wanted.into_iter().filter(|row| self.slot_of(row.uuid()).is_none()).collect();
        let wishes = new.iter().map(|row| {
            if is_local(row, &self.name) { Wish::Local } else { request(row).map_or(Wish::Any, Wish::Number) }
        });
        let numbers = ofports.assign(wishes);
        for (row, ofport) in new.iter().zip(numbers) {
            // Without a number the interface stays out, as in a bridge that has no more.
            let Some(ofport) = ofport else { continue };
            let member = Member {
                uuid: row.uuid(),
                name: name(row).into(),
                ofport,
                request: request(row),
                config: PortConfig::default(),
            };
            let slot = self.slots.iter().position(Option::is_none).unwrap_or_else(|| {
                self.slots.push(None);
                self.slots.len() - 1
            });
            worker.clear_counters(self.shared.id(), slot as u16);
            self.slots[slot] = Some(member);
        }
    }

    fn plan(&self, ports: &[PortRows<'_>], lab: &LabPorts) -> Plan {
        let mut plan = Plan::default();
        plan.ports.resize(self.slots.len(), PortPlan::default());
        for PortRows { port, interfaces } in ports {
            let slots: Vec<u16> = interfaces.iter().filter_map(|row| self.slot_of(row.uuid())).collect();
            for &slot in &slots {
                let Some(member) = &self.slots[usize::from(slot)] else { continue };
                let lab_port = lab.find(&member.name);
                plan.ports[usize::from(slot)] = PortPlan {
                    ofport: member.ofport,
                    bundle: slots[0],
                    lab: lab_port,
                    is_protected: port.bool(port::PROTECTED) == Some(true),
                    is_floodable: !member.config.is_unfloodable,
                    is_down: member.config.is_down,
                    is_deaf: member.config.is_deaf,
                    is_mute: member.config.is_mute,
                    vlan: vlan_config::vlan_plan(port),
                    ..PortPlan::default()
                };
                if let Some(lab_port) = lab_port {
                    plan.bind(lab_port, slot);
                }
            }
        }
        set_links(&mut plan, lab);
        plan.order_floods();
        plan
    }

    /// Removes the flows whose time is up.
    pub(crate) fn expire(&self, now: Time) {
        if self.shared.tables().next_expiry() <= now {
            // What is removed is told to controllers, of which there are none.
            let _ = self.shared.change_tables(|tables| tables.expire(now));
        }
    }

    /// A bridge without controllers starts with one flow, unless it is secure (ovs-vswitchd.conf.db(5), `fail_mode`).
    fn set_fail_mode(&mut self, is_standalone: bool, now: Time) {
        if self.is_standalone.replace(is_standalone) == Some(is_standalone) {
            return;
        }
        self.shared.change_tables(|tables| {
            let all = FlowMod { table: None, ..FlowMod::new(FlowCommand::Delete, Flow::default()) };
            // What is removed is told to controllers, of which there are none.
            let _ = tables.apply(now, &all);
            if is_standalone {
                let normal = Flow { priority: 0, actions: vec![Action::Normal], ..Flow::default() };
                let _ = tables.apply(now, &FlowMod::new(FlowCommand::Add, normal));
            }
        });
    }
}

/// What a row of `Flow_Table` says. Prefixes are tracked without being told which.
fn table_config(row: &Row) -> TableConfig {
    let groups = row.get(flow_table::GROUPS).atoms().iter().filter_map(|atom| Subfield::parse(atom.as_str()?).ok());
    TableConfig {
        name: row.str(flow_table::NAME).unwrap_or_default().to_owned(),
        flow_limit: row.int(flow_table::FLOW_LIMIT).and_then(|limit| u32::try_from(limit).ok()),
        evicts: row.str(flow_table::OVERFLOW_POLICY) == Some("evict"),
        groups: groups.collect(),
    }
}

/// An interface's name.
pub(crate) fn name(row: &Row) -> &str {
    row.str(interface::NAME).unwrap_or_default()
}

/// Whether an interface is the local port of the bridge with this name.
pub(crate) fn is_local(row: &Row, bridge: &str) -> bool {
    name(row) == bridge
}

/// Whether an interface needs no network device: the switch makes it.
pub(crate) fn is_internal(row: &Row, bridge: &str) -> bool {
    is_local(row, bridge) || row.str(interface::TYPE) == Some("internal")
}

fn request(row: &Row) -> Option<u16> {
    row.int(interface::OFPORT_REQUEST).and_then(|request| u16::try_from(request).ok())
}

/// The ports of a bridge in the order of their insertion; a set of references has another.
fn port_rows<'a>(store: &'a Store, row: &Row) -> Vec<PortRows<'a>> {
    let ports: Vec<Uuid> = row.references(bridge::PORTS).collect();
    let rows = store.rows(Table::Port).filter(|port| ports.contains(&port.uuid()));
    rows.map(|port| PortRows { port, interfaces: store.follow(port, port::INTERFACES).collect() }).collect()
}

/// Says of each port where it sends: its own link, and for a bond the first of its links that is up.
fn set_links(plan: &mut Plan, lab: &LabPorts) {
    for port in &mut plan.ports {
        let is_open = port.gate == Gate::Open && !port.is_mute;
        port.link = port.lab.filter(|&lab_port| lab.is_up(lab_port) && is_open);
        port.tx = port.link;
    }
    for slot in 0..plan.ports.len() {
        let PortPlan { bundle, link, .. } = plan.ports[slot];
        let leader = &mut plan.ports[usize::from(bundle)];
        leader.tx = leader.tx.or(link);
    }
}
