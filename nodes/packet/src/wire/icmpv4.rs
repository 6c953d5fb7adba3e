//! The Internet control message protocol (RFC 792; next-hop MTU: RFC 1191).

use core::fmt;
use core::net::Ipv4Addr;

pub use super::icmp::HEADER_SIZE;

use super::checksum::Sum;
use super::icmp::{self, Parts};
use super::ipv4;

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

/// Marks the messages that IPv4 carries.
#[derive(Clone, Copy, Debug)]
pub struct V4;

impl icmp::Version for V4 {
    const LAYER: &'static str = "icmp";
}

/// A view of an ICMP message.
pub type Packet<T> = icmp::Packet<T, V4>;

impl<T: AsRef<[u8]>> Packet<T> {
    /// True if the checksum is right.
    pub fn verify_checksum(&self) -> bool {
        self.verify_under(Sum::new())
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Computes the checksum.
    pub fn fill_checksum(&mut self) {
        self.fill_under(Sum::new());
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
        let parts = Parts::parse(packet);
        let (high, low) = parts.halves();
        let Parts { kind, code, rest, data } = parts;
        // A value keeps all that the bytes said, else it could not be written back.
        match kind {
            kind::ECHO_REQUEST if code == 0 => Self::EchoRequest { ident: high, seq: low, data },
            kind::ECHO_REPLY if code == 0 => Self::EchoReply { ident: high, seq: low, data },
            kind::UNREACHABLE if high == 0 => Self::Unreachable { code, mtu: low, quoted: data },
            kind::REDIRECT => Self::Redirect { code, gateway: rest.into(), quoted: data },
            kind::TIME_EXCEEDED if rest == 0 => Self::TimeExceeded { code, quoted: data },
            kind => Self::Other { kind, code, rest, data },
        }
    }

    /// What the message says, in the form of the header.
    fn parts(&self) -> Parts<'a> {
        match *self {
            Self::EchoRequest { ident, seq, data } => Parts::echo(kind::ECHO_REQUEST, ident, seq, data),
            Self::EchoReply { ident, seq, data } => Parts::echo(kind::ECHO_REPLY, ident, seq, data),
            Self::Unreachable { code, mtu, quoted } => {
                Parts { kind: kind::UNREACHABLE, code, rest: mtu.into(), data: quoted }
            }
            Self::Redirect { code, gateway, quoted } => {
                Parts { kind: kind::REDIRECT, code, rest: gateway.into(), data: quoted }
            }
            Self::TimeExceeded { code, quoted } => Parts { kind: kind::TIME_EXCEEDED, code, rest: 0, data: quoted },
            Self::Other { kind, code, rest, data } => Parts { kind, code, rest, data },
        }
    }

    /// The size of the message in bytes.
    pub fn buffer_len(&self) -> usize {
        self.parts().len()
    }

    /// Writes the message with its checksum.
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let parts = self.parts();
        let buffer = &mut buffer[..parts.len()];
        parts.emit(buffer);
        icmp::fill_checksum(buffer, Sum::new());
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
        unreachable::PORT => match icmp::quoted_port(ip.protocol(), ip.payload()) {
            (protocol, Some(port)) => write!(f, "{dst} {protocol} port {port} unreachable"),
            (protocol, None) => write!(f, "{dst} {protocol} port unreachable"),
        },
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
    use super::super::IpProtocol;
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
            Packet::new_checked(&mut bytes).unwrap().fill_checksum();
            let repr = Repr::parse(&Packet::new_checked(&bytes).unwrap());
            let mut out = vec![0xaa; repr.buffer_len()];
            repr.emit(&mut out);
            prop_assert_eq!(&out, &bytes);
            prop_assert!(repr.to_string().starts_with("ICMP "));
        }
    }
}
