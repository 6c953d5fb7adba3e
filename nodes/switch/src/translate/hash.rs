//! What is chosen by a hash: `multipath`, `bundle`, groups by fields.
//!
//! The functions for a group's fields are those of Open vSwitch (lib/hash.h, MurmurHash3 without SSE 4.2), so that the
//! same bucket is taken; so are those of `multipath` and `bundle` for one Ethernet or network address (Jenkins' lookup3,
//! lib/jhash.h). Symmetric hashes of several fields are netloom's own: they look at the same fields, and choose the
//! same for both directions.

use super::{Observer, Translator};
use openflow::{Bundle, BundleAlgorithm, HashFields, Multipath, MultipathAlgorithm};
use packet::key::slot;
use packet::{EtherType, Field, FlowMask, Slot};

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

impl<O: Observer> Translator<'_, O> {
    /// `multipath`.
    pub(super) fn multipath(&mut self, multipath: &Multipath) {
        let hash = self.hash(multipath.fields, multipath.basis.into());
        let links = multipath.n_links.max(1);
        let link = match multipath.algorithm {
            MultipathAlgorithm::ModuloN => hash % links,
            MultipathAlgorithm::HashThreshold if links == 1 => 0,
            MultipathAlgorithm::HashThreshold => hash / (u32::MAX / links + 1),
            MultipathAlgorithm::Hrw => best(links, |link| Some(hash_2words(hash, link))).unwrap_or(0),
            MultipathAlgorithm::IterHash => {
                let fits = (links..=links.saturating_mul(2).saturating_add(1)).contains(&multipath.arg);
                let modulo = if fits { multipath.arg } else { links.next_power_of_two() };
                let mut link = hash;
                // About half of the values are links, so that it ends soon.
                for at in 0..1024 {
                    link = hash_2words(hash, at) % modulo;
                    if link < links {
                        break;
                    }
                }
                link % links
            }
        };
        self.store(&multipath.to, u128::from(link));
    }

    /// `bundle`, `bundle_load`: a port of the members that are up.
    pub(super) fn bundle(&mut self, bundle: &Bundle) {
        let port = match bundle.algorithm {
            BundleAlgorithm::ActiveBackup => bundle.members.iter().copied().find(|port| self.is_up(*port)),
            BundleAlgorithm::Hrw => {
                let hash = self.hash(bundle.fields, bundle.basis.into());
                let up: Vec<bool> = bundle.members.iter().map(|port| self.is_up(*port)).collect();
                let weight = |at: u32| up[at as usize].then(|| hash_2words(at, hash));
                best(up.len() as u32, weight).map(|at| bundle.members[at as usize])
            }
        };
        let port = port.unwrap_or(super::output::NONE);
        match &bundle.to {
            Some(to) => self.store(to, u128::from(port)),
            None => self.output(port, None),
        }
    }

    /// The hash of some fields, which then are looked at.
    fn hash(&mut self, fields: HashFields, basis: u32) -> u32 {
        self.look_at(slot::DL_TYPE);
        let flow = self.state.flow;
        let is_v4 = flow.dl_type() == EtherType::IPV4;
        let is_ip = is_v4 || flow.dl_type() == EtherType::IPV6;
        let addresses = match flow.dl_type() {
            EtherType::IPV4 => Some([slot::NW_SRC, slot::NW_DST]),
            EtherType::IPV6 => Some([slot::IPV6_SRC, slot::IPV6_DST]),
            _ => None,
        };
        let one = |at: &mut Self, slot: Slot, bytes: usize| {
            at.look_at(slot);
            jhash(&at.state.flow.get(slot).to_be_bytes()[16 - bytes..], basis)
        };
        let size = if is_v4 { 4 } else { 16 };
        let (links, transports): (bool, &[u8]) = match fields {
            HashFields::EthSrc => return one(self, slot::DL_SRC, 6),
            HashFields::NwSrc => return addresses.map_or(basis, |[src, _]| one(self, src, size)),
            HashFields::NwDst => return addresses.map_or(basis, |[_, dst]| one(self, dst, size)),
            HashFields::SymmetricL4 => (true, &[TCP, SCTP]),
            HashFields::SymmetricL3L4 => (false, &[TCP, SCTP]),
            HashFields::SymmetricL3L4Udp => (false, &[TCP, UDP, SCTP]),
            HashFields::SymmetricL3 => (false, &[]),
        };
        let mut hash = basis;
        // Both directions have the same difference of source and destination.
        let mut pair = |at: &mut Self, a: Slot, b: Slot| {
            at.look(&FlowMask::EMPTY.with(a).with(b));
            let both = at.state.flow.get(a) ^ at.state.flow.get(b);
            hash = jhash(&both.to_be_bytes(), hash);
        };
        if links {
            pair(self, slot::DL_SRC, slot::DL_DST);
        }
        if let Some([src, dst]) = addresses {
            pair(self, src, dst);
        }
        if is_ip && !transports.is_empty() {
            self.look_at(slot::NW_PROTO);
            if transports.contains(&flow.nw_proto()) {
                self.look_at(slot::NW_FRAG);
                pair(self, slot::TP_SRC, slot::TP_DST);
            }
            hash = jhash(&[flow.nw_proto()], hash);
        }
        if links {
            self.look_at(slot::VLAN_TCI);
            hash = jhash(&(flow.vlan_tci() & 0x0fff).to_be_bytes(), hash);
        }
        hash
    }

    /// The hash of a group's fields: of those that the frame has.
    pub(super) fn hash_of_fields(&mut self, param: u64, fields: &[(&'static Field, u128)]) -> u32 {
        let mut hash = hash_uint64(param);
        for (field, mask) in fields {
            let is_there = match field.slot {
                // Without a tag its VLAN counts as 0.
                slot::VLAN_VID => true,
                // ARP's addresses stand in the same place.
                _ if matches!(field.name, "nw_src" | "nw_dst") => self.meets(super::actions::IPV4),
                _ => self.has(field),
            };
            if !is_there {
                continue;
            }
            let mut looked = FlowMask::EMPTY;
            looked.set(field.slot, *mask);
            self.look(&looked);
            let size = usize::from(field.slot.width.div_ceil(8));
            let value = self.state.flow.get(field.slot) & mask;
            hash = hash_bytes(&value.to_be_bytes()[16 - size..], hash);
        }
        hash
    }
}

/// The number of the highest weight, the first among equals.
fn best(n: u32, weight: impl Fn(u32) -> Option<u32>) -> Option<u32> {
    let weights = (0..n.min(65_536)).filter_map(|at| Some((weight(at)?, at)));
    weights.max_by_key(|(weight, at)| (*weight, u32::MAX - at)).map(|(_, at)| at)
}

fn add(hash: u32, data: u32) -> u32 {
    let data = data.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    (hash ^ data).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

fn finish(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

fn hash_2words(x: u32, y: u32) -> u32 {
    finish(add(add(x, 0), y) ^ 8)
}

/// The hash of a number.
pub(super) fn hash_int(x: u32, basis: u32) -> u32 {
    hash_2words(x, basis)
}

fn hash_uint64(x: u64) -> u32 {
    finish(add(add(0, x as u32), (x >> 32) as u32) ^ 8)
}

fn hash_bytes(bytes: &[u8], basis: u32) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut hash = words.iter().fold(basis, |hash, word| add(hash, u32::from_le_bytes(*word)));
    if !rest.is_empty() {
        let mut word = [0; 4];
        word[..rest.len()].copy_from_slice(rest);
        hash = add(hash, u32::from_le_bytes(word));
    }
    finish(hash ^ bytes.len() as u32)
}

/// Jenkins' lookup3.
fn jhash(bytes: &[u8], basis: u32) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32).wrapping_add(basis);
    let (mut a, mut b, mut c) = (start, start, start);
    let word = |bytes: &[u8], at: usize| {
        let mut word = [0; 4];
        let part = bytes.get(at..bytes.len().min(at + 4)).unwrap_or_default();
        word[..part.len()].copy_from_slice(part);
        u32::from_le_bytes(word)
    };
    let mut rest = bytes;
    while rest.len() >= 12 {
        a = a.wrapping_add(word(rest, 0));
        b = b.wrapping_add(word(rest, 4));
        c = c.wrapping_add(word(rest, 8));
        a = a.wrapping_sub(c) ^ c.rotate_left(4);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(6);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(8);
        b = b.wrapping_add(a);
        a = a.wrapping_sub(c) ^ c.rotate_left(16);
        c = c.wrapping_add(b);
        b = b.wrapping_sub(a) ^ a.rotate_left(19);
        a = a.wrapping_add(c);
        c = c.wrapping_sub(b) ^ b.rotate_left(4);
        b = b.wrapping_add(a);
        rest = &rest[12..];
    }
    if !rest.is_empty() {
        a = a.wrapping_add(word(rest, 0));
        b = b.wrapping_add(word(rest, 4));
        c = c.wrapping_add(word(rest, 8));
        c = (c ^ b).wrapping_sub(b.rotate_left(14));
        a = (a ^ c).wrapping_sub(c.rotate_left(11));
        b = (b ^ a).wrapping_sub(a.rotate_left(25));
        c = (c ^ b).wrapping_sub(b.rotate_left(16));
        a = (a ^ c).wrapping_sub(c.rotate_left(4));
        b = (b ^ a).wrapping_sub(a.rotate_left(14));
        c = (c ^ b).wrapping_sub(b.rotate_left(24));
    }
    c
}
