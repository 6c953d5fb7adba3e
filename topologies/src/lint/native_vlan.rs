//! What one end of a link sends untagged, the other takes to be of another VLAN, or refuses.
//!
//! Two access ports in different VLANs join these VLANs; a native VLAN that differs does so for untagged frames. A
//! bridge without any VLAN behind an access port is a plain switch, and no mistake. Access against trunk is the
//! business of `one_sided_trunk`.

use super::Linter;
use super::layout::PortVlans;

pub(super) fn check(l: &mut Linter<'_>) {
    for link in l.lab.links() {
        let [a, b] = link.ends;
        let (Some((p, near)), Some((q, far))) = (l.layout.port_at(a), l.layout.port_at(b)) else { continue };
        if l.layout.bridges[p].is_opaque || l.layout.bridges[q].is_opaque {
            continue;
        }
        let Some(problem) = problem(&near.vlans, &far.vlans).or_else(|| {
            problem(&far.vlans, &near.vlans).map(|problem| Problem { sent: problem.taken, taken: problem.sent })
        }) else {
            continue;
        };
        let (near, far, path) = (l.lab.end_name(a), l.lab.end_name(b), l.end_path(a));
        let of = |vlan: Option<u16>| vlan.map_or("refused".to_owned(), |vlan| format!("VLAN {vlan}"));
        let message = format!(
            "untagged frames on the link {near} - {far} are {} at {near} and {} at {far}{}",
            of(problem.sent),
            of(problem.taken),
            if problem.sent.is_some() && problem.taken.is_some() { ": the two VLANs become one" } else { "" }
        );
        l.warn(&path, message, "give both ends the same native VLAN: one `tag` and one `vlan_mode` for both");
    }
}

/// The VLANs that the two ends take an untagged frame to be of.
struct Problem {
    sent: Option<u16>,
    taken: Option<u16>,
}

/// What one end sends untagged and the other doesn't take to be the same.
fn problem(from: &PortVlans, to: &PortVlans) -> Option<Problem> {
    let sends = match (from, to) {
        (PortVlans::Tunnel { .. }, _) | (_, PortVlans::Tunnel { .. }) => return None,
        (PortVlans::Access(_), PortVlans::Trunk(_)) | (PortVlans::Trunk(_), PortVlans::Access(_)) => return None,
        (PortVlans::Access(vlan), _) => *vlan,
        (PortVlans::Native { vlan, is_tagged: false, .. }, _) => *vlan,
        // Both say what untagged frames are, and differ, though neither sends any of its own.
        (PortVlans::Native { vlan, .. }, PortVlans::Native { vlan: other, .. }) if vlan != other => *vlan,
        // VLAN 0 leaves a trunk untagged, but only a native port would take it to be something else.
        (PortVlans::Trunk(None), PortVlans::Native { is_tagged: false, .. }) => 0,
        _ => return None,
    };
    let taken = to.receive(&[]).map(|(vlan, _)| vlan);
    (taken != Some(sends)).then_some(Problem { sent: Some(sends), taken })
}
