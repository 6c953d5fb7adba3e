//! Labs that work.

use crate::Dice;
use std::fmt::Write;

/// The shape of a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A row of switches with two VLANs on trunks.
    Linear,
    /// The same with the first VLAN untagged on the trunks.
    Native,
    /// A core and leaves without VLANs.
    Tree,
    /// Leaves and spines with RSTP.
    LeafSpine,
    /// Servers with bridges behind a switch.
    Servers,
    /// Subnets with a router between them.
    Routed,
    /// Switches that forward by flows alone.
    Flows,
    /// The same in three tables, with a meter, and groups that lead to the neighbours.
    Pipeline,
    /// Switches whose flows learn stations into a table.
    Learning,
}

impl Shape {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::Linear,
        Self::Native,
        Self::Tree,
        Self::LeafSpine,
        Self::Servers,
        Self::Routed,
        Self::Flows,
        Self::Pipeline,
        Self::Learning,
    ];

    /// Whether switches do as flows say, and NORMAL isn't one of them.
    pub(crate) fn is_of_flows(self) -> bool {
        matches!(self, Self::Flows | Self::Pipeline | Self::Learning)
    }
}

/// A host of a lab.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) name: String,
    /// With the length of the prefix.
    pub(crate) ip: String,
    pub(crate) mac: String,
    pub(crate) vlan: u16,
    /// The node, the bridge and the port that it hangs on.
    pub(crate) node: String,
    pub(crate) bridge: String,
    pub(crate) port: String,
    pub(crate) gateway: Option<String>,
}

/// A lab that works, and what is asked in it.
#[derive(Debug)]
pub(crate) struct Works {
    pub(crate) toml: String,
    pub(crate) has_tree: bool,
    pub(crate) shape: Shape,
    pub(crate) hosts: Vec<Host>,
    /// Both ends of each link between bridges: node, bridge and port.
    pub(crate) trunks: Vec<[(String, String, String); 2]>,
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) check: String,
    pub(crate) port: Option<u16>,
    pub(crate) size: u16,
}

impl Works {
    /// A host by its name.
    pub(crate) fn host(&self, name: &str) -> Host {
        self.hosts.iter().find(|host| host.name == name).expect("the lab has it").clone()
    }

    /// Asks from one host to another: by ping of a size, or for a page.
    pub(crate) fn ask(&mut self, from: &str, to: &str, size: u16, http: bool) {
        (self.from, self.to, self.size) = (from.to_owned(), to.to_owned(), size);
        self.port = http.then_some(80);
        self.check = if http {
            format!("http = {{ from = \"{from}\", url = \"http://{to}/\" }}")
        } else {
            format!("ping = {{ from = \"{from}\", to = \"{to}\", size = {size} }}")
        };
    }
}

struct Plan {
    /// Name, keys of the bridge, ports.
    switches: Vec<(String, String, Vec<String>)>,
    rest: String,
    hosts: Vec<Host>,
    trunks: Vec<[(String, String, String); 2]>,
}

impl Plan {
    fn new(count: usize, keys: &str) -> Self {
        let switches = (1..=count).map(|number| (format!("s{number}"), keys.to_owned(), Vec::new())).collect();
        Self { switches, rest: String::new(), hosts: Vec::new(), trunks: Vec::new() }
    }

    fn trunk(&mut self, a: usize, b: usize, keys: &str) {
        let (a_name, b_name) = (format!("s{}", a + 1), format!("s{}", b + 1));
        self.switches[a].2.push(format!("{b_name} = {{ {keys}to = \"{b_name}:{a_name}\" }}"));
        if !keys.is_empty() {
            self.switches[b].2.push(format!("{a_name} = {{ {} }}", keys.trim_end_matches(", ")));
        }
        let end = |node: &str, port: &str| (node.to_owned(), "br0".to_owned(), port.to_owned());
        self.trunks.push([end(&a_name, &b_name), end(&b_name, &a_name)]);
    }

    fn host(&mut self, node: &str, bridge: &str, port: &str, subnet: u8, vlan: u16, gateway: Option<String>) {
        let number = self.hosts.len() + 1;
        let name = format!("h{number}");
        self.hosts.push(Host {
            ip: format!("10.0.{subnet}.{number}/24"),
            mac: format!("02:00:00:00:01:{number:02x}"),
            vlan,
            node: node.to_owned(),
            bridge: bridge.to_owned(),
            port: if port.is_empty() { name.clone() } else { port.to_owned() },
            gateway,
            name: name.clone(),
        });
        let switch = self.switches.iter_mut().find(|(known, ..)| known == node);
        if let Some((_, _, ports)) = switch.filter(|_| vlan != 0) {
            ports.push(format!("{name} = {{ tag = {vlan} }}"));
        }
    }

    fn works(self, shape: Shape, dice: &mut Dice) -> Works {
        let mut toml = String::new();
        for (name, keys, ports) in &self.switches {
            let _ = write!(toml, "[switches.{name}]\n{keys}\n[switches.{name}.ports]\n{}\n", ports.join("\n"));
        }
        toml += &self.rest;
        toml += "[hosts]\n";
        for host in &self.hosts {
            let Host { name, ip, mac, node, port, .. } = host;
            let gateway = host.gateway.as_ref().map(|gateway| format!(", gateway = \"{gateway}\"")).unwrap_or_default();
            let _ = writeln!(
                toml,
                "{name} = {{ ip = \"{ip}\", mac = \"{mac}\", to = \"{node}:{port}\", run = [\"http 80\"]{gateway} }}"
            );
        }
        let mut works = Works {
            toml,
            has_tree: shape == Shape::LeafSpine,
            shape,
            hosts: self.hosts,
            trunks: self.trunks,
            from: String::new(),
            to: String::new(),
            check: String::new(),
            port: None,
            size: 56,
        };
        let from = dice.pick(&works.hosts);
        let is_peer = |host: &&Host| host.name != from.name && (host.vlan == from.vlan || shape == Shape::Routed);
        let far = |host: &&Host| host.node != from.node;
        let peers: Vec<Host> = works.hosts.iter().filter(is_peer).filter(far).cloned().collect();
        let to = dice.pick(&peers);
        works.ask(&from.name, &to.name, 56, false);
        works
    }
}

/// A lab of a shape.
pub(crate) fn make(shape: Shape, dice: &mut Dice) -> Works {
    let mut plan;
    match shape {
        Shape::Linear | Shape::Native => {
            let count = 2 + dice.below(3);
            plan = Plan::new(count, "");
            let native = "tag = 10, vlan_mode = \"native-untagged\", trunks = [10, 20], ";
            let keys = if shape == Shape::Native { native } else { "trunks = [10, 20], " };
            (1..count).for_each(|number| plan.trunk(number - 1, number, keys));
            for number in 1..=count {
                // A VLAN has a subnet and four hosts at least: so it is plain which one of them is the odd one.
                for vlan in [10, 20, 10, 20] {
                    plan.host(&format!("s{number}"), "br0", "", vlan as u8, vlan, None);
                }
            }
        }
        Shape::Tree => {
            let leaves = 2 + dice.below(3);
            plan = Plan::new(leaves + 1, "");
            (1..=leaves).for_each(|leaf| plan.trunk(0, leaf, ""));
            (2..=leaves + 1).for_each(|leaf| {
                (0..2).for_each(|_| plan.host(&format!("s{leaf}"), "br0", "", 0, 0, None));
            });
        }
        Shape::LeafSpine => {
            let leaves = 2 + dice.below(2);
            plan = Plan::new(2 + leaves, "rstp_enable = true");
            for leaf in 2..2 + leaves {
                plan.trunk(0, leaf, "");
                plan.trunk(1, leaf, "");
                (0..2).for_each(|_| plan.host(&format!("s{}", leaf + 1), "br0", "", 0, 0, None));
            }
        }
        Shape::Servers => {
            plan = Plan::new(1, "");
            for server in 1..=2 + dice.below(2) {
                let name = format!("v{server}");
                let taps = [("tap0", 10), ("tap1", 20), ("tap2", 10), ("tap3", 20)];
                let lines: String =
                    taps.iter().map(|(tap, vlan)| format!("ovs-vsctl add-port br1 {tap} tag={vlan}\n")).collect();
                let _ = write!(
                    plan.rest,
                    "[servers.{name}]\nsetup = '''\novs-vsctl add-br br1\novs-vsctl add-port br1 up\n{lines}'''\n"
                );
                plan.switches[0].2.push(format!("{name} = {{ trunks = [10, 20], to = \"{name}:up\" }}"));
                let end = |node: &str, bridge: &str, port: &str| (node.to_owned(), bridge.to_owned(), port.to_owned());
                plan.trunks.push([end("s1", "br0", &name), end(&name, "br1", "up")]);
                taps.iter().for_each(|(tap, vlan)| plan.host(&name, "br1", tap, *vlan as u8, *vlan, None));
            }
        }
        Shape::Routed => {
            plan = Plan::new(2, "");
            plan.rest += "[servers.r]\nnics.eth0 = { ip = \"10.0.1.254/24\", to = \"s1:r\" }\n\
                          nics.eth1 = { ip = \"10.0.2.254/24\", to = \"s2:r\" }\nsetup = \"sysctl -w net.ipv4.ip_forward=1\"\n";
            for subnet in 1..=2 {
                (0..3).for_each(|_| {
                    plan.host(&format!("s{subnet}"), "br0", "", subnet, 0, Some(format!("10.0.{subnet}.254")));
                });
            }
        }
        Shape::Flows => {
            let count = 2 + dice.below(2);
            plan = Plan::new(count, "fail_mode = \"secure\"");
            // Ports are numbered by the file: 1 is the host's, then the neighbours.
            for number in 1..=count {
                let ports = &mut plan.switches[number - 1].2;
                ports.push(format!("h{number} = {{}}"));
            }
            (1..count).for_each(|number| plan.trunk(number - 1, number, "trunks = [], "));
            (1..=count).for_each(|number| plan.host(&format!("s{number}"), "br0", "", 0, 0, None));
            let mut works = plan.works(shape, dice);
            for number in 1..=count {
                let mut lines = String::new();
                for host in 1..=count {
                    let out = match host.cmp(&number) {
                        std::cmp::Ordering::Less => format!("s{}", number - 1),
                        std::cmp::Ordering::Equal => format!("h{number}"),
                        std::cmp::Ordering::Greater => format!("s{}", number + 1),
                    };
                    let mac = &works.hosts[host - 1].mac;
                    let _ = writeln!(lines, "ovs-ofctl add-flow br0 priority=10,dl_dst={mac},actions=output:{out}");
                }
                lines += "ovs-ofctl add-flow br0 priority=1,arp,actions=FLOOD\n";
                let key = format!("[switches.s{number}]\nfail_mode = \"secure\"\n");
                works.toml = works.toml.replace(&key, &format!("{key}setup = '''\n{lines}'''\n"));
            }
            works.toml = works.toml.replace("trunks = [], ", "").replace("{ trunks = [] }", "{}");
            return works;
        }
        Shape::Pipeline | Shape::Learning => {
            let count = 2 + dice.below(2);
            plan = Plan::new(count, "fail_mode = \"secure\"");
            // Ports are numbered by the file: 1 and 2 are the hosts', 3 and 4 the neighbours'.
            for number in 1..=count {
                let ports = &mut plan.switches[number - 1].2;
                ports.extend([2 * number - 1, 2 * number].map(|host| format!("h{host} = {{}}")));
            }
            (1..count).for_each(|number| plan.trunk(number - 1, number, ""));
            // A neighbour on the left stands before the one on the right, which brings the link.
            for number in 1..count {
                plan.switches[number].2.insert(2, format!("s{number} = {{}}"));
            }
            (2..=2 * count + 1).for_each(|host| plan.host(&format!("s{}", host / 2), "br0", "", 0, 0, None));
            let mut works = plan.works(shape, dice);
            for number in 1..=count {
                let lines = if shape == Shape::Pipeline { pipeline(&works, number, dice) } else { LEARNING.to_owned() };
                let key = format!("[switches.s{number}]\nfail_mode = \"secure\"\n");
                works.toml = works.toml.replace(&key, &format!("{key}setup = '''\n{lines}'''\n"));
            }
            return works;
        }
    }
    plan.works(shape, dice)
}

/// The tables of ovs-actions(7)'s example of `learn`, with FLOOD where no station is known.
const LEARNING: &str = "\
ovs-ofctl add-flow br0 table=0,actions=learn(table=10,hard_timeout=300,priority=10,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[],\
load:NXM_OF_IN_PORT[]->NXM_NX_REG0[0..15]),resubmit(,10),resubmit(,1)
ovs-ofctl add-flow br0 table=1,priority=1,reg0=0,actions=FLOOD
ovs-ofctl add-flow br0 table=1,priority=0,actions=output:NXM_NX_REG0[]
";

/// A switch's tables: 0 takes frames in, 1 meters, 2 switches; group 1 leads to the left, 2 to the right.
fn pipeline(works: &Works, number: usize, dice: &mut Dice) -> String {
    let mut lines = "ovs-ofctl add-meter br0 meter=1,kbps,band=type=drop,rate=100000\n".to_owned();
    for (_, _, neighbour) in works.trunks.iter().flatten().filter(|(node, ..)| *node == format!("s{number}")) {
        let (group, port) = to_neighbour(number, neighbour);
        let buckets = dice.pick(&[
            format!("type=ff,bucket=watch_port:{port},actions=output:{port}"),
            format!("type=indirect,bucket=actions=output:{port}"),
            format!("type=select,bucket=actions=output:{port},bucket=actions=output:{port}"),
        ]);
        let _ = writeln!(lines, "ovs-ofctl add-group br0 group_id={group},{buckets}");
    }
    lines += "ovs-ofctl add-flow br0 table=0,priority=5,actions=goto_table:1\n";
    lines += "ovs-ofctl add-flow br0 table=1,priority=5,actions=meter:1,goto_table:2\n";
    lines += "ovs-ofctl add-flow br0 table=2,priority=1,arp,actions=FLOOD\n";
    for host in &works.hosts {
        let at: usize = host.node[1..].parse().expect("a switch has a number");
        let out = match at.cmp(&number) {
            std::cmp::Ordering::Less => "group:1".to_owned(),
            std::cmp::Ordering::Equal => format!("output:{}", host.port),
            std::cmp::Ordering::Greater => "group:2".to_owned(),
        };
        let _ = writeln!(lines, "ovs-ofctl add-flow br0 table=2,priority=10,dl_dst={},actions={out}", host.mac);
    }
    lines
}

/// The group and the OpenFlow port of a switch that lead to a neighbour.
pub(crate) fn to_neighbour(number: usize, neighbour: &str) -> (usize, usize) {
    let is_right = neighbour == format!("s{}", number + 1);
    if is_right { (2, if number > 1 { 4 } else { 3 }) } else { (1, 3) }
}
