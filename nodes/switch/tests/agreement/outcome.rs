//! What becomes of a frame by a trace's text: its datapath actions are carried out on its key, so that what is compared
//! is each frame that leaves and not how the steps are written.

use crate::flow_text::{self, Fields};
use std::collections::BTreeMap;

/// What a trace says.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The key as it came in.
    pub flow: Fields,
    /// The key in the end.
    pub last: Fields,
    /// What is done, in order.
    pub events: Vec<Event>,
    /// Whether it goes on after another extraction of the key, which the trace does not follow.
    pub recirculates: bool,
    /// The bits that mattered.
    pub megaflow: Fields,
}

/// What can be seen from outside.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub enum Event {
    /// A frame leaves: the port, the bytes it is cut to, and what it is by then.
    Output(String, Option<u128>, Frame),
    /// A frame goes to controllers or collectors: what they are told, and what it is by then.
    Userspace(String, Option<u128>, Frame),
    /// It goes through a meter.
    Meter(u128),
    /// A part that a meter may end, or that is done for some frames only: how it begins, and what is done.
    Part(String, Vec<Event>),
}

/// A frame as the datapath sees it.
#[derive(Clone, Debug, Default, PartialEq, PartialOrd)]
pub struct Frame {
    fields: BTreeMap<String, u128>,
    /// The tags, the outer one first: type (0 for one that it came with), priority, VLAN.
    tags: Vec<(u128, u128, u128)>,
    /// The label stack entries from the top: label, traffic class, bottom of stack, TTL.
    labels: Vec<[u128; 4]>,
}

/// Reads a trace of a frame, given its bytes if it came as such. `port` names a port of the datapath.
pub fn parse(trace: &str, bytes: Option<&[u8]>, port: &dyn Fn(&str) -> String) -> Option<Outcome> {
    let line = |start: &str| trace.lines().find_map(|line| line.strip_prefix(start));
    let flow = flow_text::parse(line("Flow: ")?);
    let last = line("Final flow: ")?;
    let last = if last == "unchanged" { flow.clone() } else { flow_text::parse(last) };
    let actions = line("Datapath actions: ")?;
    let megaflow = flow_text::parse(line("Megaflow: ")?);
    let mut frame = Frame::new(&flow);
    // A key doesn't say the types of tags.
    let types = bytes.into_iter().flat_map(packet::wire::vlan::tags).map(|tag| tag.tpid.0.into());
    frame.tags.iter_mut().zip(types.chain([0x8100; 2])).for_each(|(tag, tpid)| tag.0 = tpid);
    let mut run = Run { port, frame, cut: None, recirculates: false };
    let mut events = run.list(actions);
    sort(&mut events);
    let recirculates = run.recirculates;
    Some(Outcome { flow, last, events, recirculates, megaflow })
}

/// The flows of a list of `ovs-ofctl dump-flows`, in an order of their own.
pub fn flows(list: &str) -> Vec<String> {
    let mut flows: Vec<String> = list.lines().map(|line| line.trim().to_owned()).collect();
    flows.sort();
    flows
}

/// The words of a list; commas in brackets don't part them.
pub fn split(list: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let parts = list.split(move |c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).filter(|word| !word.is_empty())
}

/// In which order copies of the same frame leave can't be seen, and depends on the order of a hash table.
fn sort(events: &mut [Event]) {
    for run in
        events.chunk_by_mut(|a, b| matches!((a, b), (Event::Output(_, None, a), Event::Output(_, None, b)) if a == b))
    {
        run.sort_by(|a, b| a.partial_cmp(b).expect("they are of one kind"));
    }
    for event in events {
        if let Event::Part(_, inner) = event {
            sort(inner);
        }
    }
}

/// Name and what is in its brackets.
fn call(word: &str) -> (&str, &str) {
    match word.split_once('(') {
        Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or(rest)),
        None => (word, ""),
    }
}

fn argument<'a>(arguments: &'a str, name: &str) -> Option<&'a str> {
    split(arguments).find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

fn numeral(arguments: &str, name: &str, otherwise: u128) -> u128 {
    let value = argument(arguments, name).map(|value| flow_text::number(value).unwrap_or_else(|| panic!("{value}")));
    value.unwrap_or(otherwise)
}

impl Event {
    /// The frames that leave by ports when the frame is shorter than what is asked for below 1000 bytes and no meter
    /// ends it.
    pub fn outputs(events: &[Self]) -> Vec<(&str, Option<u128>, &Frame)> {
        let mut found = Vec::new();
        for event in events {
            match event {
                Self::Output(port, cut, frame) => found.push((port.as_str(), *cut, frame)),
                Self::Part(when, inner) if matches!(when.as_str(), "clone" | "gt 20" | "le 1000") => {
                    found.extend(Self::outputs(inner));
                }
                Self::Part(..) | Self::Userspace(..) | Self::Meter(_) => {}
            }
        }
        found
    }
}

impl Frame {
    /// The frame of a key.
    pub fn new(flow: &Fields) -> Self {
        let get = |name: &str| flow.get(name).map(|(value, _)| *value);
        let mut frame = Self::default();
        for (vlan, priority) in [("dl_vlan", "dl_vlan_pcp"), ("dl_vlan1", "dl_vlan_pcp1")] {
            frame.tags.extend(get(vlan).map(|vlan| (0, get(priority).unwrap_or(0), vlan)));
        }
        if let Some(label) = get("mpls_label") {
            let get = |name| get(name).unwrap_or(0);
            frame.labels.push([label, get("mpls_tc"), get("mpls_bos"), get("mpls_ttl")]);
            for name in ["mpls_lse1", "mpls_lse2"] {
                frame.labels.extend(flow.get(name).map(|(lse, _)| [lse >> 12, lse >> 9 & 7, lse >> 8 & 1, lse & 0xff]));
            }
        }
        // What the datapath doesn't see.
        let inside = |name: &str| {
            name.contains("vlan")
                || name.starts_with("mpls")
                || name.contains("reg")
                || name.starts_with("tun")
                || matches!(name, "metadata" | "in_port" | "conj_id" | "actset_output")
        };
        let fields = flow.iter().filter(|(name, _)| !inside(name));
        // A transport's port that was written into an ICMP message: an octet of it is seen.
        let seen = |name: &str, value: u128| if name.starts_with("icmp") { value & 0xff } else { value };
        frame.fields = fields.map(|(name, (value, _))| (name.clone(), seen(name, *value))).collect();
        frame
    }

    /// The frame of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let key = packet::FlowKey::extract(0, bytes);
        let mut frame = Self::new(&flow_text::parse(&key.to_string()));
        for (tag, found) in frame.tags.iter_mut().zip(packet::wire::vlan::tags(bytes)) {
            tag.0 = found.tpid.0.into();
        }
        frame
    }

    /// Whether a frame of bytes can be this one: what is behind labels can't be seen in it, and a mark isn't part of it.
    pub fn can_be(&self, seen: &Self) -> bool {
        let mut tags = self.tags.clone();
        tags.iter_mut().zip(&seen.tags).filter(|(tag, _)| tag.0 == 0).for_each(|(tag, seen)| tag.0 = seen.0);
        let aside = ["pkt_mark", "skb_priority"];
        let mut fields = seen.fields.iter().filter(|(name, _)| !aside.contains(&name.as_str()));
        tags == seen.tags && self.has_labels(seen) && fields.all(|(name, value)| self.fields.get(name) == Some(value))
    }

    /// Whether a frame of bytes has these labels. Behind a stack that has lost its bottom the packet is read as labels.
    fn has_labels(&self, seen: &Self) -> bool {
        let is_whole = self.labels.last().is_none_or(|[_, _, bottom, _]| *bottom == 1) && !self.is_bare();
        if is_whole { self.labels == seen.labels } else { seen.labels.starts_with(&self.labels) }
    }

    /// Whether it is MPLS by its type, and no label is known.
    fn is_bare(&self) -> bool {
        self.labels.is_empty() && matches!(self.fields.get("dl_type"), Some(0x8847 | 0x8848))
    }

    /// Without what a key doesn't say: the types of its tags, and the queue when no frame was sent to one.
    pub fn without_types(&self) -> Self {
        let mut frame = self.clone();
        frame.tags.iter_mut().for_each(|tag| tag.0 = 0);
        frame.fields.retain(|name, value| *value != 0 || name != "skb_priority");
        frame
    }

    fn write(&mut self, name: &str, value: u128, mask: u128) {
        let field = self.fields.entry(name.to_owned()).or_default();
        *field = *field & !mask | value & mask;
        // What rides beside a frame is said only where it isn't zero.
        if *field == 0 && matches!(name, "skb_priority" | "pkt_mark") {
            self.fields.remove(name);
        }
    }

    /// `set(...)`.
    fn set(&mut self, word: &str) {
        let (header, arguments) = call(word);
        if matches!(header, "skb_priority" | "skb_mark") {
            let name = if header == "skb_mark" { "pkt_mark" } else { header };
            let (value, mask) = flow_text::masked(arguments).unwrap_or_else(|| panic!("{word}"));
            return self.write(name, value, mask);
        }
        for argument in split(arguments) {
            let (name, value) = argument.split_once('=').unwrap_or_else(|| panic!("{word}"));
            let (value, mask) = flow_text::masked(value).unwrap_or_else(|| panic!("{word}"));
            let name = match (header, name) {
                ("eth", "src") => "dl_src",
                ("eth", "dst") => "dl_dst",
                ("ipv4", "src") => "nw_src",
                ("ipv4", "dst") => "nw_dst",
                ("ipv6", "src") => "ipv6_src",
                ("ipv6", "dst") => "ipv6_dst",
                ("ipv6", "label") => "ipv6_label",
                ("ipv4", "ttl") | ("ipv6", "hlimit") => "nw_ttl",
                ("ipv4", "tos") | ("ipv6", "tclass") => {
                    self.write("nw_tos", value, mask & 0xfc);
                    self.write("nw_ecn", value, mask & 3);
                    continue;
                }
                ("tcp" | "udp" | "sctp", "src") => "tp_src",
                ("tcp" | "udp" | "sctp", "dst") => "tp_dst",
                ("icmp" | "icmpv6", "type") => "icmp_type",
                ("icmp" | "icmpv6", "code") => "icmp_code",
                ("arp", "sip") => "arp_spa",
                ("arp", "tip") => "arp_tpa",
                ("arp", "op") => "arp_op",
                ("arp", "sha") => "arp_sha",
                ("arp", "tha") => "arp_tha",
                ("nd", "target") => "nd_target",
                ("nd", "sll") => "nd_sll",
                ("nd", "tll") => "nd_tll",
                ("mpls", part) => {
                    let at = ["label", "tc", "bos", "ttl"].iter().position(|name| *name == part);
                    let part = &mut self.labels[0][at.unwrap_or_else(|| panic!("{word}"))];
                    *part = *part & !mask | value & mask;
                    continue;
                }
                _ => panic!("{word}"),
            };
            self.write(name, value, mask);
        }
    }
}

/// Actions on their way.
struct Run<'a> {
    port: &'a dyn Fn(&str) -> String,
    frame: Frame,
    /// The bytes that the next output is cut to.
    cut: Option<u128>,
    recirculates: bool,
}

impl Run<'_> {
    fn list(&mut self, actions: &str) -> Vec<Event> {
        let mut events = Vec::new();
        for word in split(actions) {
            self.action(word, &mut events);
        }
        events
    }

    /// Carries out a list on a copy.
    fn inner(&mut self, actions: &str) -> Vec<Event> {
        let frame = self.frame.clone();
        let events = self.list(actions);
        self.frame = frame;
        self.cut = None;
        events
    }

    fn action(&mut self, word: &str, events: &mut Vec<Event>) {
        let (name, arguments) = call(word);
        let frame = &mut self.frame;
        match name {
            "drop" => {}
            "pop_vlan" => {
                frame.tags.remove(0);
            }
            "push_vlan" => {
                let part = |name, otherwise| numeral(arguments, name, otherwise);
                frame.tags.insert(0, (part("tpid", 0x8100), part("pcp", 0), part("vid", 0)));
            }
            "push_mpls" => {
                let part = |name| numeral(arguments, name, 0);
                frame.labels.insert(0, [part("label"), part("tc"), part("bos"), part("ttl")]);
                frame.write("dl_type", part("eth_type"), u128::MAX);
            }
            "pop_mpls" => {
                frame.labels.remove(0);
                frame.write("dl_type", numeral(arguments, "eth_type", 0), u128::MAX);
            }
            "set" => frame.set(arguments),
            "trunc" => self.cut = flow_text::number(arguments),
            "meter" => events.push(Event::Meter(flow_text::number(arguments).unwrap_or_else(|| panic!("{word}")))),
            "userspace" => {
                // What the daemon tells itself.
                let own = ["pid=", "recirc_id=", "rule_cookie=", "dont_send="];
                let mut told = String::new();
                for word in split(arguments) {
                    let (name, inner) = call(word);
                    let inner: Vec<&str> = split(inner).filter(|w| !own.iter().any(|own| w.starts_with(own))).collect();
                    if !own.iter().any(|own| word.starts_with(own)) {
                        told.push_str(&format!("{name}({})", inner.join(",")));
                    }
                }
                events.push(Event::Userspace(told, self.cut.take(), frame.clone()));
            }
            "clone" => {
                let inner = self.inner(arguments);
                if inner.iter().any(|event| matches!(event, Event::Meter(_))) {
                    events.push(Event::Part("clone".to_owned(), inner));
                } else {
                    events.extend(inner);
                }
            }
            "sample" => {
                let actions = split(arguments).find_map(|word| word.strip_prefix("actions(")?.strip_suffix(')'));
                let share = argument(arguments, "sample").unwrap_or_default();
                let inner = self.inner(actions.unwrap_or_else(|| panic!("{word}")));
                events.push(Event::Part(format!("sample {share}"), inner));
            }
            "check_pkt_len" => {
                let size = numeral(arguments, "size", 0);
                for branch in ["gt", "le"] {
                    let actions = split(arguments).map(call).find(|(name, _)| *name == branch);
                    let inner = self.inner(actions.unwrap_or_else(|| panic!("{word}")).1);
                    events.push(Event::Part(format!("{branch} {size}"), inner));
                }
            }
            "hash" => {}
            "recirc" => self.recirculates = true,
            _ if arguments.is_empty() => {
                let port = (self.port)(word);
                let cut = self.cut.take();
                events.push(Event::Output(port, cut, frame.clone()));
            }
            _ => panic!("what is {word}?"),
        }
    }
}
