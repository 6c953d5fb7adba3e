//! One value: an integer, a real, a boolean, a string or the identifier of a row.

use std::cmp::Ordering;

use crate::schema::AtomType;
use crate::uuid::Uuid;

/// One value of a column.
#[derive(Clone, Debug)]
pub enum Atom {
    /// A signed 64-bit integer.
    Integer(i64),
    /// A double.
    Real(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// UTF-8 text.
    String(String),
    /// The identifier of a row.
    Uuid(Uuid),
}

impl Atom {
    /// The atom's type.
    pub const fn ty(&self) -> AtomType {
        match self {
            Atom::Integer(_) => AtomType::Integer,
            Atom::Real(_) => AtomType::Real,
            Atom::Boolean(_) => AtomType::Boolean,
            Atom::String(_) => AtomType::String,
            Atom::Uuid(_) => AtomType::Uuid,
        }
    }

    /// The text, if it is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Atom::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is an integer.
    pub const fn as_int(&self) -> Option<i64> {
        match self {
            Atom::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth value, if it is a boolean.
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Atom::Boolean(truth) => Some(*truth),
            _ => None,
        }
    }

    /// The identifier, if it is one.
    pub const fn as_uuid(&self) -> Option<Uuid> {
        match self {
            Atom::Uuid(uuid) => Some(*uuid),
            _ => None,
        }
    }
}

impl Ord for Atom {
    /// By value; atoms of different types, which no column mixes, by type.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Atom::Integer(a), Atom::Integer(b)) => a.cmp(b),
            (Atom::Real(a), Atom::Real(b)) => a.total_cmp(b),
            (Atom::Boolean(a), Atom::Boolean(b)) => a.cmp(b),
            (Atom::String(a), Atom::String(b)) => a.cmp(b),
            (Atom::Uuid(a), Atom::Uuid(b)) => a.cmp(b),
            (a, b) => a.ty().cmp(&b.ty()),
        }
    }
}

impl PartialOrd for Atom {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Atom {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Atom {}

macro_rules! from {
    ($($ty:ty => $value:ident $atom:expr;)*) => {
        $(impl From<$ty> for Atom {
            fn from($value: $ty) -> Atom {
                $atom
            }
        })*
    };
}

from! {
    i64 => value Atom::Integer(value);
    i32 => value Atom::Integer(value.into());
    u32 => value Atom::Integer(value.into());
    u16 => value Atom::Integer(value.into());
    u8 => value Atom::Integer(value.into());
    f64 => value Atom::Real(value);
    bool => value Atom::Boolean(value);
    &str => value Atom::String(value.to_owned());
    &String => value Atom::String(value.clone());
    String => value Atom::String(value);
    Uuid => value Atom::Uuid(value);
}
