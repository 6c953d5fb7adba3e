//! Captures of a lab's links, as Wireshark, tshark and tcpdump read them.
//!
//! A capture is a pure function of the calls that made it: same calls, same bytes, on any machine. It holds no host
//! name, no program version and no date.
//!
//! | Module         | Holds                                                                         |
//! |----------------|-------------------------------------------------------------------------------|
//! | [`mod@format`] | [`Format`]: which of pcap and pcapng a file name asks for                     |
//! | [`capture`]    | [`Capture`]: writes a capture to a file or a live pipe, block by block        |
//! | [`reader`]     | [`Reader`]: reads the Ethernet packets of a capture that anyone may have made |
//! | [`error`]      | [`ReadError`]: why a capture can't be read, and where                         |
//! | `source`       | the reader's input: holds one block, bounded                                  |
//! | `text`         | names and comments as they may stand in a pcapng option                       |
//!
//! The formats are those of draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; their blocks are encoded and decoded
//! by the crate `pcap-file`. Left out: compression, name resolution blocks, link types other than Ethernet.

pub mod capture;
pub mod error;
pub mod format;
pub mod reader;
mod source;
mod text;

pub use capture::{Capture, InterfaceId, SNAPLEN, Section};
pub use error::ReadError;
pub use format::Format;
pub use reader::{Packet, Reader};
