//! Labs of regular shapes, written as lab files with Mininet's names and addresses.
//!
//! Hosts are `h1`, `h2` ... with the addresses 10.0.0.1/8, 10.0.0.2/8 ..., switches `s1`, `s2` ..., and a switch's ports
//! `s1-eth1`, `s1-eth2` ... A linear lab with several hosts for each switch calls them `h1s1`, `h2s1` ..., and a torus
//! calls its switches after their place, `s1x1`, `s1x2` ..., as Mininet does. Every name and address is written out, one
//! line for each port. Shapes with loops have a spanning tree protocol on every switch.

use std::fmt::Write;
use std::net::Ipv4Addr;

/// A regular shape. [`Pattern::check`] says whether it can be a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// One switch with hosts.
    Single {
        /// How many hosts.
        hosts: u32,
    },
    /// A chain of switches, each with hosts.
    Linear {
        /// How many switches.
        switches: u32,
        /// How many hosts on each.
        hosts: u32,
    },
    /// A tree of switches with hosts as leaves.
    Tree {
        /// How many levels of switches.
        depth: u32,
        /// How many children each switch has.
        fanout: u32,
    },
    /// A switch in the middle with switches around it, each with hosts.
    Star {
        /// How many switches around the middle.
        switches: u32,
        /// How many hosts on each of them.
        hosts: u32,
    },
    /// A chain of switches whose last is linked to its first, each with hosts.
    Ring {
        /// How many switches, at least 3.
        switches: u32,
        /// How many hosts on each.
        hosts: u32,
    },
    /// A grid of switches whose rows and columns are rings, each with hosts.
    Torus {
        /// How many rows, at least 3.
        x: u32,
        /// How many columns, at least 3.
        y: u32,
        /// How many hosts on each switch.
        hosts: u32,
    },
    /// Leaf switches with hosts, each linked to every spine switch.
    LeafSpine {
        /// How many leaves.
        leaves: u32,
        /// How many spines.
        spines: u32,
        /// How many hosts on each leaf.
        hosts: u32,
    },
}

/// What keeps frames from going round in shapes that have loops.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanningTree {
    /// IEEE 802.1D-2004's: `rstp_enable`.
    #[default]
    Rstp,
    /// IEEE 802.1D-1998's: `stp_enable`.
    Stp,
}

/// Why a shape can't be a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// One of its numbers is 0.
    #[error("a {0} lab needs at least one of each: no number may be 0")]
    Zero(&'static str),
    /// Too few switches in a row for it to be a ring without two links between the same two.
    #[error("a {0} lab needs at least 3 switches {1}")]
    TooSmall(&'static str, &'static str),
    /// More nodes than a lab may have.
    #[error("that would be more than {} nodes, the most that a lab may have", crate::spec::MAX_NODES)]
    TooLarge,
}

impl Pattern {
    /// The shape's name, as on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Single { .. } => "single",
            Self::Linear { .. } => "linear",
            Self::Tree { .. } => "tree",
            Self::Star { .. } => "star",
            Self::Ring { .. } => "ring",
            Self::Torus { .. } => "torus",
            Self::LeafSpine { .. } => "leaf-spine",
        }
    }

    /// How many nodes the lab has.
    ///
    /// # Errors
    /// If a number is 0 or too small for the shape, or the lab would have more than
    /// [`MAX_NODES`](crate::spec::MAX_NODES) nodes.
    pub fn check(&self) -> Result<u64, PatternError> {
        let numbers = match *self {
            Self::Single { hosts } => [1, 1, hosts],
            Self::Linear { switches, hosts } | Self::Star { switches, hosts } | Self::Ring { switches, hosts } => {
                [1, switches, hosts]
            }
            Self::Tree { depth, fanout } => [1, depth, fanout],
            Self::Torus { x, y, hosts } => [x, y, hosts],
            Self::LeafSpine { leaves, spines, hosts } => [spines, leaves, hosts],
        };
        if numbers.contains(&0) {
            return Err(PatternError::Zero(self.name()));
        }
        match *self {
            Self::Ring { switches: 1..3, .. } => return Err(PatternError::TooSmall(self.name(), "in the ring")),
            Self::Torus { x, y, .. } if x.min(y) < 3 => {
                return Err(PatternError::TooSmall(self.name(), "in each direction"));
            }
            _ => {}
        }
        let [a, b, hosts] = numbers.map(u64::from);
        let most = crate::spec::MAX_NODES as u64;
        let nodes = match self {
            Self::Tree { .. } => {
                // 1 + fanout + fanout^2 + ... + fanout^depth
                let (mut level, mut sum) = (1_u64, 1_u64);
                for _ in 0..b.min(most) {
                    level = level.saturating_mul(hosts);
                    sum = sum.saturating_add(level);
                }
                sum
            }
            Self::Star { .. } => 1 + b.saturating_mul(hosts + 1),
            Self::LeafSpine { .. } => a.saturating_add(b.saturating_mul(hosts + 1)),
            Self::Single { .. } | Self::Linear { .. } | Self::Ring { .. } | Self::Torus { .. } => {
                a.saturating_mul(b).saturating_mul(hosts + 1)
            }
        };
        // A leaf-spine lab has the more links the squarer it is.
        let links = if let Self::LeafSpine { .. } = self { a.saturating_mul(b) } else { 0 };
        if nodes > most || links > MAX_LINKS { Err(PatternError::TooLarge) } else { Ok(nodes) }
    }
}

/// The most links between the leaves and the spines of a lab: with them its file stays below 16 MiB.
const MAX_LINKS: u64 = 100_000;

/// Writes a lab.
///
/// # Errors
/// As [`Pattern::check`].
pub fn generate(pattern: Pattern) -> Result<String, PatternError> {
    generate_with(pattern, SpanningTree::default())
}

/// Writes a lab; its switches speak this spanning tree protocol if the shape has loops.
///
/// # Errors
/// As [`Pattern::check`].
pub fn generate_with(pattern: Pattern, tree: SpanningTree) -> Result<String, PatternError> {
    pattern.check()?;
    let mut lab = Writer::default();
    let name = match pattern {
        Pattern::Single { hosts } => {
            lab.add_switches(1);
            (0..hosts).for_each(|_| lab.add_host(0, None));
            format!("single-{hosts}")
        }
        Pattern::Linear { switches, hosts } => {
            lab.add_switches(switches);
            for switch in 0..switches {
                lab.add_hosts(switch, hosts, &format!("s{}", switch + 1));
                if switch > 0 {
                    lab.link_switches(switch - 1, switch);
                }
            }
            format!("linear-{switches}-{hosts}")
        }
        Pattern::Tree { depth, fanout } => {
            lab.add_tree(depth, fanout);
            format!("tree-{depth}-{fanout}")
        }
        Pattern::Star { switches, hosts } => {
            lab.add_switches(switches + 1);
            for arm in 1..=switches {
                lab.link_switches(0, arm);
                lab.add_hosts(arm, hosts, &format!("s{arm}"));
            }
            format!("star-{switches}-{hosts}")
        }
        Pattern::Ring { switches, hosts } => {
            lab.add_switches(switches);
            lab.tree = Some(tree);
            (0..switches).for_each(|switch| lab.add_hosts(switch, hosts, &format!("s{}", switch + 1)));
            (0..switches).for_each(|switch| lab.link_switches(switch, (switch + 1) % switches));
            format!("ring-{switches}-{hosts}")
        }
        Pattern::Torus { x, y, hosts } => {
            lab.tree = Some(tree);
            lab.add_torus(x, y, hosts);
            format!("torus-{x}-{y}-{hosts}")
        }
        Pattern::LeafSpine { leaves, spines, hosts } => {
            lab.tree = Some(tree);
            (1..=spines).for_each(|spine| lab.add_switch(format!("spine{spine}")));
            for leaf in 0..leaves {
                lab.add_switch(format!("leaf{}", leaf + 1));
                (0..hosts).for_each(|_| lab.add_host(spines + leaf, None));
                (0..spines).for_each(|spine| lab.link_switches(spines + leaf, spine));
            }
            format!("leaf-spine-{leaves}-{spines}-{hosts}")
        }
    };
    Ok(lab.finish(&name))
}

/// A lab while it grows. Switches are numbers from 0.
#[derive(Debug, Default)]
struct Writer {
    switches: Vec<SwitchPorts>,
    hosts: Vec<String>,
    tree: Option<SpanningTree>,
}

#[derive(Debug)]
struct SwitchPorts {
    name: String,
    /// The far ends of its ports; `None` where the far end has the link's `to`.
    to: Vec<Option<String>>,
}

impl Writer {
    fn add_switch(&mut self, name: String) {
        self.switches.push(SwitchPorts { name, to: Vec::new() });
    }

    /// Adds switches that are called after their numbers.
    fn add_switches(&mut self, count: u32) {
        let first = self.switches.len() as u32 + 1;
        (first..first + count).for_each(|number| self.add_switch(format!("s{number}")));
    }

    /// Adds a host; without a name it is called after its number.
    fn add_host(&mut self, switch: u32, name: Option<String>) {
        let name = name.unwrap_or_else(|| format!("h{}", self.hosts.len() + 1));
        self.switches[switch as usize].to.push(Some(name.clone()));
        self.hosts.push(name);
    }

    /// Adds hosts that are called after their switch if there are several.
    fn add_hosts(&mut self, switch: u32, hosts: u32, after: &str) {
        for host in 1..=hosts {
            self.add_host(switch, (hosts > 1).then(|| format!("h{host}{after}")));
        }
    }

    fn link_switches(&mut self, from: u32, to: u32) {
        let far = &mut self.switches[to as usize];
        let port = format!("{0}:{0}-eth{1}", far.name, far.to.len() + 1);
        far.to.push(None);
        self.switches[from as usize].to.push(Some(port));
    }

    /// Adds a torus: hosts first, then from each switch the link along its row and the one along its column.
    fn add_torus(&mut self, x: u32, y: u32, hosts: u32) {
        for (row, column) in (0..x).flat_map(|row| (0..y).map(move |column| (row, column))) {
            let place = format!("{}x{}", row + 1, column + 1);
            self.add_switch(format!("s{place}"));
            for host in 1..=hosts {
                let name = if hosts == 1 { format!("h{place}") } else { format!("h{place}x{host}") };
                self.add_host(row * y + column, Some(name));
            }
        }
        for (row, column) in (0..x).flat_map(|row| (0..y).map(move |column| (row, column))) {
            self.link_switches(row * y + column, row * y + (column + 1) % y);
            self.link_switches(row * y + column, (row + 1) % x * y + column);
        }
    }

    /// Adds a tree, numbered as Mininet's: a parent before its children, each child's own tree before the next child,
    /// and a switch's port to its parent after those to its children.
    fn add_tree(&mut self, depth: u32, fanout: u32) {
        // A stack, since a tree of fanout 1 may be deep: (switch, its level above the hosts, children left).
        self.add_switches(1);
        let mut stack = vec![(0, depth, fanout)];
        while let Some((switch, level, left)) = stack.pop() {
            if left == 0 {
                if let Some((parent, ..)) = stack.last() {
                    self.link_switches(*parent, switch);
                }
                continue;
            }
            stack.push((switch, level, left - 1));
            if level > 1 {
                let child = self.switches.len() as u32;
                self.add_switches(1);
                stack.push((child, level - 1, fanout));
            } else {
                self.add_host(switch, None);
            }
        }
    }

    fn finish(self, name: &str) -> String {
        let mut text = format!("name = \"{name}\"\n");
        for SwitchPorts { name, to } in &self.switches {
            if let Some(tree) = self.tree {
                let key = match tree {
                    SpanningTree::Rstp => "rstp_enable",
                    SpanningTree::Stp => "stp_enable",
                };
                line(&mut text, format_args!("\n[switches.{name}]\n{key} = true"));
            }
            line(&mut text, format_args!("\n[switches.{name}.ports]"));
            for (port, number) in to.iter().zip(1..) {
                match port {
                    Some(to) => line(&mut text, format_args!("{name}-eth{number} = {{ to = \"{to}\" }}")),
                    None => line(&mut text, format_args!("{name}-eth{number} = {{}}")),
                }
            }
        }
        text.push_str("\n[hosts]\n");
        for (host, number) in self.hosts.iter().zip(1_u32..) {
            let address = Ipv4Addr::from_bits(0x0a00_0000 + number);
            line(&mut text, format_args!("{host} = \"{address}/8\""));
        }
        text
    }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a String takes any text");
}
