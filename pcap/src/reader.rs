//! Reading a capture that anyone may have made: pcap with microseconds or nanoseconds and pcapng, in either byte
//! order.
//!
//! Memory is bounded whatever the file claims: one packet or block of at most 1 MiB, and at most 4 MiB of interface
//! descriptions in a section. Blocks that hold no packets are skipped, however long.
//!
//! Formats: draft-ietf-opsawg-pcap (pcap), draft-ietf-opsawg-pcapng (pcapng).

use std::borrow::Cow;
use std::error::Error;
use std::io::Read;

use pcap_file::Endianness;
use pcap_file::pcap::{PcapHeader, PcapTsResolution};
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketOption;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionOption;
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::SectionHeaderOption;
use pcap_file::pcapng::blocks::{
    ENHANCED_PACKET_BLOCK, INTERFACE_DESCRIPTION_BLOCK, PACKET_BLOCK, SECTION_HEADER_BLOCK, SIMPLE_PACKET_BLOCK,
};
use pcap_file::pcapng::{Block, PcapNgParser};

use crate::ReadError;
use crate::source::Source;

/// Most bytes of a packet or block. libpcap's largest packet is 256 KiB; comments need less than the rest.
const BLOCK_SIZE: usize = 1 << 20;

/// Most bytes of a section's interface descriptions: about 60000 with names as labs have them.
const INTERFACES_SIZE: u64 = 4 << 20;

/// The link type of Ethernet in the registry at tcpdump.org.
const ETHERNET: u32 = 1;

/// A packet of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// When it was seen, in nanoseconds since the capture's time zero (for foreign captures 1970-01-01 UTC);
    /// `u64::MAX` for all times after 2554, 0 for a packet block without a time.
    pub time_ns: u64,
    /// The number of its interface in the section, from 0; always 0 in pcap.
    pub interface: u32,
    /// Its length on the wire in bytes, at least that of `bytes`.
    pub original_len: u32,
    /// What was captured of it, from the Ethernet destination on.
    pub bytes: Cow<'a, [u8]>,
    /// The first comment on it.
    pub comment: Option<Cow<'a, str>>,
}

/// Reads the packets of a capture from a file, a pipe or a slice.
pub struct Reader<R> {
    source: Source<R>,
    decoder: Decoder,
    failed: bool,
}

enum Decoder {
    Pcap(PcapHeader),
    PcapNg { parser: PcapNgParser, interfaces_size: u64 },
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// A stream that is no capture, that fails, or that ends inside its header.
    pub fn new(reader: R) -> Result<Reader<R>, ReadError> {
        let mut source = Source::new(reader);
        if !source.fill(4)? {
            return Err(ReadError::Empty);
        }
        let decoder = match be_u32(source.block(), 0) {
            SECTION_HEADER_BLOCK => pcapng_decoder(&mut source)?,
            0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 => pcap_decoder(&mut source)?,
            magic => return Err(ReadError::UnknownFormat { magic }),
        };
        source.advance();
        Ok(Reader { source, decoder, failed: false })
    }

    /// The next packet; `None` at the end of the capture and after an error.
    ///
    /// # Errors
    /// See [`ReadError`]; the packets before it were sound.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, ReadError> {
        if self.failed {
            return Ok(None);
        }
        self.failed = true;
        self.source.advance();
        let packet = match &mut self.decoder {
            Decoder::Pcap(header) => pcap_packet(&mut self.source, header)?,
            Decoder::PcapNg { parser, interfaces_size } => pcapng_packet(&mut self.source, parser, interfaces_size)?,
        };
        self.failed = false;
        Ok(packet)
    }

    /// The name of an interface of the present section. pcap has none.
    pub fn interface_name(&self, interface: u32) -> Option<&str> {
        let Decoder::PcapNg { parser, .. } = &self.decoder else { return None };
        parser.interfaces().get(interface as usize)?.options.iter().find_map(|option| match option {
            InterfaceDescriptionOption::IfName(name) => Some(name.as_ref()),
            _ => None,
        })
    }

    /// The comment of the present section's header, where [`Capture`](crate::Capture) puts the lab and its seed. pcap
    /// has none.
    pub fn section_comment(&self) -> Option<&str> {
        let Decoder::PcapNg { parser, .. } = &self.decoder else { return None };
        parser.section().options.iter().find_map(|option| match option {
            SectionHeaderOption::Common(CommonOption::Comment(text)) => Some(text.as_ref()),
            _ => None,
        })
    }
}

fn pcap_decoder<R: Read>(source: &mut Source<R>) -> Result<Decoder, ReadError> {
    source.fill(24)?;
    let (_, header) = PcapHeader::from_slice(source.block()).map_err(|error| malformed(0, &error))?;
    match header.version_major {
        2 => Ok(Decoder::Pcap(header)),
        found => Err(ReadError::Version { offset: 0, found, expected: 2 }),
    }
}

fn pcap_packet<'a, R: Read>(source: &'a mut Source<R>, header: &PcapHeader) -> Result<Option<Packet<'a>>, ReadError> {
    if !source.fill(16)? {
        return Ok(None);
    }
    let offset = source.offset();
    let [seconds, fraction, captured_len, original_len] =
        [0, 4, 8, 12].map(|at| u32_at(source.block(), at, header.endianness));
    // The upper bits say how long the frame check sequence is (draft-ietf-opsawg-pcap, section 4).
    let link_type = u32::from(header.datalink) & 0xffff;
    if link_type != ETHERNET {
        return Err(ReadError::NotEthernet { offset, link_type });
    }
    let size = 16 + u64::from(captured_len);
    source.fill(block_size(offset, size)?)?;
    let unit = match header.ts_resolution {
        PcapTsResolution::MicroSecond => 1000,
        PcapTsResolution::NanoSecond => 1,
    };
    Ok(Some(Packet {
        time_ns: u64::from(seconds) * 1_000_000_000 + u64::from(fraction) * unit,
        interface: 0,
        original_len: original_len.max(captured_len),
        bytes: Cow::Borrowed(&source.block()[16..]),
        comment: None,
    }))
}

fn pcapng_decoder<R: Read>(source: &mut Source<R>) -> Result<Decoder, ReadError> {
    // The parser reads the byte order of a section header from its magic number.
    let (_, size) = block_head(source, Endianness::Big)?.ok_or(ReadError::Empty)?;
    source.fill(block_size(0, size)?)?;
    let (_, parser) = PcapNgParser::new(source.block()).map_err(|error| malformed(0, &error))?;
    check_version(&parser, 0)?;
    Ok(Decoder::PcapNg { parser, interfaces_size: 0 })
}

fn pcapng_packet<'a, R: Read>(
    source: &'a mut Source<R>,
    parser: &mut PcapNgParser,
    interfaces_size: &mut u64,
) -> Result<Option<Packet<'a>>, ReadError> {
    loop {
        let offset = source.offset();
        let Some((kind, size)) = block_head(source, parser.section().endianness)? else { return Ok(None) };
        match kind {
            ENHANCED_PACKET_BLOCK | SIMPLE_PACKET_BLOCK | PACKET_BLOCK => {
                source.fill(block_size(offset, size)?)?;
                let (_, block) = parser.next_block(source.block()).map_err(|error| malformed(offset, &error))?;
                return packet_of(block, parser, offset).map(Some);
            }
            INTERFACE_DESCRIPTION_BLOCK => {
                *interfaces_size += size;
                if *interfaces_size > INTERFACES_SIZE {
                    return Err(ReadError::TooManyInterfaces { offset, limit: INTERFACES_SIZE });
                }
                state_block(source, parser, offset, size)?;
            }
            SECTION_HEADER_BLOCK => {
                *interfaces_size = 0;
                state_block(source, parser, offset, size)?;
                check_version(parser, offset)?;
            }
            _ => source.skip(size)?,
        }
    }
}

/// Reads a block that changes what later blocks mean.
fn state_block<R: Read>(
    source: &mut Source<R>,
    parser: &mut PcapNgParser,
    offset: u64,
    size: u64,
) -> Result<(), ReadError> {
    source.fill(block_size(offset, size)?)?;
    parser.next_block(source.block()).map_err(|error| malformed(offset, &error))?;
    source.advance();
    Ok(())
}

fn packet_of<'a>(block: Block<'a>, parser: &PcapNgParser, offset: u64) -> Result<Packet<'a>, ReadError> {
    let (interface, time, original_len, bytes, comment) = match block {
        Block::EnhancedPacket(packet) => {
            let comment = packet.options.into_iter().find_map(|option| match option {
                EnhancedPacketOption::Common(CommonOption::Comment(text)) => Some(text),
                _ => None,
            });
            (packet.interface_id, packet.timestamp.as_nanos(), packet.original_len, packet.data, comment)
        }
        Block::Packet(packet) => {
            (u32::from(packet.interface_id), packet.timestamp.as_nanos(), packet.original_len, packet.data, None)
        }
        Block::SimplePacket(packet) => (0, 0, packet.original_len, packet.data, None),
        _ => unreachable!("only packet blocks are decoded as packets"),
    };
    let described = parser.interfaces().get(interface as usize);
    let link_type = u32::from(described.expect("the parser refuses a packet without an interface").linktype);
    if link_type != ETHERNET {
        return Err(ReadError::NotEthernet { offset, link_type });
    }
    Ok(Packet { time_ns: u64::try_from(time).unwrap_or(u64::MAX), interface, original_len, bytes, comment })
}

/// Type and size of the block that comes next, `None` at the end of the stream. A size below that of an empty block
/// is an error, so that each block takes the reader further.
fn block_head<R: Read>(source: &mut Source<R>, section: Endianness) -> Result<Option<(u32, u64)>, ReadError> {
    if !source.fill(12)? {
        return Ok(None);
    }
    let (offset, head) = (source.offset(), source.block());
    let kind = u32_at(head, 0, section);
    let endianness = match (kind, be_u32(head, 8)) {
        (SECTION_HEADER_BLOCK, 0x1a2b_3c4d) => Endianness::Big,
        (SECTION_HEADER_BLOCK, 0x4d3c_2b1a) => Endianness::Little,
        (SECTION_HEADER_BLOCK, magic) => {
            let reason = format!("a section header with the byte-order magic {magic:#010x}, expected 0x1a2b3c4d");
            return Err(ReadError::Malformed { offset, reason });
        }
        _ => section,
    };
    let size = u32_at(head, 4, endianness);
    if size < 12 || !size.is_multiple_of(4) {
        let reason = format!("a block of {size} bytes, expected at least 12 and a multiple of 4");
        return Err(ReadError::Malformed { offset, reason });
    }
    Ok(Some((kind, u64::from(size))))
}

fn check_version(parser: &PcapNgParser, offset: u64) -> Result<(), ReadError> {
    match parser.section().major_version {
        1 => Ok(()),
        found => Err(ReadError::Version { offset, found, expected: 1 }),
    }
}

fn block_size(offset: u64, size: u64) -> Result<usize, ReadError> {
    match usize::try_from(size) {
        Ok(size) if size <= BLOCK_SIZE => Ok(size),
        _ => Err(ReadError::TooBig { offset, size, limit: BLOCK_SIZE as u64 }),
    }
}

/// An error with its causes, which say more than itself.
fn malformed(offset: u64, error: &dyn Error) -> ReadError {
    let mut reason = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    ReadError::Malformed { offset, reason }
}

fn u32_at(bytes: &[u8], at: usize, endianness: Endianness) -> u32 {
    match endianness {
        Endianness::Big => be_u32(bytes, at),
        Endianness::Little => be_u32(bytes, at).swap_bytes(),
    }
}

fn be_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests;
