//! What one end of a link carries and the other doesn't.
//!
//! Only what was typed counts: an end that says nothing carries all VLANs, and pruning them at the other end is a
//! choice. An access port may face a switch that knows no VLANs.

use super::layout::PortVlans;
use super::{Linter, listed};
use crate::lab::LabEnd;
use std::collections::BTreeSet;

pub(super) fn check(l: &mut Linter<'_>) {
    let knows_vlans: Vec<bool> =
        l.layout.bridges.iter().map(|bridge| bridge.ports.iter().any(|port| !port.vlans.is_open())).collect();
    for link in l.lab.links() {
        let [a, b] = link.ends;
        let (Some((p, near)), Some((q, far))) = (l.layout.port_at(a), l.layout.port_at(b)) else { continue };
        if l.layout.bridges[p].is_opaque || l.layout.bridges[q].is_opaque {
            continue;
        }
        match (&near.vlans, &far.vlans) {
            (PortVlans::Access(vlan), PortVlans::Trunk(trunks)) if trunks.is_some() || knows_vlans[q] => {
                access_against_trunk(l, *vlan, a, b);
            }
            (PortVlans::Trunk(trunks), PortVlans::Access(vlan)) if trunks.is_some() || knows_vlans[p] => {
                access_against_trunk(l, *vlan, b, a);
            }
            (near, far) => {
                let (Some(here), Some(there)) = (typed(near), typed(far)) else { continue };
                one_sided(l, a, b, here.difference(&there));
                one_sided(l, b, a, there.difference(&here));
            }
        }
    }
}

/// The VLANs that a trunk was told to carry.
fn typed(vlans: &PortVlans) -> Option<BTreeSet<u16>> {
    match vlans {
        PortVlans::Trunk(trunks) => trunks.clone(),
        PortVlans::Native { vlan, trunks, .. } => trunks.clone().map(|mut trunks| {
            trunks.insert(*vlan);
            trunks
        }),
        PortVlans::Access(_) | PortVlans::Tunnel { .. } => None,
    }
}

fn one_sided<'v>(l: &mut Linter<'_>, has: LabEnd, lacks: LabEnd, vlans: impl Iterator<Item = &'v u16>) {
    let vlans: Vec<&u16> = vlans.collect();
    if vlans.is_empty() {
        return;
    }
    let (near, far, path) = (l.lab.end_name(has), l.lab.end_name(lacks), l.end_path(lacks));
    let list = listed(vlans);
    let message = format!("{near} carries VLAN {list} and {far}, the link's other end, doesn't: its frames die there");
    l.warn(&path, message, format!("add {list} to the VLANs of {far}, or take it from those of {near}"));
}

fn access_against_trunk(l: &mut Linter<'_>, vlan: u16, access: LabEnd, trunk: LabEnd) {
    let (near, far, path) = (l.lab.end_name(access), l.lab.end_name(trunk), l.end_path(access));
    let message = format!(
        "{near} is an access port of VLAN {vlan} and {far}, the link's other end, a trunk: what {far} sends with a \
         tag dies at {near}, and what {near} sends is untagged"
    );
    let remedy = format!("make {near} a trunk, as in trunks = [{vlan}], or {far} an access port, as in tag = {vlan}");
    l.warn(&path, message, remedy);
}
