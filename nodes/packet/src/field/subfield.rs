//! Some bits of a field, as actions name them (ovs-actions(7), "Subfields"): `reg0[0..15]`, `NXM_NX_REG0[]`.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use super::format::short;
use super::{FIELDS, Field, Format};
use crate::key::{FlowKey, FlowMask};
use crate::nearest;

/// Some bits of a field that stand beside each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subfield {
    /// The field.
    pub field: &'static Field,
    /// The lowest bit, counted from the field's lowest.
    pub start: u8,
    /// How many bits, at least 1.
    pub len: u8,
}

/// Why a text is no subfield.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct SubfieldError(pub String);

impl Subfield {
    /// All bits of a field.
    pub fn whole(field: &'static Field) -> Self {
        Self { field, start: 0, len: field.width }
    }

    /// True if it is all bits of the field.
    pub fn is_whole(&self) -> bool {
        self.len == self.field.width
    }

    /// The largest value: all bits set, from the lowest on.
    pub fn max(&self) -> u128 {
        u128::MAX >> (128 - u32::from(self.len))
    }

    /// The bits' value in a key, the lowest first.
    pub fn get(&self, key: &FlowKey) -> u128 {
        (key.get(self.field.bits) & self.mask()) >> self.start
    }

    /// Replaces the bits in a key. Bits of the value above the length are dropped.
    pub fn set(&self, key: &mut FlowKey, value: u128) {
        let mask = self.mask();
        let old = key.get(self.field.bits);
        key.set(self.field.bits, old & !mask | value << self.start & mask);
    }

    /// Adds the bits to a mask.
    pub fn add_to(&self, mask: &mut FlowMask) {
        let old = mask.get(self.field.bits);
        mask.set(self.field.bits, old | self.mask());
    }

    /// The bits in their place in the field. Of `nw_tos` the lowest two are no bits of the key.
    fn mask(&self) -> u128 {
        let known = if self.field.format == Format::Tos { !3 } else { u128::MAX };
        self.max() << self.start & known
    }

    /// Reads `FIELD[START..END]`, `FIELD[BIT]`, `FIELD[]` or `FIELD`. The name is any of the
    /// field's, or one of OpenFlow's such as `NXM_OF_IP_SRC`.
    ///
    /// # Errors
    /// If there is no such field, or no such bits in it.
    pub fn parse(text: &str) -> Result<Self, SubfieldError> {
        let (name, bits) = match text.split_once('[') {
            Some((name, rest)) => (name, Some(rest)),
            None => (text, None),
        };
        let field = Field::find_for_subfield(name).ok_or_else(|| unknown(name))?;
        if field.nxm.is_empty() {
            return Err(nameless(field));
        }
        let Some(bits) = bits else { return Ok(Self::whole(field)) };
        let bad =
            || SubfieldError(format!("`{}`: the bits of a field are written [], [BIT] or [START..END]", short(text)));
        let bits = bits.strip_suffix(']').ok_or_else(bad)?;
        if bits.is_empty() {
            return Ok(Self::whole(field));
        }
        let number = |text: &str| match text.starts_with('+') {
            true => Err(bad()),
            false => text.parse::<u16>().map_err(|_| bad()),
        };
        let (start, end) = match bits.split_once("..") {
            Some((start, end)) => (number(start)?, number(end)?),
            None => (number(bits)?, number(bits)?),
        };
        if start > end {
            return Err(SubfieldError(format!(
                "{}: bit {start} is after bit {end}: write [{end}..{start}]",
                short(text)
            )));
        }
        let width = u16::from(field.width);
        if end >= width {
            return Err(SubfieldError(format!("{}: {} has the bits 0 to {}", short(text), field.name, width - 1)));
        }
        Ok(Self { field, start: start as u8, len: (end - start + 1) as u8 })
    }
}

impl FromStr for Subfield {
    type Err = SubfieldError;

    fn from_str(text: &str) -> Result<Self, SubfieldError> {
        Self::parse(text)
    }
}

/// As ovs-ofctl prints it: `NXM_NX_REG0[0..15]`, `NXM_OF_VLAN_TCI[12]`, `NXM_OF_IP_SRC[]`.
impl fmt::Display for Subfield {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.field.nxm.is_empty() { self.field.name } else { self.field.nxm })?;
        match (self.start, self.len) {
            (0, len) if len == self.field.width => f.write_str("[]"),
            (bit, 1) => write!(f, "[{bit}]"),
            (start, len) => write!(f, "[{start}..{}]", u16::from(start) + u16::from(len) - 1),
        }
    }
}

/// The error for a name that no field has.
fn unknown(name: &str) -> SubfieldError {
    let names = FIELDS.iter().filter(|field| !field.nxm.is_empty());
    let known = names.flat_map(|field| field.names().chain([field.nxm, field.oxm]));
    let hint = nearest(name, known.filter(|known| !known.is_empty()))
        .map(|known| format!(", did you mean {known}?"))
        .unwrap_or_default();
    SubfieldError(format!("`{}` is no field{hint}", short(name)))
}

/// The error for a row that is another form of a field, or one that no message carries.
fn nameless(field: &Field) -> SubfieldError {
    let same = FIELDS.iter().find(|other| !other.nxm.is_empty() && other.slot == field.slot);
    let hint = same.map(|other| format!(": write {}", other.name)).unwrap_or_default();
    SubfieldError(format!("{} can't be read or written by bits{hint}", field.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::slot;
    use proptest::prelude::*;

    fn check(text: &str, printed: &str) {
        let subfield = Subfield::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(subfield.to_string(), printed, "{text}");
        assert_eq!(Subfield::parse(printed), Ok(subfield), "{text}");
    }

    #[test]
    fn a_subfield_is_printed_as_ovs_ofctl_prints_it() {
        check("reg0", "NXM_NX_REG0[]");
        check("reg0[]", "NXM_NX_REG0[]");
        check("reg0[3]", "NXM_NX_REG0[3]");
        check("reg0[0..31]", "NXM_NX_REG0[]");
        check("nw_src[0..15]", "NXM_OF_IP_SRC[0..15]");
        check("OXM_OF_IPV4_SRC[]", "NXM_OF_IP_SRC[]");
        check("NXM_OF_VLAN_TCI[0..11]", "NXM_OF_VLAN_TCI[0..11]");
        check("vlan_pcp", "OXM_OF_VLAN_PCP[]");
        check("xxreg3[64..127]", "NXM_NX_XXREG3[64..127]");
        check("metadata[0]", "OXM_OF_METADATA[0]");
        check("tp_src[]", "NXM_OF_TCP_SRC[]");
        check("tun_flags[]", "NXM_NX_TUN_FLAGS[]");
    }

    fn check_error(text: &str, expected: &str) {
        assert_eq!(Subfield::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn an_error_says_what_to_write() {
        check_error("regg0[]", "`regg0` is no field, did you mean reg0?");
        check_error("NXM_OF_IPSRC[]", "`NXM_OF_IPSRC` is no field, did you mean NXM_OF_IP_SRC?");
        check_error("reg0[3..40]", "reg0[3..40]: reg0 has the bits 0 to 31");
        check_error("reg0[7..3]", "reg0[7..3]: bit 7 is after bit 3: write [3..7]");
        check_error("reg0[a]", "`reg0[a]`: the bits of a field are written [], [BIT] or [START..END]");
        check_error("reg0[", "`reg0[`: the bits of a field are written [], [BIT] or [START..END]");
        check_error("dl_vlan[]", "dl_vlan can't be read or written by bits: write vlan_vid");
        check_error("", "`` is no field");
    }

    #[test]
    fn parts_of_a_tag_and_of_the_type_of_service_leave_the_others() {
        let mut key = FlowKey::EMPTY.with(slot::VLAN_TCI, 0x1009).with(slot::NW_TOS, 0x03);
        Subfield::parse("vlan_pcp").unwrap().set(&mut key, 5);
        assert_eq!(key.vlan_tci(), 0xb009);
        Subfield::parse("vlan_vid").unwrap().set(&mut key, 0xfff);
        assert_eq!(key.vlan_tci(), 0xbfff);
        let tos = Subfield::parse("nw_tos").unwrap();
        tos.set(&mut key, 0xff);
        assert_eq!((key.nw_tos(), tos.get(&key)), (0xff, 0xfc));
        tos.set(&mut key, 0);
        assert_eq!(key.nw_tos(), 3);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-zA-Z_0-9]{0,12}(\\[[0-9.+]{0,8}\\]?)?") {
            if let Ok(subfield) = Subfield::parse(&text) {
                prop_assert_eq!(Subfield::parse(&subfield.to_string()), Ok(subfield));
            }
        }

        #[test]
        fn bits_are_set_without_touching_their_neighbours(field in prop::sample::select(FIELDS), start: u8, len: u8, words: [u64; crate::WORDS], value: u128) {
            let start = start % field.width;
            let subfield = Subfield { field: Field::find(field.name).unwrap(), start, len: len % (field.width - start) + 1 };
            let before = FlowKey::from_words(words);
            let mut after = before;
            subfield.set(&mut after, value);
            let mut mask = FlowMask::EMPTY;
            subfield.add_to(&mut mask);
            for i in 0..crate::WORDS {
                prop_assert_eq!((before.words()[i] ^ after.words()[i]) & !mask.words()[i], 0);
            }
            subfield.set(&mut after, subfield.get(&before));
            prop_assert_eq!(after, before);
        }
    }
}
