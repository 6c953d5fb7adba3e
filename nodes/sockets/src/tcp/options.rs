//! The options of a TCP header: maximum segment size (RFC 9293 section 3.7.1), window scale (RFC 7323 section 2),
//! selective acknowledgement (RFC 2018). Timestamps are left out: sequence numbers of a lab's transfers don't wrap in a
//! segment's lifetime, and the round-trip time is taken from one segment at a time.

/// The most blocks of a selective acknowledgement that a header has room for without timestamps.
pub(crate) const MAX_BLOCKS: usize = 4;

mod kind {
    pub(super) const END: u8 = 0;
    pub(super) const NO_OPERATION: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const SACK_PERMITTED: u8 = 4;
    pub(super) const SACK: u8 = 5;
}

/// The options of a segment. Blocks that aren't there are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) mss: Option<u16>,
    pub(crate) window_scale: Option<u8>,
    pub(crate) sack_permitted: bool,
    pub(crate) blocks: [(u32, u32); MAX_BLOCKS],
    pub(crate) block_count: usize,
}

impl Options {
    /// What can be read of a header's options; what isn't known or has a wrong length is passed over.
    pub(crate) fn parse(mut bytes: &[u8]) -> Self {
        let mut options = Self::default();
        while let Some((&kind, rest)) = bytes.split_first() {
            match kind {
                kind::END => break,
                kind::NO_OPERATION => {
                    bytes = rest;
                    continue;
                }
                _ => {}
            }
            let Some(size) = rest.first().map(|size| usize::from(*size)) else { break };
            if size < 2 || size > bytes.len() {
                break;
            }
            let (option, behind) = bytes.split_at(size);
            match (kind, &option[2..]) {
                (kind::MSS, &[a, b]) => options.mss = Some(u16::from_be_bytes([a, b])),
                // RFC 7323 section 2.3: a shift of more than 14 is taken for 14.
                (kind::WINDOW_SCALE, &[shift]) => options.window_scale = Some(shift.min(14)),
                (kind::SACK_PERMITTED, &[]) => options.sack_permitted = true,
                (kind::SACK, blocks) => {
                    for block in blocks.as_chunks::<8>().0.iter().take(MAX_BLOCKS) {
                        let [a, b, c, d, e, f, g, h] = *block;
                        options.push(u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
                    }
                }
                _ => {}
            }
            bytes = behind;
        }
        options
    }

    /// Adds a block, if there is room.
    pub(crate) fn push(&mut self, start: u32, end: u32) {
        if let Some(block) = self.blocks.get_mut(self.block_count) {
            *block = (start, end);
            self.block_count += 1;
        }
    }

    /// Writes the options, padded to four bytes; gives their size.
    pub(crate) fn emit(&self, out: &mut [u8; 40]) -> usize {
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            out[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        if let Some(mss) = self.mss {
            let [a, b] = mss.to_be_bytes();
            put(&[kind::MSS, 4, a, b]);
        }
        if self.sack_permitted {
            put(&[kind::NO_OPERATION, kind::NO_OPERATION, kind::SACK_PERMITTED, 2]);
        }
        if let Some(shift) = self.window_scale {
            put(&[kind::NO_OPERATION, kind::WINDOW_SCALE, 3, shift]);
        }
        if self.block_count > 0 {
            put(&[kind::NO_OPERATION, kind::NO_OPERATION, kind::SACK, 2 + 8 * self.block_count as u8]);
            for (start, end) in &self.blocks[..self.block_count] {
                put(&start.to_be_bytes());
                put(&end.to_be_bytes());
            }
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn options_are_read_as_they_were_written(
            mss in prop::option::of(any::<u16>()),
            window_scale in prop::option::of(0u8..=14),
            sack_permitted in any::<bool>(),
            blocks in prop::collection::vec(any::<(u32, u32)>(), 0..=3),
        ) {
            let mut options = Options { mss, window_scale, sack_permitted, ..Options::default() };
            for (start, end) in blocks {
                options.push(start, end);
            }
            let mut out = [0; 40];
            let size = options.emit(&mut out);
            prop_assert_eq!(size % 4, 0);
            prop_assert_eq!(Options::parse(&out[..size]), options);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..=40)) {
            Options::parse(&bytes);
        }
    }
}
