//! ICMP for IPv6 (RFC 4443). The messages of neighbour discovery are in
//! [`ndisc`].

use core::fmt;
use core::net::Ipv6Addr;

pub use super::icmp::HEADER_SIZE;

use super::checksum::{Sum, pseudo_v6};
use super::icmp::{self, Parts};
use super::{IpProtocol, ipv6, ndisc};

/// Message types.
pub mod kind {
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 1;
    /// Packet too big.
    pub const PACKET_TOO_BIG: u8 = 2;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 3;
    /// Parameter problem.
    pub const PARAM_PROBLEM: u8 = 4;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 128;
    /// Echo reply.
    pub const ECHO_REPLY: u8 = 129;
    /// Router solicitation.
    pub const ROUTER_SOLICIT: u8 = 133;
    /// Router advertisement.
    pub const ROUTER_ADVERT: u8 = 134;
    /// Neighbour solicitation.
    pub const NEIGHBOR_SOLICIT: u8 = 135;
    /// Neighbour advertisement.
    pub const NEIGHBOR_ADVERT: u8 = 136;
}

/// Codes of destination unreachable (RFC 4443 section 3.1).
pub mod unreachable {
    /// No route.
    pub const NO_ROUTE: u8 = 0;
    /// Administratively prohibited.
    pub const PROHIBITED: u8 = 1;
    /// Beyond the scope of the source address.
    pub const SCOPE: u8 = 2;
    /// The neighbour does not answer.
    pub const ADDRESS: u8 = 3;
    /// Nothing listens on the port.
    pub const PORT: u8 = 4;
}

/// Marks the messages that IPv6 carries.
#[derive(Clone, Copy, Debug)]
pub struct V6;

impl icmp::Version for V6 {
    const LAYER: &'static str = "icmp6";
}

/// A view of an ICMPv6 message.
pub type Packet<T> = icmp::Packet<T, V6>;

impl<T: AsRef<[u8]>> Packet<T> {
    /// True if the checksum is right for a message between two addresses.
    pub fn verify_checksum(&self, src: Ipv6Addr, dst: Ipv6Addr) -> bool {
        self.verify_under(pseudo_v6(src, dst, IpProtocol::ICMPV6, self.bytes().len()))
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Computes the checksum under a [pseudo header](pseudo_v6).
    pub fn fill_checksum(&mut self, pseudo: Sum) {
        self.fill_under(pseudo);
    }
}

/// An ICMPv6 message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repr<'a> {
    /// Echo request.
    EchoRequest {
        /// Which sender.
        ident: u16,
        /// Which request of it.
        seq: u16,
        /// Data to be sent back.
        data: &'a [u8],
    },
    /// Echo reply.
    EchoReply {
        /// The request's.
        ident: u16,
        /// The request's.
        seq: u16,
        /// The request's.
        data: &'a [u8],
    },
    /// Destination unreachable.
    Unreachable {
        /// One of [`mod@unreachable`].
        code: u8,
        /// The packet that could not be delivered, or its first bytes.
        quoted: &'a [u8],
    },
    /// Packet too big.
    PacketTooBig {
        /// The MTU of the next hop, in bytes.
        mtu: u32,
        /// The packet, or its first bytes.
        quoted: &'a [u8],
    },
    /// Time exceeded.
    TimeExceeded {
        /// 0: in transit, 1: in reassembly.
        code: u8,
        /// The packet, or its first bytes.
        quoted: &'a [u8],
    },
    /// Parameter problem.
    ParamProblem {
        /// What is wrong with the field.
        code: u8,
        /// The offset of the field in the packet, in bytes.
        pointer: u32,
        /// The packet, or its first bytes.
        quoted: &'a [u8],
    },
    /// A message of neighbour discovery.
    Ndisc(ndisc::Repr),
    /// Anything else.
    Other {
        /// The type.
        kind: u8,
        /// The code.
        code: u8,
        /// The second word of the header.
        rest: u32,
        /// What follows the header.
        data: &'a [u8],
    },
}

impl<'a> Repr<'a> {
    /// The value of a message. A message of neighbour discovery that is cut or has bad options
    /// is [`Repr::Other`].
    pub fn parse<T: AsRef<[u8]> + ?Sized>(packet: &Packet<&'a T>) -> Self {
        let parts = Parts::parse(packet);
        let (high, low) = parts.halves();
        let Parts { kind, code, rest, data } = parts;
        match kind {
            kind::ECHO_REQUEST if code == 0 => Self::EchoRequest { ident: high, seq: low, data },
            kind::ECHO_REPLY if code == 0 => Self::EchoReply { ident: high, seq: low, data },
            kind::UNREACHABLE if rest == 0 => Self::Unreachable { code, quoted: data },
            kind::PACKET_TOO_BIG if code == 0 => Self::PacketTooBig { mtu: rest, quoted: data },
            kind::TIME_EXCEEDED if rest == 0 => Self::TimeExceeded { code, quoted: data },
            kind::PARAM_PROBLEM => Self::ParamProblem { code, pointer: rest, quoted: data },
            kind => match ndisc::Repr::parse(packet.bytes()) {
                Ok(ndisc) => Self::Ndisc(ndisc),
                Err(_) => Self::Other { kind, code, rest, data },
            },
        }
    }

    /// What the message says, in the form of the header; neighbour discovery has a form of its own.
    fn parts(&self) -> Result<Parts<'a>, &ndisc::Repr> {
        Ok(match *self {
            Self::EchoRequest { ident, seq, data } => Parts::echo(kind::ECHO_REQUEST, ident, seq, data),
            Self::EchoReply { ident, seq, data } => Parts::echo(kind::ECHO_REPLY, ident, seq, data),
            Self::Unreachable { code, quoted } => Parts { kind: kind::UNREACHABLE, code, rest: 0, data: quoted },
            Self::PacketTooBig { mtu, quoted } => {
                Parts { kind: kind::PACKET_TOO_BIG, code: 0, rest: mtu, data: quoted }
            }
            Self::TimeExceeded { code, quoted } => Parts { kind: kind::TIME_EXCEEDED, code, rest: 0, data: quoted },
            Self::ParamProblem { code, pointer, quoted } => {
                Parts { kind: kind::PARAM_PROBLEM, code, rest: pointer, data: quoted }
            }
            Self::Other { kind, code, rest, data } => Parts { kind, code, rest, data },
            Self::Ndisc(ref ndisc) => return Err(ndisc),
        })
    }

    /// The size of the message in bytes.
    pub fn buffer_len(&self) -> usize {
        match self.parts() {
            Ok(parts) => parts.len(),
            Err(ndisc) => ndisc.buffer_len(),
        }
    }

    /// Writes the message, with its checksum between two addresses.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`].
    pub fn emit(&self, buffer: &mut [u8], src: Ipv6Addr, dst: Ipv6Addr) {
        let buffer = &mut buffer[..self.buffer_len()];
        match self.parts() {
            Ok(parts) => parts.emit(buffer),
            Err(ndisc) => ndisc.emit(buffer),
        }
        icmp::fill_checksum(buffer, pseudo_v6(src, dst, IpProtocol::ICMPV6, buffer.len()));
    }
}

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ICMP6, ")?;
        match *self {
            Self::EchoRequest { ident, seq, .. } => write!(f, "echo request, id {ident}, seq {seq}")?,
            Self::EchoReply { ident, seq, .. } => write!(f, "echo reply, id {ident}, seq {seq}")?,
            Self::Unreachable { code, quoted } => fmt_unreachable(f, code, quoted)?,
            Self::PacketTooBig { mtu, .. } => write!(f, "packet too big, mtu {mtu}")?,
            Self::TimeExceeded { code: 0, quoted } => {
                f.write_str("time exceeded in-transit")?;
                if let Ok(ip) = ipv6::Packet::new_header(quoted) {
                    write!(f, " for {}", ip.dst())?;
                }
            }
            Self::TimeExceeded { code: 1, .. } => f.write_str("time exceeded in-transit (reassembly)")?,
            Self::TimeExceeded { code, .. } => write!(f, "time exceeded, unknown code (0x{code:02x})")?,
            Self::ParamProblem { pointer, .. } => {
                write!(f, "parameter problem, option - octet {pointer}")?;
            }
            Self::Ndisc(ndisc) => write!(f, "{ndisc}")?,
            Self::Other { kind, .. } => write!(f, "unknown icmp6 type ({kind})")?,
        }
        write!(f, ", length {}", self.buffer_len())
    }
}

/// The text of destination unreachable, with what the quoted packet tells.
fn fmt_unreachable(f: &mut fmt::Formatter<'_>, code: u8, quoted: &[u8]) -> fmt::Result {
    f.write_str("destination unreachable, ")?;
    let Ok(ip) = ipv6::Packet::new_header(quoted) else {
        return write!(f, "code {code}");
    };
    let dst = ip.dst();
    match code {
        unreachable::NO_ROUTE => write!(f, "unreachable route {dst}"),
        unreachable::PROHIBITED => write!(f, "unreachable prohibited {dst}"),
        unreachable::SCOPE => write!(f, "beyond scope {dst}, source address {}", ip.src()),
        unreachable::ADDRESS => write!(f, "unreachable address {dst}"),
        unreachable::PORT => match icmp::quoted_port(ip.next_header(), ip.payload()) {
            (protocol, Some(port)) => write!(f, "unreachable port, {dst} {protocol} port {port}"),
            (_, None) => write!(f, "unreachable port, {dst}"),
        },
        _ => write!(f, "unreachable code-#{code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_echo_reply_is_read() {
        let bytes = *b"\x81\0\0\0\0\x07\0\x01abcd";
        let repr = Repr::parse(&Packet::new_checked(&bytes).unwrap());
        assert_eq!(repr, Repr::EchoReply { ident: 7, seq: 1, data: b"abcd" });
        assert_eq!(repr.to_string(), "ICMP6, echo reply, id 7, seq 1, length 12");
    }

    #[test]
    fn a_short_message_is_refused() {
        assert!(Packet::new_checked(b"\x81\0\0\0\0\x07\0").is_err());
    }

    proptest! {
        #[test]
        fn emit_inverts_parse(kind in prop_oneof![any::<u8>(), 0u8..5, 128u8..130, 133u8..137], code in 0u8..8,
                              rest in prop_oneof![any::<u32>(), Just(0)], data in prop::collection::vec(any::<u8>(), 0..60)) {
            let (src, dst) = (Ipv6Addr::LOCALHOST, Ipv6Addr::from([0xfe; 16]));
            let mut bytes = vec![kind, code, 0, 0];
            bytes.extend(rest.to_be_bytes());
            bytes.extend(&data);
            let pseudo = pseudo_v6(src, dst, IpProtocol::ICMPV6, bytes.len());
            Packet::new_checked(&mut bytes).unwrap().fill_checksum(pseudo);
            let repr = Repr::parse(&Packet::new_checked(&bytes).unwrap());
            prop_assert!(repr.to_string().starts_with("ICMP6, "));
            let mut out = vec![0xaa; repr.buffer_len()];
            repr.emit(&mut out, src, dst);
            prop_assert!(Packet::new_checked(&out).unwrap().verify_checksum(src, dst));
            if !matches!(repr, Repr::Ndisc(_)) {
                prop_assert_eq!(&out, &bytes);
            }
        }
    }
}
