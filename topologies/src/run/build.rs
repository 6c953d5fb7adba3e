//! From a lab that can't be wrong to an engine full of devices.

use super::device::Device;
use super::names::Names;
use super::watch::Lookout;
use crate::error::{Diagnostic, Severity};
use crate::lab::{Lab, LabBridge, LabHost, LabNode, LabServer, LabSwitch, NodeKind, SetupLine};
use host::{Host, HostConfig, Reply, RouteConfig};
use hub::Hub;
use ovsdb::vswitch::{bridge, interface, open_vswitch, port};
use ovsdb::{Column, Datum, Mutator, Table, Txn, Uuid};
use server::{Server, ServerConfig};
use sim_core::{Cx, Engine, NodeIx, PortIx, Tag, Time};
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
        let device = make_device(lab, node, &worker).unwrap_or_else(|message| {
            errors.push(SetupError { line: 0, node: node.name.clone(), message });
            Device::Hub(Box::new(Hub::new(0)))
        });
        engine.add_node(&node.name, device);
    }
    for link in lab.links() {
        let [a, b] = link.ends;
        let name = format!("{} {}", lab.end_name(a), lab.end_name(b));
        engine.add_link(&name, (a.node, a.port), (b.node, b.port), &link.config);
    }
    for (number, node) in lab.nodes().iter().enumerate() {
        errors.extend(run_setup(node, NodeIx(number as u32), &mut engine));
    }
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

/// The setup lines of a node; gives what it refuses.
fn run_setup(node: &LabNode, ix: NodeIx, engine: &mut LabEngine) -> Vec<SetupError> {
    let mut errors = add_flows(node, ix, engine);
    for line in setup_lines(node) {
        let seed = engine.seed();
        let result = engine.act(ix, |device, cx| {
            device.prepare(&line.words, seed);
            if let Some(switch) = device.as_switch_mut() {
                line.files.iter().for_each(|file| switch.give_file(&file.name, &file.text));
            }
            match device {
                Device::Switch(switch) => {
                    switch.command_at(cx.now, &line.words).map(drop).map_err(|error| error.to_string())
                }
                Device::Server(server) => {
                    server.setup(cx.now, &line.words).map(drop).map_err(|error| error.to_string())
                }
                Device::Host(host) => host_setup(host, cx, &line.words),
                Device::Hub(_) => Ok(()),
            }
        });
        if let Err(message) = result {
            errors.push(SetupError { line: line.line, node: node.name.clone(), message });
        }
    }
    errors
}

/// Puts the flows of files into the bridges; gives what they refuse.
fn add_flows(node: &LabNode, ix: NodeIx, engine: &mut LabEngine) -> Vec<SetupError> {
    let bridges = match &node.kind {
        NodeKind::Switch(switch) => &switch.bridges,
        NodeKind::Server(server) => &server.bridges,
        NodeKind::Host(_) | NodeKind::Hub(_) => return Vec::new(),
    };
    let mut errors = Vec::new();
    for (bridge, (line, file)) in bridges.iter().filter_map(|bridge| Some((bridge, bridge.flows.as_ref()?))) {
        let result = engine.act(ix, |device, cx| match device.as_switch_mut() {
            Some(switch) => switch.add_flows(cx.now, &bridge.name, &file.name, &file.text),
            None => Ok(()),
        });
        if let Err(error) = result {
            errors.push(SetupError { line: *line, node: node.name.clone(), message: error.message });
        }
    }
    errors
}

fn setup_lines(node: &LabNode) -> &[SetupLine] {
    match &node.kind {
        NodeKind::Switch(switch) => &switch.setup,
        NodeKind::Host(host) | NodeKind::Server(LabServer { host, .. }) => &host.setup,
        NodeKind::Hub(_) => &[],
    }
}

fn has_flows(node: &LabNode) -> bool {
    match &node.kind {
        NodeKind::Switch(LabSwitch { bridges, .. }) | NodeKind::Server(LabServer { bridges, .. }) => {
            bridges.iter().any(|bridge| bridge.flows.is_some())
        }
        NodeKind::Host(_) | NodeKind::Hub(_) => false,
    }
}

/// A setup line of a host: nothing that takes lab time.
fn host_setup(host: &mut Host, cx: &mut Cx<'_>, words: &[String]) -> Result<(), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match host.command(cx, &words, Tag::NONE) {
        Reply::Done(_) => Ok(()),
        Reply::Failed(message) => Err(message),
        Reply::Running(session) => {
            host.cancel_session(session);
            Err(format!("`{}` takes lab time: put it into [[events]]", words[0]))
        }
    }
}

/// Runs the setup lines of a node by itself; gives what it refuses.
pub(crate) fn try_setup(lab: &Lab, node: &LabNode) -> Vec<SetupError> {
    if setup_lines(node).is_empty() && !has_flows(node) {
        return Vec::new();
    }
    // What is wrong with the node itself has been reported.
    let Ok(device) = make_device(lab, node, &WorkerHandle::new()) else { return Vec::new() };
    let mut engine = Engine::new(lab.seed(), Lookout::new(Rc::default()));
    let ix = engine.add_node(&node.name, device);
    run_setup(node, ix, &mut engine)
}

fn make_device(lab: &Lab, node: &LabNode, worker: &WorkerHandle) -> Result<Device, String> {
    match &node.kind {
        NodeKind::Switch(spec) => {
            let mut switch = Switch::new(&node.name, lab.seed(), worker);
            insert_bridges(&mut switch, &spec.bridges)?;
            for (port, ix) in node.ports.iter().zip(0..) {
                switch.attach(&port.name, PortIx(ix));
            }
            Ok(Device::Switch(Box::new(switch)))
        }
        NodeKind::Host(spec) => make_host(&node.name, spec),
        NodeKind::Server(spec) => make_server(lab, node, spec, worker),
        NodeKind::Hub(_) => Ok(Device::Hub(Box::new(Hub::new(node.ports.len())))),
    }
}

fn make_host(name: &str, spec: &LabHost) -> Result<Device, String> {
    let config = HostConfig { name: name.to_owned(), interfaces: spec.interfaces.clone(), routes: routes(spec) };
    Host::new(config).map(|host| Device::Host(Box::new(host))).map_err(|error| error.to_string())
}

fn make_server(lab: &Lab, node: &LabNode, spec: &LabServer, worker: &WorkerHandle) -> Result<Device, String> {
    let is_nic = |port: PortIx| spec.host.interfaces.iter().any(|nic| nic.port == port);
    let ports = node.ports.iter().zip(0..).map(|(port, ix)| (port.name.clone(), PortIx(ix)));
    let config = ServerConfig {
        name: node.name.clone(),
        nics: spec.host.interfaces.clone(),
        routes: routes(&spec.host),
        taps: ports.filter(|(_, port)| !is_nic(*port)).collect(),
    };
    let mut server = Server::new(config, lab.seed(), worker).map_err(|error| error.to_string())?;
    insert_bridges(server.switch_mut(), &spec.bridges)?;
    server.settle(Time::ZERO);
    Ok(Device::Server(Box::new(server)))
}

/// The gateways and the other routes.
fn routes(spec: &LabHost) -> Vec<RouteConfig> {
    let routes = spec.routes.iter().map(|&(to, via)| RouteConfig { to, via: Some(via), interface: None });
    let gateways = spec.gateways.iter().map(|&via| RouteConfig::default_via(via));
    routes.chain(gateways).collect()
}

fn insert_bridges(switch: &mut Switch, bridges: &[LabBridge]) -> Result<(), String> {
    switch
        .transact(|txn| bridges.iter().try_for_each(|bridge| insert_bridge(txn, bridge)))
        .map(drop)
        .map_err(|error: ovsdb::Error| error.to_string())
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
