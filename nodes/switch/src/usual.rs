//! NORMAL for the usual frame: from a station that is known, with one tag or none, and not to be dropped.
//!
//! [`normal::decide`](crate::normal::decide) is the one that knows what NORMAL is. This does the same for the frames
//! for which that is easy, and gives up on the others: they are decided there. What is easy is found out once for each port
//! ([`PortState`]); the test below compares the two.

use crate::mac_table::{StationKey, View};
use crate::plan::{Plan, PortPlan};
use crate::port_state::{Inbound, PortState};
use crate::vlan::{self, Tag};
use packet::EtherType;
use sim_core::{Frame, Outbox, Pool};

/// The bit of a frame's first eight bytes that says that its source is a group, which no station is.
const SOURCE_IS_GROUP: u64 = 1 << 8;
/// That of the destination.
const IS_GROUP: u64 = 1 << 56;
/// The first three bytes of all destinations that [`is_reserved`](crate::normal::is_reserved) knows.
const MAY_BE_RESERVED: [u32; 3] = [0x01_80c2, 0x01_000c, 0x00_e02b];

/// Whether the frames of a port can be usual: the bridge copies none, and learns in all VLANs.
pub(crate) fn is_possible(plan: &Plan, port: &PortPlan) -> bool {
    plan.mirrors.is_empty() && plan.flood_vlans.is_none() && !port.is_mirror_output
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It is unusual.
    Unusual,
    /// It goes to the port of a slot.
    Known(u16, Path),
    /// It goes to all ports that carry its VLAN.
    Flood(Path),
}

/// How a usual frame came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    vlan: u16,
    /// Whether it came in with the VLAN's tag.
    is_tagged: bool,
    /// Whether it came in by a protected port.
    is_protected: bool,
    /// The slot that stands for the port that it came in by.
    bundle: u16,
}

/// Chooses what becomes of a frame, and notes that its source was heard.
#[inline(always)]
pub(crate) fn choose(rx: &Inbound, macs: &View<'_>, frame: &[u8]) -> Choice {
    let Some(&[a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r]) = frame.first_chunk::<18>() else {
        return Choice::Unusual;
    };
    // Destination and the first two bytes of the source; the rest of the source, type and what follows it.
    let first = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let second = u64::from_be_bytes([i, j, k, l, m, n, o, p]);
    let (dst, src) = (first >> 16, (first & 0xffff) << 32 | second >> 32);
    let is_tagged = vlan::is_tpid((second >> 16) as u16);
    let vlan = if is_tagged { tagged(rx, second as u16, u16::from_be_bytes([q, r])) } else { rx.untagged };
    let Some(vlan) = vlan else { return Choice::Unusual };
    if first & SOURCE_IS_GROUP != 0 || MAY_BE_RESERVED.contains(&((first >> 40) as u32)) {
        return Choice::Unusual;
    }
    let path = Path { vlan, is_tagged, is_protected: rx.is_protected, bundle: rx.bundle };
    let source = StationKey::new(src, vlan);
    match macs.find(source) {
        Some(station) if station.port == rx.bundle || station.is_static => {
            if macs.is_stale(&station) {
                macs.refresh(source, &station);
            }
        }
        _ => return Choice::Unusual,
    }
    if first & IS_GROUP != 0 {
        return Choice::Flood(path);
    }
    match macs.find(StationKey::new(dst, vlan)) {
        Some(known) if known.port == rx.bundle => Choice::Unusual,
        Some(known) => Choice::Known(known.port, path),
        None => Choice::Flood(path),
    }
}

/// What the usual frames of a port are sent with.
pub(crate) struct Sender<'a> {
    /// By slot.
    pub(crate) ports: &'a mut [PortState],
    pub(crate) pool: &'a mut Pool,
    pub(crate) out: &'a mut Outbox,
}

impl Sender<'_> {
    /// Sends to the port that the destination is behind.
    ///
    /// # Errors
    /// Gives the frame back as it was if it can't go there, or not easily.
    #[inline(always)]
    pub(crate) fn send_known(&mut self, slot: u16, path: Path, mut frame: Frame) -> Result<(), Frame> {
        let Some(PortState { tx, .. }) = self.ports.get_mut(usize::from(slot)) else { return Err(frame) };
        let Some(link) = tx.link.filter(|_| !(path.is_protected && tx.is_protected)) else { return Err(frame) };
        if tx.tags(path.vlan) != path.is_tagged {
            retag(&mut frame, self.pool, path);
        }
        tx.count.add(1, frame.len() as u64);
        self.out.send(link, frame);
        Ok(())
    }

    /// Sends to all ports that carry the VLAN. Those that want the same tags share bytes, and the last one gets the
    /// handle at hand: between two ports nothing is shared. `order` are the slots that a flood goes through, all of
    /// them [easy](crate::port_state::Outbound::is_easy).
    ///
    /// # Errors
    /// Gives the frame back as it was if there is no such port.
    #[inline(never)]
    pub(crate) fn flood(&mut self, order: &[u16], path: Path, mut frame: Frame) -> Result<(), Frame> {
        let Path { vlan, is_tagged, is_protected, bundle } = path;
        let mut retagged: Option<Frame> = None;
        let mut held = None;
        for &slot in order {
            let tx = &self.ports[usize::from(slot)].tx;
            let is_wanted = tx.link.is_some() && slot != bundle && tx.carries(vlan);
            if !is_wanted || (is_protected && tx.is_protected) {
                continue;
            }
            let Some(before) = held.replace(slot) else { continue };
            let copy = if self.ports[usize::from(before)].tx.tags(vlan) == is_tagged {
                frame.share()
            } else {
                let pool = &mut *self.pool;
                let new = || {
                    let mut copy = frame.share();
                    retag(&mut copy, pool, path);
                    copy
                };
                retagged.get_or_insert_with(new).share()
            };
            self.transmit(before, copy);
        }
        let Some(last) = held else { return Err(frame) };
        if self.ports[usize::from(last)].tx.tags(vlan) != is_tagged {
            match retagged {
                Some(copy) => frame = copy,
                None => retag(&mut frame, self.pool, path),
            }
        }
        self.transmit(last, frame);
        Ok(())
    }

    /// Sends by a port that is up.
    #[inline]
    fn transmit(&mut self, slot: u16, frame: Frame) {
        let tx = &mut self.ports[usize::from(slot)].tx;
        let Some(link) = tx.link else { return };
        tx.count.add(1, frame.len() as u64);
        self.out.send(link, frame);
    }
}

/// Puts the tag of a VLAN in front of a frame without one, or takes away the one it has.
fn retag(frame: &mut Frame, pool: &mut Pool, path: Path) {
    if path.is_tagged {
        vlan::pop(frame, pool);
    } else {
        vlan::push(frame, pool, Tag { tpid: EtherType::VLAN.0, tci: path.vlan });
    }
}

/// The VLAN of a frame whose first tag says `tci`; `None` if that isn't easy: VLAN 0, a second tag.
#[inline]
fn tagged(rx: &Inbound, tci: u16, next_type: u16) -> Option<u16> {
    let vlan = tci & 0xfff;
    let is_usual = rx.takes_tags && vlan != 0 && !vlan::is_tpid(next_type);
    let is_carried = || rx.trunks.as_ref().is_none_or(|vlans| vlans.contains(vlan));
    (is_usual && is_carried()).then_some(vlan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::Execution;
    use crate::plan::{Gate, PriorityTags, VlanMode, VlanPlan, VlanSet};
    use crate::shared::Shared;
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
    use sim_core::{PortIx, Time};
    use std::sync::Arc;

    const VLANS: [u16; 4] = [0, 5, 9, 4095];
    const PORTS: u16 = 5;

    fn vlan() -> impl Strategy<Value = u16> {
        prop::sample::select(VLANS.to_vec())
    }

    fn port(slot: u16) -> impl Strategy<Value = PortPlan> {
        let modes = [
            VlanMode::Access,
            VlanMode::Trunk,
            VlanMode::NativeTagged,
            VlanMode::NativeUntagged,
            VlanMode::Dot1qTunnel,
        ];
        // Tunnels and tags of VLAN 0 are rare: they keep all floods of their bridge off the short way.
        let mode = prop_oneof![8 => prop::sample::select(modes[..4].to_vec()), 1 => Just(modes[4])];
        let priority_tags = prop_oneof![
            12 => Just(PriorityTags::Never),
            1 => Just(PriorityTags::Always),
            1 => Just(PriorityTags::IfNonzero)
        ];
        let trunks = prop::option::of(prop::collection::vec(vlan(), 1..4));
        // The frames come in by the first, which is open: of one that isn't, none is usual.
        let open = if slot == 0 { 1.0 } else { 0.9 };
        let flags = (
            prop::bool::weighted(0.2),
            prop::bool::weighted(0.9),
            prop::bool::weighted(0.9),
            prop::bool::weighted(open),
        );
        (mode, vlan(), trunks, priority_tags, flags, 0..PORTS).prop_map(
            move |(mode, tag, trunks, priority_tags, (is_protected, is_up, is_floodable, is_open), leader)| PortPlan {
                ofport: PORTS - slot,
                // Some are bonded to the first.
                bundle: if slot == 1 && leader == 0 { 0 } else { slot },
                tx: (is_up && is_open).then_some(PortIx(u32::from(slot))),
                gate: if is_open { Gate::Open } else { Gate::Closed },
                lab: Some(PortIx(u32::from(slot))),
                is_protected,
                is_floodable,
                vlan: VlanPlan {
                    mode,
                    tag,
                    trunks: trunks.map(|vlans| Arc::new(VlanSet::new(vlans))),
                    priority_tags,
                    service_tpid: 0x88a8,
                    ..VlanPlan::default()
                },
                ..PortPlan::default()
            },
        )
    }

    /// Ethernet addresses that differ in what is looked at.
    fn address() -> impl Strategy<Value = [u8; 6]> {
        let special =
            vec![[0xff; 6], [1, 0x80, 0xc2, 0, 0, 0], [0, 0xe0, 0x2b, 0, 0, 4], [1, 0, 0x0c, 0xcc, 0xcc, 0xcc]];
        prop_oneof![6 => (0..4_u8).prop_map(|n| [2, 0, 0, 0, 0, n]), 1 => prop::sample::select(special)]
    }

    fn frame() -> impl Strategy<Value = Vec<u8>> {
        let tci = (any::<bool>(), 0..8_u16, vlan()).prop_map(|(dei, pcp, vid)| pcp << 13 | u16::from(dei) << 12 | vid);
        let tags = prop::collection::vec((prop::sample::select(vec![0x8100_u16, 0x88a8]), tci), 0..3);
        (address(), address(), tags, 0..20_usize).prop_map(|(dst, src, tags, payload)| {
            let tags = tags.iter().flat_map(|(tpid, tci)| [tpid.to_be_bytes(), tci.to_be_bytes()].concat());
            dst.into_iter().chain(src).chain(tags).chain([8, 0]).chain((0..payload).map(|n| n as u8)).collect()
        })
    }

    /// What came out, and what it left behind.
    type Outcome = (Vec<(PortIx, Vec<u8>)>, Vec<crate::PortCounters>, Vec<crate::mac_table::Entry>);

    fn bridge(plan: &Plan, stations: &[(u8, u16, u16, bool)]) -> (Shared, Vec<PortState>) {
        let shared = Shared::new(0, 1);
        for &(n, vlan, port, is_static) in stations {
            let key = StationKey::new(0x0200_0000_0000 + u64::from(n), vlan);
            if is_static {
                shared.macs.add_static(key, port, Time::ZERO).expect("there is room for a few");
            } else {
                shared.macs.learn(key, port, Time::ZERO);
            }
        }
        let mut ports: Vec<PortState> = Vec::new();
        ports.resize_with(plan.ports.len(), PortState::default);
        ports.iter_mut().zip(0..).for_each(|(port, slot)| port.follow(plan, slot, false));
        (shared, ports)
    }

    fn outcome(out: &mut Outbox, ports: &[PortState], shared: &Shared, now: Time) -> Outcome {
        let sent = out.take_frames().map(|(port, frame)| (port, frame.to_vec())).collect();
        (sent, ports.iter().map(PortState::counters).collect(), shared.macs.entries(now))
    }

    /// What the short way makes of a frame; `None` if it gives it back.
    fn by_the_short_way(plan: &Plan, stations: &[(u8, u16, u16, bool)], bytes: &[u8], now: Time) -> Option<Outcome> {
        let (shared, mut ports) = bridge(plan, stations);
        let (mut pool, mut out) = (Pool::new(), Outbox::default());
        let frame = pool.copied(bytes);
        let choice = choose(&ports[0].rx, &shared.macs.view(now), &frame);
        let is_easy = ports.iter().all(|port| port.tx.is_easy);
        let mut sender = Sender { ports: &mut ports, pool: &mut pool, out: &mut out };
        let sent = match choice {
            Choice::Known(slot, path) => sender.send_known(slot, path, frame),
            Choice::Flood(path) if is_easy => sender.flood(&plan.flood_order, path, frame),
            Choice::Flood(_) | Choice::Unusual => Err(frame),
        };
        match sent {
            Ok(()) => Some(outcome(&mut out, &ports, &shared, now)),
            Err(frame) => {
                assert_eq!(frame.bytes(), bytes, "a frame comes back as it was");
                None
            }
        }
    }

    fn by_the_rules(plan: &Plan, stations: &[(u8, u16, u16, bool)], bytes: &[u8], now: Time) -> Outcome {
        let (shared, mut ports) = bridge(plan, stations);
        let (mut pool, mut out) = (Pool::new(), Outbox::default());
        let frame = pool.copied(bytes);
        Execution::new(plan, &shared, now, PortIx(0), 0, &mut ports, &mut pool, &mut out).normal(frame);
        let outcome = outcome(&mut out, &ports, &shared, now);
        assert_eq!(out.take_drops().count(), usize::from(outcome.0.is_empty()), "a frame goes out or is a drop");
        outcome
    }

    fn plan(ports: Vec<PortPlan>, vlan_limit: u8, forward_bpdu: bool) -> Plan {
        let mut plan = Plan::default();
        (plan.ports, plan.vlan_limit, plan.forward_bpdu) = (ports, vlan_limit, forward_bpdu);
        plan.order_floods();
        plan
    }

    proptest! {
        #[test]
        fn what_is_sent_the_short_way_is_what_normal_decides(
            ports in (port(0), port(1), port(2), port(3), port(4)),
            stations in prop::collection::vec((0..4_u8, vlan(), 0..PORTS + 1, prop::bool::weighted(0.2)), 0..12),
            frames in prop::collection::vec(frame(), 1..20),
            (vlan_limit, forward_bpdu, now) in (1..3_u8, any::<bool>(), prop::sample::select(vec![0, 7, 300_000_000])),
        ) {
            let plan = plan(vec![ports.0, ports.1, ports.2, ports.3, ports.4], vlan_limit, forward_bpdu);
            let now = Time::from_nanos(now * 1000);
            for bytes in frames {
                if let Some(found) = by_the_short_way(&plan, &stations, &bytes, now) {
                    assert_eq!(found, by_the_rules(&plan, &stations, &bytes, now), "{bytes:x?}");
                }
            }
        }
    }

    #[test]
    fn frames_between_access_ports_and_trunks_go_the_short_way() {
        let port = |slot: u16, mode: VlanMode, tag: u16| PortPlan {
            ofport: slot + 1,
            bundle: slot,
            tx: Some(PortIx(u32::from(slot))),
            is_floodable: true,
            vlan: VlanPlan { mode, tag, ..VlanPlan::default() },
            ..PortPlan::default()
        };
        let (access, trunk) = (|slot| port(slot, VlanMode::Access, 9), |slot| port(slot, VlanMode::Trunk, 0));
        let stations = [(1, 9, 0, false), (2, 9, 1, false)];
        let frame = |dst: [u8; 6], tags: &[u8]| [&dst[..], &[2, 0, 0, 0, 0, 1], tags, b"\x08\x00payload"].concat();
        let (known, tag) = ([2, 0, 0, 0, 0, 2], [0x81, 0, 0x60, 9]);
        for dst in [known, [0xff; 6], [2, 0, 0, 0, 0, 3]] {
            for (first, second, came, leaves) in [
                (access(0), access(1), &[][..], &[][..]),
                (access(0), trunk(1), &[], &[0x81, 0, 0, 9]),
                (trunk(0), access(1), &tag, &[]),
                (trunk(0), trunk(1), &tag, &tag),
            ] {
                let plan = plan(vec![first, second], 1, false);
                let (sent, ..) =
                    by_the_short_way(&plan, &stations, &frame(dst, came), Time::ZERO).expect("it is usual");
                assert_eq!(sent, [(PortIx(1), frame(dst, leaves))]);
            }
        }
    }
}
