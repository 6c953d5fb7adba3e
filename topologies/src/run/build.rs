//! From a lab that can't be wrong to an engine full of devices.

use super::device::Device;
use super::names::Names;
use super::watch::Lookout;
use crate::error::{Diagnostic, Severity};
use crate::lab::{Lab, LabBridge, LabHost, LabNode, LabSwitch, NodeKind};
use host::{Host, HostConfig, RouteConfig};
use hub::Hub;
use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Column, Datum, Mutator, Table, Txn, Uuid};
use sim_core::{Engine, NodeIx, Time};
use std::fmt;
use std::rc::Rc;
use switch::{Switch, WorkerHandle};

/// The engine of a lab.
pub(crate) type LabEngine = Engine<Device, Lookout>;

/// A line of `setup`, or the configuration of a node, that its device refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupError {
    /// The line of the file, 0 if it is about none.
    pub line: u32,
    /// The node.
    pub node: String,
    /// What the device says.
    pub message: String,
}

impl SetupError {
    /// The error as a mistake of the lab file.
    pub fn diagnostic(&self, file: &str) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: file.into(),
            line: self.line,
            column: u32::from(self.line > 0),
            key: String::new(),
            message: format!("{}: {}", self.node, self.message.trim_end()),
            remedy: "correct the line: the message is the tool's own".to_owned(),
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        write!(f, "{}: {}", self.node, self.message.trim_end())
    }
}

impl std::error::Error for SetupError {}

/// Makes the devices and the links, and runs the setup lines. All that is refused is reported.
pub(crate) fn build(lab: &Lab) -> Result<(LabEngine, Rc<Names>), Vec<SetupError>> {
    let names = Rc::new(names(lab));
    let mut engine = Engine::new(lab.seed(), Lookout::new(Rc::clone(&names)));
    let mut errors = Vec::new();
    let worker = WorkerHandle::new();
    for node in lab.nodes() {
        let device = match &node.kind {
            NodeKind::Switch(spec) => {
                make_switch(lab, &node.name, spec, &worker).map(|switch| Device::Switch(Box::new(switch)))
            }
            NodeKind::Host(spec) => make_host(&node.name, spec),
            NodeKind::Hub(_) => Ok(Device::Hub(Box::new(Hub::new(node.ports.len())))),
        };
        match device {
            Ok(mut device) => {
                if let Device::Switch(switch) = &mut device {
                    for (number, port) in node.ports.iter().enumerate() {
                        switch.attach(&port.name, sim_core::PortIx(number as u32));
                    }
                }
                engine.add_node(&node.name, device);
            }
            Err(message) => {
                errors.push(SetupError { line: 0, node: node.name.clone(), message });
                engine.add_node(&node.name, Device::Hub(Box::new(Hub::new(0))));
            }
        }
    }
    for link in lab.links() {
        let [a, b] = link.ends;
        let name = format!("{} {}", lab.end_name(a), lab.end_name(b));
        engine.add_link(&name, (a.node, a.port), (b.node, b.port), &link.config);
    }
    run_setup(lab, &mut engine, &mut errors);
    if errors.is_empty() { Ok((engine, names)) } else { Err(errors) }
}

fn names(lab: &Lab) -> Names {
    let mut names = Names::default();
    for node in lab.nodes() {
        let ix = names.add_node(&node.name);
        for port in &node.ports {
            names.add_port(ix, &port.name);
        }
    }
    for link in lab.links() {
        let [a, b] = link.ends;
        names.add_link((a.node, a.port), (b.node, b.port));
    }
    names
}

fn run_setup(lab: &Lab, engine: &mut LabEngine, errors: &mut Vec<SetupError>) {
    for (number, node) in lab.nodes().iter().enumerate() {
        let NodeKind::Switch(spec) = &node.kind else { continue };
        for line in &spec.setup {
            let result = engine.act(NodeIx(number as u32), |device, cx| match device {
                Device::Switch(switch) => switch.command(cx, &line.words).map(drop),
                Device::Host(_) | Device::Hub(_) => Ok(()),
            });
            if let Err(error) = result {
                errors.push(SetupError { line: line.line, node: node.name.clone(), message: error.to_string() });
            }
        }
    }
}

/// Runs the setup lines of a switch by itself; gives what it refuses. Nothing for nodes of other kinds.
pub(crate) fn try_setup(lab: &Lab, node: &LabNode) -> Vec<SetupError> {
    let NodeKind::Switch(spec) = &node.kind else { return Vec::new() };
    if spec.setup.is_empty() {
        return Vec::new();
    }
    // What is wrong with the switch itself has been reported.
    let Ok(mut switch) = make_switch(lab, &node.name, spec, &WorkerHandle::new()) else { return Vec::new() };
    for (number, port) in node.ports.iter().enumerate() {
        switch.attach(&port.name, sim_core::PortIx(number as u32));
    }
    let refused = spec.setup.iter().filter_map(|line| {
        let error = switch.command_at(Time::ZERO, &line.words).err()?;
        Some(SetupError { line: line.line, node: node.name.clone(), message: error.to_string() })
    });
    refused.collect()
}

fn make_host(name: &str, spec: &LabHost) -> Result<Device, String> {
    let routes = spec.routes.iter().map(|&(to, via)| RouteConfig { to, via: Some(via), interface: None });
    let gateways = spec.gateways.iter().map(|&via| RouteConfig::default_via(via));
    let config = HostConfig {
        name: name.to_owned(),
        interfaces: spec.interfaces.clone(),
        routes: routes.chain(gateways).collect(),
    };
    Host::new(config).map(|host| Device::Host(Box::new(host))).map_err(|error| error.to_string())
}

fn make_switch(lab: &Lab, name: &str, spec: &LabSwitch, worker: &WorkerHandle) -> Result<Switch, String> {
    let mut switch = Switch::new(name, lab.seed(), worker);
    switch
        .transact(|txn| spec.bridges.iter().try_for_each(|bridge| insert_bridge(txn, bridge)))
        .map_err(|error: ovsdb::Error| error.to_string())?;
    Ok(switch)
}

/// Inserts a bridge as `ovs-vsctl add-br` does, with its local port, and the ports of the file.
fn insert_bridge(txn: &mut Txn<'_>, spec: &LabBridge) -> Result<(), ovsdb::Error> {
    let mut ports = vec![insert_port(txn, &spec.name, &[], Some("internal"))?];
    for port in &spec.ports {
        ports.push(insert_port(txn, &port.name, &port.columns, None)?);
    }
    let mut row = txn.insert(Table::Bridge).with(bridge::NAME, spec.name.as_str());
    for (column, datum) in &spec.columns {
        row = row.with(*column, datum.clone());
    }
    let uuid = row.with(bridge::PORTS, Datum::set(ports)).add()?;
    let root = txn.rows(Table::OpenVSwitch).next().map(ovsdb::Row::uuid);
    root.map_or(Ok(()), |root| txn.mutate(root, open_vswitch::BRIDGES, Mutator::Insert, uuid))
}

fn insert_port(
    txn: &mut Txn<'_>,
    name: &str,
    columns: &[(Column, Datum)],
    kind: Option<&str>,
) -> Result<Uuid, ovsdb::Error> {
    let of = |table: Table| columns.iter().filter(move |(column, _)| column.table() == table);
    let mut row = txn.insert(Table::Interface).with(interface::NAME, name);
    if let Some(kind) = kind {
        row = row.with(interface::TYPE, kind);
    }
    for (column, datum) in of(Table::Interface) {
        row = row.with(*column, datum.clone());
    }
    let uuid = row.add()?;
    let mut row = txn.insert(Table::Port).with(port::NAME, name).with(port::INTERFACES, uuid);
    for (column, datum) in of(Table::Port) {
        row = row.with(*column, datum.clone());
    }
    row.add()
}
