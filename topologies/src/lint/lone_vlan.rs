//! A VLAN that is there once: a number mistyped, or a part of the lab forgotten.
//!
//! A host that a check wants to be alone may well be alone in its VLAN.

use super::layout::PortVlans;
use super::{Linter, listed};
use crate::lab::LabEnd;
use std::collections::{BTreeMap, BTreeSet};

/// Where a VLAN is used.
#[derive(Default)]
struct Uses {
    /// Ports that are in it: access ports, native VLANs, service tags; hosts' sub-interfaces.
    members: usize,
    /// Ports that only carry it.
    carriers: usize,
    /// The first port that mentions it.
    first: Option<LabEnd>,
}

pub(super) fn check(l: &mut Linter<'_>) {
    // Flows may put frames into any VLAN.
    if l.layout.bridges.iter().any(|bridge| bridge.is_opaque) {
        return;
    }
    let mut uses: BTreeMap<u16, Uses> = BTreeMap::new();
    let mut has_open_member = false;
    for port in l.layout.bridges.iter().flat_map(|bridge| &bridge.ports) {
        let mut note = |vlan: u16, is_member: bool| {
            let uses = uses.entry(vlan).or_default();
            *(if is_member { &mut uses.members } else { &mut uses.carriers }) += 1;
            uses.first = uses.first.or(port.end);
        };
        match &port.vlans {
            PortVlans::Access(vlan) => note(*vlan, true),
            PortVlans::Tunnel { tag, cvlans } => {
                note(*tag, true);
                cvlans.iter().for_each(|&vlan| note(vlan, false));
            }
            PortVlans::Native { vlan, trunks, .. } => {
                note(*vlan, true);
                trunks.iter().flatten().filter(|other| *other != vlan).for_each(|&vlan| note(vlan, false));
            }
            PortVlans::Trunk(trunks) => trunks.iter().flatten().for_each(|&vlan| note(vlan, false)),
        }
        has_open_member |= port.end.is_none() && port.vlans.is_open() && !port.ty.is_empty() && port.ty != "internal";
    }
    for vlan in l.layout.stations.iter().filter_map(|station| station.vlan) {
        uses.entry(vlan).or_default().members += 1;
    }
    // VLAN 0 is none, and what comes through a tunnel may be of any.
    uses.remove(&0);
    if has_open_member {
        return;
    }
    let alone_on_purpose = l.separated();
    let mut nobody: BTreeMap<LabEnd, BTreeSet<u16>> = BTreeMap::new();
    for (vlan, uses) in uses {
        let Some(first) = uses.first else { continue };
        match (uses.members, uses.carriers) {
            (1, 0) => {
                let Some((_, peer)) = l.layout.across(first) else { continue };
                // A hub or a plain switch may lead on to others.
                if l.layout.stations_at(peer).is_empty() || alone_on_purpose.contains(&peer.node) {
                    continue;
                }
                let (port, path) = (l.lab.end_name(first), l.end_path(first));
                let message = format!("{port} is in VLAN {vlan} and nothing else is: its host reaches nobody");
                l.warn(&path, message, "put another port into the VLAN or on a trunk, or correct the number");
            }
            (0, _) => {
                nobody.entry(first).or_default().insert(vlan);
            }
            _ => {}
        }
    }
    for (end, vlans) in nobody {
        let (port, list, path) = (l.lab.end_name(end), listed(&vlans), l.end_path(end));
        let message = format!("{port} carries VLAN {list}, which no access port is in");
        l.warn(&path, message, "put a port into the VLAN, as in tag = .., or take it from the trunks");
    }
}
