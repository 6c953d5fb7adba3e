//! A program carried out on a key: the naive twin of carrying it out on a frame.

use packet::key::{VLAN_PRESENT, slot};
use packet::{EtherType, FlowKey, FlowMask};
use sim_core::PortIx;
use switch::plan::Plan;
use switch::program::{Op, Parts, Program};
use switch::translate::{Translation, Unobserved, World, resume, translate};

/// A frame that leaves.
#[derive(Clone, Debug)]
pub struct Sent {
    pub port: u32,
    pub len: usize,
    pub key: FlowKey,
    /// Whether the key says nothing of the packet: it came to light behind labels.
    pub is_hidden: bool,
    pub is_cut: bool,
    /// Whether a port was written into an ICMP message: an octet of it is there, and it is another message now.
    pub is_other_message: bool,
}

impl Sent {
    /// A frame of these bytes.
    pub fn new(port: u32, bytes: &[u8]) -> Self {
        Self {
            port,
            len: bytes.len(),
            key: FlowKey::extract(0, bytes),
            is_hidden: false,
            is_cut: false,
            is_other_message: false,
        }
    }

    /// The fields that the key of what is expected says.
    pub fn visible(&self, expected: &Self) -> String {
        let mut mask = FlowMask::EMPTY;
        mask.words_mut()[..slot::WIRE_WORDS].fill(u64::MAX);
        mask.set(slot::IN_PORT, 0);
        if expected.is_cut {
            mask = FlowMask::EMPTY.with(slot::DL_SRC).with(slot::DL_DST);
        }
        let is_mpls = matches!(expected.key.dl_type(), EtherType::MPLS | EtherType::MPLS_MULTICAST);
        if is_mpls || expected.is_hidden {
            mask.words_mut()[3..14].fill(0);
            for slot in [slot::NW_PROTO, slot::NW_TOS, slot::NW_FRAG] {
                mask.set(slot, 0);
            }
        }
        if !is_mpls || expected.is_hidden {
            slot::MPLS_LSE.iter().for_each(|slot| mask.set(*slot, 0));
        }
        if expected.is_other_message {
            [slot::TP_SRC, slot::TP_DST].iter().for_each(|slot| mask.set(*slot, 0xff));
            mask.words_mut()[10..14].fill(0);
        }
        self.key.masked(&mask).to_string()
    }
}

/// What the switch has to send for a frame; `None` if the key doesn't tell.
pub fn run(world: World<'_>, in_port: u32, bytes: &[u8]) -> Option<Vec<Sent>> {
    let key = FlowKey::extract(in_port, bytes);
    let in_slot = world.plan.slot_of_ofport(in_port)?;
    let Translation { program, .. } = translate(world, in_slot, &key, &mut Unobserved);
    let mut run = Run { world, in_slot, sent: Vec::new(), is_known: true };
    let mut at = Model::new(key, bytes);
    run.program(&program, program.parts.as_deref(), &mut at);
    run.is_known.then_some(run.sent)
}

/// A frame as a key and what a key has no room for.
#[derive(Clone)]
struct Model {
    key: FlowKey,
    len: usize,
    cut: Option<usize>,
    /// The tags, the outer one first.
    tags: Vec<u16>,
    /// The label stack entries, the top one first.
    labels: Vec<u32>,
    /// The bytes behind the labels, of a frame that came with some.
    behind: Option<Vec<u8>>,
    is_hidden: bool,
    is_other_message: bool,
}

impl Model {
    fn new(key: FlowKey, bytes: &[u8]) -> Self {
        let tags =
            [key.vlan_tci(), key.inner_tci()].into_iter().filter(|tci| tci & VLAN_PRESENT != 0).collect::<Vec<_>>();
        let mut labels = Vec::new();
        let mut behind = None;
        if matches!(key.dl_type(), EtherType::MPLS | EtherType::MPLS_MULTICAST) {
            let mut rest = &bytes[14 + 4 * tags.len()..];
            while let Some((entry, after)) = rest.split_first_chunk() {
                rest = after;
                labels.push(u32::from_be_bytes(*entry));
                if entry[2] & 1 != 0 {
                    break;
                }
            }
            behind = Some(rest.to_vec());
        }
        Self { key, len: bytes.len(), cut: None, tags, labels, behind, is_hidden: false, is_other_message: false }
    }

    /// Has the key say the first tags and labels.
    fn follow(&mut self) {
        let tag = |at: usize| self.tags.get(at).copied().unwrap_or(0);
        let (outer, inner) = (tag(0), tag(1));
        self.key.set_vlan_tci(outer);
        self.key.set_inner_tci(inner);
        for (at, slot) in slot::MPLS_LSE.into_iter().enumerate() {
            let shown = self.labels[..self.labels.len().min(at)].iter().all(|entry| entry & 0x100 == 0);
            let entry = self.labels.get(at).filter(|_| shown).copied().unwrap_or(0);
            self.key.set(slot, entry.into());
        }
    }

    /// The frame when it is read again.
    fn bytes(&self) -> Vec<u8> {
        let Some(behind) = &self.behind else { return packet::compose(&self.key) };
        let mut bytes = [self.key.dl_dst().0, self.key.dl_src().0].concat();
        for tci in &self.tags {
            bytes.extend([0x81, 0]);
            bytes.extend((tci & !VLAN_PRESENT).to_be_bytes());
        }
        bytes.extend(self.key.dl_type().0.to_be_bytes());
        self.labels.iter().for_each(|entry| bytes.extend(entry.to_be_bytes()));
        bytes.extend(behind);
        bytes
    }
}

struct Run<'a> {
    world: World<'a>,
    in_slot: u16,
    sent: Vec<Sent>,
    is_known: bool,
}

impl Run<'_> {
    fn program(&mut self, program: &Program, parts: Option<&Parts>, at: &mut Model) {
        program.ops().for_each(|op| self.op(op, parts, at));
    }

    fn part(&mut self, number: u16, parts: Option<&Parts>, at: &Model) {
        let part = parts.and_then(|parts| parts.programs.get(usize::from(number))).expect("it is among the parts");
        self.program(part, parts, &mut at.clone());
    }

    fn op(&mut self, op: Op, parts: Option<&Parts>, at: &mut Model) {
        let Plan { ports, .. } = self.world.plan;
        match op {
            Op::Output(slot) => self.output(slot, at),
            Op::Normal | Op::NormalFrom(_) => panic!("the stations were given"),
            Op::Everywhere { floodable_only } => {
                for (slot, port) in ports.iter().enumerate() {
                    let is_meant = port.ofport != 0 && (port.is_floodable || !floodable_only);
                    if is_meant && slot != usize::from(self.in_slot) && port.link.is_some() {
                        self.output(slot as u16, at);
                    }
                }
            }
            Op::Set(bits) => {
                let word = usize::from(bits.word);
                at.key.words_mut()[word] = at.key.words()[word] & !bits.mask | bits.value;
                let message = (at.key.dl_type(), at.key.nw_proto());
                at.is_other_message |= word == 3 && matches!(message, (EtherType::IPV4, 1) | (EtherType::IPV6, 58));
                if word < 2 {
                    let written = [at.key.vlan_tci(), at.key.inner_tci()];
                    at.tags.iter_mut().zip(written).for_each(|(tag, tci)| *tag = tci);
                } else if word == 14 || word == 15 {
                    let written = slot::MPLS_LSE.map(|slot| at.key.get(slot) as u32);
                    at.labels.iter_mut().zip(written).for_each(|(entry, new)| *entry = new);
                }
            }
            Op::PushVlan(tag) => {
                at.tags.insert(0, tag.tci | VLAN_PRESENT);
                at.len += 4;
            }
            Op::PopVlan => {
                at.tags.remove(0);
                at.len -= 4;
            }
            Op::PushMpls { ethertype, lse } => {
                at.labels.insert(0, lse);
                at.key.set_dl_type(EtherType(ethertype));
                at.len += 4;
            }
            Op::PopMpls(ethertype) => {
                at.labels.remove(0);
                at.key.set_dl_type(EtherType(ethertype));
                at.len -= 4;
                at.is_hidden |= !matches!(at.key.dl_type(), EtherType::MPLS | EtherType::MPLS_MULTICAST);
            }
            Op::Truncate(len) => at.cut = Some(len as usize),
            Op::Meter(_) | Op::Controller(_) | Op::Sample(_) | Op::Drop(_) => {}
            Op::Clone(number) => self.part(number, parts, at),
            Op::IfLonger { than, longer, others } => {
                self.part(if at.len > usize::from(than) { longer } else { others }, parts, at);
            }
            // The frame's hash chooses.
            Op::Select(_) => self.is_known = false,
            Op::Recirculate(number) => {
                let wanted = &parts.expect("it has parts").resumes[usize::from(number)];
                at.follow();
                let bytes = at.bytes();
                let key = FlowKey::extract(at.key.in_port(), &bytes);
                let Translation { program, .. } = resume(self.world, self.in_slot, wanted, &key, &mut Unobserved);
                let mut again = Model { len: at.len, ..Model::new(key, &bytes) };
                self.program(&program, program.parts.as_deref(), &mut again);
            }
        }
        at.follow();
    }

    fn output(&mut self, slot: u16, at: &mut Model) {
        let cut = at.cut.take();
        let Plan { ports, .. } = self.world.plan;
        let port = &ports[usize::from(slot)];
        let is_kept = ports[usize::from(self.in_slot)].is_protected && port.is_protected;
        let Some(PortIx(number)) = port.link.filter(|_| !is_kept) else { return };
        let len = cut.map_or(at.len, |cut| cut.min(at.len));
        let Model { key, is_hidden, is_other_message, .. } = *at;
        self.sent.push(Sent { port: number, len, key, is_hidden, is_cut: len < at.len, is_other_message });
    }
}
