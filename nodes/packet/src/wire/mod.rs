//! Wire formats: one file for each protocol, each in the same order: a checked view over bytes,
//! its accessors, a value (`Repr`) with `parse` and `emit`, `Display` as tcpdump prints it.
//!
//! A view is made by `new_checked`, which verifies that every accessor stays inside the bytes;
//! after that no accessor can fail. `emit` writes into a slice of at least `buffer_len` bytes and
//! panics on a shorter one: sizes of outgoing packets are the program's own, never the wire's.
//!
//! | file | standard |
//! | --- | --- |
//! | [`ethernet`], [`llc`] | IEEE 802.3-2018 clause 3, IEEE 802.2 |
//! | [`vlan`] | IEEE 802.1Q-2018 clause 9 |
//! | [`bpdu`] | IEEE 802.1D-2004 clause 9 |
//! | [`arp`] | RFC 826, RFC 903 |
//! | [`ipv4`] | RFC 791 |
//! | [`ipv6`], [`ipv6_ext`] | RFC 8200, RFC 4302 |
//! | [`icmpv4`], what it shares with ICMPv6: [`icmp`] | RFC 792, RFC 1191 |
//! | [`icmpv6`], [`ndisc`] | RFC 4443, RFC 4861 |
//! | [`tcp`], [`udp`] | RFC 9293, RFC 768 |
//! | [`checksum`], [`crc32c`] | RFC 1071, RFC 1624, RFC 9260 |

pub mod arp;
pub mod bpdu;
mod bytes;
pub mod checksum;
pub mod crc32c;
mod error;
pub mod ethernet;
pub mod icmp;
pub mod icmpv4;
pub mod icmpv6;
pub mod ipv4;
pub mod ipv6;
pub mod ipv6_ext;
pub mod llc;
mod mac;
pub mod ndisc;
mod numbers;
pub mod tcp;
pub mod udp;
pub mod vlan;

pub(crate) use bytes::{be16, be32, put16, put32};
pub use error::{Result, WireError};
pub use mac::{MacAddr, ParseMacError};
pub use numbers::{EtherType, IpProtocol, VlanId};
pub use vlan::VlanTag;
