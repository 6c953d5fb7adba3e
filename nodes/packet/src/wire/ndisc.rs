//! Neighbour discovery (RFC 4861 section 4): router and neighbour solicitations and
//! advertisements, with the options for link-layer addresses, prefix and MTU.
//!
//! Other options are passed over. An option of length zero, or one that the message's end cuts,
//! makes the message invalid (RFC 4861 section 4.6).

use core::fmt;
use core::net::Ipv6Addr;

use super::ipv6::addr_at;
use super::{MacAddr, Result, WireError, be16, be32, icmpv6::kind, put16, put32};

/// Option numbers.
mod option {
    pub(super) const SOURCE_LLADDR: u8 = 1;
    pub(super) const TARGET_LLADDR: u8 = 2;
    pub(super) const PREFIX: u8 = 3;
    pub(super) const MTU: u8 = 5;
}

/// The flags of a neighbour advertisement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NeighborFlags {
    /// The sender is a router.
    pub router: bool,
    /// The answer to a solicitation.
    pub solicited: bool,
    /// The receiver should replace what it knows.
    pub override_: bool,
}

/// A prefix of a router advertisement (RFC 4861 section 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The address whose leading bits are the prefix.
    pub addr: Ipv6Addr,
    /// How many of them count, 0..=128.
    pub len: u8,
    /// Addresses of the prefix are on this link.
    pub on_link: bool,
    /// Hosts may form addresses of the prefix themselves.
    pub autonomous: bool,
    /// Seconds for which the prefix is on this link; all ones: for ever.
    pub valid: u32,
    /// Seconds for which formed addresses are preferred; all ones: for ever.
    pub preferred: u32,
}

/// A message of neighbour discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repr {
    /// Router solicitation.
    RouterSolicit {
        /// The sender's MAC address.
        lladdr: Option<MacAddr>,
    },
    /// Router advertisement.
    RouterAdvert {
        /// The hop limit that hosts should use; 0: no opinion.
        hop_limit: u8,
        /// Addresses come from DHCPv6.
        managed: bool,
        /// Other configuration comes from DHCPv6.
        other: bool,
        /// Seconds for which the sender is a default router.
        lifetime: u16,
        /// Milliseconds for which a neighbour counts as reachable; 0: no opinion.
        reachable: u32,
        /// Milliseconds between solicitations; 0: no opinion.
        retransmit: u32,
        /// The sender's MAC address.
        lladdr: Option<MacAddr>,
        /// The link's MTU in bytes.
        mtu: Option<u32>,
        /// The first prefix.
        prefix: Option<Prefix>,
    },
    /// Neighbour solicitation.
    NeighborSolicit {
        /// Whose MAC address is asked for.
        target: Ipv6Addr,
        /// The sender's MAC address.
        lladdr: Option<MacAddr>,
    },
    /// Neighbour advertisement.
    NeighborAdvert {
        /// The flags.
        flags: NeighborFlags,
        /// Whose MAC address is told.
        target: Ipv6Addr,
        /// The target's MAC address.
        lladdr: Option<MacAddr>,
    },
}

impl Repr {
    /// The value of an ICMPv6 message (from its type on). The code must be 0.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        WireError::check_size("nd", bytes, 8)?;
        let (kind, code) = (bytes[0], bytes[1]);
        let fixed = fixed_size(kind).ok_or(WireError::field("nd", "type", kind))?;
        if code != 0 {
            return Err(WireError::field("nd", "code", code));
        }
        WireError::check_size("nd", bytes, fixed)?;
        let options = Options::parse(&bytes[fixed..])?;
        Ok(match kind {
            kind::ROUTER_SOLICIT => Self::RouterSolicit { lladdr: options.source },
            kind::ROUTER_ADVERT => Self::RouterAdvert {
                hop_limit: bytes[4],
                managed: bytes[5] & 0x80 != 0,
                other: bytes[5] & 0x40 != 0,
                lifetime: be16(bytes, 6),
                reachable: be32(bytes, 8),
                retransmit: be32(bytes, 12),
                lladdr: options.source,
                mtu: options.mtu,
                prefix: options.prefix,
            },
            kind::NEIGHBOR_SOLICIT => Self::NeighborSolicit { target: addr_at(bytes, 8), lladdr: options.source },
            _ => Self::NeighborAdvert {
                flags: NeighborFlags {
                    router: bytes[4] & 0x80 != 0,
                    solicited: bytes[4] & 0x40 != 0,
                    override_: bytes[4] & 0x20 != 0,
                },
                target: addr_at(bytes, 8),
                lladdr: options.target,
            },
        })
    }

    /// The ICMPv6 type.
    pub const fn kind(&self) -> u8 {
        match self {
            Self::RouterSolicit { .. } => kind::ROUTER_SOLICIT,
            Self::RouterAdvert { .. } => kind::ROUTER_ADVERT,
            Self::NeighborSolicit { .. } => kind::NEIGHBOR_SOLICIT,
            Self::NeighborAdvert { .. } => kind::NEIGHBOR_ADVERT,
        }
    }

    /// The options of the message.
    fn options(&self) -> Options {
        match *self {
            Self::RouterSolicit { lladdr } | Self::NeighborSolicit { lladdr, .. } => {
                Options { source: lladdr, ..Options::default() }
            }
            Self::RouterAdvert { lladdr, mtu, prefix, .. } => Options { source: lladdr, mtu, prefix, target: None },
            Self::NeighborAdvert { lladdr, .. } => Options { target: lladdr, ..Options::default() },
        }
    }

    /// The size of the message in bytes.
    pub fn buffer_len(&self) -> usize {
        fixed_size(self.kind()).unwrap_or(0) + self.options().size()
    }

    /// Writes the message without its checksum; see [`icmpv6::Repr`](super::icmpv6::Repr).
    ///
    /// # Panics
    /// If the buffer is shorter than [`Repr::buffer_len`].
    pub fn emit(&self, buffer: &mut [u8]) {
        let options = self.options();
        let fixed = self.buffer_len() - options.size();
        buffer[..fixed].fill(0);
        buffer[0] = self.kind();
        match *self {
            Self::RouterSolicit { .. } => {}
            Self::RouterAdvert { hop_limit, managed, other, lifetime, reachable, retransmit, .. } => {
                buffer[4] = hop_limit;
                buffer[5] = u8::from(managed) << 7 | u8::from(other) << 6;
                put16(buffer, 6, lifetime);
                put32(buffer, 8, reachable);
                put32(buffer, 12, retransmit);
            }
            Self::NeighborSolicit { target, .. } => buffer[8..24].copy_from_slice(&target.octets()),
            Self::NeighborAdvert { flags, target, .. } => {
                buffer[4] =
                    u8::from(flags.router) << 7 | u8::from(flags.solicited) << 6 | u8::from(flags.override_) << 5;
                buffer[8..24].copy_from_slice(&target.octets());
            }
        }
        options.emit(&mut buffer[fixed..]);
    }
}

/// The size of a message without options, in bytes, from the type on.
const fn fixed_size(kind: u8) -> Option<usize> {
    match kind {
        kind::ROUTER_SOLICIT => Some(8),
        kind::ROUTER_ADVERT => Some(16),
        kind::NEIGHBOR_SOLICIT | kind::NEIGHBOR_ADVERT => Some(24),
        _ => None,
    }
}

/// The options that are understood, the first of each.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    source: Option<MacAddr>,
    target: Option<MacAddr>,
    mtu: Option<u32>,
    prefix: Option<Prefix>,
}

impl Options {
    fn parse(mut bytes: &[u8]) -> Result<Self> {
        let mut options = Self::default();
        while !bytes.is_empty() {
            WireError::check_size("nd option", bytes, 8)?;
            let size = usize::from(bytes[1]) * 8;
            if size == 0 {
                return Err(WireError::field("nd option", "length", 0u8));
            }
            WireError::check_size("nd option", bytes, size)?;
            let (option, rest) = bytes.split_at(size);
            match (option[0], size) {
                (option::SOURCE_LLADDR, 8) => {
                    options.source = options.source.or(Some(MacAddr::at(option, 2)));
                }
                (option::TARGET_LLADDR, 8) => {
                    options.target = options.target.or(Some(MacAddr::at(option, 2)));
                }
                (option::MTU, 8) => options.mtu = options.mtu.or(Some(be32(option, 4))),
                (option::PREFIX, 32) => options.prefix = options.prefix.or(Some(read_prefix(option))),
                _ => {}
            }
            bytes = rest;
        }
        Ok(options)
    }

    fn size(&self) -> usize {
        let short = [self.source.is_some(), self.target.is_some(), self.mtu.is_some()];
        8 * short.into_iter().filter(|present| *present).count() + if self.prefix.is_some() { 32 } else { 0 }
    }

    fn emit(&self, buffer: &mut [u8]) {
        let mut rest = &mut buffer[..self.size()];
        for (number, mac) in [(option::SOURCE_LLADDR, self.source), (option::TARGET_LLADDR, self.target)] {
            if let Some(mac) = mac {
                let option = rest.split_off_mut(..8).expect("the buffer holds all options");
                option[..2].copy_from_slice(&[number, 1]);
                option[2..].copy_from_slice(&mac.0);
            }
        }
        if let Some(mtu) = self.mtu {
            let option = rest.split_off_mut(..8).expect("the buffer holds all options");
            option[..4].copy_from_slice(&[option::MTU, 1, 0, 0]);
            put32(option, 4, mtu);
        }
        if let Some(prefix) = self.prefix {
            rest[..2].copy_from_slice(&[option::PREFIX, 4]);
            rest[2] = prefix.len;
            rest[3] = u8::from(prefix.on_link) << 7 | u8::from(prefix.autonomous) << 6;
            put32(rest, 4, prefix.valid);
            put32(rest, 8, prefix.preferred);
            put32(rest, 12, 0);
            rest[16..32].copy_from_slice(&prefix.addr.octets());
        }
    }
}

/// The prefix of an option of 32 bytes.
fn read_prefix(option: &[u8]) -> Prefix {
    Prefix {
        addr: addr_at(option, 16),
        len: option[2],
        on_link: option[3] & 0x80 != 0,
        autonomous: option[3] & 0x40 != 0,
        valid: be32(option, 4),
        preferred: be32(option, 8),
    }
}

impl fmt::Display for Repr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RouterSolicit { .. } => f.write_str("router solicitation"),
            Self::RouterAdvert { .. } => f.write_str("router advertisement"),
            Self::NeighborSolicit { target, .. } => {
                write!(f, "neighbor solicitation, who has {target}")
            }
            Self::NeighborAdvert { target, .. } => {
                write!(f, "neighbor advertisement, tgt is {target}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SOLICIT: [u8; 32] = *b"\x87\0\0\0\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x01\x01\x02\0\0\0\0\x01";

    #[test]
    fn a_solicitation_is_read_and_written() {
        let repr = Repr::parse(&SOLICIT).unwrap();
        assert_eq!(repr.to_string(), "neighbor solicitation, who has fe80::2");
        let mut out = [0xaa; 32];
        repr.emit(&mut out);
        assert_eq!(out, SOLICIT);
    }

    #[test]
    fn options_that_lie_are_refused() {
        let mut bytes = SOLICIT;
        for len in [0, 2] {
            bytes[25] = len;
            assert!(Repr::parse(&bytes).is_err());
        }
        assert!(Repr::parse(&SOLICIT[..31]).is_err());
        assert!(Repr::parse(&SOLICIT[..23]).is_err());
    }

    fn lladdr() -> impl Strategy<Value = Option<MacAddr>> {
        prop::option::of(any::<[u8; 6]>().prop_map(MacAddr))
    }

    fn prefix() -> impl Strategy<Value = Prefix> {
        any::<([u8; 16], u8, bool, bool, u32, u32)>().prop_map(|(addr, len, on_link, autonomous, valid, preferred)| {
            Prefix { addr: addr.into(), len, on_link, autonomous, valid, preferred }
        })
    }

    fn repr() -> impl Strategy<Value = Repr> {
        let advert =
            (any::<(u8, bool, bool, u16, u32, u32)>(), lladdr(), any::<Option<u32>>(), prop::option::of(prefix()));
        prop_oneof![
            lladdr().prop_map(|lladdr| Repr::RouterSolicit { lladdr }),
            advert.prop_map(|((hop_limit, managed, other, lifetime, reachable, retransmit), lladdr, mtu, prefix)| {
                Repr::RouterAdvert { hop_limit, managed, other, lifetime, reachable, retransmit, lladdr, mtu, prefix }
            }),
            (any::<[u8; 16]>(), lladdr())
                .prop_map(|(target, lladdr)| Repr::NeighborSolicit { target: target.into(), lladdr }),
            (any::<[bool; 3]>(), any::<[u8; 16]>(), lladdr()).prop_map(
                |([router, solicited, override_], target, lladdr)| {
                    let flags = NeighborFlags { router, solicited, override_ };
                    Repr::NeighborAdvert { flags, target: target.into(), lladdr }
                }
            ),
        ]
    }

    proptest! {
        #[test]
        fn parse_inverts_emit(repr in repr()) {
            let mut bytes = vec![0xaa; repr.buffer_len()];
            repr.emit(&mut bytes);
            prop_assert_eq!(Repr::parse(&bytes), Ok(repr));
        }

        #[test]
        fn any_bytes_are_read_or_refused(kind in 130u8..140, rest in prop::collection::vec(prop_oneof![any::<u8>(), 0u8..5], 0..90)) {
            let mut bytes = vec![kind];
            bytes.extend(rest);
            if let Ok(repr) = Repr::parse(&bytes) {
                prop_assert_eq!(repr.kind(), kind);
            }
        }
    }
}
