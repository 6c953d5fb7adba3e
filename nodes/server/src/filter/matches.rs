//! Whether a frame passes: what it carries behind its tags, and each test of that.

use core::net::IpAddr;

use packet::wire::{arp, ipv4, ipv6, ipv6_ext};
use packet::{EtherType, IpProtocol, MacAddr};

use super::{Expr, Family, Join, Test, Way};

/// What a frame carries behind so many tags.
struct Layers<'a> {
    ethertype: EtherType,
    payload: &'a [u8],
}

/// What an IP packet carries, with the ports if those are there.
struct Transport {
    src: IpAddr,
    dst: IpAddr,
    protocol: IpProtocol,
    ports: Option<(u16, u16)>,
}

impl<'a> Layers<'a> {
    fn of(frame: &'a [u8], tags: usize) -> Option<Self> {
        let at = 12 + 4 * tags;
        let &[high, low, ref payload @ ..] = frame.get(at..)? else { return None };
        Some(Self { ethertype: EtherType(u16::from_be_bytes([high, low])), payload })
    }

    fn transport(&self) -> Option<Transport> {
        let (src, dst, protocol, payload): (IpAddr, IpAddr, _, _) = match self.ethertype {
            EtherType::IPV4 => {
                let packet = ipv4::Packet::new_header(self.payload).ok()?;
                let whole = packet.header_len()..packet.total_len().min(self.payload.len());
                let payload = if packet.fragment_offset() == 0 { &self.payload[whole] } else { &[] };
                (packet.src().into(), packet.dst().into(), packet.protocol(), payload)
            }
            EtherType::IPV6 => {
                let packet = ipv6::Packet::new_header(self.payload).ok()?;
                let (src, dst) = (packet.src().into(), packet.dst().into());
                match ipv6_ext::walk(packet.next_header(), &self.payload[ipv6::HEADER_SIZE..]) {
                    Some(upper) => (src, dst, upper.protocol, upper.payload),
                    None => (src, dst, packet.next_header(), &[][..]),
                }
            }
            _ => return None,
        };
        let has_ports = matches!(protocol, IpProtocol::TCP | IpProtocol::UDP | IpProtocol::SCTP);
        let ports = match payload {
            [a, b, c, d, ..] if has_ports => Some((u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]))),
            _ => None,
        };
        Some(Transport { src, dst, protocol, ports })
    }

    /// The two addresses, of the family wanted.
    fn addresses(&self, family: Family) -> Option<(IpAddr, IpAddr)> {
        match (self.ethertype, family) {
            (EtherType::ARP, Family::Any | Family::Arp) => {
                let packet = arp::Packet::new_checked(self.payload).ok()?;
                Some((packet.sender_ip().into(), packet.target_ip().into()))
            }
            (EtherType::IPV4, Family::Any | Family::Ip) | (EtherType::IPV6, Family::Any | Family::Ip6) => {
                self.transport().map(|packet| (packet.src, packet.dst))
            }
            _ => None,
        }
    }
}

impl Way {
    fn holds<T>(self, src: T, dst: T, is_it: impl Fn(T) -> bool) -> bool {
        match self {
            Self::Src => is_it(src),
            Self::Dst => is_it(dst),
            Self::Either => is_it(src) || is_it(dst),
            Self::Both => is_it(src) && is_it(dst),
        }
    }
}

impl Expr {
    pub(super) fn matches(&self, frame: &[u8]) -> bool {
        match self {
            Self::Chain(first, others) => others.iter().fold(first.matches(frame), |so_far, (join, expr)| match join {
                Join::And => so_far && expr.matches(frame),
                Join::Or => so_far || expr.matches(frame),
            }),
            Self::Not(inner) => !inner.matches(frame),
            Self::Test(tags, test) => test.matches(frame, *tags).unwrap_or(false),
        }
    }
}

impl Test {
    /// `None`, which is false, for a frame that has not what is asked for.
    fn matches(&self, frame: &[u8], tags: usize) -> Option<bool> {
        let layers = Layers::of(frame, tags)?;
        Some(match self {
            Self::Host(family, way, net) => {
                let (src, dst) = layers.addresses(*family)?;
                way.holds(src, dst, |address| net.contains(address))
            }
            Self::Ether(way, mac) => {
                let (dst, src) = (MacAddr::from_bytes(frame)?, MacAddr::from_bytes(frame.get(6..)?)?);
                way.holds(src, dst, |address| address == *mac)
            }
            Self::Port(protocol, way, low, high) => {
                let packet = layers.transport()?;
                let (src, dst) = packet.ports?;
                protocol.is_none_or(|protocol| packet.protocol == protocol)
                    && way.holds(src, dst, |port| (*low..=*high).contains(&port))
            }
            Self::EtherType(number) => layers.ethertype.0 == *number,
            Self::Protocol(family, protocol) => {
                let packet = layers.transport()?;
                let is_of = match family {
                    Family::Ip => packet.src.is_ipv4(),
                    Family::Ip6 => packet.src.is_ipv6(),
                    Family::Any => true,
                    Family::Arp => false,
                };
                is_of && packet.protocol == *protocol
            }
            Self::Vlan(id) => {
                let is_tag = layers.ethertype.is_vlan();
                let tci = u16::from_be_bytes(*layers.payload.first_chunk()?);
                is_tag && id.is_none_or(|id| tci & 0xfff == id)
            }
            Self::Stp => layers.ethertype.is_length() && layers.payload.first() == Some(&0x42),
            Self::Broadcast => MacAddr::from_bytes(frame)?.is_broadcast(),
            Self::Multicast => MacAddr::from_bytes(frame)?.is_multicast(),
            Self::Less(size) => frame.len() <= *size,
            Self::Greater(size) => frame.len() >= *size,
        })
    }
}
