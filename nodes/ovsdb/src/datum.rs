//! The value of a column: a set or a map of atoms (RFC 7047 section 5.1).

use crate::atom::Atom;
use crate::error::Error;
use crate::schema::{BaseType, Column, ColumnType};
use crate::uuid::Uuid;

/// The value of a column: a set of atoms, or a map of atoms to atoms, both without duplicates and
/// in ascending order. A scalar is a set of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Datum(Repr);

/// A set of one is always `One`, which needs no allocation of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Repr {
    One(Atom),
    Set(Vec<Atom>),
    Map(Vec<(Atom, Atom)>),
}

impl Datum {
    /// The set of nothing.
    pub const EMPTY_SET: Datum = Datum(Repr::Set(Vec::new()));
    /// The map of nothing.
    pub const EMPTY_MAP: Datum = Datum(Repr::Map(Vec::new()));
    pub(crate) const ZERO: Datum = Datum(Repr::One(Atom::Integer(0)));
    pub(crate) const ZERO_REAL: Datum = Datum(Repr::One(Atom::Real(0.0)));
    pub(crate) const FALSE: Datum = Datum(Repr::One(Atom::Boolean(false)));
    pub(crate) const EMPTY_STRING: Datum = Datum(Repr::One(Atom::String(String::new())));
    pub(crate) const NIL: Datum = Datum(Repr::One(Atom::Uuid(Uuid::NIL)));

    /// The set of these atoms; duplicates count once.
    pub fn set(atoms: impl IntoIterator<Item = impl Into<Atom>>) -> Datum {
        let mut atoms: Vec<Atom> = atoms.into_iter().map(Into::into).collect();
        atoms.sort();
        atoms.dedup();
        if atoms.len() == 1
            && let Some(atom) = atoms.pop()
        {
            return Datum(Repr::One(atom));
        }
        Datum(Repr::Set(atoms))
    }

    /// The map of these pairs; of pairs with one key the last counts.
    pub fn map(pairs: impl IntoIterator<Item = (impl Into<Atom>, impl Into<Atom>)>) -> Datum {
        let mut pairs: Vec<(Atom, Atom)> = pairs.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        pairs.reverse();
        // Now the last of equal keys comes first. (The sort is stable.)
        pairs.dedup_by(|later, kept| later.0 == kept.0);
        pairs.reverse();
        Datum(Repr::Map(pairs))
    }

    /// A map?
    pub const fn is_map(&self) -> bool {
        matches!(self.0, Repr::Map(_))
    }

    /// The number of elements or pairs.
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::One(_) => 1,
            Repr::Set(atoms) => atoms.len(),
            Repr::Map(pairs) => pairs.len(),
        }
    }

    /// Without elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements of a set in ascending order; none of a map.
    pub fn atoms(&self) -> &[Atom] {
        match &self.0 {
            Repr::One(atom) => std::slice::from_ref(atom),
            Repr::Set(atoms) => atoms,
            Repr::Map(_) => &[],
        }
    }

    /// The pairs of a map in ascending order of the keys; none of a set.
    pub fn pairs(&self) -> &[(Atom, Atom)] {
        match &self.0 {
            Repr::Map(pairs) => pairs,
            _ => &[],
        }
    }

    /// The keys: a set's elements or a map's keys.
    pub fn keys(&self) -> impl Iterator<Item = &Atom> {
        self.atoms().iter().chain(self.pairs().iter().map(|(key, _)| key))
    }

    /// The element, if there is exactly one.
    pub fn only(&self) -> Option<&Atom> {
        match &self.0 {
            Repr::One(atom) => Some(atom),
            _ => None,
        }
    }

    /// The value that a map has for `key`.
    pub fn value(&self, key: &Atom) -> Option<&Atom> {
        let pairs = self.pairs();
        let at = pairs.binary_search_by(|(candidate, _)| candidate.cmp(key)).ok()?;
        Some(&pairs[at].1)
    }

    /// Is `key` an element of the set or a key of the map?
    pub fn contains_key(&self, key: &Atom) -> bool {
        match &self.0 {
            Repr::One(atom) => atom == key,
            Repr::Set(atoms) => atoms.binary_search(key).is_ok(),
            Repr::Map(_) => self.value(key).is_some(),
        }
    }

    /// Is every element or pair of this datum in `other`?
    pub fn is_subset(&self, other: &Datum) -> bool {
        self.atoms().iter().all(|atom| other.contains_key(atom))
            && self.pairs().iter().all(|(key, value)| other.value(key) == Some(value))
    }

    /// Does no element or pair of this datum occur in `other`?
    pub fn is_disjoint(&self, other: &Datum) -> bool {
        !self.atoms().iter().any(|atom| other.contains_key(atom))
            && !self.pairs().iter().any(|(key, value)| other.value(key) == Some(value))
    }

    /// With the elements or pairs of `other` added. Where both maps have a key, `other`'s value
    /// counts if `replace`, else this one's.
    pub fn union(&self, other: &Datum, replace: bool) -> Datum {
        if self.is_map() {
            let (first, last) = if replace { (self, other) } else { (other, self) };
            Datum::map(first.pairs().iter().chain(last.pairs()).cloned())
        } else {
            Datum::set(self.atoms().iter().chain(other.atoms()).cloned())
        }
    }

    /// Without what `other` has: of a set the elements; of a map the pairs that occur in the map
    /// `other`, or those whose key is in the set `other`.
    pub fn difference(&self, other: &Datum) -> Datum {
        if !self.is_map() {
            return Datum::set(self.atoms().iter().filter(|atom| !other.contains_key(atom)).cloned());
        }
        let removed = |(key, value): &(Atom, Atom)| {
            if other.is_map() { other.value(key) == Some(value) } else { other.contains_key(key) }
        };
        Datum::map(self.pairs().iter().filter(|pair| !removed(pair)).cloned())
    }

    /// The identifiers among the keys, then among the values.
    pub fn uuids(&self) -> impl Iterator<Item = Uuid> {
        self.keys().chain(self.pairs().iter().map(|(_, value)| value)).filter_map(Atom::as_uuid)
    }

    /// Without the elements or pairs of which `keep` refuses the identifier.
    pub(crate) fn retain_uuids(&self, keep: impl Fn(Uuid) -> bool) -> Datum {
        let stays = |atom: &Atom| atom.as_uuid().is_none_or(&keep);
        if self.is_map() {
            Datum::map(self.pairs().iter().filter(|(k, v)| stays(k) && stays(v)).cloned())
        } else {
            Datum::set(self.atoms().iter().filter(|atom| stays(atom)).cloned())
        }
    }

    /// Checks the datum against a column: types, ranges, allowed strings, number of elements.
    /// An empty set is taken for an empty map.
    ///
    /// # Errors
    /// What the column allows instead.
    pub fn checked(self, column: Column) -> Result<Datum, Error> {
        let ty = column.ty();
        let datum = if ty.is_map() && self.is_empty() { Datum::EMPTY_MAP } else { self };
        if datum.is_map() != ty.is_map() {
            let got = if datum.is_map() { "a map" } else { "a set" };
            return Err(Error::Type { column, got });
        }
        for key in datum.keys() {
            check_atom(column, &ty.key, key)?;
        }
        if let Some(value_type) = &ty.value {
            for (_, value) in datum.pairs() {
                check_atom(column, value_type, value)?;
            }
        }
        check_len(column, ty, datum.len())?;
        Ok(datum)
    }
}

fn check_atom(column: Column, base: &BaseType, atom: &Atom) -> Result<(), Error> {
    if atom.ty() != base.atom {
        return Err(Error::Type { column, got: atom.ty().name() });
    }
    match atom {
        Atom::Integer(value) if *value < base.min || *value > base.max => {
            Err(Error::Range { column, value: *value, min: base.min, max: base.max })
        }
        Atom::String(text) if !base.allowed.is_empty() && !base.allowed.contains(&text.as_str()) => {
            Err(Error::NotAllowed { column, value: text.clone(), allowed: base.allowed })
        }
        _ => Ok(()),
    }
}

fn check_len(column: Column, ty: &ColumnType, len: usize) -> Result<(), Error> {
    if len < ty.min || len > ty.max {
        return Err(Error::Count { column, len, min: ty.min, max: ty.max });
    }
    Ok(())
}

impl<T> From<T> for Datum
where
    Atom: From<T>,
{
    fn from(value: T) -> Datum {
        Datum(Repr::One(value.into()))
    }
}

impl<T> From<Option<T>> for Datum
where
    Atom: From<T>,
{
    fn from(value: Option<T>) -> Datum {
        value.map_or(Datum::EMPTY_SET, Datum::from)
    }
}

impl<T> From<Vec<T>> for Datum
where
    Atom: From<T>,
{
    fn from(values: Vec<T>) -> Datum {
        Datum::set(values)
    }
}

impl<K: Into<Atom>, V: Into<Atom>> FromIterator<(K, V)> for Datum {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Datum {
        Datum::map(pairs)
    }
}
