//! ICMP for IPv6 (RFC 4443). The messages of neighbour discovery are in
//! [`ndisc`].

use core::fmt;
use core::net::Ipv6Addr;

use super::checksum::{Sum, pseudo_v6};
use super::{IpProtocol, Result, WireError, be16, be32, ipv6, ndisc, put16, udp};

/// The size of the header in bytes, with the four bytes whose meaning depends on the type.
pub const HEADER_SIZE: usize = 8;

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

/// A view of an ICMPv6 message.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold at least the header.
    pub fn new_checked(bytes: T) -> Result<Self> {
        WireError::check_size("icmp6", bytes.as_ref(), HEADER_SIZE)?;
        Ok(Self { bytes })
    }

    /// The type.
    pub fn kind(&self) -> u8 {
        self.bytes.as_ref()[0]
    }

    /// The code.
    pub fn code(&self) -> u8 {
        self.bytes.as_ref()[1]
    }

    /// The checksum.
    pub fn checksum(&self) -> u16 {
        be16(self.bytes.as_ref(), 2)
    }

    /// True if the checksum is right for a message between two addresses.
    pub fn verify_checksum(&self, src: Ipv6Addr, dst: Ipv6Addr) -> bool {
        let bytes = self.bytes.as_ref();
        pseudo_v6(src, dst, IpProtocol::ICMPV6, bytes.len()).bytes(bytes).checksum() == 0
    }

    /// The four bytes whose meaning depends on the type.
    pub fn rest(&self) -> u32 {
        be32(self.bytes.as_ref(), 4)
    }

    /// What follows the header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[HEADER_SIZE..]
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Sets the type. The checksum is left as it was.
    pub fn set_kind(&mut self, kind: u8) {
        self.bytes.as_mut()[0] = kind;
    }

    /// Sets the code. The checksum is left as it was.
    pub fn set_code(&mut self, code: u8) {
        self.bytes.as_mut()[1] = code;
    }

    /// Computes the checksum under a [pseudo header](pseudo_v6).
    pub fn fill_checksum(&mut self, pseudo: Sum) {
        let bytes = self.bytes.as_mut();
        put16(bytes, 2, 0);
        let sum = pseudo.bytes(bytes).checksum();
        put16(bytes, 2, sum);
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
        let bytes: &'a [u8] = packet.bytes.as_ref();
        let (data, code, rest) = (&bytes[HEADER_SIZE..], packet.code(), packet.rest());
        let (high, low) = ((rest >> 16) as u16, rest as u16);
        match packet.kind() {
            kind::ECHO_REQUEST if code == 0 => Self::EchoRequest { ident: high, seq: low, data },
            kind::ECHO_REPLY if code == 0 => Self::EchoReply { ident: high, seq: low, data },
            kind::UNREACHABLE if rest == 0 => Self::Unreachable { code, quoted: data },
            kind::PACKET_TOO_BIG if code == 0 => Self::PacketTooBig { mtu: rest, quoted: data },
            kind::TIME_EXCEEDED if rest == 0 => Self::TimeExceeded { code, quoted: data },
            kind::PARAM_PROBLEM => Self::ParamProblem { code, pointer: rest, quoted: data },
            kind => match ndisc::Repr::parse(bytes) {
                Ok(ndisc) => Self::Ndisc(ndisc),
                Err(_) => Self::Other { kind, code, rest, data },
            },
        }
    }

    /// Type, code, second word and data of all but neighbour discovery.
    fn parts(&self) -> Option<(u8, u8, u32, &'a [u8])> {
        let word = |ident: u16, seq: u16| u32::from(ident) << 16 | u32::from(seq);
        Some(match *self {
            Self::EchoRequest { ident, seq, data } => (kind::ECHO_REQUEST, 0, word(ident, seq), data),
            Self::EchoReply { ident, seq, data } => (kind::ECHO_REPLY, 0, word(ident, seq), data),
            Self::Unreachable { code, quoted } => (kind::UNREACHABLE, code, 0, quoted),
            Self::PacketTooBig { mtu, quoted } => (kind::PACKET_TOO_BIG, 0, mtu, quoted),
            Self::TimeExceeded { code, quoted } => (kind::TIME_EXCEEDED, code, 0, quoted),
            Self::ParamProblem { code, pointer, quoted } => (kind::PARAM_PROBLEM, code, pointer, quoted),
            Self::Other { kind, code, rest, data } => (kind, code, rest, data),
            Self::Ndisc(_) => return None,
        })
    }

    /// The size of the message in bytes.
    pub fn buffer_len(&self) -> usize {
        match self {
            Self::Ndisc(ndisc) => ndisc.buffer_len(),
            other => HEADER_SIZE + other.parts().map_or(0, |(.., data)| data.len()),
        }
    }

    /// Writes the message, with its checksum between two addresses.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`].
    pub fn emit(&self, buffer: &mut [u8], src: Ipv6Addr, dst: Ipv6Addr) {
        let buffer = &mut buffer[..self.buffer_len()];
        match (self, self.parts()) {
            (_, Some((kind, code, rest, data))) => {
                buffer[..2].copy_from_slice(&[kind, code]);
                buffer[4..8].copy_from_slice(&rest.to_be_bytes());
                buffer[HEADER_SIZE..].copy_from_slice(data);
            }
            (Self::Ndisc(ndisc), None) => ndisc.emit(buffer),
            (_, None) => {}
        }
        let pseudo = pseudo_v6(src, dst, IpProtocol::ICMPV6, buffer.len());
        Packet { bytes: buffer }.fill_checksum(pseudo);
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
        unreachable::PORT => {
            let protocol = match ip.next_header() {
                IpProtocol::UDP => "udp",
                IpProtocol::TCP => "tcp",
                _ => "other",
            };
            match udp::Packet::new_header(ip.payload()) {
                Ok(udp) => write!(f, "unreachable port, {dst} {protocol} port {}", udp.dst_port()),
                Err(_) => write!(f, "unreachable port, {dst}"),
            }
        }
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
            Packet { bytes: &mut bytes }.fill_checksum(pseudo);
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
