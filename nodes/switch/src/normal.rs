//! NORMAL: what a learning bridge does with a frame (IEEE 802.1Q-2018, 8.6 to 8.8, as Open vSwitch does it).
//!
//! [`decide`] reads the plan and the MAC table and changes neither: what is to be learnt is part of its answer.
//! The worker acts on it; explain and trace read the same function through an [`Observer`].

use crate::mac_table::{Station, StationKey, View};
use crate::plan::{Gate, NO_SLOT, Plan, PortPlan};
use crate::vlan::{Refused, Tags};
use sim_core::{DropArgs, DropReason};

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What its source tells.
    pub learn: Learn,
    /// Where it goes.
    pub route: Route,
}

/// What a frame's source tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learn {
    /// Nothing: it is a group address, in a VLAN without learning, or was known already.
    Nothing,
    /// The station is where it was; its time stamp is old.
    Refresh(StationKey, Station),
    /// The station is new behind the port of this slot.
    Station(StationKey, u16),
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To the port of a slot.
    Port(u16, Path),
    /// To all ports that carry its VLAN.
    Flood(Path),
    /// Nowhere: the slot that refuses it, why, and with what.
    Drop(Option<u16>, DropReason, DropArgs),
}

/// A frame's tags on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// As it came in.
    pub before: Tags,
    /// Inside the bridge: the outermost is that of its VLAN.
    pub inside: Tags,
}

/// What happened on the way to a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The frame is in this VLAN.
    Vlan(u16),
    /// Its destination was looked up: the slot that it is behind.
    Lookup(StationKey, Option<u16>),
}

/// Sees the steps of a decision.
pub trait Observer {
    /// A step was taken.
    fn step(&mut self, step: Step);
}

/// Sees nothing and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    #[inline(always)]
    fn step(&mut self, _: Step) {}
}

/// Decides what becomes of a frame that came in by the port of a slot.
#[inline]
pub fn decide<O: Observer>(plan: &Plan, macs: &View<'_>, slot: u16, frame: &[u8], observer: &mut O) -> Verdict {
    let refuse = |reason, args| Verdict { learn: Learn::Nothing, route: Route::Drop(Some(slot), reason, args) };
    let port = &plan.ports[usize::from(slot)];
    let Some((addresses, _)) = frame.split_first_chunk::<14>() else {
        return refuse(DropReason::Malformed, DropArgs::None);
    };
    let Ok(before) = Tags::read(frame, plan.vlan_limit) else {
        return refuse(DropReason::Malformed, DropArgs::None);
    };
    if port.is_mirror_output || port.gate == Gate::Closed {
        let reason = if port.is_down || port.is_deaf { DropReason::PortDown } else { DropReason::PortBlocked };
        return refuse(reason, DropArgs::None);
    }
    let inside = match port.vlan.ingress(&before) {
        Ok(inside) => inside,
        Err(Refused::TaggedOnAccess) => return refuse(DropReason::TaggedOnAccess, DropArgs::Vlan(before.vid())),
        Err(Refused::NotCarried) => return refuse(DropReason::VlanNotAllowed, DropArgs::Vlan(before.vid())),
    };
    let vlan = inside.vid();
    observer.step(Step::Vlan(vlan));
    let (dst, src) = dst_src(addresses);
    if is_reserved(dst) && !plan.forward_bpdu {
        return refuse(DropReason::ReservedMulticast, DropArgs::None);
    }
    let path = Path { before, inside };
    if port.gate == Gate::Open && plan.flood_vlans.as_ref().is_some_and(|vlans| vlans.contains(vlan)) {
        return Verdict { learn: Learn::Nothing, route: Route::Flood(path) };
    }
    let learn = learn(macs, StationKey::new(src, vlan), port.bundle, is_group(src));
    if port.gate == Gate::Learning {
        return Verdict { learn, ..refuse(DropReason::PortBlocked, DropArgs::None) };
    }
    if is_group(dst) {
        return Verdict { learn, route: Route::Flood(path) };
    }
    let key = StationKey::new(dst, vlan);
    let found = match learn {
        // A station that is heard now is known, even to the frame that tells it.
        Learn::Station(source, bundle) if source == key => Some(bundle),
        _ => macs.find(key).map(|station| station.port),
    };
    observer.step(Step::Lookup(key, found));
    let route = match found {
        Some(out) if out == port.bundle => Route::Drop(Some(slot), DropReason::SamePort, DropArgs::None),
        Some(out) => known(plan, port, out, path),
        None => Route::Flood(path),
    };
    Verdict { learn, route }
}

/// The slots that a flood reaches, in order.
pub fn flood<'a>(plan: &'a Plan, slot: u16, path: &'a Path) -> impl Iterator<Item = u16> + 'a {
    let from = &plan.ports[usize::from(slot)];
    plan.flood_order.iter().copied().filter(move |&out| {
        let port = &plan.ports[usize::from(out)];
        port.tx.is_some() && is_member(from, port, out, path) && !from.is_protected_from(port)
    })
}

/// Why a flood reaches no port: what stands against the one that came nearest.
#[cold]
pub fn nowhere(plan: &Plan, slot: u16, path: &Path) -> Route {
    let from = &plan.ports[usize::from(slot)];
    let members =
        || plan.flood_order.iter().copied().filter(|&out| is_member(from, &plan.ports[usize::from(out)], out, path));
    let is_protected = |out: &u16| from.is_protected_from(&plan.ports[usize::from(*out)]);
    let is_local = |out: &u16| plan.ports[usize::from(*out)].ofport == crate::plan::LOCAL;
    if let Some(out) = members().filter(|out| plan.ports[usize::from(*out)].tx.is_some()).find(is_protected) {
        return Route::Drop(Some(out), DropReason::Protected, DropArgs::None);
    }
    if let Some(out) = members().find(|out| !is_local(out)) {
        return Route::Drop(Some(out), plan.ports[usize::from(out)].silence(), DropArgs::None);
    }
    let mut others = plan.flood_order.iter().copied().filter(|out| *out != from.bundle && !is_local(out));
    match (others.next(), others.next()) {
        (None, _) => Route::Drop(Some(slot), DropReason::SamePort, DropArgs::None),
        // The one other port is the one that the frame could have gone to.
        (only, None) => Route::Drop(only, DropReason::VlanNotAllowed, DropArgs::Vlan(path.inside.vid())),
        (Some(_), Some(_)) => Route::Drop(None, DropReason::VlanNotAllowed, DropArgs::Vlan(path.inside.vid())),
    }
}

/// Whether the group that Open vSwitch's `forward-bpdu` is about has this destination (ovs-vswitchd.conf.db(5)).
#[inline]
pub const fn is_reserved(dst: u64) -> bool {
    if dst & !0xf == 0x0180_c200_0000 {
        return true;
    }
    // Multicast of Cisco's and Extreme's protocols.
    matches!(dst >> 24, 0x01_000c | 0x00_e02b)
        && (matches!(dst, 0x00e0_2b00_0000 | 0x00e0_2b00_0004 | 0x00e0_2b00_0006 | 0x0100_0c00_0000 | 0x0100_0ccd_cdcd)
            || matches!(dst, 0x0100_0ccc_cccc | 0x0100_0ccc_cccd | 0x0100_0ccc_ccc0..=0x0100_0ccc_ccc7))
}

#[inline]
fn learn(macs: &View<'_>, key: StationKey, bundle: u16, is_group: bool) -> Learn {
    if is_group {
        return Learn::Nothing;
    }
    match macs.find(key) {
        Some(station) if station.port == bundle && macs.is_stale(&station) => Learn::Refresh(key, station),
        Some(station) if station.port == bundle || station.is_static => Learn::Nothing,
        // What no port sent tells of no station.
        _ if bundle == NO_SLOT => Learn::Nothing,
        _ => Learn::Station(key, bundle),
    }
}

/// The route to a port whose slot the MAC table told.
#[inline]
fn known(plan: &Plan, from: &PortPlan, out: u16, path: Path) -> Route {
    match plan.ports.get(usize::from(out)) {
        Some(port) if from.is_protected_from(port) => Route::Drop(Some(out), DropReason::Protected, DropArgs::None),
        Some(port) if port.tx.is_none() => Route::Drop(Some(out), port.silence(), DropArgs::None),
        Some(_) => Route::Port(out, path),
        // The port has just gone and takes its stations with it.
        None => Route::Drop(None, DropReason::PortDown, DropArgs::None),
    }
}

#[inline]
fn is_member(from: &PortPlan, port: &PortPlan, out: u16, path: &Path) -> bool {
    out != from.bundle && port.is_floodable && !port.is_mirror_output && port.vlan.carries(&path.inside)
}

#[inline]
const fn is_group(mac: u64) -> bool {
    mac & (1 << 40) != 0
}

/// Destination and source as numbers.
#[inline]
fn dst_src(&[a, b, c, d, e, f, g, h, i, j, k, l, ..]: &[u8; 14]) -> (u64, u64) {
    (u64::from_be_bytes([0, 0, a, b, c, d, e, f]), u64::from_be_bytes([0, 0, g, h, i, j, k, l]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mac_table::MacTable;
    use sim_core::{PortIx, Time};

    #[derive(Default)]
    struct Seen(Vec<Step>);

    impl Observer for Seen {
        fn step(&mut self, step: Step) {
            self.0.push(step);
        }
    }

    fn pair() -> Plan {
        let port = |n: u16| PortPlan {
            ofport: n + 1,
            bundle: n,
            tx: Some(PortIx(u32::from(n))),
            is_floodable: true,
            ..PortPlan::default()
        };
        let mut plan = Plan::default();
        plan.vlan_limit = 1;
        plan.ports = vec![port(0), port(1)];
        plan.order_floods();
        plan
    }

    #[test]
    fn a_decision_changes_nothing_and_its_observer_sees_the_steps() {
        let (plan, macs) = (pair(), MacTable::new(1));
        let frame = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 9, 8, 0];
        let mut seen = Seen::default();
        let verdict = decide(&plan, &macs.view(Time::ZERO), 0, &frame, &mut seen);
        let key = |station: u64| StationKey::new(0x0200_0000_0000 + station, 9);
        assert_eq!(seen.0, [Step::Vlan(9), Step::Lookup(key(1), None)]);
        assert_eq!(verdict.learn, Learn::Station(key(2), 0));
        assert!(matches!(verdict.route, Route::Flood(_)));
        assert!(macs.entries(Time::ZERO).is_empty());
    }

    #[test]
    fn shared_state_can_be_shared_between_threads() {
        fn check<T: Send + Sync>() {}
        check::<crate::Shared>();
    }
}
