//! A program in the words of ovs-dpctl(8): `set(ipv4(src=1.2.3.4,ttl=63)),push_vlan(vid=10,pcp=0),2`.
//!
//! Steps that write words of the key are told as the headers that hold their fields, which the key tells. Ports have
//! their OpenFlow numbers or their names.

use super::mirrors::Mirrored;
use crate::plan::Plan;
use crate::program::{Op, Parts, Program};
use openflow::{Controller, PacketInReason, Sample, SampleDirection};
use packet::key::VLAN_PRESENT;
use packet::key::slot::{self, Slot};
use packet::{EtherType, FlowKey, FlowMask, MacAddr};
use std::fmt::{self, Display, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A program that frames of a key have.
pub(crate) struct Actions<'a> {
    /// The program.
    pub program: &'a Program,
    /// The key as frames come in; of its bits those must be known that the program was made for.
    pub key: &'a FlowKey,
    /// The ports.
    pub plan: &'a Plan,
    /// The slot that the frames came in by.
    pub in_slot: u16,
    /// The name of a slot; `None` for its number.
    pub name: &'a dyn Fn(u16) -> Option<String>,
    /// Whether the frames have just come in, so that mirrors see them.
    pub mirrors: bool,
}

impl Display for Actions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.program.parts.as_deref();
        let mut writer = Writer {
            of: self,
            parts,
            key: *self.key,
            pending: FlowMask::EMPTY,
            words: Vec::new(),
            mirrored: Mirrored::default(),
            worn: Vec::new(),
            undo: Vec::new(),
        };
        if self.mirrors {
            writer.mirror(self.in_slot, true);
        }
        writer.program(self.program);
        if writer.words.is_empty() {
            return f.write_str("drop");
        }
        f.write_str(&writer.words.join(","))
    }
}

/// Puts steps into words.
struct Writer<'a> {
    of: &'a Actions<'a>,
    parts: Option<&'a Parts>,
    /// The key as the steps so far have made it.
    key: FlowKey,
    /// The bits that were written and aren't told yet.
    pending: FlowMask,
    words: Vec<String>,
    mirrored: Mirrored,
    /// The steps that gave a mirror's copy its tags, and those that take them back if anything follows.
    worn: Vec<String>,
    undo: Vec<String>,
}

impl<'a> Writer<'a> {
    fn program(&mut self, program: &Program) {
        for op in program.ops() {
            if !matches!(op, Op::Set(_)) {
                if op.is_end() && !matches!(op, Op::Drop(_)) || !self.pending.is_empty() {
                    self.unwear();
                }
                self.tell_sets();
            }
            self.op(op);
        }
    }

    /// Tells the copies that mirrors make of a frame that came in by the port of a slot, or went out of it.
    fn mirror(&mut self, slot: u16, is_incoming: bool) {
        for copy in self.mirrored.copies(self.of.plan, &self.key, slot, is_incoming) {
            // From one copy to the next the tags stay, if they are the same.
            if self.worn != copy.tags {
                self.unwear();
                self.words.extend_from_slice(&copy.tags);
            }
            self.words.extend(copy.cut.map(|len| format!("trunc({len})")));
            let word = self.port(copy.slot);
            self.words.push(word);
            (self.worn, self.undo) = (copy.tags, copy.back);
        }
    }

    /// Takes the tags of a mirror's copy back.
    fn unwear(&mut self) {
        self.worn.clear();
        self.words.append(&mut self.undo);
    }

    /// The words of a program of its own; `drop` if there are none.
    fn inner(&mut self, at: u16) -> String {
        let mut inner = Writer {
            of: self.of,
            parts: self.parts,
            key: self.key,
            pending: FlowMask::EMPTY,
            words: Vec::new(),
            mirrored: self.mirrored,
            worn: Vec::new(),
            undo: Vec::new(),
        };
        if let Some(program) = self.part(at, |parts| &parts.programs) {
            inner.program(program);
        }
        self.mirrored = inner.mirrored;
        if inner.words.is_empty() { "drop".to_owned() } else { inner.words.join(",") }
    }

    fn part<T>(&self, at: u16, list: fn(&Parts) -> &Vec<T>) -> Option<&'a T> {
        list(self.parts?).get(usize::from(at))
    }

    fn op(&mut self, op: Op) {
        let word = match op {
            Op::Output(slot) => return self.output(slot),
            Op::Normal => "NORMAL".to_owned(),
            Op::NormalFrom(slot) => format!("NORMAL({})", self.port(slot)),
            Op::Everywhere { floodable_only } => return self.everywhere(floodable_only),
            Op::Set(bits) => {
                let word = usize::from(bits.word);
                let old = self.key.words()[word];
                self.key.words_mut()[word] = old & !bits.mask | bits.value;
                self.pending.words_mut()[word] |= bits.mask;
                return;
            }
            Op::PushVlan(tag) => {
                self.key.push_tag(EtherType(tag.tpid), tag.tci);
                push_vlan(tag.tpid, tag.tci)
            }
            Op::PopVlan => {
                self.key.pop_tag();
                "pop_vlan".to_owned()
            }
            Op::PushMpls { ethertype, lse } => {
                let [top, second, _] = slot::MPLS_LSE.map(|slot| self.key.get(slot));
                if matches!(self.key.dl_type().0, 0x8847 | 0x8848) {
                    self.key.set(slot::MPLS_LSE[2], second);
                    self.key.set(slot::MPLS_LSE[1], top);
                }
                self.key.set(slot::MPLS_LSE[0], lse.into());
                self.key.set_dl_type(EtherType(ethertype));
                format!("push_mpls({},eth_type={ethertype:#x})", Entry(lse))
            }
            Op::PopMpls(ethertype) => {
                let [_, second, third] = slot::MPLS_LSE.map(|slot| self.key.get(slot));
                for (slot, entry) in slot::MPLS_LSE.into_iter().zip([second, third, 0]) {
                    self.key.set(slot, entry);
                }
                self.key.set_dl_type(EtherType(ethertype));
                format!("pop_mpls(eth_type={ethertype:#x})")
            }
            Op::Truncate(len) => format!("trunc({len})"),
            Op::Meter(meter) => format!("meter({})", meter.saturating_sub(1)),
            Op::Controller(at) => match self.part(at, |parts| &parts.controllers) {
                Some(controller) => userspace(controller),
                None => return,
            },
            Op::Sample(at) => match self.part(at, |parts| &parts.samples) {
                Some(sample) => flow_sample(sample, self.key.in_port()),
                None => return,
            },
            Op::Drop(_) => return,
            Op::Clone(at) => {
                let only = self.part(at, |parts| &parts.programs).and_then(Program::only);
                match only {
                    // A copy for nothing but to choose is none.
                    Some(Op::IfLonger { .. }) => self.inner(at),
                    _ => format!("clone({})", self.inner(at)),
                }
            }
            Op::IfLonger { than, longer, others } => {
                format!("check_pkt_len(size={than},gt({}),le({}))", self.inner(longer), self.inner(others))
            }
            Op::Select(at) => {
                let basis = self.part(at, |parts| &parts.selects).map_or(0, |select| select.basis);
                self.words.push(format!("hash(sym_l4({basis}))"));
                format!("recirc({:#x})", at + 1)
            }
            Op::Recirculate(at) => format!("recirc({:#x})", at + 1),
        };
        self.words.push(word);
    }

    fn output(&mut self, slot: u16) {
        let word = self.port(slot);
        self.words.push(word);
        self.mirror(slot, false);
    }

    fn port(&self, slot: u16) -> String {
        (self.of.name)(slot).unwrap_or_else(|| {
            let port = self.of.plan.ports.get(usize::from(slot));
            port.map_or(0, |port| port.ofport).to_string()
        })
    }

    fn everywhere(&mut self, floodable_only: bool) {
        for (slot, port) in self.of.plan.ports.iter().enumerate() {
            let slot = slot as u16;
            if port.ofport != 0 && (port.is_floodable || !floodable_only) && slot != self.of.in_slot {
                self.unwear();
                self.output(slot);
            }
        }
    }

    /// Tells what was written: one word for each header.
    fn tell_sets(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        if pending.is_empty() {
            return;
        }
        let key = self.key;
        let is_written = |slot: Slot| pending.get(slot) != 0;
        let fields = |name: &str, fields: &[(&str, Slot, Form)]| {
            let fields = fields.iter().filter(|(_, slot, _)| is_written(*slot));
            let texts: Vec<String> = fields.map(|(name, slot, form)| form.write(name, &key, &pending, *slot)).collect();
            (!texts.is_empty()).then(|| format!("set({name}({}))", texts.join(",")))
        };
        self.words.extend(fields("eth", &[("src", slot::DL_SRC, Form::Mac), ("dst", slot::DL_DST, Form::Mac)]));
        if matches!(key.dl_type().0, 0x8847 | 0x8848) {
            if is_written(slot::MPLS_LSE[0]) {
                self.words.push(format!("set(mpls({}))", Entry(key.get(slot::MPLS_LSE[0]) as u32)));
            }
        } else {
            self.tell_packet(&fields, &is_written);
        }
        if is_written(slot::VLAN_TCI) {
            self.words.push("pop_vlan".to_owned());
            self.words.push(push_vlan(key.tag_types()[0].0, key.vlan_tci() & !VLAN_PRESENT));
        }
        let number = |name: &str, slot: Slot| {
            is_written(slot)
                .then(|| format!("set({name}({}))", Form::Hex.value(key.get(slot), pending.get(slot), slot)))
        };
        self.words.extend(number("skb_priority", slot::SKB_PRIORITY));
        self.words.extend(number("skb_mark", slot::PKT_MARK));
    }

    fn tell_packet(&mut self, fields: &Fields<'_>, is_written: &dyn Fn(Slot) -> bool) {
        use Form::{Decimal, Hex, Mac, V4, V6};
        let key = self.key;
        let word = match key.dl_type() {
            EtherType::IPV4 => fields(
                "ipv4",
                &[
                    ("src", slot::NW_SRC, V4),
                    ("dst", slot::NW_DST, V4),
                    ("tos", slot::NW_TOS, Hex),
                    ("ttl", slot::NW_TTL, Decimal),
                ],
            ),
            EtherType::IPV6 => fields(
                "ipv6",
                &[
                    ("src", slot::IPV6_SRC, V6),
                    ("dst", slot::IPV6_DST, V6),
                    ("label", slot::IPV6_LABEL, Hex),
                    ("tclass", slot::NW_TOS, Hex),
                    ("hlimit", slot::NW_TTL, Decimal),
                ],
            ),
            EtherType::ARP => fields(
                "arp",
                &[
                    ("sip", slot::NW_SRC, V4),
                    ("tip", slot::NW_DST, V4),
                    ("op", slot::NW_PROTO, Decimal),
                    ("sha", slot::ARP_SHA, Mac),
                    ("tha", slot::ARP_THA, Mac),
                ],
            ),
            _ => None,
        };
        self.words.extend(word);
        let is_v6 = key.dl_type() == EtherType::IPV6;
        let ports = match (key.nw_proto(), is_v6) {
            (6, _) => "tcp",
            (17, _) => "udp",
            (132, _) => "sctp",
            (1, false) => "icmp",
            (58, true) => "icmpv6",
            _ => return,
        };
        if ports == "icmpv6" {
            let nd = [("target", slot::ND_TARGET, V6), ("sll", slot::ARP_SHA, Mac), ("tll", slot::ARP_THA, Mac)];
            self.words.extend(fields("nd", &nd));
        }
        if !ports.starts_with("icmp") {
            let word = fields(ports, &[("src", slot::TP_SRC, Decimal), ("dst", slot::TP_DST, Decimal)]);
            self.words.extend(word);
        } else if is_written(slot::TP_SRC) || is_written(slot::TP_DST) {
            // Of a port that was written there an octet goes into the message.
            let [kind, code] = [key.tp_src(), key.tp_dst()].map(|port| port & 0xff);
            self.words.push(format!("set({ports}(type={kind},code={code}))"));
        }
    }
}

/// Puts the fields of a header that were written into a word.
type Fields<'a> = dyn Fn(&str, &[(&str, Slot, Form)]) -> Option<String> + 'a;

/// How a field's value is written.
#[derive(Clone, Copy)]
enum Form {
    Decimal,
    Hex,
    Mac,
    V4,
    V6,
}

impl Form {
    fn write(self, name: &str, key: &FlowKey, mask: &FlowMask, slot: Slot) -> String {
        format!("{name}={}", self.value(key.get(slot), mask.get(slot), slot))
    }

    fn value(self, value: u128, mask: u128, slot: Slot) -> String {
        let one = |bits: u128| match self {
            Self::Decimal => bits.to_string(),
            Self::Hex if bits == 0 => "0".to_owned(),
            Self::Hex => format!("{bits:#x}"),
            Self::Mac => MacAddr::from_u64(bits as u64).to_string(),
            Self::V4 => Ipv4Addr::from_bits(bits as u32).to_string(),
            Self::V6 => Ipv6Addr::from_bits(bits).to_string(),
        };
        let mut text = one(value & mask);
        if mask != slot.max() {
            let mask = if matches!(self, Self::Decimal) { format!("{mask:#x}") } else { one(mask) };
            // Writing to a string can't fail.
            let _ = write!(text, "/{mask}");
        }
        text
    }
}

/// A label stack entry.
struct Entry(u32);

impl Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(lse) = self;
        write!(f, "label={},tc={},ttl={},bos={}", lse >> 12, lse >> 9 & 7, lse & 0xff, lse >> 8 & 1)
    }
}

pub(super) fn push_vlan(tpid: u16, tci: u16) -> String {
    let kind = if tpid == EtherType::VLAN.0 { String::new() } else { format!("tpid={tpid:#06x},") };
    format!("push_vlan({kind}vid={},pcp={})", tci & 0xfff, tci >> 13)
}

fn userspace(controller: &Controller) -> String {
    let reason = match controller.reason {
        PacketInReason::NoMatch => 0,
        PacketInReason::Action => 1,
        PacketInReason::InvalidTtl => 2,
        PacketInReason::ActionSet => 3,
        PacketInReason::Group => 4,
        PacketInReason::PacketOut => 5,
    };
    let continuation = u8::from(controller.pause);
    format!(
        "userspace(pid=0,controller(reason={reason},dont_send=1,continuation={continuation},recirc_id=1,rule_cookie=0,\
         controller_id={},max_len={}))",
        controller.id, controller.max_len
    )
}

fn flow_sample(sample: &Sample, in_port: u32) -> String {
    let port =
        if sample.sampling_port == 0xffff || sample.sampling_port == in_port { u32::MAX } else { sample.sampling_port };
    let direction = match sample.direction {
        SampleDirection::Default => "",
        SampleDirection::Ingress => ",ingress",
        SampleDirection::Egress => ",egress",
    };
    let Sample { probability, collector_set_id, obs_domain_id, obs_point_id, .. } = sample;
    let inner = format!(
        "userspace(pid=0,flow_sample(probability={probability},collector_set_id={collector_set_id},\
         obs_domain_id={obs_domain_id},obs_point_id={obs_point_id},output_port={port}{direction}))"
    );
    match *probability {
        u16::MAX => inner,
        probability => format!("sample(sample={:.1}%,actions({inner}))", f64::from(probability) * 100.0 / 65535.0),
    }
}
