//! Writing a capture, to a file or a live pipe.
//!
//! Blocks are encoded into a buffer of the capture's own, and the buffer is handed to the writer at the end of a
//! block only: the reader of a live pipe never waits for the second half of a packet, and a block that can't be
//! encoded leaves nothing behind. All is little-endian, whatever the machine, since the same lab has the same bytes
//! everywhere.
//!
//! Formats: draft-ietf-opsawg-pcap (pcap), draft-ietf-opsawg-pcapng (pcapng).

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapTsResolution};
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::interface_statistics::{InterfaceStatisticsBlock, InterfaceStatisticsOption};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use pcap_file::{DataLink, Endianness};

use crate::Format;
use crate::text::option_text;

/// Most bytes of a packet that a capture keeps. A longer one is cut, its length on the wire kept. The value is the
/// largest that libpcap takes for Ethernet.
pub const SNAPLEN: u32 = 262_144;

/// The buffer goes to the writer once it holds this many bytes.
const BUFFER_SIZE: usize = 64 * 1024;

/// What a capture says about itself: the lab that it is of. pcap has no room for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The lab's name.
    pub lab: &'a str,
    /// The seed of its random streams.
    pub seed: u64,
}

/// One interface of a capture: one direction of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InterfaceId(u32);

/// A capture that is being written.
///
/// Dropping it writes what is buffered and ignores errors; [`finish`](Capture::finish) reports them.
pub struct Capture<W: Write> {
    /// Taken by `finish` alone.
    writer: Option<W>,
    encoder: Encoder,
    failed: bool,
}

impl<W: Write> Capture<W> {
    /// Starts a capture. Its header is buffered; it reaches `writer` with the first packets or the first
    /// [`flush`](Capture::flush).
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the header can't be encoded; `writer` isn't touched yet.
    pub fn new(writer: W, format: Format, section: &Section<'_>) -> io::Result<Capture<W>> {
        let encoder = match format {
            Format::Pcap => Encoder::pcap()?,
            Format::PcapNg => Encoder::pcapng(section)?,
        };
        Ok(Capture { writer: Some(writer), encoder, failed: false })
    }

    /// Adds an interface: Ethernet, nanoseconds, without frame check sequences. `name` is `a:p > b:q` for the
    /// direction of a link from port `p` of node `a` to port `q` of node `b`. pcap merges all interfaces and keeps no
    /// names.
    ///
    /// # Errors
    /// Those of the writer; all calls after a failed write fail.
    pub fn interface(&mut self, name: &str) -> io::Result<InterfaceId> {
        self.check_writable()?;
        let id = self.encoder.interface(name)?;
        self.drain(BUFFER_SIZE)?;
        Ok(id)
    }

    /// Adds a packet: `bytes` from the Ethernet destination on, without frame check sequence, seen at `time_ns`
    /// nanoseconds of lab time. pcap keeps no comments.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for an interface of another capture, and for a time after 2^32 seconds in
    /// pcap; the capture goes on without that packet. Else those of the writer; all calls after a failed write fail.
    pub fn packet(&mut self, id: InterfaceId, time_ns: u64, bytes: &[u8], comment: Option<&str>) -> io::Result<()> {
        self.check_writable()?;
        self.encoder.packet(id, time_ns, bytes, comment)?;
        self.drain(BUFFER_SIZE)
    }

    /// Says how many packets of an interface came by until `time_ns` and how many of them the capture lost: `isb_ifrecv`
    /// and `isb_ifdrop` of an interface statistics block. pcap has no room for it.
    ///
    /// # Errors
    /// As those of [`packet`](Capture::packet).
    pub fn statistics(&mut self, id: InterfaceId, time_ns: u64, received: u64, lost: u64) -> io::Result<()> {
        self.check_writable()?;
        self.encoder.statistics(id, time_ns, received, lost)?;
        self.drain(BUFFER_SIZE)
    }

    /// Hands all packets so far to the writer and flushes it: for a live pipe, when its reader should see them.
    ///
    /// # Errors
    /// Those of the writer; all calls after a failed write fail.
    pub fn flush(&mut self) -> io::Result<()> {
        self.check_writable()?;
        self.drain(0)?;
        let flushed = self.writer_mut().flush();
        self.failed = flushed.is_err();
        flushed
    }

    /// Ends the capture and gives the writer back.
    ///
    /// # Errors
    /// Those of the writer, this time's or an earlier one's.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush()?;
        Ok(self.writer.take().expect("the writer is held until finish, which consumes the capture"))
    }

    /// The writer.
    pub fn writer(&self) -> &W {
        self.writer.as_ref().expect("the writer is held until finish, which consumes the capture")
    }

    fn writer_mut(&mut self) -> &mut W {
        self.writer.as_mut().expect("the writer is held until finish, which consumes the capture")
    }

    /// After a failed write nobody knows how much of a block was written; more blocks would be garbage to a reader.
    fn check_writable(&self) -> io::Result<()> {
        if self.failed { Err(io::Error::other("the capture is closed: an earlier write to it failed")) } else { Ok(()) }
    }

    /// Writes the buffer out if it holds more than `keep` bytes.
    fn drain(&mut self, keep: usize) -> io::Result<()> {
        let writer = self.writer.as_mut().expect("the writer is held until finish, which consumes the capture");
        let buffer = self.encoder.buffer();
        if buffer.len() <= keep {
            return Ok(());
        }
        let written = writer.write_all(buffer);
        buffer.clear();
        self.failed = written.is_err();
        written
    }
}

impl<W: Write> Drop for Capture<W> {
    fn drop(&mut self) {
        if self.writer.is_some() && !self.failed {
            // Nobody is left to take the error; `finish` is the way to see it.
            let _ = self.flush();
        }
    }
}

/// Encodes blocks into a buffer.
enum Encoder {
    Pcap { buffer: Vec<u8>, interfaces: u32 },
    PcapNg(PcapNgWriter<Vec<u8>>),
}

impl Encoder {
    fn pcap() -> io::Result<Encoder> {
        let header = PcapHeader {
            snaplen: SNAPLEN,
            datalink: DataLink::ETHERNET,
            ts_resolution: PcapTsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let mut buffer = Vec::with_capacity(BUFFER_SIZE);
        header.write_to(&mut buffer).map_err(io::Error::other)?;
        Ok(Encoder::Pcap { buffer, interfaces: 0 })
    }

    fn pcapng(section: &Section<'_>) -> io::Result<Encoder> {
        let comment = format!("lab {}, seed {}", section.lab, section.seed);
        let header = SectionHeaderBlock {
            endianness: Endianness::Little,
            options: vec![SectionHeaderOption::Common(CommonOption::Comment(option_text(&comment)))],
            ..SectionHeaderBlock::default()
        };
        let buffer = Vec::with_capacity(BUFFER_SIZE);
        Ok(Encoder::PcapNg(PcapNgWriter::with_section_header(buffer, header).map_err(io_error)?))
    }

    fn buffer(&mut self) -> &mut Vec<u8> {
        match self {
            Encoder::Pcap { buffer, .. } => buffer,
            Encoder::PcapNg(writer) => writer.get_mut(),
        }
    }

    fn interface(&mut self, name: &str) -> io::Result<InterfaceId> {
        match self {
            Encoder::Pcap { interfaces, .. } => {
                let id = InterfaceId(*interfaces);
                *interfaces = interfaces.checked_add(1).ok_or_else(too_many_interfaces)?;
                Ok(id)
            }
            Encoder::PcapNg(writer) => {
                let id = u32::try_from(writer.interfaces().len()).map_err(|_| too_many_interfaces())?;
                let block = InterfaceDescriptionBlock {
                    linktype: DataLink::ETHERNET,
                    snaplen: SNAPLEN,
                    options: vec![
                        InterfaceDescriptionOption::IfName(option_text(name)),
                        InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
                        // Without it Wireshark may take the last four bytes of a padded frame for a wrong FCS.
                        InterfaceDescriptionOption::IfFcsLen(0),
                    ],
                };
                writer.write_pcapng_block(block).map_err(io_error)?;
                Ok(InterfaceId(id))
            }
        }
    }

    fn packet(&mut self, id: InterfaceId, time_ns: u64, bytes: &[u8], comment: Option<&str>) -> io::Result<()> {
        let original_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let captured_len = original_len.min(SNAPLEN);
        let data = &bytes[..captured_len as usize];
        match self {
            Encoder::Pcap { buffer, interfaces } => {
                if id.0 >= *interfaces {
                    return Err(unknown_interface(id));
                }
                let seconds = u32::try_from(time_ns / 1_000_000_000)
                    .map_err(|_| invalid_input(format!("pcap cannot say the time {time_ns} ns; pcapng can")))?;
                let nanoseconds = (time_ns % 1_000_000_000) as u32;
                for field in [seconds, nanoseconds, captured_len, original_len] {
                    buffer.extend_from_slice(&field.to_le_bytes());
                }
                buffer.extend_from_slice(data);
                Ok(())
            }
            Encoder::PcapNg(writer) => {
                if id.0 as usize >= writer.interfaces().len() {
                    return Err(unknown_interface(id));
                }
                let options =
                    comment.map(|text| EnhancedPacketOption::Common(CommonOption::Comment(option_text(text))));
                let block = EnhancedPacketBlock {
                    interface_id: id.0,
                    timestamp: Duration::from_nanos(time_ns),
                    original_len,
                    data: Cow::Borrowed(data),
                    options: options.into_iter().collect(),
                };
                writer.write_pcapng_block(block).map_err(io_error)?;
                Ok(())
            }
        }
    }

    fn statistics(&mut self, id: InterfaceId, time_ns: u64, received: u64, lost: u64) -> io::Result<()> {
        let Encoder::PcapNg(writer) = self else { return Ok(()) };
        if id.0 as usize >= writer.interfaces().len() {
            return Err(unknown_interface(id));
        }
        let block = InterfaceStatisticsBlock {
            interface_id: id.0,
            timestamp: Duration::from_nanos(time_ns),
            options: vec![InterfaceStatisticsOption::IsbIfRecv(received), InterfaceStatisticsOption::IsbIfDrop(lost)],
        };
        writer.write_pcapng_block(block).map_err(io_error)?;
        Ok(())
    }
}

/// The buffer takes all bytes, so what is left is a block that breaks a rule of the format.
fn io_error(error: PcapNgWriteError) -> io::Error {
    match error {
        PcapNgWriteError::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidInput, other),
    }
}

fn invalid_input(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

fn unknown_interface(id: InterfaceId) -> io::Error {
    invalid_input(format!("the capture has no interface {}", id.0))
}

fn too_many_interfaces() -> io::Error {
    invalid_input("a capture holds at most 2^32 - 1 interfaces".to_owned())
}

#[cfg(test)]
mod tests;
