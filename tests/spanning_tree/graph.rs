//! Graphs of switches as labs, and the tree that a naive computation gives for one.

use sim_core::Stream;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A protocol's name in column names, and its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// IEEE 802.1D-1998.
    Stp,
    /// IEEE 802.1D-2004.
    Rstp,
}

impl Kind {
    /// As columns begin with it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stp => "stp",
            Self::Rstp => "rstp",
        }
    }

    /// The column of a port's cost.
    const fn cost_key(self) -> &'static str {
        match self {
            Self::Stp => "stp-path-cost",
            Self::Rstp => "rstp-path-cost",
        }
    }
}

/// A link between two switches, with what each end's port costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) ends: [usize; 2],
    pub(crate) costs: [u32; 2],
}

/// Switches with priorities, and links between them. Each switch has a host.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    pub(crate) priorities: Vec<u16>,
    pub(crate) links: Vec<Link>,
}

impl Graph {
    /// Switches of one priority, linked at one cost.
    pub(crate) fn plain(switches: usize, links: impl IntoIterator<Item = [usize; 2]>) -> Self {
        let links = links.into_iter().map(|ends| Link { ends, costs: [100, 100] }).collect();
        Self { priorities: vec![32768; switches], links }
    }

    pub(crate) fn ring(len: usize) -> Self {
        Self::plain(len, (0..len).map(|at| [at, (at + 1) % len]))
    }

    pub(crate) fn torus(width: usize, height: usize) -> Self {
        let at = |x: usize, y: usize| (y % height) * width + x % width;
        let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Self::plain(width * height, cells.flat_map(|(x, y)| [[at(x, y), at(x + 1, y)], [at(x, y), at(x, y + 1)]]))
    }

    pub(crate) fn leaf_spine(leaves: usize, spines: usize) -> Self {
        Self::plain(leaves + spines, (0..leaves).flat_map(|l| (0..spines).map(move |s| [l, leaves + s])))
    }

    /// A connected graph of 3 to 10 switches with random priorities and costs, parallel links among them.
    pub(crate) fn random(random: &mut Stream) -> Self {
        let switches = 3 + random.below(8) as usize;
        let mut links: Vec<[usize; 2]> = (1..switches).map(|at| [at, random.below(at as u64) as usize]).collect();
        for _ in 0..random.below(2 * switches as u64) {
            let (a, b) = (random.below(switches as u64) as usize, random.below(switches as u64) as usize);
            if a != b {
                links.push([a, b]);
            }
        }
        let mut graph = Self::plain(switches, links);
        graph.priorities.iter_mut().for_each(|priority| *priority = 4096 * random.below(16) as u16);
        graph
            .links
            .iter_mut()
            .for_each(|link| link.costs = [1 + random.below(200) as u32, 1 + random.below(200) as u32]);
        graph
    }

    /// The lab: switch `s1` ..., each with a host `h1` ... on its port `h`; link `l0` ... is a port of that name at both ends.
    pub(crate) fn lab(&self, kind: Kind) -> String {
        let mut text = "[hosts]\n".to_owned();
        for host in 1..=self.priorities.len() {
            let _ = writeln!(text, "h{host} = {{ to = \"s{host}:h\" }}");
        }
        for (at, priority) in self.priorities.iter().enumerate() {
            let (name, kind_name) = (format!("switches.s{}", at + 1), kind.name());
            let _ = writeln!(text, "[{name}]\n{kind_name}_enable = true");
            let _ = writeln!(text, "other_config = {{ {kind_name}-priority = \"{priority}\" }}\n[{name}.ports]");
            for (number, link) in self.links.iter().enumerate() {
                for (own, other) in [(0, 1), (1, 0)].into_iter().filter(|(own, _)| link.ends[*own] == at) {
                    let to = if own == 0 {
                        format!("to = \"s{}:l{number}\", ", link.ends[other] + 1)
                    } else {
                        String::new()
                    };
                    let cost = format!("{} = \"{}\"", kind.cost_key(), link.costs[own]);
                    let _ = writeln!(text, "l{number} = {{ {to}other_config = {{ {cost} }} }}");
                }
            }
            let edge = if kind == Kind::Rstp { "other_config = { rstp-port-admin-edge = \"true\" }" } else { "" };
            let _ = writeln!(text, "h = {{ {edge} }}");
        }
        text
    }

    /// The graph without a link.
    pub(crate) fn without_link(&self, number: usize) -> Self {
        let mut graph = self.clone();
        graph.links[number].ends = [usize::MAX; 2];
        graph
    }

    /// The graph without a switch.
    pub(crate) fn without_switch(&self, switch: usize) -> Self {
        let mut graph = self.clone();
        for link in graph.links.iter_mut().filter(|link| link.ends.contains(&switch)) {
            link.ends = [usize::MAX; 2];
        }
        graph
    }
}

/// What a switch's port on a link should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Root,
    Designated,
    Blocked,
}

/// What there is to know of the tree.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The root and the cost to it, by switch.
    pub(crate) root: Vec<(u64, u32)>,
    /// By link and switch.
    pub(crate) places: BTreeMap<(usize, usize), Place>,
}

/// The tree of a graph whose switches have these identifiers and whose ports have these: `port(switch, link)`.
///
/// Costs spread until nothing changes; on each link the least (cost, bridge, port) is designated, and each switch's
/// way to the root is the least (cost, bridge, port, own port).
pub(crate) fn tree(graph: &Graph, ids: &[u64], port: impl Fn(usize, usize) -> u16) -> Tree {
    let links = || graph.links.iter().enumerate().filter(|(_, link)| link.ends[0] < ids.len());
    let ways = || links().flat_map(|(number, link)| [(number, link, 0, 1), (number, link, 1, 0)]);
    let mut root: Vec<(u64, u32)> = ids.iter().map(|id| (*id, 0)).collect();
    for _ in 0..ids.len() {
        for (_, link, own, other) in ways() {
            let (best, cost) = root[link.ends[other]];
            root[link.ends[own]] = root[link.ends[own]].min((best, cost + link.costs[own]));
        }
    }
    let mut places = BTreeMap::new();
    for (number, link) in links() {
        let designated = link.ends.into_iter().min_by_key(|&end| (root[end].1, ids[end], port(end, number)));
        for end in link.ends {
            let place = if Some(end) == designated { Place::Designated } else { Place::Blocked };
            places.insert((number, end), place);
        }
    }
    for (switch, id) in ids.iter().enumerate().filter(|(switch, id)| root[*switch].0 != **id) {
        let own = ways().filter(|(number, link, own, _)| {
            link.ends[*own] == switch && places[&(*number, switch)] == Place::Blocked && *id > 0
        });
        let best = own.min_by_key(|(number, link, own, other)| {
            let far = link.ends[*other];
            (root[far].1 + link.costs[*own], ids[far], port(far, *number), port(switch, *number))
        });
        if let Some((number, ..)) = best {
            places.insert((number, switch), Place::Root);
        }
    }
    Tree { root, places }
}
