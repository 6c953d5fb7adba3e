//! Wire formats, the field table, flow keys and the match language.
//!
//! Everything here is a function of bytes or of text: no clock, no port, no state. The map:
//!
//! * [`wire`]: one file for each protocol: a checked view over bytes, a value that can be
//!   parsed and emitted, and the text that tcpdump would print.
//! * [`mod@describe`]: one line of text for a frame of any bytes.
//! * [`key`]: [`FlowKey`] and [`FlowMask`], the header fields of a frame as machine words, and
//!   the extraction with the semantics of Open vSwitch.
//! * [`mod@compose`]: a frame that has the fields of a key.
//! * [`field`]: the table of fields: names, place in the key, text form, prerequisites.
//! * [`matcher`]: [`Match`], the match language of ovs-ofctl(8) and ovs-fields(7).
//! * [`nearest()`]: the known word that a mistyped one most likely means; [`Word`]: an entry of a prompt's table of commands.

pub mod compose;
pub mod describe;
pub mod field;
pub mod key;
pub mod matcher;
pub mod nearest;
#[cfg(test)]
mod ovs_tests;
#[cfg(test)]
mod testing;
pub mod wire;
mod word;

pub use compose::compose;
pub use describe::describe;
pub use field::{FIELDS, Field, Subfield, SubfieldError};
pub use key::{FlowKey, FlowMask, Slot, WORDS};
pub use matcher::{Match, MatchError, Megaflow};
pub use nearest::nearest;
pub use wire::{EtherType, IpProtocol, MacAddr, VlanId, VlanTag, WireError};
pub use word::Word;
