//! Changes of a column by what it holds (RFC 7047 section 5.1).

use crate::atom::Atom;
use crate::datum::Datum;
use crate::error::Error;
use crate::schema::{AtomType, Column};

/// What [`Txn::mutate`](crate::Txn::mutate) does with a column and its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutator {
    /// Adds elements, or pairs whose keys the map doesn't have.
    Insert,
    /// Removes elements; from a map pairs, or the pairs of a set of keys.
    Delete,
    /// Adds the argument to each number.
    Add,
    /// Subtracts the argument from each number.
    Subtract,
    /// Multiplies each number by the argument.
    Multiply,
    /// Divides each number by the argument.
    Divide,
    /// The remainder of each integer's division by the argument.
    Modulo,
}

/// What the mutator makes of a column that holds `old`.
pub(crate) fn mutated(column: Column, old: &Datum, mutator: Mutator, argument: &Datum) -> Result<Datum, Error> {
    let ty = column.ty();
    match mutator {
        Mutator::Insert | Mutator::Delete if ty.is_scalar() => {
            Err(Error::Mutation { column, mutation: "insert into or delete from" })
        }
        Mutator::Insert => {
            if argument.is_map() != ty.is_map() && !argument.is_empty() {
                return Err(Error::Type { column, got: if argument.is_map() { "a map" } else { "a set" } });
            }
            Ok(old.union(argument, false))
        }
        Mutator::Delete => {
            if argument.is_map() && !ty.is_map() {
                return Err(Error::Type { column, got: "a map" });
            }
            if let Some(atom) = argument.keys().find(|atom| atom.ty() != ty.key.atom) {
                return Err(Error::Type { column, got: atom.ty().name() });
            }
            Ok(old.difference(argument))
        }
        _ => {
            if ty.is_map() || !matches!(ty.key.atom, AtomType::Integer | AtomType::Real) {
                return Err(Error::Mutation { column, mutation: "calculate with" });
            }
            let atoms: Result<Vec<Atom>, Error> = old
                .atoms()
                .iter()
                .map(|atom| calculate(mutator, atom, argument.only()).ok_or(Error::Arithmetic { column }))
                .collect();
            Ok(Datum::set(atoms?))
        }
    }
}

fn calculate(mutator: Mutator, number: &Atom, argument: Option<&Atom>) -> Option<Atom> {
    match (number, argument?) {
        (Atom::Integer(a), Atom::Integer(b)) => match mutator {
            Mutator::Add => a.checked_add(*b),
            Mutator::Subtract => a.checked_sub(*b),
            Mutator::Multiply => a.checked_mul(*b),
            Mutator::Divide => a.checked_div(*b),
            Mutator::Modulo => a.checked_rem(*b),
            Mutator::Insert | Mutator::Delete => None,
        }
        .map(Atom::Integer),
        (Atom::Real(a), Atom::Real(b)) => match mutator {
            Mutator::Add => Some(a + b),
            Mutator::Subtract => Some(a - b),
            Mutator::Multiply => Some(a * b),
            Mutator::Divide => Some(a / b),
            Mutator::Modulo | Mutator::Insert | Mutator::Delete => None,
        }
        .filter(|result| result.is_finite())
        .map(Atom::Real),
        _ => None,
    }
}
