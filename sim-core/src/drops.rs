//! Why a frame died.
//!
//! The reasons are a closed vocabulary and an interface: their names stay. A [`Drop`] carries what
//! its node needs to say it in words ("VLAN 20 is not in trunks [9, 19]"): the port's configuration
//! is the node's own and isn't copied into each drop.

use crate::node::PortIx;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

macro_rules! reasons {
    ($($variant:ident $name:literal $doc:literal),+ $(,)?) => {
        /// Why a frame died. The names (`snake_case`, [`DropReason::name`]) are an interface.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DropReason {
            $(#[doc = $doc] $variant),+
        }

        impl DropReason {
            /// Every reason, in the order of the reference.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The reason's name, as checks, captures and JSON have it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl FromStr for DropReason {
            type Err = UnknownReason;
            fn from_str(name: &str) -> Result<Self, UnknownReason> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(UnknownReason(name.to_owned())),
                }
            }
        }
    };
}

reasons! {
    LinkDown "link_down" "The link was down, or went down while the frame was on it.",
    Loss "loss" "The link's `loss` took it.",
    QueueFull "queue_full" "The queue in front of the link was full.",
    MtuExceeded "mtu_exceeded" "Longer than the MTU of the link or interface.",
    CorruptFcs "corrupt_fcs" "The link corrupted it; the receiver's frame check found out.",
    VlanNotAllowed "vlan_not_allowed" "The port doesn't carry the frame's VLAN.",
    TaggedOnAccess "tagged_on_access" "A tagged frame came in on an access port.",
    ReservedMulticast "reserved_multicast" "To 01-80-C2-00-00-0X, which a bridge doesn't forward (IEEE 802.1Q, 8.6.3).",
    SamePort "same_port" "Its destination is behind the port that it came from.",
    PortDown "port_down" "The port is down or has no link.",
    PortBlocked "port_blocked" "Spanning tree blocks the port.",
    Protected "protected" "From a protected port to a protected port.",
    NoBridge "no_bridge" "The interface belongs to no bridge.",
    Malformed "malformed" "Too short or inconsistent to be what it says it is.",
    TtlExpired "ttl_expired" "Its TTL or hop limit ran out.",
    NoRoute "no_route" "No route to its destination.",
    NoNeighbor "no_neighbor" "Nobody answered for the next hop's address (ARP or ND).",
    NoListener "no_listener" "Nothing listens on its destination port.",
    BadChecksum "bad_checksum" "A checksum is wrong.",
    FlowDrop "flow_drop" "A flow table's rule says so.",
    TableMiss "table_miss" "No rule of the table matched.",
    Meter "meter" "A meter's band took it.",
    Policer "policer" "The ingress policer took it.",
    ConntrackInvalid "conntrack_invalid" "Connection tracking calls it invalid.",
    TooManyResubmits "too_many_resubmits" "The pipeline resubmitted it too often.",
    TunnelLoop "tunnel_loop" "It went through too many tunnels or patch ports.",
    NoBuffer "no_buffer" "The lab holds as many frames as it may.",
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no drop reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no drop reason")]
pub struct UnknownReason(pub String);

/// What a node knows of a drop beyond its reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DropArgs {
    /// The reason says it all.
    #[default]
    None,
    /// The frame's VLAN.
    Vlan(u16),
    /// The frame's length and the limit that it exceeds, in bytes as the limit counts them.
    Size {
        /// The frame's own.
        len: u32,
        /// The limit.
        limit: u32,
    },
    /// Another port that had a part in it.
    Port(PortIx),
}

/// A frame's end inside a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drop {
    /// Why.
    pub reason: DropReason,
    /// Where: the port that killed it; `None` where no single port did.
    pub port: Option<PortIx>,
    /// With what in hand.
    pub args: DropArgs,
}

impl Drop {
    /// A drop at `port` for `reason` alone.
    pub const fn at(port: PortIx, reason: DropReason) -> Self {
        Self { reason, port: Some(port), args: DropArgs::None }
    }

    /// A drop at no port in particular.
    pub const fn inside(reason: DropReason) -> Self {
        Self { reason, port: None, args: DropArgs::None }
    }

    /// The same with arguments.
    pub const fn with(mut self, args: DropArgs) -> Self {
        self.args = args;
        self
    }
}

/// Counts of drops by place and reason, for one node or one link direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DropTable(BTreeMap<(Option<PortIx>, DropReason), u64>);

impl DropTable {
    /// Counts one more.
    pub fn count(&mut self, port: Option<PortIx>, reason: DropReason) {
        *self.0.entry((port, reason)).or_default() += 1;
    }

    /// Every count, by port and then by reason.
    pub fn iter(&self) -> impl Iterator<Item = (Option<PortIx>, DropReason, u64)> + '_ {
        self.0.iter().map(|(&(port, reason), &n)| (port, reason, n))
    }

    /// How many there were at `port` (`None`: anywhere) for `reason` (`None`: any).
    pub fn total(&self, port: Option<PortIx>, reason: Option<DropReason>) -> u64 {
        self.iter()
            .filter(|(p, r, _)| port.is_none_or(|x| *p == Some(x)) && reason.is_none_or(|x| *r == x))
            .map(|(_, _, n)| n)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_name() {
        for &reason in DropReason::ALL {
            assert_eq!(reason.name().parse(), Ok(reason));
        }
        assert_eq!(DropReason::ALL.len(), 27);
        assert!("vlan".parse::<DropReason>().is_err());
    }

    #[test]
    fn totals_add_up_by_place_and_reason() {
        let mut table = DropTable::default();
        table.count(Some(PortIx(1)), DropReason::Loss);
        table.count(Some(PortIx(1)), DropReason::Loss);
        table.count(Some(PortIx(2)), DropReason::Malformed);
        table.count(None, DropReason::Malformed);
        assert_eq!(table.total(None, None), 4);
        assert_eq!(table.total(Some(PortIx(1)), None), 2);
        assert_eq!(table.total(None, Some(DropReason::Malformed)), 2);
        assert_eq!(table.total(Some(PortIx(2)), Some(DropReason::Loss)), 0);
    }
}
