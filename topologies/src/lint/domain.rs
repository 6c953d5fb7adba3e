//! How far a station's broadcasts get, as far as the VLAN configuration tells.

use super::layout::{Layout, PortVlans, Station};
use crate::lab::LabEnd;
use sim_core::{LinkIx, NodeIx};
use std::collections::BTreeSet;

/// The most tags that a walk follows; what has more is left uncertain.
const MAX_TAGS: usize = 4;

/// Where a station's broadcasts get.
#[derive(Debug, Default)]
pub(super) struct Domain {
    /// The numbers of the stations that hear them, the sender included.
    pub(super) stations: BTreeSet<usize>,
    /// The links that carry them, in the order of their distance.
    pub(super) links: Vec<LinkIx>,
    /// Whether they may get further: by flows, through a tunnel, or beyond the budget.
    pub(super) is_open: bool,
}

/// A place where a frame is handed out to many ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Bridge(usize, u16, Vec<u16>),
    Hub(NodeIx, Vec<u16>),
}

/// Follows a station's broadcasts over all links, those that are down included. `budget` is how many crossings all
/// walks may take together.
pub(super) fn walk(layout: &Layout<'_>, from: &Station<'_>, budget: &mut usize) -> Domain {
    let mut walk = Walk { layout, domain: Domain::default(), seen: BTreeSet::new(), links: BTreeSet::new(), budget };
    let mut todo = walk.leave(from.end, from.vlan.into_iter().collect());
    let mut at = 0;
    while at < todo.len() {
        let place = todo[at].clone();
        at += 1;
        for (end, tags) in walk.exits(&place) {
            todo.extend(walk.leave(end, tags));
        }
    }
    let own = layout.stations_at(from.end).iter();
    walk.domain.stations.extend(own.filter(|&&at| layout.stations[at].vlan == from.vlan));
    walk.domain
}

struct Walk<'a, 'l> {
    layout: &'a Layout<'l>,
    domain: Domain,
    seen: BTreeSet<Place>,
    links: BTreeSet<LinkIx>,
    budget: &'a mut usize,
}

impl Walk<'_, '_> {
    /// A frame goes out of a port; gives where it is handed out anew.
    fn leave(&mut self, end: LabEnd, tags: Vec<u16>) -> Vec<Place> {
        let Some((link, to)) = self.layout.across(end) else { return Vec::new() };
        if *self.budget == 0 || tags.len() > MAX_TAGS {
            self.domain.is_open = true;
            return Vec::new();
        }
        *self.budget -= 1;
        if self.links.insert(link) {
            self.domain.links.push(link);
        }
        let hear = |&&at: &&usize| self.layout.stations[at].vlan.as_slice() == tags;
        self.domain.stations.extend(self.layout.stations_at(to).iter().filter(hear));
        let place = if self.layout.is_hub(to.node) {
            Place::Hub(to.node, tags)
        } else {
            let Some((bridge, port)) = self.layout.port_at(to) else { return Vec::new() };
            if self.layout.bridges[bridge].is_opaque {
                self.domain.is_open = true;
                return Vec::new();
            }
            let Some((vlan, inner)) = port.vlans.receive(&tags) else { return Vec::new() };
            Place::Bridge(bridge, vlan, inner)
        };
        if self.seen.insert(place.clone()) { vec![place] } else { Vec::new() }
    }

    /// The ports that a frame leaves a place by.
    fn exits(&mut self, place: &Place) -> Vec<(LabEnd, Vec<u16>)> {
        match place {
            Place::Hub(node, tags) => {
                let ports = 0..self.layout.lab.node(*node).ports.len() as u32;
                ports.map(|port| (LabEnd { node: *node, port: sim_core::PortIx(port) }, tags.clone())).collect()
            }
            Place::Bridge(bridge, vlan, inner) => {
                let ports = &self.layout.bridges[*bridge].ports;
                let leads_on = |ty: &str| !["", "internal", "tap"].contains(&ty);
                self.domain.is_open |= ports.iter().any(|port| leads_on(&port.ty) && port.vlans.carries(*vlan));
                let sent = |vlans: &PortVlans| vlans.send(*vlan, inner);
                ports.iter().filter_map(|port| Some((port.end?, sent(&port.vlans)?))).collect()
            }
        }
    }
}
