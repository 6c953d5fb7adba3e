//! From what was seen of a packet's frames to its ways: for each frame the copy that came nearest to its station.

use super::model::{Hop, Leg};
use super::purpose::{Flight, Purpose};
use super::record::{Record, Sight, Sighting};
use super::ways::{Ways, far_end, near_end};
use super::why;
use crate::run::net::Net;
use packet::MacAddr;
use sim_core::{DirIx, DropReason, NodeIx, PortIx, Time};
use std::net::IpAddr;
use switch::trace::Trace;

/// All copies of a frame, from the station that sent it on.
pub(super) struct Flown<'a> {
    pub(super) flight: Flight,
    pub(super) what: String,
    /// The node that sent it.
    pub(super) origin: NodeIx,
    /// The node that it is for, if the lab has one.
    pub(super) target: Option<NodeIx>,
    pub(super) seen: Vec<&'a Sighting>,
}

/// An arrival.
#[derive(Clone, Copy)]
pub(super) struct Arrival<'a> {
    pub(super) at: Time,
    pub(super) node: NodeIx,
    pub(super) port: PortIx,
    pub(super) trace: Option<&'a Trace>,
    pub(super) frame: &'a [u8],
}

/// The node that has a MAC address.
pub(super) fn owner_of_mac(net: &Net, mac: MacAddr) -> Option<NodeIx> {
    stations(net).find(|(_, host)| host.interfaces().iter().any(|own| own.mac() == mac)).map(|(node, _)| node)
}

/// The node that has an IP address.
pub(super) fn owner_of(net: &Net, address: IpAddr) -> Option<NodeIx> {
    stations(net).find(|(_, host)| host.addresses().any(|(_, own)| own.address() == address)).map(|(node, _)| node)
}

/// All nodes with a network stack.
pub(super) fn stations(net: &Net) -> impl Iterator<Item = (NodeIx, &host::Host)> {
    let nodes = net.engine().nodes().iter().zip(0..);
    nodes.filter_map(|(device, number)| Some((NodeIx(number), device.as_host()?)))
}

/// The frames of a packet, in the order in which they were first seen.
pub(super) fn flown<'a>(net: &Net, record: &'a Record, from: NodeIx, address: IpAddr) -> Vec<Flown<'a>> {
    let mut all: Vec<Flown<'a>> = Vec::new();
    for sighting in record.sightings() {
        let flight = Flight::of(&sighting.frame, address);
        let is_waiting = matches!(&sighting.what, Sight::Dropped { site, drop, .. } if site.dir.is_none() && drop.reason == DropReason::NoNeighbor);
        // A frame that waited for a neighbour was never sent: its fault is that of the request for the neighbour.
        if flight.purpose == Purpose::Other || is_waiting {
            continue;
        }
        let same = |known: &&mut Flown<'_>| known.flight.purpose == flight.purpose && known.flight.src == flight.src;
        match all.iter_mut().find(same) {
            Some(known) => known.seen.push(sighting),
            None => all.push(Flown {
                flight,
                what: flight.name(&sighting.frame),
                origin: owner_of_mac(net, flight.src).unwrap_or(from),
                target: match flight.purpose {
                    Purpose::Ask(of) => owner_of(net, of),
                    _ => owner_of_mac(net, flight.dst).or_else(|| owner_of(net, flight.to?)),
                },
                seen: vec![sighting],
            }),
        }
    }
    all
}

impl<'a> Flown<'a> {
    /// Its arrivals, the first first.
    pub(super) fn arrivals(&self) -> impl Iterator<Item = Arrival<'a>> + '_ {
        self.seen.iter().filter_map(|sighting| match &sighting.what {
            Sight::Arrived { node, port, trace } => {
                let (trace, frame) = (trace.as_deref(), &sighting.frame[..]);
                Some(Arrival { at: sighting.at, node: *node, port: *port, trace, frame })
            }
            Sight::Dropped { .. } => None,
        })
    }

    /// The drop of it in a node; why, in words.
    pub(super) fn drop_in(&self, node: NodeIx) -> Option<(Option<PortIx>, DropReason, &'a str)> {
        self.seen.iter().find_map(|sighting| match &sighting.what {
            Sight::Dropped { site, drop, why } if site.node == node && site.dir.is_none() => {
                Some((site.port, drop.reason, why.as_str()))
            }
            _ => None,
        })
    }

    /// The drop of it on a link direction.
    pub(super) fn drop_on(&self, dir: DirIx) -> Option<(DropReason, &'a [u8])> {
        self.seen.iter().find_map(|sighting| match &sighting.what {
            Sight::Dropped { site, drop, .. } if site.dir == Some(dir) => Some((drop.reason, &sighting.frame[..])),
            _ => None,
        })
    }

    /// Whether a copy went on to a link direction after a time, whatever became of it there.
    pub(super) fn went(&self, net: &Net, dir: DirIx, since: Time) -> bool {
        let (node, port) = far_end(net, dir);
        self.drop_on(dir).is_some()
            || self.arrivals().any(|other| (other.node, other.port) == (node, port) && other.at > since)
    }

    /// The arrival that came nearest; `None` if it came nowhere.
    pub(super) fn nearest(&self, ways: &Ways) -> Option<Arrival<'a>> {
        self.arrivals().min_by_key(|arrival| (ways.from(arrival.node), arrival.at))
    }

    /// The arrivals on the way to one of them, which is the last.
    pub(super) fn way_to(&self, net: &Net, last: Arrival<'a>) -> Vec<Arrival<'a>> {
        let mut way = vec![last];
        while let Some(first) = way.last()
            && let Some(dir) = net.engine().direction_from(first.node, first.port)
        {
            let (node, _) = far_end(net, dir);
            let before = self.arrivals().find(|arrival| arrival.node == node && arrival.at < first.at);
            match before.filter(|_| node != self.origin && way.len() < 1000) {
                Some(arrival) => way.push(arrival),
                None => break,
            }
        }
        way.reverse();
        way
    }

    /// Its way as a leg.
    pub(super) fn leg(&self, net: &Net, ways: Option<&Ways>) -> Leg {
        let nearest = ways.and_then(|ways| self.nearest(ways)).or_else(|| self.arrivals().last());
        let way = nearest.map(|last| self.way_to(net, last)).unwrap_or_default();
        let arrived = self.target.is_some() && way.last().map(|last| last.node) == self.target;
        let start = self.seen.first().map_or(Time::ZERO, |sighting| sighting.at);
        let sent_by = way.first().and_then(|first| net.engine().direction_from(first.node, first.port));
        let sent_by = sent_by.map(|dir| far_end(net, dir).1);
        let mut hops = vec![Hop {
            time_ns: self.departure(net, way.first().copied(), start).as_nanos(),
            node: net.names().node(self.origin).to_owned(),
            in_port: None,
            out_ports: sent_by.map(|port| port_name(net, self.origin, port)).into_iter().collect(),
            decisions: why::of_sender(net, self.origin, self),
        }];
        let last = way.len().saturating_sub(1);
        hops.extend(way.iter().enumerate().map(|(number, arrival)| self.hop(net, arrival, number == last && !arrived)));
        Leg { what: self.what.clone(), arrived, hops }
    }

    /// When it was sent: a link's delay and the frame's length before its first arrival.
    fn departure(&self, net: &Net, first: Option<Arrival<'_>>, seen: Time) -> Time {
        let Some(arrival) = first else { return seen };
        let Some(back) = net.engine().direction_from(arrival.node, arrival.port) else { return seen };
        let config = net.engine().link_config(back.reverse());
        let bits = arrival.frame.len() as u64 * 8;
        let sending = (bits * 1_000_000_000).div_ceil(config.rate.max(1));
        let spent = config.delay.as_nanos() + if config.rate == 0 { 0 } else { sending };
        Time::from_nanos(arrival.at.as_nanos().saturating_sub(spent))
    }

    fn hop(&self, net: &Net, arrival: &Arrival<'_>, is_end: bool) -> Hop {
        let dirs = (0..)
            .map_while(|number| net.names().port_name(arrival.node, PortIx(number)).map(|_| PortIx(number)))
            .filter_map(|port| Some((port, net.engine().direction_from(arrival.node, port)?)));
        let outs = dirs.filter(|(port, dir)| *port != arrival.port && self.went(net, *dir, arrival.at));
        let out_ports: Vec<String> = outs.map(|(port, _)| port_name(net, arrival.node, port)).collect();
        Hop {
            time_ns: arrival.at.as_nanos(),
            node: net.names().node(arrival.node).to_owned(),
            in_port: Some(port_name(net, arrival.node, arrival.port)),
            decisions: why::of_arrival(net, arrival, self, &out_ports, is_end),
            out_ports,
        }
    }
}

/// A port's name alone.
pub(super) fn port_name(net: &Net, node: NodeIx, port: PortIx) -> String {
    net.names().port_name(node, port).map_or_else(|| port.to_string(), str::to_owned)
}

/// A link's name by the end that a direction starts at.
pub(super) fn link_name(net: &Net, dir: DirIx) -> String {
    let (node, port) = near_end(net, dir);
    net.names().port(node, port)
}
