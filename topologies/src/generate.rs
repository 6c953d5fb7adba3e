//! Labs of regular shapes, written as lab files with Mininet's names and addresses.
//!
//! Hosts are `h1`, `h2` ... with the addresses 10.0.0.1/8, 10.0.0.2/8 ..., switches `s1`, `s2` ..., and a switch's ports
//! `s1-eth1`, `s1-eth2` ... A linear lab with several hosts for each switch calls them `h1s1`, `h2s1` ..., as Mininet
//! does. Every name and address is written out, one line for each port.

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
}

/// Why a shape can't be a lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// One of its numbers is 0.
    #[error("a {0} lab needs at least one of each: no number may be 0")]
    Zero(&'static str),
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
        }
    }

    /// How many nodes the lab has.
    ///
    /// # Errors
    /// If a number is 0 or the lab would have more than [`MAX_NODES`](crate::spec::MAX_NODES) nodes.
    pub fn check(&self) -> Result<u64, PatternError> {
        let (a, b) = match *self {
            Self::Single { hosts } => (1, hosts),
            Self::Linear { switches, hosts } => (switches, hosts),
            Self::Tree { depth, fanout } => (depth, fanout),
            Self::Star { switches, hosts } => (switches, hosts),
        };
        if a == 0 || b == 0 {
            return Err(PatternError::Zero(self.name()));
        }
        let (a, b) = (u64::from(a), u64::from(b));
        let most = crate::spec::MAX_NODES as u64;
        let nodes = match self {
            Self::Tree { .. } => {
                // 1 + fanout + fanout^2 + ... + fanout^depth
                let (mut level, mut sum) = (1_u64, 1_u64);
                for _ in 0..a.min(most) {
                    level = level.saturating_mul(b);
                    sum = sum.saturating_add(level);
                }
                sum
            }
            Self::Star { .. } => 1 + a.saturating_mul(b + 1),
            Self::Single { .. } | Self::Linear { .. } => a.saturating_mul(b + 1),
        };
        if nodes > most { Err(PatternError::TooLarge) } else { Ok(nodes) }
    }
}

/// Writes a lab.
///
/// # Errors
/// As [`Pattern::check`].
pub fn generate(pattern: Pattern) -> Result<String, PatternError> {
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
                lab.add_hosts(switch, hosts, switch + 1);
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
                lab.add_hosts(arm, hosts, arm);
            }
            format!("star-{switches}-{hosts}")
        }
    };
    Ok(lab.finish(&name))
}

/// A lab while it grows. Switches and hosts are numbers from 0.
#[derive(Debug, Default)]
struct Writer {
    /// For each switch the far ends of its ports; `None` where the far end has the link's `to`.
    switches: Vec<Vec<Option<String>>>,
    hosts: Vec<String>,
}

impl Writer {
    fn add_switches(&mut self, count: u32) {
        self.switches.resize(self.switches.len() + count as usize, Vec::new());
    }

    /// Adds a host; without a name it is called after its number.
    fn add_host(&mut self, switch: u32, name: Option<String>) {
        let name = name.unwrap_or_else(|| format!("h{}", self.hosts.len() + 1));
        self.switches[switch as usize].push(Some(name.clone()));
        self.hosts.push(name);
    }

    /// Adds hosts that are called after their switch's number if there are several.
    fn add_hosts(&mut self, switch: u32, hosts: u32, number: u32) {
        for host in 1..=hosts {
            self.add_host(switch, (hosts > 1).then(|| format!("h{host}s{number}")));
        }
    }

    fn link_switches(&mut self, from: u32, to: u32) {
        let port = format!("s{}:s{}-eth{}", to + 1, to + 1, self.switches[to as usize].len() + 1);
        self.switches[to as usize].push(None);
        self.switches[from as usize].push(Some(port));
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
        for (ports, switch) in self.switches.iter().zip(1..) {
            line(&mut text, format_args!("\n[switches.s{switch}.ports]"));
            for (port, number) in ports.iter().zip(1..) {
                match port {
                    Some(to) => line(&mut text, format_args!("s{switch}-eth{number} = {{ to = \"{to}\" }}")),
                    None => line(&mut text, format_args!("s{switch}-eth{number} = {{}}")),
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
