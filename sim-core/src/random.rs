//! Randomness that depends on the lab's seed and a name, and on nothing else.
//!
//! Each node and each link direction has a [`Stream`] of its own, so that one more node or one more
//! frame elsewhere doesn't change what another sees. The generator is PCG-64-MCG (O'Neill, 2014).

use rand::Rng;
use rand_pcg::Pcg64Mcg;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;

/// A lab's seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream that belongs to `name`, which says kind and name (`node s1`, `link s1:p > s2:q`).
    pub fn stream(self, name: &str) -> Stream {
        let (high, low) = self.digest(name);
        Stream(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low)))
    }

    /// A 64-bit key for the keyed hash that belongs to `name`.
    pub fn key(self, name: &str) -> u64 {
        self.digest(name).0
    }

    fn digest(self, name: &str) -> (u64, u64) {
        let mut hasher = SipHasher13::new_with_keys(self.0, 0x6e65_746c_6f6f_6d00);
        hasher.write(name.as_bytes());
        let digest = hasher.finish128();
        (digest.h1, digest.h2)
    }
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(Pcg64Mcg);

impl Stream {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..n`; 0 where `n` is 0. The bias is below 2⁻³² for every `n` below 2³².
    pub fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    /// True with probability `p`. Takes from the stream only where the answer is open.
    pub fn chance(&mut self, p: Probability) -> bool {
        match p.0 {
            0 => false,
            u64::MAX => true,
            threshold => self.bits() < threshold,
        }
    }
}

/// A probability from 0 to 1, in steps of 2⁻⁶⁴.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probability(u64);

impl Probability {
    /// Never.
    pub const ZERO: Self = Self(0);
    /// Always.
    pub const ONE: Self = Self(u64::MAX);

    /// The probability `p`; `None` unless it lies in 0..=1.
    pub fn new(p: f64) -> Option<Self> {
        // The cast saturates: 1.0 becomes u64::MAX, which means always.
        (0.0..=1.0).contains(&p).then_some(Self((p * 18_446_744_073_709_551_616.0) as u64))
    }

    /// The probability as a number from 0 to 1.
    pub fn as_f64(self) -> f64 {
        if self == Self::ONE { 1.0 } else { self.0 as f64 / 18_446_744_073_709_551_616.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_and_name_alone() {
        let take = |seed: u64, name: &str| Seed(seed).stream(name).bits();
        assert_eq!(take(1, "node s1"), take(1, "node s1"));
        assert_ne!(take(1, "node s1"), take(2, "node s1"));
        assert_ne!(take(1, "node s1"), take(1, "node s2"));
    }

    #[test]
    fn a_stream_is_the_same_on_every_machine() {
        let mut stream = Seed(7).stream("link a:eth0 > s1:1");
        let first = [stream.bits(), stream.bits()];
        assert_eq!(first, PINNED, "a change here changes every capture of every lab");
    }

    const PINNED: [u64; 2] = [14_404_704_595_521_723_958, 18_382_175_873_377_159_587];

    #[test]
    fn chances_come_out_as_often_as_they_should() {
        let mut stream = Seed(1).stream("x");
        let p = Probability::new(0.05).expect("0.05 is a probability");
        let hits = (0..100_000).filter(|_| stream.chance(p)).count();
        // Five standard deviations of the binomial distribution: 5 * sqrt(100000 * 0.05 * 0.95).
        assert!((4_655..=5_345).contains(&hits), "{hits} of 100000");
        assert!(stream.chance(Probability::ONE) && !stream.chance(Probability::ZERO));
    }

    #[test]
    fn what_is_no_probability_is_refused() {
        assert!(Probability::new(-0.1).is_none() && Probability::new(1.1).is_none());
        assert!(Probability::new(f64::NAN).is_none());
        assert_eq!(Probability::new(1.0), Some(Probability::ONE));
    }
}
