//! Ports in text: numbers, reserved names (OpenFlow 1.0 section 5.2.1), and names that the caller knows.

use std::fmt;

use crate::number;

/// Finds the number of a named port.
pub(crate) type Ports<'p> = &'p dyn Fn(&str) -> Option<u32>;

/// The greatest number that a port has; what comes above is reserved.
pub(crate) const MAX: u32 = 0xfeff;
/// The port that a frame came in by.
pub(crate) const IN_PORT: u32 = 0xfff8;
/// The flow tables.
pub(crate) const TABLE: u32 = 0xfff9;
/// A bridge's forwarding.
pub(crate) const NORMAL: u32 = 0xfffa;
/// All ports that flood.
pub(crate) const FLOOD: u32 = 0xfffb;
/// All ports.
pub(crate) const ALL: u32 = 0xfffc;
/// The controllers.
pub(crate) const CONTROLLER: u32 = 0xfffd;
/// The bridge's own port.
pub(crate) const LOCAL: u32 = 0xfffe;
/// No port, or any.
pub(crate) const ANY: u32 = 0xffff;

/// Their names from [`IN_PORT`] on.
const NAMES: [&str; 8] = ["IN_PORT", "TABLE", "NORMAL", "FLOOD", "ALL", "CONTROLLER", "LOCAL", "ANY"];

/// What a port must be, for messages.
pub(crate) const WANTED: &str = "a port: its name, a number up to 65279, or in_port, local, normal, flood, all";

/// Reads a port: 0 to [`MAX`], or a reserved one. A name may stand in double quotes.
pub(crate) fn parse(text: &str, ports: Ports<'_>) -> Option<u32> {
    let name = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    if let Some(number) = number::parse::<u32>(text) {
        // Since OpenFlow 1.1 the reserved ports have the same numbers, sign-extended.
        return match number {
            0..=MAX | IN_PORT..=ANY => Some(number),
            0xffff_fff8.. => Some(number & 0xffff),
            _ => None,
        };
    }
    if name.eq_ignore_ascii_case("none") {
        return Some(ANY);
    }
    let reserved = (IN_PORT..).zip(NAMES).find(|(_, known)| known.eq_ignore_ascii_case(name));
    reserved.map(|(number, _)| number).or_else(|| ports(name))
}

/// Prints a port.
pub(crate) struct Shown(pub(crate) u32);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checked_sub(IN_PORT).and_then(|index| NAMES.get(index as usize)) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}
