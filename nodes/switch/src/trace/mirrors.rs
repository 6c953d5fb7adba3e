//! The copies that mirrors make, in the words of ovs-dpctl(8). As in Open vSwitch, a mirror has one copy of a frame, as it
//! is where it is first selected.

use super::actions::push_vlan;
use crate::plan::{MirrorOutput, Plan};
use crate::vlan::{Tag, Tags};
use packet::key::VLAN_PRESENT;
use packet::{EtherType, FlowKey};

/// The mirrors that have a copy of a frame already, a bit for each.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mirrored(u64);

/// What is done for a copy, and what makes the frame again what it was.
pub(super) struct Copy {
    /// The steps that give it its tags.
    pub tags: Vec<String>,
    /// The bytes that it is cut to.
    pub cut: Option<u32>,
    pub slot: u16,
    /// The steps that take its tags back.
    pub back: Vec<String>,
}

impl Mirrored {
    /// The copies of a frame that came in by the port of a slot, or went out of it.
    pub(super) fn copies(&mut self, plan: &Plan, key: &FlowKey, slot: u16, is_incoming: bool) -> Vec<Copy> {
        let Some(port) = plan.ports.get(usize::from(slot)).filter(|_| !plan.mirrors.is_empty()) else {
            return Vec::new();
        };
        let before = tags(key, plan.vlan_limit);
        let Ok(inside) = port.vlan.ingress(&before) else { return Vec::new() };
        let mut copies = Vec::new();
        for (n, mirror) in plan.mirrors.iter().enumerate().take(u64::BITS as usize) {
            let selected = if is_incoming { &mirror.sources } else { &mirror.destinations };
            let is_selected = selected.as_ref().is_none_or(|slots| slots.contains(&port.bundle));
            let is_vlan = mirror.vlans.as_ref().is_none_or(|vlans| vlans.contains(inside.vid()));
            if !is_selected || !is_vlan || self.0 & (1 << n) != 0 {
                continue;
            }
            self.0 |= 1 << n;
            let (outputs, inside) = match mirror.output {
                MirrorOutput::Port(out) => (vec![out], inside),
                MirrorOutput::Vlan(vlan) if inside.vid() == vlan || key.dl_dst().is_reserved_multicast() => continue,
                MirrorOutput::Vlan(vlan) => {
                    let inside = inside.in_vlan(vlan);
                    let carries = |slot: &u16| {
                        let port = &plan.ports[usize::from(*slot)];
                        port.vlan.carries(&inside) && !port.is_mirror_output
                    };
                    (plan.flood_order.iter().copied().filter(carries).collect(), inside)
                }
            };
            for slot in outputs {
                let Some(port) = plan.ports.get(usize::from(slot)) else { continue };
                let wanted = port.vlan.egress(&inside, &before);
                let cut = Some(mirror.snaplen).filter(|len| *len < u32::from(u16::MAX));
                copies.push(Copy { tags: retag(&before, &wanted), cut, slot, back: retag(&wanted, &before) });
            }
        }
        copies
    }
}

/// The first `limit` tags of a key. Of what type they are it doesn't say.
fn tags(key: &FlowKey, limit: u8) -> Tags {
    let tag = |tci: u16, nth: u8| match tci & VLAN_PRESENT != 0 && nth < limit {
        true => Tag { tpid: EtherType::VLAN.0, tci: tci & !VLAN_PRESENT },
        false => Tag::default(),
    };
    Tags([tag(key.vlan_tci(), 0), tag(key.inner_tci(), 1)])
}

/// The steps from tags to others.
fn retag(from: &Tags, to: &Tags) -> Vec<String> {
    let list = |tags: &Tags| tags.0.into_iter().take_while(|tag| tag.tpid != 0).collect::<Vec<_>>();
    let (from, to) = (list(from), list(to));
    let common = from.iter().rev().zip(to.iter().rev()).take_while(|(a, b)| a == b).count();
    let pops = (common..from.len()).map(|_| "pop_vlan".to_owned());
    let pushes = to[..to.len() - common].iter().rev().map(|tag| push_vlan(tag.tpid, tag.tci));
    pops.chain(pushes).collect()
}
