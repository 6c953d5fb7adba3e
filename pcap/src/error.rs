//! Why a capture can't be read.

use std::io;

/// Why a capture, or the rest of one, can't be read. Offsets are in bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file or pipe failed.
    #[error("cannot read the capture: {0}")]
    Io(#[from] io::Error),
    /// The file is empty.
    #[error("the capture is empty; expected a pcap or pcapng file")]
    Empty,
    /// The first bytes are of neither format.
    #[error("not a capture: it starts with {magic:#010x}; expected a pcap or pcapng file, uncompressed")]
    UnknownFormat {
        /// The first four bytes, the first one as the highest.
        magic: u32,
    },
    /// A major version of the format that this reader doesn't know.
    #[error("at byte {offset}: major version {found} of the format, expected {expected}")]
    Version {
        /// Where the header starts.
        offset: u64,
        /// The version that the file claims.
        found: u16,
        /// The version that there is.
        expected: u16,
    },
    /// The file ends inside a header, packet or block.
    #[error("at byte {offset}: the capture ends early, {found} of {expected} bytes are there")]
    Truncated {
        /// Where the header, packet or block starts.
        offset: u64,
        /// Its size.
        expected: u64,
        /// How many bytes of it there are.
        found: u64,
    },
    /// A packet or block claims more bytes than this reader holds.
    #[error("at byte {offset}: a block claims {size} bytes, more than the {limit} that a packet can need")]
    TooBig {
        /// Where the packet or block starts.
        offset: u64,
        /// The size that it claims.
        size: u64,
        /// The most that this reader takes.
        limit: u64,
    },
    /// A section describes more interfaces than this reader holds.
    #[error("at byte {offset}: the section's interface descriptions exceed {limit} bytes")]
    TooManyInterfaces {
        /// Where the description that is too many starts.
        offset: u64,
        /// The most bytes of descriptions that this reader takes.
        limit: u64,
    },
    /// A block breaks a rule of pcapng.
    #[error("at byte {offset}: {reason}")]
    Malformed {
        /// Where the block starts.
        offset: u64,
        /// Which rule.
        reason: String,
    },
    /// A packet isn't Ethernet.
    #[error("at byte {offset}: a packet of link type {link_type}; only Ethernet (link type 1) can be read")]
    NotEthernet {
        /// Where the packet starts.
        offset: u64,
        /// Its interface's link type, a number of the registry at tcpdump.org.
        link_type: u32,
    },
}
