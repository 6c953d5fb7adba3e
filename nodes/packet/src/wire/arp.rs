//! The address resolution protocol for IPv4 over Ethernet (RFC 826; RARP: RFC 903).

use core::fmt;
use core::net::Ipv4Addr;

use super::{MacAddr, Result, WireError, be16, be32, put16};

/// The size of an ARP packet for Ethernet and IPv4.
pub const SIZE: usize = 28;

/// What an ARP packet wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// Who has this IPv4 address?
    pub const REQUEST: Self = Self(1);
    /// I have it.
    pub const REPLY: Self = Self(2);
    /// Reverse request: which IPv4 address has this MAC address?
    pub const REVERSE_REQUEST: Self = Self(3);
    /// Reverse reply.
    pub const REVERSE_REPLY: Self = Self(4);
}

/// A view of an ARP packet for Ethernet and IPv4.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that hold an ARP packet whose hardware is Ethernet and whose protocol is
    /// IPv4.
    pub fn new_checked(bytes: T) -> Result<Self> {
        let b = bytes.as_ref();
        WireError::check_size("arp", b, SIZE)?;
        for (field, found, expected) in [
            ("hardware type", be16(b, 0), 1),
            ("protocol type", be16(b, 2), 0x0800),
            ("address lengths", be16(b, 4), 0x0604),
        ] {
            if found != expected {
                return Err(WireError::field("arp", field, found));
            }
        }
        Ok(Self { bytes })
    }

    /// The operation.
    pub fn operation(&self) -> Operation {
        Operation(be16(self.bytes.as_ref(), 6))
    }

    /// The sender's MAC address.
    pub fn sender_mac(&self) -> MacAddr {
        MacAddr::at(self.bytes.as_ref(), 8)
    }

    /// The sender's IPv4 address.
    pub fn sender_ip(&self) -> Ipv4Addr {
        be32(self.bytes.as_ref(), 14).into()
    }

    /// The target's MAC address.
    pub fn target_mac(&self) -> MacAddr {
        MacAddr::at(self.bytes.as_ref(), 18)
    }

    /// The target's IPv4 address.
    pub fn target_ip(&self) -> Ipv4Addr {
        be32(self.bytes.as_ref(), 24).into()
    }
}

impl<T: AsRef<[u8]> + AsMut<[u8]>> Packet<T> {
    /// Sets the operation.
    pub fn set_operation(&mut self, operation: Operation) {
        put16(self.bytes.as_mut(), 6, operation.0);
    }

    /// Sets the sender's addresses.
    pub fn set_sender(&mut self, mac: MacAddr, ip: Ipv4Addr) {
        self.bytes.as_mut()[8..14].copy_from_slice(&mac.0);
        self.bytes.as_mut()[14..18].copy_from_slice(&ip.octets());
    }

    /// Sets the target's addresses.
    pub fn set_target(&mut self, mac: MacAddr, ip: Ipv4Addr) {
        self.bytes.as_mut()[18..24].copy_from_slice(&mac.0);
        self.bytes.as_mut()[24..28].copy_from_slice(&ip.octets());
    }
}

/// An ARP packet for Ethernet and IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// The operation.
    pub operation: Operation,
    /// The sender's MAC address.
    pub sender_mac: MacAddr,
    /// The sender's IPv4 address.
    pub sender_ip: Ipv4Addr,
    /// The target's MAC address; zero in a request.
    pub target_mac: MacAddr,
    /// The target's IPv4 address.
    pub target_ip: Ipv4Addr,
}

impl Repr {
    /// The value of a packet.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            operation: packet.operation(),
            sender_mac: packet.sender_mac(),
            sender_ip: packet.sender_ip(),
            target_mac: packet.target_mac(),
            target_ip: packet.target_ip(),
        }
    }

    /// The size of the packet in bytes.
    pub const fn buffer_len(&self) -> usize {
        SIZE
    }

    /// Writes the packet.
    ///
    /// # Panics
    /// If the buffer is shorter than [`SIZE`].
    pub fn emit(&self, buffer: &mut [u8]) {
        buffer[..6].copy_from_slice(&[0, 1, 8, 0, 6, 4]);
        let mut packet = Packet { bytes: &mut buffer[..SIZE] };
        packet.set_operation(self.operation);
        packet.set_sender(self.sender_mac, self.sender_ip);
        packet.set_target(self.target_mac, self.target_ip);
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, sender_mac, sender_ip, target_mac, target_ip } = self;
        match *operation {
            Operation::REQUEST if target_mac.is_zero() => {
                write!(f, "Request who-has {target_ip} tell {sender_ip}")
            }
            Operation::REQUEST => {
                write!(f, "Request who-has {target_ip} ({target_mac}) tell {sender_ip}")
            }
            Operation::REPLY => write!(f, "Reply {sender_ip} is-at {sender_mac}"),
            Operation::REVERSE_REQUEST => {
                write!(f, "Reverse Request who-is {target_mac} tell {sender_mac}")
            }
            Operation::REVERSE_REPLY => write!(f, "Reverse Reply {target_mac} at {target_ip}"),
            Operation(number) => write!(f, "Unknown ({number}) {sender_ip} > {target_ip}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; SIZE] =
        *b"\0\x01\x08\0\x06\x04\0\x01\x02\0\0\0\0\x01\xc0\xa8\x09\x01\0\0\0\0\0\0\xc0\xa8\x09\x02";

    #[test]
    fn a_request_is_read_and_written() {
        let repr = Repr::parse(&Packet::new_checked(&REQUEST).unwrap());
        assert_eq!(repr.to_string(), "Request who-has 192.168.9.2 tell 192.168.9.1");
        let mut out = [0xaa; SIZE];
        repr.emit(&mut out);
        assert_eq!(out, REQUEST);
    }

    #[test]
    fn a_reply_names_the_address() {
        let mut repr = Repr::parse(&Packet::new_checked(&REQUEST).unwrap());
        repr.operation = Operation::REPLY;
        assert_eq!(repr.to_string(), "Reply 192.168.9.1 is-at 02:00:00:00:00:01");
    }

    #[test]
    fn other_hardware_is_refused() {
        let mut bytes = REQUEST;
        bytes[1] = 6;
        let error = Packet::new_checked(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "arp: hardware type is 6");
        assert!(Packet::new_checked(&REQUEST[..27]).is_err());
    }
}
