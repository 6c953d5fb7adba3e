//! The Internet control message protocol (RFC 792; next-hop MTU: RFC 1191).

use core::fmt;
use core::net::Ipv4Addr;

use super::{IpProtocol, Result, WireError, be16, be32, checksum::checksum, ipv4, put16, udp};

/// The size of the header in bytes.
pub const HEADER_SIZE: usize = 8;

/// Message types.
pub mod kind {
    /// Answer to an echo request.
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable.
    pub const UNREACHABLE: u8 = 3;
    /// A better first hop.
    pub const REDIRECT: u8 = 5;
    /// Echo request.
    pub const ECHO_REQUEST: u8 = 8;
    /// Time exceeded.
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem.
    pub const PARAM_PROBLEM: u8 = 12;
}

/// Codes of destination unreachable (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section
/// 5.2.7.1).
pub mod unreachable {
    /// No route to the network.
    pub const NET: u8 = 0;
    /// The host does not answer.
    pub const HOST: u8 = 1;
    /// The host does not speak the protocol.
    pub const PROTOCOL: u8 = 2;
    /// Nothing listens on the port.
    pub const PORT: u8 = 3;
    /// Fragmentation needed, but forbidden.
    pub const FRAGMENTATION_NEEDED: u8 = 4;
    /// Administratively prohibited.
    pub const PROHIBITED: u8 = 13;
}

/// A view of an ICMP message.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold at least the header.
    pub fn new_checked(bytes: T) -> Result<Self> {
        WireError::check_size("icmp", bytes.as_ref(), HEADER_SIZE)?;
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

    /// True if the checksum is right.
    pub fn verify_checksum(&self) -> bool {
        checksum(self.bytes.as_ref()) == 0
    }

    /// The four bytes whose meaning depends on the type.
    pub fn rest(&self) -> u32 {
        be32(self.bytes.as_ref(), 4)
    }

    /// What follows the header: the data of an echo, the packet that an error quotes.
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

    /// Computes the checksum.
    pub fn fill_checksum(&mut self) {
        let bytes = self.bytes.as_mut();
        put16(bytes, 2, 0);
        let sum = checksum(bytes);
        put16(bytes, 2, sum);
    }
}

/// An ICMP message.
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
        /// The MTU of the next hop, in bytes, with "fragmentation needed"; else 0.
        mtu: u16,
        /// The packet that could not be delivered, or its first bytes.
        quoted: &'a [u8],
    },
    /// A better first hop.
    Redirect {
        /// 0: for the network, 1: for the host.
        code: u8,
        /// The better hop.
        gateway: Ipv4Addr,
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
    /// The value of a message.
    pub fn parse<T: AsRef<[u8]> + ?Sized>(packet: &Packet<&'a T>) -> Self {
        let bytes: &'a [u8] = packet.bytes.as_ref();
        let (data, code, rest) = (&bytes[HEADER_SIZE..], packet.code(), packet.rest());
        let (high, low) = ((rest >> 16) as u16, rest as u16);
        // A value keeps all that the bytes said, else it could not be written back.
        match packet.kind() {
            kind::ECHO_REQUEST if code == 0 => Self::EchoRequest { ident: high, seq: low, data },
            kind::ECHO_REPLY if code == 0 => Self::EchoReply { ident: high, seq: low, data },
            kind::UNREACHABLE if high == 0 => Self::Unreachable { code, mtu: low, quoted: data },
            kind::REDIRECT => Self::Redirect { code, gateway: rest.into(), quoted: data },
            kind::TIME_EXCEEDED if rest == 0 => Self::TimeExceeded { code, quoted: data },
            kind => Self::Other { kind, code, rest, data },
        }
    }

    /// Type, code, second word and data.
    fn parts(&self) -> (u8, u8, u32, &'a [u8]) {
        let word = |ident: u16, seq: u16| u32::from(ident) << 16 | u32::from(seq);
        match *self {
            Self::EchoRequest { ident, seq, data } => (kind::ECHO_REQUEST, 0, word(ident, seq), data),
            Self::EchoReply { ident, seq, data } => (kind::ECHO_REPLY, 0, word(ident, seq), data),
            Self::Unreachable { code, mtu, quoted } => (kind::UNREACHABLE, code, word(0, mtu), quoted),
            Self::Redirect { code, gateway, quoted } => (kind::REDIRECT, code, gateway.into(), quoted),
            Self::TimeExceeded { code, quoted } => (kind::TIME_EXCEEDED, code, 0, quoted),
            Self::Other { kind, code, rest, data } => (kind, code, rest, data),
        }
    }

    /// The size of the message in bytes.
    pub fn buffer_len(&self) -> usize {
        HEADER_SIZE + self.parts().3.len()
    }

    /// Writes the message with its checksum.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let (kind, code, rest, data) = self.parts();
        let buffer = &mut buffer[..HEADER_SIZE + data.len()];
        buffer[..2].copy_from_slice(&[kind, code]);
        buffer[4..8].copy_from_slice(&rest.to_be_bytes());
        buffer[HEADER_SIZE..].copy_from_slice(data);
        Packet { bytes: buffer }.fill_checksum();
    }
}

impl fmt::Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ICMP ")?;
        match *self {
            Self::EchoRequest { ident, seq, .. } => write!(f, "echo request, id {ident}, seq {seq}")?,
            Self::EchoReply { ident, seq, .. } => write!(f, "echo reply, id {ident}, seq {seq}")?,
            Self::Unreachable { code, mtu, quoted } => fmt_unreachable(f, code, mtu, quoted)?,
            Self::Redirect { code, gateway, quoted } => {
                let what = match code {
                    0 => "net",
                    1 => "host",
                    2 => "tos and net",
                    _ => "tos and host",
                };
                match ipv4::Packet::new_header(quoted) {
                    Ok(ip) => write!(f, "redirect {} to {what} {gateway}", ip.dst())?,
                    Err(_) => write!(f, "redirect to {what} {gateway}")?,
                }
            }
            Self::TimeExceeded { code: 0, .. } => f.write_str("time exceeded in-transit")?,
            Self::TimeExceeded { code: 1, .. } => f.write_str("ip reassembly time exceeded")?,
            Self::TimeExceeded { code, .. } => write!(f, "time exceeded-#{code}")?,
            Self::Other { kind: kind::PARAM_PROBLEM, rest, .. } => {
                write!(f, "parameter problem - octet {}", rest >> 24)?;
            }
            Self::Other { kind, .. } => write!(f, "type-#{kind}")?,
        }
        write!(f, ", length {}", self.buffer_len())
    }
}

/// The text of destination unreachable, with what the quoted packet tells.
fn fmt_unreachable(f: &mut fmt::Formatter<'_>, code: u8, mtu: u16, quoted: &[u8]) -> fmt::Result {
    let Ok(ip) = ipv4::Packet::new_header(quoted) else {
        return write!(f, "unreachable-#{code}");
    };
    let dst = ip.dst();
    match code {
        unreachable::NET => write!(f, "net {dst} unreachable"),
        unreachable::HOST => write!(f, "host {dst} unreachable"),
        unreachable::PROTOCOL => write!(f, "{dst} protocol {} unreachable", ip.protocol().0),
        unreachable::PORT => {
            let protocol = match ip.protocol() {
                IpProtocol::UDP => "udp",
                IpProtocol::TCP => "tcp",
                _ => "other",
            };
            match udp::Packet::new_header(ip.payload()) {
                Ok(udp) => write!(f, "{dst} {protocol} port {} unreachable", udp.dst_port()),
                Err(_) => write!(f, "{dst} {protocol} port unreachable"),
            }
        }
        unreachable::FRAGMENTATION_NEEDED if mtu != 0 => {
            write!(f, "{dst} unreachable - need to frag (mtu {mtu})")
        }
        unreachable::FRAGMENTATION_NEEDED => write!(f, "{dst} unreachable - need to frag"),
        9 => write!(f, "net {dst} unreachable - admin prohibited"),
        10 => write!(f, "host {dst} unreachable - admin prohibited"),
        unreachable::PROHIBITED => write!(f, "host {dst} unreachable - admin prohibited filter"),
        _ => write!(f, "{dst} unreachable - #{code}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_echo_request_of_ping_is_read_and_written() {
        let bytes = *b"\x08\0\x08\xb8\0\x01\0\x02hello!";
        let mut out = [0; 14];
        let repr = Repr::parse(&Packet::new_checked(&bytes).unwrap());
        assert_eq!(repr.to_string(), "ICMP echo request, id 1, seq 2, length 14");
        repr.emit(&mut out);
        assert_eq!((out[0], &out[4..]), (8, &bytes[4..]));
        assert!(Packet::new_checked(&out).unwrap().verify_checksum());
    }

    #[test]
    fn an_error_tells_what_it_quotes() {
        let mut quoted = [0; 28];
        ipv4::Repr {
            src: [10, 0, 0, 1].into(),
            dst: [10, 0, 0, 2].into(),
            protocol: IpProtocol::UDP,
            ttl: 64,
            tos: 0,
            ident: 0,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            payload_len: 8,
        }
        .emit(&mut quoted);
        quoted[23] = 53;
        let text = |code, mtu| Repr::Unreachable { code, mtu, quoted: &quoted }.to_string();
        assert_eq!(text(3, 0), "ICMP 10.0.0.2 udp port 53 unreachable, length 36");
        assert_eq!(text(1, 0), "ICMP host 10.0.0.2 unreachable, length 36");
        assert_eq!(text(4, 1400), "ICMP 10.0.0.2 unreachable - need to frag (mtu 1400), length 36");
    }

    proptest! {
        #[test]
        fn emit_inverts_parse(kind in prop_oneof![any::<u8>(), Just(0), Just(3), Just(5), Just(8), Just(11)], code in 0u8..16,
                              rest in prop_oneof![any::<u32>(), 0u32..2000], data in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = vec![kind, code, 0, 0];
            bytes.extend(rest.to_be_bytes());
            bytes.extend(&data);
            Packet { bytes: &mut bytes }.fill_checksum();
            let repr = Repr::parse(&Packet::new_checked(&bytes).unwrap());
            let mut out = vec![0xaa; repr.buffer_len()];
            repr.emit(&mut out);
            prop_assert_eq!(&out, &bytes);
            prop_assert!(repr.to_string().starts_with("ICMP "));
        }
    }
}
