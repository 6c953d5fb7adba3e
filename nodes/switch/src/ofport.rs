//! OpenFlow port numbers: who has which.

use crate::plan::LOCAL;
use std::collections::BTreeSet;

/// The greatest number that a port may have (OpenFlow 1.0, `OFPP_MAX`).
const MAX: u16 = 0xff00 - 1;

/// What number an interface wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// That of the local port.
    Local,
    /// This one, if it is free: `ofport_request`.
    Number(u16),
    /// The lowest that is free.
    Any,
}

/// The numbers in use.
#[derive(Debug)]
pub(crate) struct Ofports {
    used: BTreeSet<u16>,
}

impl Ofports {
    pub(crate) fn new(used: impl IntoIterator<Item = u16>) -> Self {
        Self { used: used.into_iter().collect() }
    }

    /// A number for each interface, `None` where there are no more. Wishes come first, so that an interface
    /// without one doesn't take what another asks for.
    pub(crate) fn assign(&mut self, wishes: impl Iterator<Item = Wish>) -> Vec<Option<u16>> {
        let wishes: Vec<Wish> = wishes.collect();
        let mut numbers: Vec<Option<u16>> = wishes.iter().map(|&wish| self.grant(wish)).collect();
        let mut next = 1;
        for number in numbers.iter_mut().filter(|number| number.is_none()) {
            while self.used.contains(&next) {
                next += 1;
            }
            if next <= MAX {
                self.used.insert(next);
                *number = Some(next);
            }
        }
        numbers
    }

    fn grant(&mut self, wish: Wish) -> Option<u16> {
        let number = match wish {
            Wish::Local => LOCAL,
            Wish::Number(number) if (1..=MAX).contains(&number) => number,
            Wish::Number(_) | Wish::Any => return None,
        };
        self.used.insert(number).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(used: &[u16], wishes: &[Wish]) -> Vec<Option<u16>> {
        Ofports::new(used.iter().copied()).assign(wishes.iter().copied())
    }

    #[test]
    fn ports_get_the_lowest_free_numbers_in_order() {
        assert_eq!(assign(&[2], &[Wish::Local, Wish::Any, Wish::Any]), [Some(LOCAL), Some(1), Some(3)]);
    }

    #[test]
    fn a_request_comes_before_what_no_one_asked_for() {
        assert_eq!(assign(&[], &[Wish::Any, Wish::Number(1)]), [Some(2), Some(1)]);
    }

    #[test]
    fn a_request_for_a_number_in_use_gets_another() {
        assert_eq!(assign(&[7], &[Wish::Number(7), Wish::Number(9), Wish::Number(9)]), [Some(1), Some(9), Some(2)]);
    }

    #[test]
    fn no_port_gets_a_number_beyond_the_last() {
        let used: Vec<u16> = (1..=MAX).collect();
        assert_eq!(assign(&used, &[Wish::Any, Wish::Number(0xff00)]), [None, None]);
    }
}
