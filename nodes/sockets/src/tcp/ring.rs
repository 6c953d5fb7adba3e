//! A byte queue that can be read and written at any place: what is queued to send, and what came in, gaps and all.

/// Bytes from a front that moves; grows as places further behind it are written.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    /// Its length is 0 or a power of two.
    data: Vec<u8>,
    front: usize,
}

/// The least bytes of a ring that holds any.
const LEAST: usize = 4096;

impl Ring {
    /// Writes `bytes` at `at` bytes behind the front.
    pub(crate) fn write(&mut self, at: usize, bytes: &[u8]) {
        if at + bytes.len() > self.data.len() {
            self.grow(at + bytes.len());
        }
        let place = self.place(at);
        let first = bytes.len().min(self.data.len() - place);
        self.data[place..place + first].copy_from_slice(&bytes[..first]);
        self.data[..bytes.len() - first].copy_from_slice(&bytes[first..]);
    }

    /// Reads into `out` from `at` bytes behind the front; the places must have been written.
    pub(crate) fn read(&self, at: usize, out: &mut [u8]) {
        if out.is_empty() {
            return;
        }
        let place = self.place(at);
        let first = out.len().min(self.data.len() - place);
        let (head, tail) = out.split_at_mut(first);
        head.copy_from_slice(&self.data[place..place + first]);
        tail.copy_from_slice(&self.data[..tail.len()]);
    }

    /// Moves the front.
    pub(crate) fn advance(&mut self, by: usize) {
        if by > 0 {
            self.front = self.place(by);
        }
    }

    /// Gives the memory back.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn place(&self, at: usize) -> usize {
        (self.front + at) & self.data.len().wrapping_sub(1)
    }

    #[cold]
    fn grow(&mut self, to: usize) {
        let mut data = vec![0; to.next_power_of_two().max(LEAST)];
        self.data.rotate_left(self.front);
        data[..self.data.len()].copy_from_slice(&self.data);
        (self.data, self.front) = (data, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_ring_reads_what_was_written_as_a_vec_does(
            steps in prop::collection::vec((0usize..3, 0usize..9000, 0usize..3000), 1..40),
        ) {
            // Places that were never written hold nothing in particular.
            let (mut ring, mut twin) = (Ring::default(), Vec::<Option<u8>>::new());
            for (i, (what, at, len)) in steps.into_iter().enumerate() {
                match what {
                    0 => {
                        let bytes: Vec<u8> = (0..len).map(|n| (n * 7 + i) as u8).collect();
                        ring.write(at, &bytes);
                        twin.resize(twin.len().max(at + len), None);
                        for (place, byte) in twin[at..].iter_mut().zip(bytes) {
                            *place = Some(byte);
                        }
                    }
                    1 => {
                        let by = at.min(twin.len());
                        ring.advance(by);
                        twin.drain(..by);
                    }
                    _ => {
                        let at = at.min(twin.len());
                        let mut out = vec![0; len.min(twin.len() - at)];
                        ring.read(at, &mut out);
                        for (found, expect) in out.iter().zip(&twin[at..]) {
                            prop_assert!(expect.is_none_or(|expect| expect == *found));
                        }
                    }
                }
            }
        }
    }
}
