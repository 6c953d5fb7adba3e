//! What ICMP for IPv4 (RFC 792) and ICMP for IPv6 (RFC 4443) have in common: a header of type,
//! code, checksum and a word whose meaning depends on the type, then data. The two differ in the
//! numbers of the types and in what the checksum covers.

use core::marker::PhantomData;

use super::checksum::Sum;
use super::{IpProtocol, Result, WireError, be16, be32, put16, put32, udp};

/// The size of the header in bytes, with the four bytes whose meaning depends on the type.
pub const HEADER_SIZE: usize = 8;

/// The version of IP that carries a message.
pub trait Version {
    /// The protocol's name in errors.
    const LAYER: &'static str;
}

/// A view of an ICMP message: [`icmpv4::Packet`](super::icmpv4::Packet) or
/// [`icmpv6::Packet`](super::icmpv6::Packet).
#[derive(Clone, Copy, Debug)]
pub struct Packet<T, V> {
    bytes: T,
    version: PhantomData<V>,
}

impl<T: AsRef<[u8]>, V: Version> Packet<T, V> {
    /// A view of bytes that hold at least the header.
    pub fn new_checked(bytes: T) -> Result<Self> {
        WireError::check_size(V::LAYER, bytes.as_ref(), HEADER_SIZE)?;
        Ok(Self { bytes, version: PhantomData })
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

    /// The four bytes whose meaning depends on the type.
    pub fn rest(&self) -> u32 {
        be32(self.bytes.as_ref(), 4)
    }

    /// What follows the header: the data of an echo, the packet that an error quotes.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[HEADER_SIZE..]
    }

    /// The whole message.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// True if the checksum is right under a pseudo header, or the sum of nothing.
    pub(super) fn verify_under(&self, pseudo: Sum) -> bool {
        pseudo.bytes(self.bytes()).checksum() == 0
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>, V: Version> Packet<T, V> {
    /// Sets the type. The checksum is left as it was.
    pub fn set_kind(&mut self, kind: u8) {
        self.bytes.as_mut()[0] = kind;
    }

    /// Sets the code. The checksum is left as it was.
    pub fn set_code(&mut self, code: u8) {
        self.bytes.as_mut()[1] = code;
    }

    /// Computes the checksum under a pseudo header, or the sum of nothing.
    pub(super) fn fill_under(&mut self, pseudo: Sum) {
        fill_checksum(self.bytes.as_mut(), pseudo);
    }
}

/// Computes the checksum of a message under a pseudo header, or the sum of nothing.
pub(super) fn fill_checksum(message: &mut [u8], pseudo: Sum) {
    put16(message, 2, 0);
    let sum = pseudo.bytes(message).checksum();
    put16(message, 2, sum);
}

/// A message but for its checksum.
pub(super) struct Parts<'a> {
    pub(super) kind: u8,
    pub(super) code: u8,
    /// The second word of the header.
    pub(super) rest: u32,
    /// What follows the header.
    pub(super) data: &'a [u8],
}

impl<'a> Parts<'a> {
    /// The parts of a message.
    pub(super) fn parse<T: AsRef<[u8]> + ?Sized, V: Version>(packet: &Packet<&'a T, V>) -> Self {
        let bytes: &'a [u8] = packet.bytes.as_ref();
        Self { kind: packet.kind(), code: packet.code(), rest: packet.rest(), data: &bytes[HEADER_SIZE..] }
    }

    /// The parts of an echo.
    pub(super) fn echo(kind: u8, ident: u16, seq: u16, data: &'a [u8]) -> Self {
        Self { kind, code: 0, rest: u32::from(ident) << 16 | u32::from(seq), data }
    }

    /// The two halves of the second word: of an echo, which sender and which request of it.
    pub(super) const fn halves(&self) -> (u16, u16) {
        ((self.rest >> 16) as u16, self.rest as u16)
    }

    /// The size of the message in bytes.
    pub(super) const fn len(&self) -> usize {
        HEADER_SIZE + self.data.len()
    }

    /// Writes the message into a buffer of its size. The bytes of the checksum are left as they were.
    pub(super) fn emit(&self, buffer: &mut [u8]) {
        buffer[..2].copy_from_slice(&[self.kind, self.code]);
        put32(buffer, 4, self.rest);
        buffer[HEADER_SIZE..].copy_from_slice(self.data);
    }
}

/// The protocol and the destination port that a quoted packet went to: the port is `None` if the
/// quote is cut before it. TCP and UDP have it at the same place.
pub(super) fn quoted_port(protocol: IpProtocol, payload: &[u8]) -> (&'static str, Option<u16>) {
    let name = match protocol {
        IpProtocol::UDP => "udp",
        IpProtocol::TCP => "tcp",
        _ => "other",
    };
    (name, udp::Packet::new_header(payload).ok().map(|header| header.dst_port()))
}
