//! What is done with a frame: the actions and instructions of ovs-actions(7), as data.
//!
//! Open vSwitch keeps instructions in the same list as actions, and so does [`Action`]: `goto_table`, `write_actions` and
//! the like come where they are carried out.

mod control;
mod known;
mod learn;
mod order;
mod parse;
mod print;
mod send;
mod version;
mod words;
mod write;

use packet::field::Field;
use packet::{EtherType, MacAddr, Subfield};
use std::net::Ipv4Addr;

pub use parse::parse_actions;
pub(crate) use parse::{parse_at, parse_free};
pub(crate) use print::{Hex, List};
pub use version::actions_of_version;

use crate::learn::Learn;

/// What is done with a frame. A flow without actions drops it.
///
/// Port numbers are those of OpenFlow 1.0: 1 to 0xfeff are ports, 0xfffe is LOCAL. Values of fields stand as in a key:
/// the lowest bit of the value is the lowest of the slot, a VLAN's has the "present" bit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Sends the frame out of a port, 0 to 0xfeff; not out of the one it came in by.
    Output(u32),
    /// Sends it out of the port that a subfield names, with so many bytes at most to a controller.
    OutputReg {
        /// Where the port's number stands.
        from: Subfield,
        /// Bytes for a controller at most.
        max_len: u16,
    },
    /// Sends its first bytes out of a port.
    OutputTrunc {
        /// The port.
        port: u32,
        /// The bytes, 14 at least.
        max_len: u32,
    },
    /// Sends it out of the port it came in by.
    InPort,
    /// Learns and forwards as a bridge does.
    Normal,
    /// Sends it out of all ports but its own and those that `no-flood` excludes.
    Flood,
    /// Sends it out of all ports but its own.
    All,
    /// Sends it out of the bridge's local port.
    Local,
    /// Gives it to the flow tables: only in packet-out.
    Table,
    /// Sends it to the controllers.
    Controller(Box<Controller>),
    /// Sends it out of a port by a queue.
    Enqueue {
        /// The port.
        port: u32,
        /// The queue.
        queue: u32,
    },
    /// Sets the queue for the outputs that follow.
    SetQueue(u32),
    /// Sets back the queue.
    PopQueue,
    /// Carries out a group.
    Group(u32),
    /// Sends it out of one of several ports, or writes the port's number: `bundle`, `bundle_load`.
    Bundle(Box<Bundle>),
    /// Writes a link's number, chosen by hash: `multipath`.
    Multipath(Box<Multipath>),

    /// Sets the VLAN, 0 to 4095, adding a tag if there is none.
    ModVlanVid(u16),
    /// Sets the VLAN priority, 0 to 7, adding a tag if there is none.
    ModVlanPcp(u8),
    /// Removes the outer tag, if there is one.
    StripVlan,
    /// Adds a tag of this type, 0x8100 or 0x88a8, outside all others.
    PushVlan(EtherType),
    /// Adds an MPLS label stack entry: 0x8847 or 0x8848.
    PushMpls(EtherType),
    /// Removes the top label stack entry; this type follows.
    PopMpls(EtherType),

    /// Sets the source address of the Ethernet header.
    ModDlSrc(MacAddr),
    /// Sets the destination address of the Ethernet header.
    ModDlDst(MacAddr),
    /// Sets the source address of an IPv4 packet.
    ModNwSrc(Ipv4Addr),
    /// Sets the destination address of an IPv4 packet.
    ModNwDst(Ipv4Addr),
    /// Sets the DSCP bits of IPv4 or IPv6: the whole octet, its two lowest bits zero and left alone.
    ModNwTos(u8),
    /// Sets the congestion bits of IPv4 or IPv6.
    ModNwEcn(u8),
    /// Sets the TTL or hop limit.
    ModNwTtl(u8),
    /// Sets the source port of TCP, UDP or SCTP.
    ModTpSrc(u16),
    /// Sets the destination port of TCP, UDP or SCTP.
    ModTpDst(u16),
    /// Writes a field: `set_field:VALUE[/MASK]->FIELD`.
    SetField {
        /// The field.
        field: &'static Field,
        /// The bits.
        value: u128,
        /// Which of them are written.
        mask: u128,
    },
    /// Writes a constant into bits of a field: `load:VALUE->FIELD[BITS]`.
    Load {
        /// The bits.
        to: Subfield,
        /// Their value, the lowest bit first.
        value: u128,
    },
    /// Copies bits of a field into another, as many.
    Move {
        /// From there.
        from: Subfield,
        /// To there.
        to: Subfield,
    },
    /// Puts a subfield's value on the stack.
    Push(Subfield),
    /// Takes a value from the stack into a subfield.
    Pop(Subfield),
    /// Takes one from the time to live; a packet that had one or none left goes to the controllers with these ids, or if
    /// none is named to those with the id 0.
    DecTtl(Vec<u16>),
    /// Sets the label of the top entry.
    SetMplsLabel(u32),
    /// Sets the traffic class of the top entry.
    SetMplsTc(u8),
    /// Sets the TTL of the top entry.
    SetMplsTtl(u8),
    /// Takes one from the TTL of the top entry.
    DecMplsTtl,
    /// Sets the tunnel's key.
    SetTunnel(u64),
    /// Writes whether a frame is longer than so many bytes into a bit: `check_pkt_larger(SIZE)->BIT`.
    CheckPktLarger {
        /// Bytes.
        size: u16,
        /// The bit.
        to: Subfield,
    },

    /// Looks up again, in another table or as if it came in by another port: `resubmit`.
    Resubmit {
        /// The port; `None` for the one it came in by.
        in_port: Option<u32>,
        /// The table; `None` for the one of the flow.
        table: Option<u8>,
        /// Whether the connection's original direction is matched: `resubmit(port,table,ct)`.
        ct: bool,
    },
    /// Makes a flow from the frame.
    Learn(Box<Learn>),
    /// One clause of a conjunction: `conjunction(id, k/n)`.
    Conjunction {
        /// The id that `conj_id` then matches.
        id: u32,
        /// The clause, from 0.
        clause: u8,
        /// How many there are, 2 to 64.
        n_clauses: u8,
    },
    /// Does nothing; the bytes mean something to who wrote it.
    Note(Vec<u8>),
    /// Sends a sample to the collectors.
    Sample(Box<Sample>),
    /// Does these with a copy.
    Clone(Vec<Action>),
    /// Shortens a flow's time-outs when a TCP connection ends.
    FinTimeout {
        /// Seconds without a frame; 0 leaves it.
        idle_timeout: u16,
        /// Seconds; 0 leaves it.
        hard_timeout: u16,
    },
    /// Ends the list.
    Exit,

    /// Runs it through a meter, which may drop it.
    Meter(u32),
    /// Replaces the bits of the metadata.
    WriteMetadata {
        /// The bits.
        value: u64,
        /// Which of them are written.
        mask: u64,
    },
    /// Empties the action set.
    ClearActions,
    /// Puts these into the action set.
    WriteActions(Vec<Action>),
    /// Goes on in a later table.
    GotoTable(u8),
}

/// What a controller is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Bytes of the frame at most; 65535 for all.
    pub max_len: u16,
    /// Why.
    pub reason: PacketInReason,
    /// The controllers with this id.
    pub id: u16,
    /// What comes back with it.
    pub userdata: Vec<u8>,
    /// Whether the frame waits for the controller.
    pub pause: bool,
    /// The meter that bounds how many are sent.
    pub meter: Option<u32>,
}

impl Default for Controller {
    /// All of the frame, because an action says so.
    fn default() -> Controller {
        Controller {
            max_len: u16::MAX,
            reason: PacketInReason::Action,
            id: 0,
            userdata: Vec::new(),
            pause: false,
            meter: None,
        }
    }
}

/// Why a frame is sent to a controller (OpenFlow 1.5.1 section 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketInReason {
    /// No flow matched.
    NoMatch,
    /// An action says so.
    Action,
    /// The TTL is used up.
    InvalidTtl,
    /// An action of the action set says so.
    ActionSet,
    /// An action of a group says so.
    Group,
    /// An action of a packet-out says so.
    PacketOut,
}

/// A sample for IPFIX collectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Of 65535 frames so many.
    pub probability: u16,
    /// The set of collectors.
    pub collector_set_id: u32,
    /// Who observes.
    pub obs_domain_id: u32,
    /// Where.
    pub obs_point_id: u32,
    /// The port that is sampled, 0xffff for none.
    pub sampling_port: u32,
    /// Which way it goes.
    pub direction: SampleDirection,
}

/// Which way a sampled frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleDirection {
    /// Not said.
    Default,
    /// In.
    Ingress,
    /// Out.
    Egress,
}

/// What a hash is made of (ovs-actions(7), `multipath`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashFields {
    /// The Ethernet source.
    EthSrc,
    /// Addresses and ports, both directions alike.
    SymmetricL4,
    /// Addresses and ports of TCP and SCTP, both directions alike.
    SymmetricL3L4,
    /// The same with UDP.
    SymmetricL3L4Udp,
    /// Addresses, both directions alike.
    SymmetricL3,
    /// The network source.
    NwSrc,
    /// The network destination.
    NwDst,
}

/// `bundle` and `bundle_load`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// What the hash is made of.
    pub fields: HashFields,
    /// What the hash starts from.
    pub basis: u16,
    /// How a port is chosen.
    pub algorithm: BundleAlgorithm,
    /// Where the number is written; `None` to send there.
    pub to: Option<Subfield>,
    /// The ports.
    pub members: Vec<u32>,
}

/// How a bundle chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleAlgorithm {
    /// The first that is up.
    ActiveBackup,
    /// By highest random weight.
    Hrw,
}

/// `multipath`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multipath {
    /// What the hash is made of.
    pub fields: HashFields,
    /// What the hash starts from.
    pub basis: u16,
    /// How a link is chosen.
    pub algorithm: MultipathAlgorithm,
    /// How many links there are, 1 to 65536.
    pub n_links: u32,
    /// A parameter of the algorithm.
    pub arg: u32,
    /// Where the link's number is written.
    pub to: Subfield,
}

/// How `multipath` chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MultipathAlgorithm {
    /// The hash modulo the links.
    ModuloN,
    /// By parts of the hash's range.
    HashThreshold,
    /// By highest random weight.
    Hrw,
    /// By hashes of hashes.
    IterHash,
}
