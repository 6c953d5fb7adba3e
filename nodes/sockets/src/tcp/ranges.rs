//! Sets of stream offsets as sorted ranges: what a peer has selectively acknowledged, and what came in behind a gap.

/// The most ranges of a set: gaps in what comes take no more memory and time than this, whoever sends. A window of 4 MiB in
/// which every other segment is lost has 1436.
pub(crate) const MAX_RUNS: usize = 4096;

/// Disjoint ranges that don't touch, in order; the end is behind the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> + '_ {
        self.0.iter().copied()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds `start..end`; gives how many offsets were not in before. What touches none of [`MAX_RUNS`] isn't added.
    pub(crate) fn insert(&mut self, start: u64, end: u64) -> u64 {
        if start >= end {
            return 0;
        }
        let first = self.0.partition_point(|range| range.1 < start);
        let last = first + self.0[first..].partition_point(|range| range.0 <= end);
        let Some(touched) = self.0.get(first..last).filter(|touched| !touched.is_empty()) else {
            if self.0.len() >= MAX_RUNS {
                return 0;
            }
            self.0.insert(first, (start, end));
            return end - start;
        };
        let joined = (start.min(touched[0].0), end.max(touched[touched.len() - 1].1));
        let before: u64 = touched.iter().map(|range| range.1 - range.0).sum();
        self.0[first] = joined;
        self.0.drain(first + 1..last);
        joined.1 - joined.0 - before
    }

    /// Takes out all offsets before `to`.
    pub(crate) fn remove_below(&mut self, to: u64) {
        let gone = self.0.partition_point(|range| range.1 <= to);
        self.0.drain(..gone);
        if let Some(first) = self.0.first_mut() {
            first.0 = first.0.max(to);
        }
    }

    /// The range that `offset` is in.
    pub(crate) fn around(&self, offset: u64) -> Option<(u64, u64)> {
        let at = self.0.partition_point(|range| range.1 <= offset);
        self.0.get(at).copied().filter(|range| range.0 <= offset)
    }

    /// How many offsets of `start..end` are in.
    pub(crate) fn covered(&self, start: u64, end: u64) -> u64 {
        let first = self.0.partition_point(|range| range.1 <= start);
        let inside = self.0[first..].iter().take_while(|range| range.0 < end);
        inside.map(|range| range.1.min(end) - range.0.max(start)).sum()
    }

    /// The first run of offsets of `from..to` that are not in.
    pub(crate) fn gap(&self, from: u64, to: u64) -> Option<(u64, u64)> {
        let at = self.0.partition_point(|range| range.1 <= from);
        let (mut start, mut at) = (from, at);
        if let Some(range) = self.0.get(at).filter(|range| range.0 <= start) {
            (start, at) = (range.1, at + 1);
        }
        let end = self.0.get(at).map_or(to, |range| range.0.min(to));
        (start < end).then_some((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_say_what_a_list_of_offsets_says(
            steps in prop::collection::vec((0u8..4, 0u64..60, 0u64..20), 1..40),
        ) {
            let (mut ranges, mut twin) = (Ranges::default(), [false; 100]);
            for (what, a, len) in steps {
                let (start, end) = (a as usize, (a + len) as usize);
                match what {
                    0 | 1 => {
                        let fresh = twin[start..end].iter().filter(|in_it| !**in_it).count() as u64;
                        prop_assert_eq!(ranges.insert(a, a + len), fresh);
                        twin[start..end].fill(true);
                    }
                    2 => {
                        ranges.remove_below(a);
                        twin[..start].fill(false);
                    }
                    _ => {
                        let found = twin[start..end].iter().position(|in_it| !*in_it).map(|at| {
                            let from = start + at;
                            let to = (from..end).find(|at| twin[*at]).unwrap_or(end);
                            (from as u64, to as u64)
                        });
                        prop_assert_eq!(ranges.gap(a, a + len), found);
                        let covered = twin[start..end].iter().filter(|in_it| **in_it).count() as u64;
                        prop_assert_eq!(ranges.covered(a, a + len), covered);
                    }
                }
                let all: Vec<_> = ranges.iter().collect();
                prop_assert!(all.windows(2).all(|pair| pair[0].1 < pair[1].0), "{:?}", all);
            }
        }
    }
}
