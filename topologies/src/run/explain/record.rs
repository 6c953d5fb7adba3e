//! What the frames of a packet meet on their way: each arrival and each drop, with what the switch made of it.
//!
//! The decision of a switch is taken down before the switch has the frame, on the state that the frame will find.

use crate::run::device::Device;
use sim_core::{Drop, DropSite, Frame, NodeIx, PortIx, Time};
use switch::trace::Trace;

/// The most sightings of a record: a loop makes millions.
const MAX_SIGHTINGS: usize = 4096;

/// What the frames of a tag met.
#[derive(Debug, Default)]
pub(crate) struct Record {
    sightings: Vec<Sighting>,
}

/// A frame was seen.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) at: Time,
    pub(super) frame: Vec<u8>,
    pub(super) what: Sight,
}

/// What was seen of it.
#[derive(Debug)]
pub(super) enum Sight {
    /// It came to a port of a node; what the node's bridge decides.
    Arrived { node: NodeIx, port: PortIx, trace: Option<Box<Trace>> },
    /// It died; why, in words.
    Dropped { site: DropSite, drop: Drop, why: String },
}

impl Record {
    /// A frame comes to a port.
    pub(crate) fn arrived(&mut self, at: Time, node: NodeIx, port: PortIx, frame: &Frame, device: &Device) {
        if self.sightings.len() < MAX_SIGHTINGS {
            let trace = device.as_switch().and_then(|switch| super::trace::trace(switch, at, port, frame));
            self.add(at, frame, Sight::Arrived { node, port, trace: trace.map(Box::new) });
        }
    }

    /// A frame died.
    pub(crate) fn dropped(&mut self, at: Time, site: DropSite, drop: &Drop, frame: &Frame, device: Option<&Device>) {
        if self.sightings.len() < MAX_SIGHTINGS {
            let why = device.map_or_else(|| drop.reason.to_string(), |device| device.explain_drop(drop, frame));
            self.add(at, frame, Sight::Dropped { site, drop: *drop, why });
        }
    }

    fn add(&mut self, at: Time, frame: &Frame, what: Sight) {
        self.sightings.push(Sighting { at, frame: frame.to_vec(), what });
    }

    pub(super) fn sightings(&self) -> &[Sighting] {
        &self.sightings
    }
}
