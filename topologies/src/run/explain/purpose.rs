//! What a frame of a packet is for: so copies of a frame, and a frame on both sides of a router, are told as one.

use packet::{FlowKey, MacAddr};
use std::net::IpAddr;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It asks who has an address: ARP or ND.
    Ask(IpAddr),
    /// It tells who has an address.
    Tell(IpAddr),
    /// It is what was asked about.
    Request,
    /// It is the answer.
    Reply,
    /// It says that something is wrong, or is no part of the packet's way.
    Other,
}

/// A frame's purpose, and the stations that it goes between on its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) purpose: Purpose,
    pub(super) src: MacAddr,
    pub(super) dst: MacAddr,
    /// Whom it is meant for above the link: for ARP and ND, whose address is asked for.
    pub(super) to: Option<IpAddr>,
}

impl Flight {
    /// What a frame is for, when a packet goes to `address`.
    pub(super) fn of(frame: &[u8], address: IpAddr) -> Self {
        let key = FlowKey::extract(0, frame);
        let (v4, v6) = ((key.nw_src(), key.nw_dst()), (key.ipv6_src(), key.ipv6_dst()));
        let error = |kind: u16, errors: &[u16]| errors.contains(&kind);
        let (purpose, to) = match (key.dl_type().0, key.nw_proto(), key.tp_src()) {
            (0x0806, 1, _) => (Purpose::Ask(v4.1.into()), Some(v4.1.into())),
            (0x0806, 2, _) => (Purpose::Tell(v4.0.into()), Some(v4.1.into())),
            (0x86dd, 58, 135) => (Purpose::Ask(key.nd_target().into()), Some(key.nd_target().into())),
            (0x86dd, 58, 136) => (Purpose::Tell(key.nd_target().into()), Some(v6.1.into())),
            (0x0800, 1, kind) if error(kind, &[3, 4, 5, 11, 12]) => (Purpose::Other, Some(v4.1.into())),
            (0x86dd, 58, kind) if error(kind, &[1, 2, 3, 4]) => (Purpose::Other, Some(v6.1.into())),
            (0x0800, ..) => (of_packet(v4.0.into(), v4.1.into(), address), Some(v4.1.into())),
            (0x86dd, ..) => (of_packet(v6.0.into(), v6.1.into(), address), Some(v6.1.into())),
            _ => (Purpose::Other, None),
        };
        Self { purpose, src: key.dl_src(), dst: key.dl_dst(), to }
    }

    /// The frame in words.
    pub(super) fn name(&self, frame: &[u8]) -> String {
        let kind = crate::run::device::frame_kind(frame);
        match self.purpose {
            Purpose::Ask(of) => format!("{kind} for {of}"),
            _ => kind.to_owned(),
        }
    }
}

fn of_packet(src: IpAddr, dst: IpAddr, address: IpAddr) -> Purpose {
    if dst == address {
        Purpose::Request
    } else if src == address {
        Purpose::Reply
    } else {
        Purpose::Other
    }
}
