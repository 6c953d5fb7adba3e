//! Packets that an interface sends and a link on their way doesn't take.
//!
//! A link's `mtu` and an interface's both count the bytes after the Ethernet header and tags, so the link drops
//! what is longer (`mtu_exceeded`), and nobody tells the sender.

use super::{Linter, domain};
use crate::lab::LabLink;
use sim_core::LinkIx;
use std::collections::BTreeSet;

/// How many crossings of links all walks of the rule may take together.
const BUDGET: usize = 2_000_000;

pub(super) fn check(l: &mut Linter<'_>) {
    let mtu = |link: &LabLink| link.config.forward.mtu.min(link.config.backward.mtu);
    let Some(least) = l.lab.links().iter().map(mtu).min() else { return };
    let (mut budget, mut named) = (BUDGET, BTreeSet::<LinkIx>::new());
    for station in &l.layout.stations {
        if station.mtu <= least {
            continue;
        }
        let domain = domain::walk(l.layout, station, &mut budget);
        // Nobody to send to is another rule's business.
        if domain.stations.len() < 2 {
            continue;
        }
        let short = |link: &&LinkIx| mtu(&l.lab.links()[link.0 as usize]) < station.mtu;
        let narrow: Vec<_> = domain.links.iter().filter(short).copied().collect();
        let Some(&first) = narrow.iter().find(|link| !named.contains(*link)) else { continue };
        let more = match narrow.len() - 1 {
            0 => String::new(),
            n => format!(" (and on {n} more)"),
        };
        named.extend(&narrow);
        let own = mtu(&l.lab.links()[first.0 as usize]);
        let message = format!(
            "{} sends packets of up to {} bytes, and the link {} takes {own}: longer ones die there as mtu_exceeded{more}",
            l.lab.end_name(station.end),
            station.mtu,
            l.layout.link_name(first),
        );
        let path = l.link_path(first);
        let remedy = format!("set mtu = {} on the link, or mtu = {own} on the interface", station.mtu);
        l.warn(&path, message, remedy);
    }
}
