//! Captures of a running lab: which directions go into which files.

use super::names::Names;
use pcap::{Capture, Format, InterfaceId, Section};
use sim_core::{DirIx, Frame, Seen};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

/// Where a capture's bytes go.
pub type Sink = Box<dyn Write>;

/// The captures of a lab.
#[derive(Default)]
pub(crate) struct Captures {
    open: Vec<Capture<Sink>>,
    /// Captures by direction, with the direction's interface there.
    taps: BTreeMap<DirIx, Vec<(usize, InterfaceId)>>,
    error: Option<io::Error>,
}

impl fmt::Debug for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Captures({} open)", self.open.len())
    }
}

impl Captures {
    /// Opens a capture of some directions.
    pub(crate) fn open(
        &mut self,
        sink: Sink,
        format: Format,
        section: &Section<'_>,
        dirs: &[DirIx],
        names: &Names,
    ) -> io::Result<()> {
        let mut capture = Capture::new(sink, format, section)?;
        for &dir in dirs {
            let interface = capture.interface(&names.direction(dir))?;
            self.taps.entry(dir).or_default().push((self.open.len(), interface));
        }
        self.open.push(capture);
        Ok(())
    }

    /// Writes down a frame. The first error is kept for [`Captures::finish`], and nothing is written after it.
    pub(crate) fn seen(&mut self, seen: &Seen<'_>, names: &Names) {
        let Some(taps) = self.taps.get(&seen.dir) else { return };
        if self.error.is_some() {
            return;
        }
        let comment = seen.killed.map(|(reason, site)| match site.port {
            Some(port) => format!("drop {reason} at {}", names.port(site.node, port)),
            None => format!("drop {reason} at {}", names.node(site.node)),
        });
        let filled = filled(seen.frame);
        let bytes = filled.as_deref().unwrap_or(seen.frame);
        for &(number, interface) in taps {
            let written = self.open[number].packet(interface, seen.now.as_nanos(), bytes, comment.as_deref());
            if let Err(error) = written {
                self.error = Some(error);
                return;
            }
        }
    }

    /// Hands what was captured so far to whoever reads.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.open.iter_mut().try_for_each(Capture::flush)
    }

    /// Ends all captures.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.taps.clear();
        let ended: Vec<_> = self.open.drain(..).map(|capture| capture.finish().map(drop)).collect();
        match self.error.take() {
            Some(error) => Err(error),
            None => ended.into_iter().collect(),
        }
    }
}

/// A copy with the transport checksum filled in, if the frame left that to the NIC.
fn filled(frame: &Frame) -> Option<Vec<u8>> {
    let offload = frame.offload();
    let (start, at) = (offload.csum_start as usize, offload.csum_start as usize + usize::from(offload.csum_offset));
    if start == 0 || at + 2 > frame.len() {
        return None;
    }
    let mut copy = frame.to_vec();
    let sum = packet::wire::checksum::checksum(&copy[start..]);
    copy[at..at + 2].copy_from_slice(&(if sum == 0 { 0xffff } else { sum }).to_be_bytes());
    Some(copy)
}
