//! A host on a port that says nothing of VLANs, on a switch that VLANs reach.
//!
//! Such a port is a trunk of all VLANs, as in Open vSwitch: the host's untagged frames are VLAN 0, and it hears every
//! VLAN's broadcasts with their tags. The reader warns of ports that no one declares; this is about the others. A host
//! with a VLAN sub-interface there means it.

use super::Linter;

pub(super) fn check(l: &mut Linter<'_>) {
    let groups = l.layout.tagged_groups();
    let mut uses_vlans = vec![false; groups.len()];
    for (bridge, group) in l.layout.bridges.iter().zip(&groups) {
        uses_vlans[*group] |= bridge.ports.iter().any(|port| !port.vlans.is_open());
    }
    for (bridge, group) in l.layout.bridges.iter().zip(&groups) {
        if !uses_vlans[*group] || bridge.is_opaque {
            continue;
        }
        for end in bridge.ports.iter().filter(|port| port.vlans.is_open()).filter_map(|port| port.end) {
            let Some((_, peer)) = l.layout.across(end) else { continue };
            let stations = l.layout.stations_at(peer);
            let takes_tags = stations.iter().any(|&at| l.layout.stations[at].vlan.is_some());
            if stations.is_empty() || takes_tags || l.is_reported(end) {
                continue;
            }
            let (port, host) = (l.lab.end_name(end), &l.lab.node(peer.node).name);
            let message = format!(
                "{host} hangs on {port}, which has neither `tag` nor `trunks` and so is a trunk of all VLANs: \
                 {host}'s own frames are VLAN 0, and it hears those of every VLAN with their tags"
            );
            let path = l.end_path(end);
            l.warn(&path, message, "add the VLAN that it belongs to, as in tag = 10, or trunks = [0] if to none");
        }
    }
}
