//! The reader's input: one block of it at a time, in a buffer that never outgrows what the reader asks for.

use std::io::{self, BufReader, Read};

use crate::ReadError;

/// A stream, and the start of the block in it that is being read.
pub(crate) struct Source<R> {
    reader: BufReader<R>,
    block: Vec<u8>,
    /// Where the block starts in the stream.
    offset: u64,
}

impl<R: Read> Source<R> {
    pub(crate) fn new(reader: R) -> Source<R> {
        Source { reader: BufReader::with_capacity(64 * 1024, reader), block: Vec::new(), offset: 0 }
    }

    /// Where the block starts, in bytes from the start of the stream.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// What is held of the block.
    pub(crate) fn block(&self) -> &[u8] {
        &self.block
    }

    /// Goes on to the block behind the one that is held.
    pub(crate) fn advance(&mut self) {
        self.offset += self.block.len() as u64;
        self.block.clear();
    }

    /// Reads on until `size` bytes of the block are held; `false` if the stream ends before its first byte.
    ///
    /// The buffer grows with the bytes that are there, not with the bytes that are asked for.
    pub(crate) fn fill(&mut self, size: usize) -> Result<bool, ReadError> {
        let missing = size.saturating_sub(self.block.len()) as u64;
        self.reader.by_ref().take(missing).read_to_end(&mut self.block)?;
        match self.block.len() {
            0 => Ok(false),
            found if found < size => Err(self.truncated(size as u64, found as u64)),
            _ => Ok(true),
        }
    }

    /// Goes past a block of `size` bytes without holding it.
    pub(crate) fn skip(&mut self, size: u64) -> Result<(), ReadError> {
        let held = self.block.len() as u64;
        let skipped = io::copy(&mut self.reader.by_ref().take(size.saturating_sub(held)), &mut io::sink())?;
        if held + skipped < size {
            return Err(self.truncated(size, held + skipped));
        }
        self.offset += held + skipped;
        self.block.clear();
        Ok(())
    }

    fn truncated(&self, expected: u64, found: u64) -> ReadError {
        ReadError::Truncated { offset: self.offset, expected, found }
    }
}
