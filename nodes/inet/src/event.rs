//! What a stack tells its owner: everything that is for the layers above.

use core::fmt;
use core::net::IpAddr;

use packet::wire::{icmpv4, icmpv6, ipv4, ipv6, ipv6_ext};
use packet::{IpProtocol, WireError};
use sim_core::{Cx, DropReason, Tag};

/// The layers above a stack.
pub trait Upper {
    /// Something came in for them, or something of theirs could not leave.
    fn event(&mut self, cx: &mut Cx<'_>, event: Event<'_>);

    /// A TCP segment came in for an own address; the checksum is not verified yet. Without TCP above, a stack refuses by
    /// silence.
    ///
    /// # Errors
    /// Why nothing comes of the segment: its frame is dropped for that.
    fn segment(&mut self, _: &mut Cx<'_>, _: &Segment<'_>) -> Result<(), DropReason> {
        Err(DropReason::NoListener)
    }
}

/// A TCP segment that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub from: IpAddr,
    /// To which of the stack's addresses.
    pub to: IpAddr,
    /// The MTU in bytes of the interface that it came in by.
    pub mtu: u16,
    /// The segment, from the TCP header on.
    pub bytes: &'a [u8],
    /// Whether its checksum is still to be filled in, so that there is nothing to verify.
    pub unsummed: bool,
    /// The frame's tag.
    pub tag: Tag,
}

/// Something for the layers above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An answer to an echo request.
    EchoReply {
        /// Who answered.
        from: IpAddr,
        /// The request's identifier.
        ident: u16,
        /// The request's sequence number.
        seq: u16,
        /// The reply's time to live, or hop limit, as it came in.
        ttl: u8,
        /// The data.
        data: &'a [u8],
        /// The frame's tag.
        tag: Tag,
    },
    /// A UDP datagram for an open port.
    Datagram {
        /// Who sent it.
        from: IpAddr,
        /// From which port.
        from_port: u16,
        /// To which of the stack's addresses.
        to: IpAddr,
        /// To which port.
        port: u16,
        /// The data.
        data: &'a [u8],
        /// The frame's tag.
        tag: Tag,
    },
    /// An ICMP error came in about a packet that this stack had sent.
    Error {
        /// Who sent it.
        from: IpAddr,
        /// What is wrong.
        error: IcmpError,
        /// The packet, as the error quotes it.
        about: Quoted,
        /// The frame's tag.
        tag: Tag,
    },
    /// A packet of this stack waited for its next hop and was dropped.
    Unsent {
        /// The next hop that did not answer.
        next_hop: IpAddr,
        /// Whether it only gave way to later packets: the next hop is still being asked for.
        displaced: bool,
        /// The packet.
        about: Quoted,
        /// The packet's tag.
        tag: Tag,
    },
}

/// An ICMP error, in the words of both families (RFC 792, RFC 4443).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpError {
    /// No route to the network.
    NoRoute,
    /// The host does not answer.
    HostUnreachable,
    /// The host does not speak the protocol.
    ProtocolUnreachable,
    /// Nothing listens on the port.
    PortUnreachable,
    /// Administratively prohibited.
    Prohibited,
    /// Longer than this MTU in bytes, and not to be fragmented.
    TooBig(u32),
    /// The time to live, or hop limit, ran out.
    TimeExceeded,
    /// Not all fragments came in time.
    ReassemblyTimeExceeded,
    /// Another type and code.
    Other(u8, u8),
}

impl fmt::Display for IcmpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRoute => f.write_str("Destination network unreachable"),
            Self::HostUnreachable => f.write_str("Destination host unreachable"),
            Self::ProtocolUnreachable => f.write_str("Destination protocol unreachable"),
            Self::PortUnreachable => f.write_str("Destination port unreachable"),
            Self::Prohibited => f.write_str("Communication administratively prohibited"),
            Self::TooBig(mtu) => write!(f, "Packet too big, MTU {mtu}"),
            Self::TimeExceeded => f.write_str("TTL expired during transit"),
            Self::ReassemblyTimeExceeded => f.write_str("Fragment reassembly time exceeded"),
            Self::Other(kind, code) => write!(f, "ICMP type {kind}, code {code}"),
        }
    }
}

impl IcmpError {
    /// The error and the quoted packet of an ICMP message, if it is an error.
    pub(crate) fn of_v4<'a>(message: &icmpv4::Repr<'a>) -> Option<(Self, &'a [u8])> {
        use icmpv4::unreachable as code;
        match *message {
            icmpv4::Repr::Unreachable { code, mtu, quoted } => {
                let error = match code {
                    code::NET => Self::NoRoute,
                    code::HOST => Self::HostUnreachable,
                    code::PROTOCOL => Self::ProtocolUnreachable,
                    code::PORT => Self::PortUnreachable,
                    code::FRAGMENTATION_NEEDED => Self::TooBig(mtu.into()),
                    9 | 10 | code::PROHIBITED => Self::Prohibited,
                    code => Self::Other(icmpv4::kind::UNREACHABLE, code),
                };
                Some((error, quoted))
            }
            icmpv4::Repr::TimeExceeded { code: 0, quoted } => Some((Self::TimeExceeded, quoted)),
            icmpv4::Repr::TimeExceeded { quoted, .. } => Some((Self::ReassemblyTimeExceeded, quoted)),
            icmpv4::Repr::Other { kind: kind @ icmpv4::kind::PARAM_PROBLEM, code, data, .. } => {
                Some((Self::Other(kind, code), data))
            }
            _ => None,
        }
    }

    /// The same for ICMPv6.
    pub(crate) fn of_v6<'a>(message: &icmpv6::Repr<'a>) -> Option<(Self, &'a [u8])> {
        use icmpv6::unreachable as code;
        match *message {
            icmpv6::Repr::Unreachable { code, quoted } => {
                let error = match code {
                    code::NO_ROUTE => Self::NoRoute,
                    code::PROHIBITED => Self::Prohibited,
                    code::ADDRESS => Self::HostUnreachable,
                    code::PORT => Self::PortUnreachable,
                    code => Self::Other(icmpv6::kind::UNREACHABLE, code),
                };
                Some((error, quoted))
            }
            icmpv6::Repr::PacketTooBig { mtu, quoted } => Some((Self::TooBig(mtu), quoted)),
            icmpv6::Repr::TimeExceeded { code: 0, quoted } => Some((Self::TimeExceeded, quoted)),
            icmpv6::Repr::TimeExceeded { quoted, .. } => Some((Self::ReassemblyTimeExceeded, quoted)),
            icmpv6::Repr::ParamProblem { code: 1, quoted, .. } => Some((Self::ProtocolUnreachable, quoted)),
            icmpv6::Repr::ParamProblem { code, quoted, .. } => {
                Some((Self::Other(icmpv6::kind::PARAM_PROBLEM, code), quoted))
            }
            _ => None,
        }
    }
}

/// What the first bytes of an IP packet tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Who sent it.
    pub src: IpAddr,
    /// Whom to.
    pub dst: IpAddr,
    /// What it carries.
    pub protocol: IpProtocol,
    /// To whom above the address it belongs, as far as the bytes tell.
    pub flow: Flow,
}

/// To whom above the address a packet belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// An echo request.
    Echo {
        /// Its identifier.
        ident: u16,
        /// Its sequence number.
        seq: u16,
    },
    /// A UDP datagram or TCP segment.
    Ports {
        /// The source port.
        src: u16,
        /// The destination port.
        dst: u16,
    },
    /// Something else, or a fragment other than the first.
    Unknown,
}

impl Quoted {
    /// Reads the first bytes of a packet of either family.
    pub fn parse(bytes: &[u8]) -> Result<Self, WireError> {
        if bytes.first().is_some_and(|first| first >> 4 == 6) {
            let packet = ipv6::Packet::new_header(bytes)?;
            let upper = ipv6_ext::walk(packet.next_header(), packet.payload());
            let (protocol, flow) = upper.map_or((packet.next_header(), Flow::Unknown), |upper| {
                (upper.protocol, Flow::parse(upper.protocol, upper.payload))
            });
            return Ok(Self { src: packet.src().into(), dst: packet.dst().into(), protocol, flow });
        }
        let packet = ipv4::Packet::new_header(bytes)?;
        let flow = match packet.fragment_offset() {
            0 => Flow::parse(packet.protocol(), packet.payload()),
            _ => Flow::Unknown,
        };
        Ok(Self { src: packet.src().into(), dst: packet.dst().into(), protocol: packet.protocol(), flow })
    }
}

impl Flow {
    fn parse(protocol: IpProtocol, bytes: &[u8]) -> Self {
        let Some(&[a, b, c, d, ref rest @ ..]) = bytes.first_chunk::<8>() else { return Self::Unknown };
        let word = |high, low| u16::from_be_bytes([high, low]);
        match (protocol, a) {
            (IpProtocol::ICMP, icmpv4::kind::ECHO_REQUEST) | (IpProtocol::ICMPV6, icmpv6::kind::ECHO_REQUEST) => {
                Self::Echo { ident: word(rest[0], rest[1]), seq: word(rest[2], rest[3]) }
            }
            (IpProtocol::UDP | IpProtocol::TCP, _) => Self::Ports { src: word(a, b), dst: word(c, d) },
            _ => Self::Unknown,
        }
    }
}
