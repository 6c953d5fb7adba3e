//! Bridge protocol data units: IEEE 802.1D-2004 clause 9 (configuration, topology change notification, RST), behind
//! the LLC header of IEEE 802.2 with DSAP and SSAP 0x42.
//!
//! A BPDU is read as section 9.3.4 validates it: by its type, with what a longer one has beyond what is known left
//! unread, so that a version that is still to come is read as the one that is known. Whether a configuration is too
//! old to be believed is [`Vector::is_expired`], and for the machines to act on. Left out are the records of MSTP,
//! which an RST BPDU of version 3 carries behind what is read here.

use core::fmt;

use super::{EtherType, MacAddr, Result, WireError, be16, be32, ethernet, llc, put16, put32, vlan};

/// Whom BPDUs go to (IEEE 802.1D-2004 table 7-10).
pub const GROUP: MacAddr = MacAddr([0x01, 0x80, 0xc2, 0x00, 0x00, 0x00]);

/// The size of a topology change notification.
pub const TOPOLOGY_CHANGE_SIZE: usize = 4;
/// The size of a configuration BPDU.
pub const CONFIG_SIZE: usize = 35;
/// The size of an RST BPDU.
pub const RST_SIZE: usize = 36;
/// The size of a frame with a BPDU, whichever it is: padding fills it up.
pub const FRAME_SIZE: usize = ethernet::MIN_SIZE;

/// The most VLAN tags that are looked behind for a BPDU.
const TAGS_MAX: usize = 2;

/// The type of configuration BPDUs.
const TYPE_CONFIG: u8 = 0;
/// The type of RST BPDUs.
const TYPE_RST: u8 = 2;
/// The type of topology change notifications.
const TYPE_TOPOLOGY_CHANGE: u8 = 0x80;
/// The version of RST BPDUs.
const VERSION_RST: u8 = 2;

/// A bridge's identifier: priority in the high 16 bits, MAC address in the low 48. The least is the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BridgeId(pub u64);

/// A port's identifier: STP has 8 bits of priority and 8 of the number, RSTP 4 and 12. The least is the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u16);

/// A time in steps of 1/256 s, as BPDUs have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(pub u16);

/// The role that an RST BPDU's flags tell of its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortRole {
    /// None (0).
    #[default]
    Unknown,
    /// Alternate or backup (1).
    AlternateBackup,
    /// Root (2).
    Root,
    /// Designated (3).
    Designated,
}

/// Flags of RST BPDUs; configuration BPDUs have the first and the last only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The topology changes.
    pub topology_change: bool,
    /// The sender asks whether it may forward.
    pub proposal: bool,
    /// The sender's role.
    pub role: PortRole,
    /// The sender learns.
    pub learning: bool,
    /// The sender forwards.
    pub forwarding: bool,
    /// The sender lets the other side forward.
    pub agreement: bool,
    /// The notification has been heard.
    pub topology_change_ack: bool,
}

/// What configuration and RST BPDUs have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vector {
    /// See [`Flags`].
    pub flags: Flags,
    /// The root, as the sender knows it.
    pub root: BridgeId,
    /// What the way there costs from the sender.
    pub root_path_cost: u32,
    /// The sender.
    pub bridge: BridgeId,
    /// The port that it was sent out of.
    pub port: PortId,
    /// How old the root's information is.
    pub message_age: Ticks,
    /// How old it may become.
    pub max_age: Ticks,
    /// From one of the root's BPDUs to the next.
    pub hello_time: Ticks,
    /// How long ports listen, and learn.
    pub forward_delay: Ticks,
}

/// A BPDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bpdu {
    /// Configuration (802.1D-1998).
    Config(Vector),
    /// Topology change notification (802.1D-1998).
    TopologyChange,
    /// Rapid spanning tree (802.1D-2004).
    Rst(Vector),
}

impl BridgeId {
    /// The identifier of a priority and an address.
    pub fn new(priority: u16, address: MacAddr) -> Self {
        Self(u64::from(priority) << 48 | address.as_u64())
    }

    /// Its priority.
    #[inline]
    pub const fn priority(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// Its address.
    pub fn address(self) -> MacAddr {
        MacAddr::from_u64(self.0 & 0xffff_ffff_ffff)
    }
}

impl Ticks {
    /// How many there are in a second.
    pub const PER_SECOND: u16 = 256;
    /// One of them, in nanoseconds.
    const NANOS: u64 = 1_000_000_000 / Self::PER_SECOND as u64;

    /// A number of whole seconds, 255 at most.
    pub const fn from_secs(secs: u8) -> Self {
        Self(secs as u16 * Self::PER_SECOND)
    }

    /// A span of nanoseconds, rounded down; what is too long for a BPDU is the longest.
    pub const fn from_nanos(nanos: u64) -> Self {
        let ticks = nanos / Self::NANOS;
        Self(if ticks > u16::MAX as u64 { u16::MAX } else { ticks as u16 })
    }

    /// The span in nanoseconds, without rounding.
    pub const fn as_nanos(self) -> u64 {
        self.0 as u64 * Self::NANOS
    }
}

impl Flags {
    /// The flags of a byte as RST BPDUs have it.
    const fn from_byte(byte: u8) -> Self {
        Self {
            topology_change: byte & 0x01 != 0,
            proposal: byte & 0x02 != 0,
            role: match byte >> 2 & 3 {
                0 => PortRole::Unknown,
                1 => PortRole::AlternateBackup,
                2 => PortRole::Root,
                _ => PortRole::Designated,
            },
            learning: byte & 0x10 != 0,
            forwarding: byte & 0x20 != 0,
            agreement: byte & 0x40 != 0,
            topology_change_ack: byte & 0x80 != 0,
        }
    }

    /// The byte of an RST BPDU.
    const fn to_byte(self) -> u8 {
        self.topology_change as u8
            | (self.proposal as u8) << 1
            | (self.role as u8) << 2
            | (self.learning as u8) << 4
            | (self.forwarding as u8) << 5
            | (self.agreement as u8) << 6
            | (self.topology_change_ack as u8) << 7
    }

    /// Those that a configuration BPDU has.
    const fn of_config(self) -> Self {
        Self::from_byte(self.to_byte() & 0x81)
    }
}

/// A view of a BPDU, which stands behind the LLC header.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold a BPDU of a type that is known, whole.
    pub fn new_checked(bytes: T) -> Result<Self> {
        let b = bytes.as_ref();
        WireError::check_size("stp", b, TOPOLOGY_CHANGE_SIZE)?;
        if be16(b, 0) != 0 {
            return Err(WireError::field("stp", "protocol identifier", be16(b, 0)));
        }
        let needed = match b[3] {
            TYPE_TOPOLOGY_CHANGE => TOPOLOGY_CHANGE_SIZE,
            TYPE_CONFIG => CONFIG_SIZE,
            TYPE_RST if b[2] < VERSION_RST => return Err(WireError::field("stp", "version of an RST BPDU", b[2])),
            TYPE_RST => RST_SIZE,
            other => return Err(WireError::field("stp", "type", other)),
        };
        WireError::check_size("stp", b, needed)?;
        Ok(Self { bytes })
    }

    /// The protocol version: 0 for STP, 2 for RSTP, 3 for MSTP.
    pub fn version(&self) -> u8 {
        self.bytes.as_ref()[2]
    }

    /// The type: 0 for a configuration, 2 for RST, 0x80 for a topology change notification.
    pub fn bpdu_type(&self) -> u8 {
        self.bytes.as_ref()[3]
    }

    /// What a configuration or RST BPDU says; `None` for a topology change notification.
    pub fn vector(&self) -> Option<Vector> {
        let bytes = self.bytes.as_ref();
        if self.bpdu_type() == TYPE_TOPOLOGY_CHANGE {
            return None;
        }
        let id = |at| BridgeId(u64::from(be32(bytes, at)) << 32 | u64::from(be32(bytes, at + 4)));
        let flags = Flags::from_byte(bytes[4]);
        Some(Vector {
            flags: if self.bpdu_type() == TYPE_RST { flags } else { flags.of_config() },
            root: id(5),
            root_path_cost: be32(bytes, 13),
            bridge: id(17),
            port: PortId(be16(bytes, 25)),
            message_age: Ticks(be16(bytes, 27)),
            max_age: Ticks(be16(bytes, 29)),
            hello_time: Ticks(be16(bytes, 31)),
            forward_delay: Ticks(be16(bytes, 33)),
        })
    }
}

impl Vector {
    /// Whether its information is as old as it may become: a bridge doesn't believe it (802.1D-2004 section 9.3.4).
    pub fn is_expired(&self) -> bool {
        self.message_age >= self.max_age
    }

    /// Writes what both types have in common.
    fn emit(&self, buffer: &mut [u8]) {
        buffer[4] = self.flags.to_byte();
        buffer[5..13].copy_from_slice(&self.root.0.to_be_bytes());
        put32(buffer, 13, self.root_path_cost);
        buffer[17..25].copy_from_slice(&self.bridge.0.to_be_bytes());
        let rest = [self.port.0, self.message_age.0, self.max_age.0, self.hello_time.0, self.forward_delay.0];
        for (at, value) in (25..).step_by(2).zip(rest) {
            put16(buffer, at, value);
        }
    }
}

impl Bpdu {
    /// The value of a packet.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        match packet.vector() {
            None => Self::TopologyChange,
            Some(vector) if packet.bpdu_type() == TYPE_RST => Self::Rst(vector),
            Some(vector) => Self::Config(vector),
        }
    }

    /// The BPDU of a whole frame, with or without VLAN tags.
    ///
    /// # Errors
    /// If the frame isn't one of IEEE 802.3 with the LLC header of spanning tree, or its BPDU isn't valid.
    pub fn parse_frame(frame: &[u8]) -> Result<Self> {
        let (length, at) = vlan::payload(frame, TAGS_MAX).ok_or(WireError::Truncated {
            layer: "ethernet",
            needed: ethernet::HEADER_SIZE,
            found: frame.len(),
        })?;
        if !length.is_length() {
            return Err(WireError::field("ethernet", "type", length.0));
        }
        // What is behind the length is padding.
        let payload = &frame[at..][..usize::from(length.0).min(frame.len() - at)];
        let header = llc::Packet::new_checked(payload)?;
        if llc::Repr::parse(&header) != LLC {
            return Err(WireError::field("llc", "dsap, ssap and control", be24(payload)));
        }
        Ok(Self::parse(&Packet::new_checked(header.payload())?))
    }

    /// The size of the BPDU in bytes.
    pub const fn buffer_len(&self) -> usize {
        match self {
            Self::TopologyChange => TOPOLOGY_CHANGE_SIZE,
            Self::Config(_) => CONFIG_SIZE,
            Self::Rst(_) => RST_SIZE,
        }
    }

    /// Writes the BPDU.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Bpdu::buffer_len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let (version, kind) = match self {
            Self::TopologyChange => (0, TYPE_TOPOLOGY_CHANGE),
            Self::Config(_) => (0, TYPE_CONFIG),
            Self::Rst(_) => (VERSION_RST, TYPE_RST),
        };
        buffer[..4].copy_from_slice(&[0, 0, version, kind]);
        match self {
            Self::TopologyChange => {}
            Self::Config(vector) => Vector { flags: vector.flags.of_config(), ..*vector }.emit(buffer),
            Self::Rst(vector) => {
                vector.emit(buffer);
                // Nothing of version 1 follows.
                buffer[RST_SIZE - 1] = 0;
            }
        }
    }

    /// The whole frame, from a port's own address to the [group](GROUP), untagged and padded.
    pub fn to_frame(&self, src: MacAddr) -> [u8; FRAME_SIZE] {
        let mut frame = [0; FRAME_SIZE];
        let (header, rest) = frame.split_at_mut(ethernet::HEADER_SIZE);
        let length = EtherType((llc::HEADER_SIZE + self.buffer_len()) as u16);
        ethernet::Repr { dst: GROUP, src, ethertype: length }.emit(header);
        LLC.emit(rest);
        self.emit(&mut rest[llc::HEADER_SIZE..]);
        frame
    }

    /// What a configuration or RST BPDU says.
    pub const fn vector(&self) -> Option<&Vector> {
        match self {
            Self::Config(vector) | Self::Rst(vector) => Some(vector),
            Self::TopologyChange => None,
        }
    }
}

/// The LLC header in front of a BPDU: unnumbered information for spanning tree.
pub(crate) const LLC: llc::Repr = llc::Repr { dsap: llc::SAP_STP, ssap: llc::SAP_STP, control: 3 };

/// The first three bytes as a number.
fn be24(bytes: &[u8]) -> u32 {
    u32::from(be16(bytes, 0)) << 8 | u32::from(bytes[2])
}

/// `8000.02:00:00:00:00:01`.
impl fmt::Display for BridgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}.{}", self.priority(), self.address())
    }
}

/// `8001`.
impl fmt::Display for PortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}", self.0)
    }
}

/// `Topology change, Learn, Forward`, or `none`.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = [
            (self.topology_change, "Topology change"),
            (self.proposal, "Proposal"),
            (self.learning, "Learn"),
            (self.forwarding, "Forward"),
            (self.agreement, "Agreement"),
            (self.topology_change_ack, "Topology change ACK"),
        ];
        let mut set = named.into_iter().filter_map(|(is_set, name)| is_set.then_some(name));
        f.write_str(set.next().unwrap_or("none"))?;
        set.try_for_each(|name| write!(f, ", {name}"))
    }
}

impl fmt::Display for Bpdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, vector) = match self {
            Self::TopologyChange => return f.write_str("STP 802.1d, Topology Change"),
            Self::Config(vector) => ("STP 802.1d, Config", vector),
            Self::Rst(vector) => ("STP 802.1w, Rapid STP", vector),
        };
        let Vector { flags, bridge, port, .. } = vector;
        write!(f, "{name}, Flags [{flags}], bridge-id {bridge}.{port}, length {}", self.buffer_len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A Linux bridge that takes itself for the root.
    const CONFIG: [u8; 52] = *b"\x01\x80\xc2\0\0\0\x02\0\0\0\0\x01\0\x26\x42\x42\x03\
        \0\0\0\0\0\x80\0\x02\0\0\0\0\x01\0\0\0\0\x80\0\x02\0\0\0\0\x01\x80\x01\0\0\x14\0\x02\0\x0f\0";
    /// A designated port that proposes, four hops below the root.
    const RST: [u8; 53] = *b"\x01\x80\xc2\0\0\0\x02\0\0\0\0\x01\0\x27\x42\x42\x03\
        \0\0\x02\x02\x0e\x10\0\x02\0\0\0\0\x02\0\x03\x0d\x40\x80\0\x02\0\0\0\0\x01\x80\x02\x04\0\x14\0\x02\0\x0f\0\0";

    fn vector() -> impl Strategy<Value = Vector> {
        let times = any::<[u16; 4]>().prop_map(|times| times.map(Ticks));
        (any::<u8>(), any::<[u64; 2]>(), any::<(u32, u16)>(), times).prop_map(
            |(flags, [root, bridge], (root_path_cost, port), [message_age, max_age, hello_time, forward_delay])| {
                let flags = Flags::from_byte(flags);
                let (root, bridge, port) = (BridgeId(root), BridgeId(bridge), PortId(port));
                Vector { flags, root, root_path_cost, bridge, port, message_age, max_age, hello_time, forward_delay }
            },
        )
    }

    fn bpdu() -> impl Strategy<Value = Bpdu> {
        prop_oneof![
            1 => Just(Bpdu::TopologyChange),
            4 => vector().prop_map(|v| Bpdu::Config(Vector { flags: v.flags.of_config(), ..v })),
            4 => vector().prop_map(Bpdu::Rst),
        ]
    }

    #[test]
    fn a_configuration_bpdu_is_read_and_written() {
        let bpdu = Bpdu::parse_frame(&CONFIG).unwrap();
        let Bpdu::Config(vector) = bpdu else { panic!("{bpdu:?}") };
        assert_eq!(vector.root, BridgeId::new(0x8000, MacAddr([2, 0, 0, 0, 0, 1])));
        assert_eq!((vector.bridge, vector.port, vector.root_path_cost), (vector.root, PortId(0x8001), 0));
        assert_eq!((vector.max_age, vector.hello_time), (Ticks::from_secs(20), Ticks::from_secs(2)));
        assert_eq!((vector.message_age, vector.forward_delay.as_nanos()), (Ticks(0), 15_000_000_000));
        assert_eq!(
            bpdu.to_string(),
            "STP 802.1d, Config, Flags [none], bridge-id 8000.02:00:00:00:00:01.8001, length 35"
        );
        let frame = bpdu.to_frame(MacAddr([2, 0, 0, 0, 0, 1]));
        assert_eq!(frame[..52], CONFIG);
        assert_eq!(frame[52..], [0; 8]);
    }

    #[test]
    fn an_rst_bpdu_is_read_and_written() {
        let bpdu = Bpdu::parse_frame(&RST).unwrap();
        let Bpdu::Rst(vector) = bpdu else { panic!("{bpdu:?}") };
        assert_eq!((vector.flags.role, vector.flags.proposal), (PortRole::Designated, true));
        assert_eq!((vector.root.priority(), vector.root_path_cost), (0x1000, 200_000));
        assert_eq!((vector.message_age, vector.is_expired()), (Ticks::from_secs(4), false));
        assert_eq!(bpdu.to_frame(MacAddr([2, 0, 0, 0, 0, 1]))[..53], RST);
        assert_eq!(
            bpdu.to_string(),
            "STP 802.1w, Rapid STP, Flags [Proposal], bridge-id 8000.02:00:00:00:00:01.8002, length 36"
        );
    }

    #[test]
    fn a_later_version_is_read_as_the_one_that_is_known() {
        let mut frame = RST;
        // MSTP.
        frame[19] = 3;
        assert_eq!(Bpdu::parse_frame(&frame), Bpdu::parse_frame(&RST));
        frame[19] = 1;
        assert!(Bpdu::parse_frame(&frame).is_err(), "there were no RST BPDUs before version 2");
    }

    #[test]
    fn a_tag_is_looked_behind() {
        let tagged = [&CONFIG[..12], b"\x81\0\0\x09", &CONFIG[12..]].concat();
        assert_eq!(Bpdu::parse_frame(&tagged), Bpdu::parse_frame(&CONFIG));
    }

    #[test]
    fn what_is_no_bpdu_is_refused_and_named() {
        let error = |at: usize, byte| {
            let mut frame = CONFIG;
            frame[at] = byte;
            Bpdu::parse_frame(&frame).unwrap_err().to_string()
        };
        assert_eq!(error(12, 8), "ethernet: type is 2086");
        assert_eq!(error(14, 0xaa), "llc: dsap, ssap and control is 11158019");
        assert_eq!(error(18, 1), "stp: protocol identifier is 1");
        assert_eq!(error(20, 7), "stp: type is 7");
        assert_eq!(error(13, 37), "stp: 34 bytes, at least 35 needed");
        assert!(Bpdu::parse_frame(&CONFIG[..51]).is_err());
    }

    proptest! {
        #[test]
        fn parse_and_emit_are_inverse(bpdu in bpdu(), src in any::<[u8; 6]>()) {
            prop_assert_eq!(Bpdu::parse_frame(&bpdu.to_frame(MacAddr(src))), Ok(bpdu));
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bpdu in bpdu(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            len in 0..=FRAME_SIZE,
        ) {
            let mut frame = bpdu.to_frame(MacAddr::ZERO);
            damage.into_iter().for_each(|(at, byte)| frame[at.index(FRAME_SIZE)] = byte);
            if let Ok(read) = Bpdu::parse_frame(&frame[..len]) {
                prop_assert_eq!(Bpdu::parse_frame(&read.to_frame(MacAddr::ZERO)), Ok(read));
            }
        }
    }
}
