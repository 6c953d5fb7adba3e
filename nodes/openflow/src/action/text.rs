//! Actions in the words of ovs-actions(7).

use std::fmt;
use std::net::Ipv4Addr;

use packet::field::protocol::{IP, IPV6, Needs, TCP, TCP6, UDP, UDP6};
use packet::{EtherType, MacAddr, Match, nearest};

use super::Action;
use crate::error::{FlowError, FlowErrorKind};
use crate::number;

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Output(port) => write!(f, "output:{port}"),
            Action::InPort => f.write_str("IN_PORT"),
            Action::Normal => f.write_str("NORMAL"),
            Action::Flood => f.write_str("FLOOD"),
            Action::All => f.write_str("ALL"),
            Action::Local => f.write_str("LOCAL"),
            Action::ModVlanVid(vid) => write!(f, "mod_vlan_vid:{vid}"),
            Action::ModVlanPcp(pcp) => write!(f, "mod_vlan_pcp:{pcp}"),
            Action::SetField { field, value, .. } if field.name == "dl_vlan_pcp" => {
                write!(f, "set_field:{}->vlan_pcp", value >> 1)
            }
            Action::SetField { field, value, .. } => write!(f, "set_field:{value}->{}", field.name),
            Action::StripVlan => f.write_str("strip_vlan"),
            Action::PushVlan(ether_type) => write!(f, "push_vlan:{:#06x}", ether_type.0),
            Action::ModDlSrc(mac) => write!(f, "mod_dl_src:{mac}"),
            Action::ModDlDst(mac) => write!(f, "mod_dl_dst:{mac}"),
            Action::ModNwSrc(addr) => write!(f, "mod_nw_src:{addr}"),
            Action::ModNwDst(addr) => write!(f, "mod_nw_dst:{addr}"),
            Action::ModTpSrc(port) => write!(f, "mod_tp_src:{port}"),
            Action::ModTpDst(port) => write!(f, "mod_tp_dst:{port}"),
            Action::ModNwTos(tos) => write!(f, "mod_nw_tos:{tos}"),
            Action::DecTtl(_) => f.write_str("dec_ttl"),
            other => write!(f, "{other:?}"),
        }
    }
}

/// Finds the number of a named port.
type Ports<'p> = &'p dyn Fn(&str) -> Option<u32>;

/// Reads actions with commas or blanks between: `mod_vlan_vid:10,output:2`. Nothing, or `drop`, is
/// no action. `matched` is the match of the flow that they belong to.
///
/// # Errors
/// The first wrong word, its column counted in `text`.
pub fn parse_actions(text: &str, matched: &Match, ports: Ports<'_>) -> Result<Vec<Action>, FlowError> {
    parse_at(text, 0, matched, ports)
}

/// The same from a byte of the text on.
pub(crate) fn parse_at(text: &str, offset: usize, matched: &Match, ports: Ports<'_>) -> Result<Vec<Action>, FlowError> {
    let mut actions = Vec::new();
    let mut dropped = None;
    // Whether every frame of the flow has a VLAN tag at this point.
    let mut tagged = requires_tag(matched);
    let mut rest = offset;
    while let Some(term) = Term::next(text, &mut rest)? {
        let at = |kind| FlowError::at(text, term.offset, kind);
        if term.name.eq_ignore_ascii_case("drop") {
            term.bare("drop").map_err(at)?;
            dropped = Some(term.offset);
            continue;
        }
        let action = term.action(ports).map_err(at)?;
        if let Some(kind) = term.unmet(&action, matched, tagged) {
            return Err(at(kind));
        }
        match action {
            Action::ModVlanVid(_) | Action::ModVlanPcp(_) | Action::PushVlan(_) => tagged = true,
            Action::StripVlan => tagged = false,
            _ => {}
        }
        actions.push(action);
    }
    match dropped {
        Some(offset) if !actions.is_empty() => Err(FlowError::at(text, offset, FlowErrorKind::DropNotAlone)),
        _ => Ok(actions),
    }
}

/// Does the match let only frames with a tag pass?
fn requires_tag(matched: &Match) -> bool {
    let slot = packet::key::slot::VLAN_TCI;
    let present = u128::from(packet::key::VLAN_PRESENT);
    matched.mask.get(slot) & matched.key.get(slot) & present != 0
}

/// A word of an action list, and its argument after `:` or `=` or in parentheses.
struct Term<'t> {
    offset: usize,
    name: &'t str,
    argument: Option<&'t str>,
}

type Found<T> = Result<T, FlowErrorKind>;

impl<'t> Term<'t> {
    /// The next word from the byte `rest` on, which moves behind it.
    fn next(text: &'t str, rest: &mut usize) -> Result<Option<Term<'t>>, FlowError> {
        let separates = |c: char| c == ',' || c.is_whitespace();
        let tail = &text[*rest..];
        let tail = tail.trim_start_matches(separates);
        let offset = text.len() - tail.len();
        if tail.is_empty() {
            *rest = text.len();
            return Ok(None);
        }
        let name_len = tail.find(|c: char| separates(c) || ":=(".contains(c)).unwrap_or(tail.len());
        let (name, after) = tail.split_at(name_len);
        let (argument, after) = if let Some(inside) = after.strip_prefix('(') {
            let Some(split) = inside.split_once(')') else {
                return Err(FlowError::at(text, offset, FlowErrorKind::OpenParenthesis));
            };
            (Some(split.0), split.1)
        } else if let Some(value) = after.strip_prefix([':', '=']) {
            let (value, after) = value.split_at(value.find(separates).unwrap_or(value.len()));
            (Some(value), after)
        } else {
            (None, after)
        };
        *rest = text.len() - after.len();
        Ok(Some(Term { offset, name, argument }))
    }

    /// Refuses an argument.
    fn bare(&self, word: &'static str) -> Found<()> {
        match self.argument {
            None | Some("") => Ok(()),
            Some(_) => Err(FlowErrorKind::NoValue(word)),
        }
    }

    /// The argument, read by `parse`.
    fn value<T>(
        &self,
        word: &'static str,
        example: &'static str,
        wanted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Found<T> {
        match self.argument {
            None | Some("") => Err(FlowErrorKind::MissingValue(word, example)),
            Some(value) => parse(value).ok_or_else(|| FlowErrorKind::Value { word, value: short(value), wanted }),
        }
    }

    fn action(&self, ports: Ports<'_>) -> Found<Action> {
        let Some(word) = WORDS.iter().copied().find(|word| word.eq_ignore_ascii_case(self.name)) else {
            return self.port(ports);
        };
        match word {
            "output" => self.value(word, ":2", PORT, |text| output(text, ports)),
            "in_port" => self.bare(word).map(|()| Action::InPort),
            "normal" => self.bare(word).map(|()| Action::Normal),
            "flood" => self.bare(word).map(|()| Action::Flood),
            "all" => self.bare(word).map(|()| Action::All),
            "local" => self.bare(word).map(|()| Action::Local),
            "strip_vlan" | "pop_vlan" => self.bare(word).map(|()| Action::StripVlan),
            "dec_ttl" => self.bare(word).map(|()| Action::DecTtl(Vec::new())),
            "mod_vlan_vid" | "set_vlan_vid" => self.value(word, ":10", VID, vid).map(Action::ModVlanVid),
            "mod_vlan_pcp" | "set_vlan_pcp" => self.value(word, ":3", PCP, pcp).map(Action::ModVlanPcp),
            "push_vlan" => self.value(word, ":0x8100", TAG_TYPE, tag_type).map(Action::PushVlan),
            "mod_dl_src" => self.value(word, ":02:00:00:00:00:01", MAC, mac).map(Action::ModDlSrc),
            "mod_dl_dst" => self.value(word, ":02:00:00:00:00:01", MAC, mac).map(Action::ModDlDst),
            "mod_nw_src" => self.value(word, ":10.0.0.1", ADDR, addr).map(Action::ModNwSrc),
            "mod_nw_dst" => self.value(word, ":10.0.0.1", ADDR, addr).map(Action::ModNwDst),
            "mod_tp_src" => self.value(word, ":80", TP, number::parse).map(Action::ModTpSrc),
            "mod_tp_dst" => self.value(word, ":80", TP, number::parse).map(Action::ModTpDst),
            "mod_nw_tos" => self.value(word, ":4", TOS, tos).map(Action::ModNwTos),
            _ => self.set_field(),
        }
    }

    /// A port in place of an action.
    fn port(&self, ports: Ports<'_>) -> Found<Action> {
        match output(self.name, ports) {
            Some(action) => self.bare("a port").map(|()| action),
            None => {
                let known = WORDS.iter().copied().chain(["drop"]);
                Err(FlowErrorKind::UnknownAction { word: short(self.name), nearest: nearest(self.name, known) })
            }
        }
    }

    /// `set_field:VALUE->FIELD`.
    fn set_field(&self) -> Found<Action> {
        const EXAMPLE: &str = ":4106->vlan_vid";
        let Some((value, field)) = self.argument.unwrap_or_default().split_once("->") else {
            return Err(FlowErrorKind::MissingValue("set_field", EXAMPLE));
        };
        let Some(name) = FIELDS.iter().copied().find(|name| *name == field) else {
            let nearest = nearest(field, FIELDS.iter().copied());
            return Err(FlowErrorKind::UnknownField { word: short(field), nearest });
        };
        let value = Term { argument: Some(value), ..*self };
        match name {
            "vlan_vid" => value.value(name, "", OXM_VID, oxm_vid).map(|vid| set(name, u128::from(vid) | 0x1000)),
            "vlan_pcp" => value.value(name, "", PCP, pcp).map(|pcp| set(name, u128::from(pcp) << 1 | 1)),
            "eth_src" | "dl_src" => value.value(name, "", MAC, mac).map(Action::ModDlSrc),
            "eth_dst" | "dl_dst" => value.value(name, "", MAC, mac).map(Action::ModDlDst),
            "ip_src" | "nw_src" => value.value(name, "", ADDR, addr).map(Action::ModNwSrc),
            "ip_dst" | "nw_dst" => value.value(name, "", ADDR, addr).map(Action::ModNwDst),
            "nw_tos" => value.value(name, "", TOS, tos).map(Action::ModNwTos),
            "tcp_src" | "udp_src" => value.value(name, "", TP, number::parse).map(Action::ModTpSrc),
            _ => value.value(name, "", TP, number::parse).map(Action::ModTpDst),
        }
    }

    /// What `set_field` lacks to have a meaning in every frame of the flow. The `mod_` actions do
    /// nothing where they have none.
    fn unmet(&self, action: &Action, matched: &Match, tagged: bool) -> Option<FlowErrorKind> {
        const IPV4: Needs = Needs::any(&[IP]);
        const ANY_IP: Needs = Needs::any(&[IP, IPV6]);
        const ANY_TCP: Needs = Needs::any(&[TCP, TCP6]);
        const ANY_UDP: Needs = Needs::any(&[UDP, UDP6]);
        let (_, field) = self.argument?.split_once("->")?;
        let field = FIELDS.iter().copied().find(|name| *name == field)?;
        let met = |needs: Needs| needs.are_met(&matched.key, &matched.mask);
        let (met, needs, remedy) = match action {
            Action::SetField { .. } => (tagged, "a VLAN tag", "match dl_vlan, or push_vlan or mod_vlan_vid before it"),
            Action::ModNwSrc(_) | Action::ModNwDst(_) => (met(IPV4), "IPv4", "add ip to the match"),
            Action::ModNwTos(_) => (met(ANY_IP), "IPv4 or IPv6", "add ip or ipv6 to the match"),
            _ if field.starts_with("tcp_") => (met(ANY_TCP), "TCP", "add tcp or tcp6 to the match"),
            _ if field.starts_with("udp_") => (met(ANY_UDP), "UDP", "add udp or udp6 to the match"),
            _ => return None,
        };
        (!met).then_some(FlowErrorKind::Prerequisite { field, needs, remedy })
    }
}

/// The words that begin an action, but for `drop`.
const WORDS: &[&str] = &[
    "output",
    "in_port",
    "normal",
    "flood",
    "all",
    "local",
    "mod_vlan_vid",
    "set_vlan_vid",
    "mod_vlan_pcp",
    "set_vlan_pcp",
    "strip_vlan",
    "pop_vlan",
    "push_vlan",
    "mod_dl_src",
    "mod_dl_dst",
    "mod_nw_src",
    "mod_nw_dst",
    "mod_tp_src",
    "mod_tp_dst",
    "mod_nw_tos",
    "dec_ttl",
    "set_field",
];

/// The fields that `set_field` sets.
const FIELDS: &[&str] = &[
    "vlan_vid", "vlan_pcp", "eth_src", "dl_src", "eth_dst", "dl_dst", "ip_src", "nw_src", "ip_dst", "nw_dst", "nw_tos",
    "tcp_src", "udp_src", "tcp_dst", "udp_dst",
];

const PORT: &str = "a port: its name, a number up to 65279, or in_port, local, normal, flood, all";
const VID: &str = "a VLAN: 0 to 4095";
const OXM_VID: &str = "4096 (a tag is present) plus a VLAN, 0 to 4095";
const PCP: &str = "a VLAN priority: 0 to 7";
const TAG_TYPE: &str = "the type of a VLAN tag: 0x8100 or 0x88a8";
const MAC: &str = "a MAC address, as in 02:00:00:00:00:01";
const ADDR: &str = "an IPv4 address";
const TP: &str = "a port of TCP or UDP: 0 to 65535";
const TOS: &str = "a multiple of 4 from 0 to 252";

/// The greatest number that a port has; what comes above is reserved (OpenFlow 1.0 section 5.2.1).
const MAX_PORT: u32 = 0xfeff;

fn output(text: &str, ports: Ports<'_>) -> Option<Action> {
    let number = match number::parse(text) {
        Some(number) => number,
        None if text.eq_ignore_ascii_case("in_port") => return Some(Action::InPort),
        None if text.eq_ignore_ascii_case("normal") => return Some(Action::Normal),
        None if text.eq_ignore_ascii_case("flood") => return Some(Action::Flood),
        None if text.eq_ignore_ascii_case("all") => return Some(Action::All),
        None if text.eq_ignore_ascii_case("local") => return Some(Action::Local),
        None => ports(text)?,
    };
    // The reserved ports have these numbers in OpenFlow 1.0 and, sign-extended, since 1.1.
    Some(match number {
        0..=MAX_PORT => Action::Output(number),
        0xfff8 | 0xffff_fff8 => Action::InPort,
        0xfffa | 0xffff_fffa => Action::Normal,
        0xfffb | 0xffff_fffb => Action::Flood,
        0xfffc | 0xffff_fffc => Action::All,
        0xfffe | 0xffff_fffe => Action::Local,
        _ => return None,
    })
}

/// Writes a whole field.
fn set(name: &str, value: u128) -> Action {
    let field = packet::Field::find(name).expect("the field table has the tag's parts");
    Action::SetField { field, value, mask: field.slot.max() }
}

fn vid(text: &str) -> Option<u16> {
    number::parse(text).filter(|vid| *vid <= 0x0fff)
}

fn oxm_vid(text: &str) -> Option<u16> {
    number::parse(text).filter(|vid: &u16| *vid <= 0x1fff).map(|vid| vid & 0x0fff)
}

fn pcp(text: &str) -> Option<u8> {
    number::parse(text).filter(|pcp| *pcp <= 7)
}

fn tos(text: &str) -> Option<u8> {
    number::parse(text).filter(|tos| tos & 3 == 0)
}

fn tag_type(text: &str) -> Option<EtherType> {
    let ether_type = EtherType(number::parse(text)?);
    matches!(ether_type, EtherType::VLAN | EtherType::QINQ).then_some(ether_type)
}

fn mac(text: &str) -> Option<MacAddr> {
    text.parse().ok()
}

fn addr(text: &str) -> Option<Ipv4Addr> {
    text.parse().ok()
}

/// The beginning of a word, for messages.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
