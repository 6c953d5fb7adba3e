//! How the value of a field is written: read from text with its mask, and printed.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use super::Field;
use super::flags::{self, CT_STATE, TCP, TUNNEL};
use crate::key::{FRAG_ANY, FRAG_LATER};
use crate::wire::MacAddr;

/// The form of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A number of this many bits, printed in decimal; a masked one in hexadecimal.
    Decimal(u8),
    /// A number printed with this many hexadecimal digits.
    Hex(u8),
    /// A number printed in hexadecimal, zero as `0`.
    Number,
    /// A MAC address.
    Mac,
    /// An IPv4 address, masked by prefix length or address.
    Ipv4,
    /// An IPv6 address, masked by prefix length or address.
    Ipv6,
    /// An OpenFlow port: a number, a reserved name, or a name that the caller resolves.
    Port,
    /// A VLAN id with the "present" bit; 0xffff is "no tag".
    VlanId,
    /// A VLAN id as OpenFlow 1.2 has it: the "present" bit 0x1000 is written out.
    VlanOxm,
    /// A priority code point; the "present" bit is implied.
    VlanPriority,
    /// The former type of service, of which the upper six bits count.
    Tos,
    /// `no`, `yes`, `first`, `later`, `not_later`.
    Frag,
    /// `syn|ack`, `+syn-ack`, or a number.
    TcpFlags,
    /// `trk|est`, `+trk-new`, or a number.
    CtState,
    /// `oam`, `+oam`, or a number.
    TunFlags,
    /// `(namespace,type)`.
    PacketType,
}

/// Why a text is not a value of a field.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ValueError(pub String);

/// A value and the bits of it that count.
pub type Masked = (u128, u128);

/// Finds the number of a port by its name.
pub type PortNames<'n> = &'n dyn Fn(&str) -> Option<u32>;

/// The reserved ports (OpenFlow 1.0 section 5.2.1) by number, 0xfff8 first.
const RESERVED_PORTS: [&str; 8] = ["IN_PORT", "TABLE", "NORMAL", "FLOOD", "ALL", "CONTROLLER", "LOCAL", "ANY"];
/// The number of the first reserved port.
const RESERVED_PORT_MIN: u32 = 0xfff8;

/// What `nw_frag` means: name, value, mask.
const FRAGMENTS: [(&str, u8, u8); 5] = [
    ("no", 0, FRAG_ANY | FRAG_LATER),
    ("yes", FRAG_ANY, FRAG_ANY),
    ("first", FRAG_ANY, FRAG_ANY | FRAG_LATER),
    ("later", FRAG_ANY | FRAG_LATER, FRAG_ANY | FRAG_LATER),
    ("not_later", 0, FRAG_LATER),
];

impl Field {
    /// Reads a value, with `/mask` if the field can be masked. `*` is a value of which no bit
    /// counts. Bits that do not count are zero in the value.
    pub fn parse_value(&self, text: &str, ports: PortNames<'_>) -> Result<Masked, ValueError> {
        if text == "*" {
            return Ok((0, 0));
        }
        let all = self.slot.max();
        let (value, mask) = match self.format {
            Format::Decimal(bits) => self.number(text, u128::MAX >> (128 - u32::from(bits)))?,
            Format::Hex(_) | Format::Number => self.number(text, all)?,
            Format::Mac => self.masked(text, |t| {
                t.parse().map(|mac: MacAddr| mac.as_u64().into()).map_err(|e| ValueError(e.to_string()))
            })?,
            Format::Ipv4 => {
                self.address(text, 32, "an IPv4 address", |t| t.parse().ok().map(|ip: Ipv4Addr| ip.to_bits().into()))?
            }
            Format::Ipv6 => {
                self.address(text, 128, "an IPv6 address", |t| t.parse().ok().map(|ip: Ipv6Addr| ip.to_bits()))?
            }
            Format::Port => (self.port(text, ports)?, all),
            Format::VlanId => match self.number(text, 0xffff)?.0 {
                // The whole tag must be zero, priority and all.
                0xffff => return Ok((0, all)),
                vid @ 0..=4095 => (0x1000 | vid, all),
                vid => return error(format!("{vid} is no VLAN id: 0 to 4095, or 0xffff for no tag")),
            },
            Format::VlanOxm => match self.number(text, 0x1fff)? {
                (vid @ 1..=4095, mask) if mask & 0x1000 != 0 => {
                    return error(format!(
                        "vlan_vid={vid} matches no frame: say dl_vlan={vid}, or set the bit that says that a tag is present: vlan_vid=0x{:x}",
                        vid | 0x1000
                    ));
                }
                other => other,
            },
            Format::VlanPriority => (self.number(text, 7)?.0 << 1 | 1, all),
            Format::Tos => (self.number(text, 255)?.0 >> 2, all),
            Format::Frag => fragment(text)?,
            Format::TcpFlags => flags::parse(self, text, &TCP)?,
            Format::CtState => flags::parse(self, text, &CT_STATE)?,
            // Of the tunnel's flags but these a match sees none.
            Format::TunFlags => {
                let (value, mask) = flags::parse(self, text, &TUNNEL)?;
                (value, mask & TUNNEL.all())
            }
            Format::PacketType => match packet_type(text)? {
                // Every frame is of type Ethernet.
                0 => (0, 0),
                other => (other, all),
            },
        };
        Ok((value & mask, mask))
    }

    /// Prints a value of which the bits of the mask count.
    pub fn write_value(&self, f: &mut fmt::Formatter<'_>, value: u128, mask: u128) -> fmt::Result {
        let exact = mask == self.slot.max();
        match (self.format, exact) {
            (Format::Decimal(_), true) => write!(f, "{value}"),
            (Format::Hex(digits), true) => write!(f, "0x{value:0w$x}", w = usize::from(digits)),
            (Format::Hex(digits), false) => {
                write!(f, "0x{value:0w$x}/0x{mask:0w$x}", w = usize::from(digits))
            }
            (Format::Number, true) => write!(f, "{}", Number(value)),
            (Format::Number, false) => write!(f, "{}/{}", Number(value), Number(mask)),
            (Format::Mac, true) => write!(f, "{}", MacAddr::from_u64(value as u64)),
            (Format::Mac, false) => {
                let mac = |bits| MacAddr::from_u64(bits as u64);
                write!(f, "{}/{}", mac(value), mac(mask))
            }
            (Format::Ipv4, _) => write_address(f, 32, value, mask, |bits| Ipv4Addr::from_bits(bits as u32)),
            (Format::Ipv6, _) => write_address(f, 128, value, mask, |bits| Ipv6Text(bits.into())),
            (Format::Port, true) => match reserved_port(value as u32) {
                Some(name) => f.write_str(name),
                None => write!(f, "{value}"),
            },
            (Format::VlanId, true) => write!(f, "{}", value & 0xfff),
            (Format::VlanPriority, true) => write!(f, "{}", value >> 1),
            (Format::Tos, true) => write!(f, "{}", value << 2),
            (Format::Frag, _) => {
                let known = |(_, v, m): &(&str, u8, u8)| (u128::from(*v), u128::from(*m)) == (value, mask);
                match FRAGMENTS.iter().find(|row| known(row)) {
                    Some((name, ..)) => f.write_str(name),
                    None => write!(f, "0x{value:x}/0x{mask:x}"),
                }
            }
            (Format::TcpFlags, _) => flags::write(f, &TCP, value, mask),
            (Format::CtState, _) => flags::write(f, &CT_STATE, value, mask),
            (Format::TunFlags, true) => flags::write(f, &TUNNEL, value, TUNNEL.all()),
            (Format::TunFlags, false) => flags::write_each(f, &TUNNEL, value, mask),
            (Format::PacketType, true) => write!(f, "({},{})", value >> 16, Number(value & 0xffff)),
            _ => write!(f, "0x{value:x}/0x{mask:x}"),
        }
    }

    /// Reads `number` or `number/mask`, both up to `max`. Without a mask all bits of the slot
    /// count, which may be more than the number's.
    pub(super) fn number(&self, text: &str, max: u128) -> Result<Masked, ValueError> {
        let read = |text: &str| {
            let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"));
            let parsed = match digits {
                // `from_str_radix` would take a sign.
                _ if text.contains('+') => None,
                Some(digits) => u128::from_str_radix(digits, 16).ok(),
                None => text.parse().ok(),
            };
            match parsed {
                Some(number) if number <= max => Ok(number),
                Some(_) => error(format!("{} is too large for {}: at most {max}", short(text), self.name)),
                None => error(format!("`{}` is not a number, decimal or with 0x", short(text))),
            }
        };
        self.masked(text, read)
    }

    /// Reads `value` or, if the field can be masked, `value/mask`, both of one form.
    fn masked(&self, text: &str, read: impl Fn(&str) -> Result<u128, ValueError>) -> Result<Masked, ValueError> {
        match text.split_once('/') {
            None => Ok((read(text)?, self.slot.max())),
            Some(_) if !self.maskable => error(format!("{} takes no mask", self.name)),
            Some((value, mask)) => Ok((read(value)?, read(mask)?)),
        }
    }

    /// Reads an address with a prefix length or a mask of the address's form.
    fn address(
        &self,
        text: &str,
        bits: u32,
        what: &str,
        read: impl Fn(&str) -> Option<u128>,
    ) -> Result<Masked, ValueError> {
        let value = |text: &str| read(text).ok_or_else(|| ValueError(format!("`{}` is not {what}", short(text))));
        let Some((address, suffix)) = text.split_once('/') else {
            return Ok((value(text)?, self.slot.max()));
        };
        let mask = match suffix.parse::<u32>() {
            Ok(len) if len <= bits => prefix_mask(bits, len),
            Ok(len) => return error(format!("/{len} is too long a prefix: 0 to {bits}")),
            Err(_) => value(suffix)?,
        };
        Ok((value(address)?, mask))
    }

    /// Reads a port.
    fn port(&self, text: &str, ports: PortNames<'_>) -> Result<u128, ValueError> {
        if let Some(number) = ports(text) {
            return Ok(u128::from(number) & self.slot.max());
        }
        let reserved = RESERVED_PORTS.iter().zip(RESERVED_PORT_MIN..);
        if let Some((_, number)) = reserved.clone().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Ok(number.into());
        }
        if text.eq_ignore_ascii_case("none") {
            return Ok(0xffff);
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(self.number(text, 0xffff)?.0);
        }
        error(format!("no port is named `{}`: a number, or LOCAL", short(text)))
    }
}

/// The mask of the first `len` of `bits` bits.
const fn prefix_mask(bits: u32, len: u32) -> u128 {
    let all = u128::MAX >> (128 - bits);
    if len == 0 { 0 } else { all & all << (bits - len) }
}

/// Prints an address, with a prefix length or a mask unless all bits count.
fn write_address<A: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    bits: u32,
    value: u128,
    mask: u128,
    address: impl Fn(u128) -> A,
) -> fmt::Result {
    let len = mask.count_ones();
    if len == bits {
        write!(f, "{}", address(value))
    } else if mask == prefix_mask(bits, len) {
        write!(f, "{}/{len}", address(value))
    } else {
        write!(f, "{}/{}", address(value), address(mask))
    }
}

/// An IPv6 address as the C library prints it: unlike the standard library, an IPv4-compatible
/// address (RFC 4291 section 2.5.5.1) ends in a dotted quad.
struct Ipv6Text(Ipv6Addr);

impl fmt::Display for Ipv6Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.segments() {
            [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
                write!(f, "::{}", Ipv4Addr::from_bits(self.0.to_bits() as u32))
            }
            _ => fmt::Display::fmt(&self.0, f),
        }
    }
}

/// A number in hexadecimal, zero as `0`.
struct Number(u128);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            number => write!(f, "{number:#x}"),
        }
    }
}

/// Reads `(namespace,type)`, each 16 bits.
fn packet_type(text: &str) -> Result<u128, ValueError> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u16::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    let parts = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).and_then(|rest| rest.split_once(','));
    match parts.map(|(namespace, kind)| (number(namespace), number(kind))) {
        Some((Some(namespace), Some(kind))) => Ok(u128::from(namespace) << 16 | u128::from(kind)),
        _ => error(format!("`{}` is no packet type: (namespace,type), such as (1,0x800)", short(text))),
    }
}

/// The name of a reserved port.
fn reserved_port(port: u32) -> Option<&'static str> {
    RESERVED_PORTS.get(port.checked_sub(RESERVED_PORT_MIN)? as usize).copied()
}

/// Reads a word of [`FRAGMENTS`], or numbers for what has no word.
fn fragment(text: &str) -> Result<Masked, ValueError> {
    if let Some((_, value, mask)) = FRAGMENTS.iter().find(|(name, ..)| *name == text) {
        return Ok((u128::from(*value), u128::from(*mask)));
    }
    let hex = |text: &str| u8::from_str_radix(text.strip_prefix("0x")?, 4).ok();
    if let Some((value, mask)) = text.split_once('/')
        && let (Some(value), Some(mask @ ..4)) = (hex(value), hex(mask))
    {
        return Ok((value.into(), mask.into()));
    }
    error(format!("`{}` is none of no, yes, first, later, not_later", short(text)))
}

/// The beginning of a text from outside, to be quoted in an error.
pub(super) fn short(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

pub(super) fn error<T>(message: String) -> Result<T, ValueError> {
    Err(ValueError(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shown(&'static Field, Masked);

    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.write_value(f, self.1.0, self.1.1)
        }
    }

    fn read(field: &str, text: &str) -> Result<(&'static Field, Masked), ValueError> {
        let field = Field::find(field).unwrap();
        Ok((field, field.parse_value(text, &|name| (name == "eth7").then_some(7))?))
    }

    fn check(field: &str, text: &str, printed: &str) {
        let (field, masked) = read(field, text).unwrap();
        assert_eq!(Shown(field, masked).to_string(), printed, "{}={text}", field.name);
        let again = field.parse_value(printed, &|_| None);
        assert_eq!(again, Ok(masked), "{}={printed}", field.name);
    }

    fn check_error(field: &str, text: &str, expected: &str) {
        assert_eq!(read(field, text).unwrap_err().to_string(), expected, "{field}={text}");
    }

    #[test]
    fn values_are_read_and_printed_in_normal_form() {
        check("in_port", "local", "LOCAL");
        check("in_port", "eth7", "7");
        check("dl_vlan", "0x9", "9");
        check("dl_vlan_pcp", "5", "5");
        check("vlan_tci", "0x1000/0x1000", "0x1000/0x1000");
        check("dl_src", "1:0:0:0:0:0/1:0:0:0:0:0", "01:00:00:00:00:00/01:00:00:00:00:00");
        check("nw_src", "10.1.2.3/8", "10.0.0.0/8");
        check("nw_src", "10.1.2.3/255.0.255.0", "10.0.2.0/255.0.255.0");
        check("nw_src", "10.1.2.3/32", "10.1.2.3");
        check("ipv6_src", "fe80::1/10", "fe80::/10");
        check("ipv6_label", "5", "0x00005");
        check("nw_tos", "255", "252");
        check("nw_frag", "not_later", "not_later");
        check("nw_frag", "0x0/0x1", "0x0/0x1");
        check("tp_dst", "80/0xfff0", "0x50/0xfff0");
        check("tcp_flags", "-ack+syn", "+syn-ack");
        check("tcp_flags", "0x12", "syn|ack");
        check("tcp_flags", "0x802", "syn|[800]");
        check("tcp_flags", "0x800/0x801", "-fin+[800]");
        check("tcp_flags", "0", "0");
        check("reg0", "0", "0");
        check("reg15", "255/0xf0f", "0xf/0xf0f");
        check("metadata", "0/0xff", "0/0xff");
        check("ct_state", "-new+trk", "-new+trk");
        check("ct_state", "trk|new", "new|trk");
        check("ct_state", "0x21/0xff", "new|trk");
        check("ct_state", "0/3", "-new-est");
        check("tun_flags", "oam", "+oam");
        check("tun_flags", "0", "-oam");
        check("packet_type", "(1,2048)", "(1,0x800)");
        check("conj_id", "0x7", "7");
        check("tun_gbp_id", "0/1", "0x0/0x1");
    }

    #[test]
    fn an_error_says_what_to_write() {
        check_error("dl_vlan", "5000", "5000 is no VLAN id: 0 to 4095, or 0xffff for no tag");
        check_error("dl_type", "0x800/0xff", "dl_type takes no mask");
        check_error("nw_ttl", "256", "256 is too large for nw_ttl: at most 255");
        check_error("nw_src", "1.2.3.4/33", "/33 is too long a prefix: 0 to 32");
        check_error("nw_src", "1.2.3", "`1.2.3` is not an IPv4 address");
        check_error("tcp_flags", "+sym", "`sym` is no TCP flag, did you mean syn?");
        check_error("ct_state", "+tkr", "`tkr` is no ct_state flag, did you mean trk?");
        check_error("packet_type", "ipv4", "`ipv4` is no packet type: (namespace,type), such as (1,0x800)");
        check_error("tp_dst", "+1", "`+1` is not a number, decimal or with 0x");
        check_error("in_port", "eth0", "no port is named `eth0`: a number, or LOCAL");
        check_error(
            "vlan_vid",
            "9",
            "vlan_vid=9 matches no frame: say dl_vlan=9, or set the bit that says that a tag is present: vlan_vid=0x1009",
        );
    }

    #[test]
    fn a_prefix_mask_of_any_length() {
        assert_eq!(prefix_mask(32, 0), 0);
        assert_eq!(prefix_mask(32, 32), 0xffff_ffff);
        assert_eq!(prefix_mask(128, 1), 1 << 127);
        assert_eq!(prefix_mask(128, 128), u128::MAX);
    }
}
