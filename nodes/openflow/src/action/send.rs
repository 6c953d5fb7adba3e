//! Actions that send: `output`, `controller`, `enqueue`, `bundle`, and `multipath`, which has a bundle's syntax.

use super::parse::Reader;
use super::write::target;
use super::{Action, Bundle, BundleAlgorithm, Controller, HashFields, Multipath, MultipathAlgorithm, PacketInReason};
use crate::error::FlowErrorKind;
use crate::port::{self, Ports};
use crate::text::{Found, Word, short};
use crate::{bytes, number, subfield};

/// The action that sends to a port.
pub(super) fn to_port(text: &str, ports: Ports<'_>) -> Option<Action> {
    Some(match port::parse(text, ports)? {
        port::IN_PORT => Action::InPort,
        port::TABLE => Action::Table,
        port::NORMAL => Action::Normal,
        port::FLOOD => Action::Flood,
        port::ALL => Action::All,
        port::CONTROLLER => Action::Controller(Box::default()),
        port::LOCAL => Action::Local,
        port::ANY => return None,
        number => Action::Output(number),
    })
}

/// `output:PORT`, `output:SUBFIELD`, `output(port=PORT,max_len=BYTES)`.
pub(super) fn output(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let value = word.needed("output", ":2")?;
    if let Some(action) = to_port(value, reader.ports) {
        return Ok(action);
    }
    if value.contains('=') {
        return truncated(reader, word);
    }
    match subfield::parse(word, value) {
        Ok(from) => Ok(Action::OutputReg { from, max_len: u16::MAX }),
        // What looks like no subfield was meant as a port.
        Err(wrong) if value.contains('[') => Err(wrong),
        Err(_) => Err(word.bad("output", port::WANTED)),
    }
}

/// `output(port=PORT,max_len=BYTES)`.
fn truncated(reader: &Reader<'_>, word: &Word<'_>) -> Found<Action> {
    const BYTES: &str = "a number of bytes from 14 to 4294967295";
    const PORT: &str = "a port that can be sent to by itself: its name, a number up to 65279, in_port or local";
    let (mut port, mut max_len) = (None, None);
    let mut words = word.words();
    while let Some(part) = words.next()? {
        match part.name {
            "port" => {
                let number = port::parse(part.needed("port", "=1")?, reader.ports);
                let number = number.filter(|port| matches!(*port, 0..=port::MAX | port::IN_PORT | port::LOCAL));
                port = Some(number.ok_or_else(|| part.bad("port", PORT))?);
            }
            "max_len" => {
                let bytes = part.number("max_len", BYTES)?;
                max_len = Some(Some(bytes).filter(|bytes| *bytes >= 14).ok_or_else(|| part.bad("max_len", BYTES))?);
            }
            _ => return Err(unknown(&part, "output", &["port", "max_len"])),
        }
    }
    match (port, max_len) {
        (Some(port), Some(max_len)) => Ok(Action::OutputTrunc { port, max_len }),
        _ => Err(word.wrong(FlowErrorKind::MissingValue("output", "(port=1,max_len=100)"))),
    }
}

/// The error about a word that another one's value doesn't have.
pub(super) fn unknown(part: &Word<'_>, within: &'static str, known: &[&'static str]) -> crate::text::Wrong {
    let nearest = packet::nearest(part.name, known.iter().copied());
    part.wrong(FlowErrorKind::UnknownPart { word: short(part.name), within, nearest })
}

/// The reasons in the order of their numbers.
pub(super) const REASONS: [(&str, PacketInReason); 6] = [
    ("no_match", PacketInReason::NoMatch),
    ("action", PacketInReason::Action),
    ("invalid_ttl", PacketInReason::InvalidTtl),
    ("action_set", PacketInReason::ActionSet),
    ("group", PacketInReason::Group),
    ("packet_out", PacketInReason::PacketOut),
];

/// `controller`, `controller:BYTES`, `controller(KEY[=VALUE],..)`.
pub(super) fn controller(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    const U16: &str = "a number from 0 to 65535";
    const KEYS: &[&str] = &["max_len", "reason", "id", "userdata", "pause", "meter_id"];
    let mut controller = Controller::default();
    if let Some(max_len) = number::parse(word.value) {
        controller.max_len = max_len;
        return Ok(Action::Controller(Box::new(controller)));
    }
    let mut words = word.words();
    while let Some(part) = words.next()? {
        match part.name {
            "max_len" => controller.max_len = part.number("max_len", U16)?,
            "id" => controller.id = part.number("id", U16)?,
            "reason" => {
                let found = REASONS.iter().find(|(name, _)| *name == part.value);
                let wanted = "a reason: no_match, action, invalid_ttl, action_set, group or packet_out";
                controller.reason = found.ok_or_else(|| part.bad("reason", wanted))?.1;
            }
            "userdata" => {
                let found = bytes::parse(part.value);
                controller.userdata = found.ok_or_else(|| part.bad("userdata", bytes::WANTED))?;
            }
            "pause" => {
                part.bare("pause")?;
                controller.pause = true;
            }
            "meter_id" => controller.meter = Some(part.number("meter_id", "a meter: 0 to 4294967295")?),
            // A lone number that is too great was meant as max_len.
            _ if number::parse::<u64>(word.value).is_some() => return Err(word.bad("controller", U16)),
            _ => return Err(unknown(&part, "controller", KEYS)),
        }
    }
    Ok(Action::Controller(Box::new(controller)))
}

/// `enqueue:PORT:QUEUE`, `enqueue(PORT,QUEUE)`.
pub(super) fn enqueue(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    const PORT: &str = "a port and a queue, as in enqueue:1:2; of the reserved ports only in_port and local";
    let value = word.needed("enqueue", ":1:2")?;
    let parts = value.split_once([':', ',']);
    let (port, queue) = parts.ok_or_else(|| word.wrong(FlowErrorKind::MissingValue("enqueue", ":1:2")))?;
    let port =
        port::parse(port, reader.ports).filter(|port| matches!(*port, 0..=port::MAX | port::IN_PORT | port::LOCAL));
    match (port, number::parse(queue.trim())) {
        (Some(port), Some(queue)) => Ok(Action::Enqueue { port, queue }),
        _ => Err(word.bad("enqueue", PORT)),
    }
}

/// What can be hashed.
pub(super) const HASH_FIELDS: [(&str, HashFields); 7] = [
    ("eth_src", HashFields::EthSrc),
    ("symmetric_l4", HashFields::SymmetricL4),
    ("symmetric_l3l4", HashFields::SymmetricL3L4),
    ("symmetric_l3l4+udp", HashFields::SymmetricL3L4Udp),
    ("symmetric_l3", HashFields::SymmetricL3),
    ("nw_src", HashFields::NwSrc),
    ("nw_dst", HashFields::NwDst),
];

/// How a bundle chooses.
pub(super) const BUNDLE_ALGORITHMS: [(&str, BundleAlgorithm); 2] =
    [("active_backup", BundleAlgorithm::ActiveBackup), ("hrw", BundleAlgorithm::Hrw)];

/// How `multipath` chooses.
pub(super) const MULTIPATH_ALGORITHMS: [(&str, MultipathAlgorithm); 4] = [
    ("modulo_n", MultipathAlgorithm::ModuloN),
    ("hash_threshold", MultipathAlgorithm::HashThreshold),
    ("hrw", MultipathAlgorithm::Hrw),
    ("iter_hash", MultipathAlgorithm::IterHash),
];

/// The name of a value of one of these tables.
pub(super) fn name<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("", |(name, _)| name)
}

const FIELDS: &str =
    "what can be hashed: eth_src, nw_src, nw_dst, symmetric_l3, symmetric_l4, symmetric_l3l4, symmetric_l3l4+udp";

/// The arguments of a word by place.
struct Arguments<'t> {
    word: Word<'t>,
    name: &'static str,
    example: &'static str,
    rest: Option<&'t str>,
}

impl<'t> Arguments<'t> {
    fn of(word: &Word<'t>, name: &'static str, example: &'static str) -> Self {
        Self { word: *word, name, example, rest: Some(word.value) }
    }

    /// The next one.
    fn next(&mut self) -> Found<&'t str> {
        let missing = self.word.wrong(FlowErrorKind::MissingValue(self.name, self.example));
        let rest = self.rest.filter(|rest| !rest.is_empty()).ok_or(missing)?;
        let end = rest.find([',', ' ']);
        let next = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
        self.rest = end.map(|end| rest[end..].trim_start_matches([',', ' ']));
        Ok(next)
    }

    /// The next one, read by a function.
    fn read<T>(&mut self, wanted: &'static str, read: impl FnOnce(&str) -> Option<T>) -> Found<T> {
        let next = self.next()?;
        read(next).ok_or_else(|| self.word.bad_part(self.name, next, wanted))
    }

    /// The next one, a name of a table.
    fn named<T: Copy>(&mut self, wanted: &'static str, table: &[(&'static str, T)]) -> Found<T> {
        self.read(wanted, |text| table.iter().find(|(name, _)| *name == text).map(|(_, value)| *value))
    }
}

/// `bundle(FIELDS,BASIS,ALGORITHM,ofport,members:PORT..)`.
pub(super) fn bundle(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let arguments = Arguments::of(word, "bundle", "(eth_src,0,hrw,ofport,members:4,8)");
    any_bundle(reader, arguments, false)
}

/// `bundle_load(FIELDS,BASIS,ALGORITHM,ofport,SUBFIELD,members:PORT..)`.
pub(super) fn bundle_load(reader: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let arguments = Arguments::of(word, "bundle_load", "(eth_src,0,hrw,ofport,reg0,members:4,8)");
    any_bundle(reader, arguments, true)
}

fn any_bundle(reader: &Reader<'_>, mut arguments: Arguments<'_>, loads: bool) -> Found<Action> {
    let fields = arguments.named(FIELDS, &HASH_FIELDS)?;
    let basis = arguments.read("a number from 0 to 65535", number::parse)?;
    let algorithm = arguments.named("a way to choose: active_backup or hrw", &BUNDLE_ALGORITHMS)?;
    arguments.read("`ofport`, the only kind of member", |text| (text == "ofport").then_some(()))?;
    let word = arguments.word;
    let to = if loads { Some(target(&word, arguments.next()?)?) } else { None };
    if let Some(to) = to.filter(|to| to.len < 16) {
        return Err(word.wrong(FlowErrorKind::Narrow { word: arguments.name, bits: to.len, needed: 16 }));
    }
    // The first member stands behind `members:` without a comma; `slaves:` is the old name.
    let first = arguments.next()?;
    let first = first.strip_prefix("members:").or_else(|| first.strip_prefix("slaves:"));
    let first =
        first.ok_or_else(|| word.bad_part(arguments.name, word.value, "a list that ends in members:PORT,.."))?;
    let mut members = Vec::new();
    let mut next = first;
    loop {
        if !next.is_empty() {
            let port = port::parse(next, reader.ports).filter(|port| matches!(*port, 0..=port::MAX | port::LOCAL));
            let port =
                port.ok_or_else(|| word.bad_part(arguments.name, next, "a port: its name or number, or local"))?;
            members.push(port);
        }
        match arguments.rest {
            None | Some("") => break,
            Some(_) => next = arguments.next()?,
        }
    }
    if members.len() > MAX_MEMBERS {
        return Err(word.bad_part(arguments.name, word.value, "a list of 2048 members at most"));
    }
    Ok(Action::Bundle(Box::new(Bundle { fields, basis, algorithm, to, members })))
}

/// The most members of a bundle, as in Open vSwitch.
const MAX_MEMBERS: usize = 2048;

/// `multipath(FIELDS,BASIS,ALGORITHM,LINKS,ARG,SUBFIELD)`.
pub(super) fn multipath(_: &mut Reader<'_>, word: &Word<'_>) -> Found<Action> {
    let mut arguments = Arguments::of(word, "multipath", "(eth_src,0,modulo_n,2,0,reg0)");
    let fields = arguments.named(FIELDS, &HASH_FIELDS)?;
    let basis = arguments.read("a number from 0 to 65535", number::parse)?;
    let algorithm =
        arguments.named("a way to choose: modulo_n, hash_threshold, hrw or iter_hash", &MULTIPATH_ALGORITHMS)?;
    let links = |text: &str| number::parse(text).filter(|n: &u32| (1..=0x1_0000).contains(n));
    let n_links: u32 = arguments.read("a number of links from 1 to 65536", links)?;
    let arg = arguments.read("a number from 0 to 4294967295", number::parse)?;
    let to = target(word, arguments.next()?)?;
    if u128::from(n_links - 1) > to.max() {
        let needed = (32 - (n_links - 1).leading_zeros()) as u8;
        return Err(word.wrong(FlowErrorKind::Narrow { word: "multipath", bits: to.len, needed }));
    }
    Ok(Action::Multipath(Box::new(Multipath { fields, basis, algorithm, n_links, arg, to })))
}
