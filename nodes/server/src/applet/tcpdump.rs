//! `tcpdump` (tcpdump(1)): the options that say which frames, and how they are printed. Times are the lab's, from
//! midnight of 1970-01-01 on.

use core::fmt::Write;

use host::Reply;
use packet::wire::{ipv4, ipv6, vlan};
use packet::{EtherType, IpProtocol};
use sim_core::{Cx, Time};

use super::words::shown;
use super::{Answer, Failure, Line};
use crate::Server;
use crate::capture::{MAX_DUMPS, Wanted};
use crate::filter::Filter;

/// How a frame is printed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Format {
    /// `-e`: with the Ethernet header.
    link: bool,
    /// `-v`: with the IP header.
    verbose: bool,
    bytes: Bytes,
    /// How many `-t` there are.
    time: u8,
}

/// Which bytes are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Bytes {
    #[default]
    None,
    /// `-x`: behind the link header. `-xx`: all. The same with `-X` and their characters.
    Hex { all: bool, text: bool },
}

pub(crate) fn run(server: &mut Server, _: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let usage = |message: String| Failure::new(1, format!("tcpdump: {message}"));
    let mut format = Format::default();
    let (mut name, mut count) = (None, None);
    let mut words = line.words.iter();
    let mut filter = Vec::new();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-').filter(|letters| filter.is_empty() && !letters.is_empty()) else {
            filter.push(*word);
            continue;
        };
        if letters == "D" {
            return Ok(Reply::Done(listed(server)));
        }
        for (at, letter) in letters.char_indices() {
            match letter {
                'n' | 'q' | 'l' | 'p' | 'U' | 'N' | 'S' | 'K' => {}
                'e' => format.link = true,
                'v' => format.verbose = true,
                't' => format.time += 1,
                'x' | 'X' => {
                    let again = format.bytes != Bytes::None;
                    format.bytes = Bytes::Hex { all: again, text: letter == 'X' };
                }
                'i' | 'c' | 's' | 'B' => {
                    let rest = &letters[at + 1..];
                    let missing = || usage(format!("option requires an argument -- '{letter}'"));
                    let value = if rest.is_empty() { words.next().copied().ok_or_else(missing)? } else { rest };
                    match letter {
                        'i' => name = Some(value),
                        'c' => {
                            let wrong = || usage(format!("invalid packet count {}", shown(value)));
                            count = Some(value.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?);
                        }
                        _ => {}
                    }
                    break;
                }
                'w' | 'r' => {
                    return Err(usage(
                        "a server has no files: `netloom run --capture NODE:PORT=FILE` writes one".into(),
                    ));
                }
                letter => return Err(usage(format!("invalid option -- '{letter}'"))),
            }
        }
    }
    if server.captures.are_full() {
        return Err(usage(format!("{MAX_DUMPS} run already: end some")));
    }
    let parsed = Filter::parse(&filter).ok_or_else(|| usage("can't parse filter expression: syntax error".into()))?;
    let first = || server.devices.iter().next().map(|(_, device)| device.name.clone());
    let name = name.map(str::to_owned).or_else(first).unwrap_or_default();
    let (port, vlan) = if name == "any" {
        (None, None)
    } else {
        let missing = || usage(format!("{}: No such device exists\n(No such device exists)", shown(&name)));
        let interface = server.interface(server.interface_named(&name).ok_or_else(missing)?);
        if !interface.is_admin_up() {
            return Err(usage(format!("{name}: That device is not up")));
        }
        (Some(interface.port()), interface.vlan())
    };
    let link = if name == "any" { "LINUX_SLL2 (Linux cooked v2)" } else { "EN10MB (Ethernet)" };
    let hint = match format.verbose {
        true => "tcpdump: ",
        false => "tcpdump: verbose output suppressed, use -v[v]... for full protocol decode\n",
    };
    let banner = format!("{hint}listening on {name}, link-type {link}, snapshot length 262144 bytes\n");
    let id = server.sessions.next();
    server.captures.start(id, Wanted { port, vlan, filter: parsed, format, count, banner, tag: line.tag });
    Ok(Reply::Running(id))
}

/// The devices, as `-D` lists them.
fn listed(server: &Server) -> String {
    let names = server.listed().into_iter().map(|ix| server.interface(ix).name().to_owned());
    names.chain(["any".to_owned()]).enumerate().map(|(at, name)| format!("{}.{name}\n", at + 1)).collect()
}

impl Format {
    /// The time of a frame, with the blank behind it.
    pub(crate) fn stamp(self, text: &mut String, now: Time, first: Time, last: Time) {
        let clock = |time: u64| {
            let us = time / 1000;
            let (seconds, us) = (us / 1_000_000, us % 1_000_000);
            format!("{:02}:{:02}:{:02}.{us:06}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
        };
        let nanos = now.as_nanos();
        let stamp = match self.time {
            0 => clock(nanos),
            1 => return,
            2 => format!("{}.{:06}", nanos / 1_000_000_000, nanos / 1000 % 1_000_000),
            3 => format!(" {}", clock(now.since(last).as_nanos())),
            4 => format!("{} {}", date(nanos / 86_400_000_000_000), clock(nanos)),
            _ => format!(" {}", clock(now.since(first).as_nanos())),
        };
        text.push_str(&stamp);
        text.push(' ');
    }
}

/// The date so many days after 1970-01-01. Labs don't run for years, so leap years are counted one by one.
fn date(mut days: u64) -> String {
    let mut year = 1970;
    let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(is_leap(year)) && year < 9999 {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while month < 11 && days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    format!("{year}-{:02}-{:02}", month + 1, days + 1)
}

/// A frame behind its time, with the end of the line.
pub(crate) fn line(text: &mut String, format: Format, frame: &[u8]) {
    let Some((ethertype, at)) = vlan::payload(frame, 4) else {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}", packet::describe(frame));
        return;
    };
    let whole = packet::describe(frame).to_string();
    let payload = &frame[at..];
    // What is behind the addresses, without the tags: as an untagged frame would be told.
    let bare = [&frame[..12], &ethertype.0.to_be_bytes()[..], payload].concat();
    let bare = packet::describe(&bare).to_string();
    let body = bare.split_once(": ").map_or(bare.as_str(), |(_, body)| body);
    let name = match ethertype {
        EtherType::IPV4 => "IP ",
        EtherType::IPV6 => "IP6 ",
        EtherType::ARP => "ARP, ",
        _ => "",
    };
    let known = !name.is_empty() || ethertype.is_length();
    if format.link {
        text.push_str(whole.strip_suffix(body).unwrap_or(&whole));
    } else if known {
        text.push_str(name);
    } else {
        text.push_str(&whole);
    }
    if format.link || known {
        if format.verbose {
            ip_header(text, ethertype, payload);
        }
        text.push_str(body);
    }
    text.push('\n');
    if let Bytes::Hex { all, text: with_text } = format.bytes {
        dump(text, if all { frame } else { payload }, with_text);
    }
}

/// The fields of an IP header, as `-v` shows them.
fn ip_header(text: &mut String, ethertype: EtherType, payload: &[u8]) {
    let _ = match ethertype {
        EtherType::IPV4 => match ipv4::Packet::new_header(payload) {
            Ok(packet) => {
                let flags = match (packet.dont_fragment(), packet.more_fragments()) {
                    (true, true) => "+, DF",
                    (true, false) => "DF",
                    (false, true) => "+",
                    (false, false) => "none",
                };
                let sum = if packet.verify_checksum() { "" } else { ", bad cksum" };
                writeln!(
                    text,
                    "(tos 0x{:x}, ttl {}, id {}, offset {}, flags [{flags}], proto {} ({}), length {}{sum})",
                    packet.tos(),
                    packet.ttl(),
                    packet.ident(),
                    packet.fragment_offset(),
                    protocol_name(packet.protocol()),
                    packet.protocol().0,
                    packet.total_len(),
                )
                .and_then(|()| write!(text, "    "))
            }
            Err(_) => Ok(()),
        },
        EtherType::IPV6 => match ipv6::Packet::new_header(payload) {
            Ok(packet) => write!(
                text,
                "(hlim {}, next-header {} ({}) payload length: {}) ",
                packet.hop_limit(),
                protocol_name(packet.next_header()),
                packet.next_header().0,
                packet.payload_len()
            ),
            Err(_) => Ok(()),
        },
        _ => Ok(()),
    };
}

/// A protocol's name, as /etc/protocols has it.
fn protocol_name(protocol: IpProtocol) -> String {
    match protocol {
        IpProtocol::ICMP => "ICMP".to_owned(),
        IpProtocol::TCP => "TCP".to_owned(),
        IpProtocol::UDP => "UDP".to_owned(),
        IpProtocol::ICMPV6 => "ICMPv6".to_owned(),
        other => other.to_string(),
    }
}

/// Bytes in rows of sixteen.
fn dump(text: &mut String, bytes: &[u8], with_text: bool) {
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let words: Vec<String> =
            chunk.chunks(2).map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
        let hex = words.join(" ");
        let _ = write!(text, "\t0x{:04x}:  ", row * 16);
        if with_text {
            let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
            let _ = writeln!(text, "{hex:<39}  {}", chunk.iter().map(shown).collect::<String>());
        } else {
            let _ = writeln!(text, "{hex}");
        }
    }
}
