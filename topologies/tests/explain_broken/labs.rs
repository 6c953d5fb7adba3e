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
}

impl Shape {
    /// All of them.
    pub(crate) const ALL: &[Self] =
        &[Self::Linear, Self::Native, Self::Tree, Self::LeafSpine, Self::Servers, Self::Routed, Self::Flows];
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
                for vlan in [10, 20, 10] {
                    plan.host(&format!("s{number}"), "br0", "", 0, vlan, None);
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
                let taps = [("tap0", 10), ("tap1", 20), ("tap2", 10)];
                let lines: String =
                    taps.iter().map(|(tap, vlan)| format!("ovs-vsctl add-port br1 {tap} tag={vlan}\n")).collect();
                let _ = write!(
                    plan.rest,
                    "[servers.{name}]\nsetup = '''\novs-vsctl add-br br1\novs-vsctl add-port br1 up\n{lines}'''\n"
                );
                plan.switches[0].2.push(format!("{name} = {{ trunks = [10, 20], to = \"{name}:up\" }}"));
                let end = |node: &str, bridge: &str, port: &str| (node.to_owned(), bridge.to_owned(), port.to_owned());
                plan.trunks.push([end("s1", "br0", &name), end(&name, "br1", "up")]);
                taps.iter().for_each(|(tap, vlan)| plan.host(&name, "br1", tap, 0, *vlan, None));
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
    }
    plan.works(shape, dice)
}
