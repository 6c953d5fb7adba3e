//! A small world of values, so that flows and frames meet.

use sim_core::Stream;
use std::net::{Ipv4Addr, Ipv6Addr};

/// How a field's values are written, and how they are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Mac,
    Ip4,
    Ip6,
    /// A port of TCP, UDP or SCTP.
    Port,
    /// An octet of DSCP and zeros.
    Tos,
    /// A number of so many bits, in hexadecimal.
    Bits(u8),
    /// A number of so many bits, in decimal.
    Decimal(u8),
    /// A number below.
    Below(u64),
    /// An ARP operation.
    ArpOp,
    /// One of a few numbers of so many bits.
    Small(u8),
}

/// One in `n` times.
pub fn chance(random: &mut Stream, n: u64) -> bool {
    random.below(n) == 0
}

pub fn pick<T: Copy>(random: &mut Stream, from: &[T]) -> T {
    from[random.below(from.len() as u64) as usize]
}

pub fn bits(random: &mut Stream, width: u8) -> u128 {
    let wide = u128::from(random.below(1 << 32)) << 96
        | u128::from(random.below(1 << 32)) << 64
        | u128::from(random.below(1 << 32)) << 32
        | u128::from(random.below(1 << 32));
    wide >> (128 - u32::from(width))
}

/// An individual address.
pub fn station(random: &mut Stream) -> u64 {
    pick(random, &super::STATIONS)
}

impl Kind {
    pub fn width(self) -> u8 {
        match self {
            Self::Mac => 48,
            Self::Ip4 => 32,
            Self::Ip6 => 128,
            Self::Port | Self::ArpOp => 16,
            Self::Tos => 8,
            Self::Bits(width) | Self::Decimal(width) | Self::Small(width) => width,
            Self::Below(bound) => 64 - (bound - 1).leading_zeros() as u8,
        }
    }

    pub fn value(self, random: &mut Stream) -> u128 {
        match self {
            Self::Mac if chance(random, 8) => pick(random, &[0xffff_ffff_ffff, 0x0100_5e00_0005, 0x3333_0000_0001]),
            Self::Mac => station(random).into(),
            Self::Ip4 => {
                pick(random, &[0x0a00_0001_u32, 0x0a00_0002, 0x0a00_0101, 0xc0a8_0009, 0x0a00_0082, 0xe000_0005]).into()
            }
            Self::Ip6 => {
                let high = pick(random, &[0xfe80_0000_0000_0000_u64, 0x2001_0db8_0000_0001, 0x2001_0db8_0000_8000]);
                u128::from(high) << 64 | u128::from(pick(random, &[1_u64, 2, 0x1_0000_0001, 0xfedc_ba98_0000_0000]))
            }
            Self::Port => pick(random, &[0, 22, 53, 80, 81, 443, 8080, 50000]),
            Self::Tos => pick(random, &[0, 4, 32, 184, 252]),
            Self::Bits(width) | Self::Decimal(width) => bits(random, width),
            Self::Below(bound) => random.below(bound).into(),
            Self::ArpOp => pick(random, &[1, 2, 3]),
            Self::Small(width) => pick(random, &[0, 1, 2, 5, 255]) & (u128::MAX >> (128 - u32::from(width))),
        }
    }

    pub fn text(self, value: u128) -> String {
        match self {
            Self::Mac => {
                let octets: Vec<String> = (0..6).rev().map(|n| format!("{:02x}", value >> (8 * n) & 0xff)).collect();
                octets.join(":")
            }
            Self::Ip4 => Ipv4Addr::from(value as u32).to_string(),
            Self::Ip6 => Ipv6Addr::from(value).to_string(),
            Self::Bits(_) => format!("{value:#x}"),
            _ => value.to_string(),
        }
    }

    /// A mask: a prefix, some bits beside each other, or any bits.
    pub fn mask(self, random: &mut Stream) -> u128 {
        let width = self.width();
        let all = u128::MAX >> (128 - u32::from(width));
        match random.below(4) {
            // ovs-ofctl reads at most 46 characters of an IPv6 address and its mask.
            2 | 3 if self == Self::Ip6 => bits(random, 16),
            0 | 1 => all & !(all >> random.below(u64::from(width) + 1).clamp(1, 127)),
            2 => {
                let len = 1 + random.below(u64::from(width)) as u32;
                let start = random.below(u64::from(width) - u64::from(len) + 1);
                (u128::MAX >> (128 - len)) << start
            }
            _ => bits(random, width),
        }
        .max(1)
    }

    /// A value, sometimes with a mask; bits outside the mask are zero.
    pub fn masked(self, random: &mut Stream) -> String {
        let value = self.value(random);
        if !chance(random, 3) {
            return self.text(value);
        }
        let mask = self.mask(random);
        let value = value & mask;
        match self {
            Self::Ip6 if mask.leading_ones() + mask.trailing_zeros() == 128 => {
                format!("{}/{}", self.text(value), mask.leading_ones())
            }
            Self::Mac | Self::Ip4 | Self::Ip6 => format!("{}/{}", self.text(value), self.text(mask)),
            _ => format!("{value:#x}/{mask:#x}"),
        }
    }
}
