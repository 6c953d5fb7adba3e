//! Meters (OpenFlow 1.5.1 section 5.11; ovs-ofctl(8), "Meter Syntax").

mod text;

/// A meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// Its number, from 1 to [`Meter::MAX_ID`], or [`Meter::SLOWPATH`] or [`Meter::CONTROLLER`].
    pub id: u32,
    /// What is counted.
    pub unit: MeterUnit,
    /// Whether bands have a burst of their own; else the switch chooses one.
    pub burst: bool,
    /// Whether it counts: `stats`.
    pub stats: bool,
    /// Its bands.
    pub bands: Vec<Band>,
}

/// What a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeterUnit {
    /// Kilobits: `kbps`.
    Kbps,
    /// Frames: `pktps`.
    Pktps,
}

/// What becomes of frames above a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// What.
    pub kind: BandKind,
    /// The rate, per second.
    pub rate: u32,
    /// How much may come at once; 0 for as the switch likes.
    pub burst: u32,
}

/// What a band does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BandKind {
    /// Drops.
    Drop,
    /// Raises the drop precedence of the DSCP field by so much.
    DscpRemark(u8),
}

/// A change of meters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeterMod {
    /// Adds one; there must be none of its number.
    Add(Meter),
    /// Changes one that is there.
    Modify(Meter),
    /// Removes one, or all; the flows that use it go with it.
    Delete(Option<u32>),
}

impl Meter {
    /// The greatest number of a meter that flows name.
    pub const MAX_ID: u32 = 0xffff_0000;
    /// The meter of what the datapath can't do by itself.
    pub const SLOWPATH: u32 = 0xffff_fffd;
    /// The meter of what goes to controllers.
    pub const CONTROLLER: u32 = 0xffff_fffe;
}
