//! Why bytes are not the packet that they were taken for.

use thiserror::Error;

/// The result of checking or parsing bytes.
pub type Result<T> = core::result::Result<T, WireError>;

/// Why bytes are not a valid packet.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// The bytes end before the packet does.
    #[error("{layer}: {found} bytes, at least {needed} needed")]
    Truncated {
        /// The protocol.
        layer: &'static str,
        /// Bytes needed.
        needed: usize,
        /// Bytes found.
        found: usize,
    },
    /// A field has a value that the standard forbids.
    #[error("{layer}: {field} is {value}")]
    Field {
        /// The protocol.
        layer: &'static str,
        /// The field.
        field: &'static str,
        /// Its value.
        value: u32,
    },
}

impl WireError {
    /// Fails unless there are `needed` bytes.
    #[inline]
    pub(crate) fn check_size(layer: &'static str, bytes: &[u8], needed: usize) -> Result<()> {
        if bytes.len() < needed {
            return Err(Self::Truncated { layer, needed, found: bytes.len() });
        }
        Ok(())
    }

    /// The error for a field with a forbidden value.
    pub(crate) fn field(layer: &'static str, field: &'static str, value: impl Into<u32>) -> Self {
        Self::Field { layer, field, value: value.into() }
    }
}
