//! Captures of a running lab: which directions go into which files and pipes.
//!
//! A capture may be opened and closed while the lab runs, and may keep the frames of a filter only. The engine never
//! waits for whoever reads: a sink that has no room loses frames, whole ones, and the capture says how many in its
//! interface statistics. A sink that fails ends its own capture; the others go on.

use super::names::Names;
use packet::Match;
use pcap::{Capture, Format, InterfaceId, Section};
use sim_core::{DirIx, Frame, Seen, Time};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

/// Where a capture's bytes go.
pub type Sink = Box<dyn Write>;

/// Where a live capture's bytes go: it takes what it is given without waiting.
pub trait LiveSink: Write {
    /// Whether it wants more frames. One that goes without says nothing of those that it missed: the capture counts them.
    fn has_room(&self) -> bool;
}

/// A capture that was opened while the lab runs. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureId(u64);

/// What a live capture is to hold.
#[derive(Clone, Debug, Default)]
pub struct LiveCapture {
    /// The links, each named by either end; `all` for all of them.
    pub links: Vec<String>,
    /// Keeps the frames that match, as the match language of ovs-ofctl has it.
    pub filter: Option<Match>,
    /// Ends after so many frames.
    pub max_frames: Option<u64>,
    /// Ends at this instant of lab time; frames at the instant itself are in.
    pub until: Option<Time>,
}

/// How a live capture came out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CaptureEnd {
    /// Frames that it holds.
    pub frames: u64,
    /// Frames that it lost, since nobody read them in time.
    pub lost: u64,
}

/// A sink of either kind.
enum Output {
    File(Sink),
    Live(Box<dyn LiveSink>),
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(sink) => sink.write(bytes),
            Self::Live(sink) => sink.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(sink) => sink.flush(),
            Self::Live(sink) => sink.flush(),
        }
    }
}

/// What one direction of a live capture has seen.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    received: u64,
    lost: u64,
}

struct Open {
    id: CaptureId,
    capture: Capture<Output>,
    is_live: bool,
    filter: Option<Match>,
    until: Option<Time>,
    left: Option<u64>,
    /// Its directions, with what each has seen. An interface's number is the direction's place here.
    dirs: Vec<(DirIx, InterfaceId, Tally)>,
    /// Why it can't be written any more.
    error: Option<io::Error>,
    /// Whether it has all that it was to hold.
    is_over: bool,
}

/// The captures of a lab.
#[derive(Default)]
pub(crate) struct Captures {
    /// Places of closed ones are used again.
    open: Vec<Option<Open>>,
    /// Captures by direction, with the direction's place there.
    taps: BTreeMap<DirIx, Vec<(usize, usize)>>,
    last: u64,
}

impl fmt::Debug for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Captures({} open)", self.open.iter().flatten().count())
    }
}

impl Captures {
    /// Opens a capture of some directions, to the end of the lab.
    pub(crate) fn open_file(
        &mut self,
        sink: Sink,
        format: Format,
        section: &Section<'_>,
        dirs: &[DirIx],
        names: &Names,
    ) -> io::Result<CaptureId> {
        let capture = Capture::new(Output::File(sink), format, section)?;
        self.open(capture, dirs, names, false, &LiveCapture::default())
    }

    /// Opens a live capture of some directions.
    pub(crate) fn open_live(
        &mut self,
        sink: Box<dyn LiveSink>,
        section: &Section<'_>,
        dirs: &[DirIx],
        names: &Names,
        what: &LiveCapture,
    ) -> io::Result<CaptureId> {
        let capture = Capture::new(Output::Live(sink), Format::PcapNg, section)?;
        self.open(capture, dirs, names, true, what)
    }

    fn open(
        &mut self,
        mut capture: Capture<Output>,
        dirs: &[DirIx],
        names: &Names,
        is_live: bool,
        what: &LiveCapture,
    ) -> io::Result<CaptureId> {
        let mut places = Vec::with_capacity(dirs.len());
        for &dir in dirs {
            places.push((dir, capture.interface(&names.direction(dir))?, Tally::default()));
        }
        self.last += 1;
        let id = CaptureId(self.last);
        let slot = self.open.iter().position(Option::is_none).unwrap_or(self.open.len());
        if slot == self.open.len() {
            self.open.push(None);
        }
        for (place, (dir, ..)) in places.iter().enumerate() {
            self.taps.entry(*dir).or_default().push((slot, place));
        }
        self.open[slot] = Some(Open {
            id,
            capture,
            is_live,
            filter: what.filter,
            until: what.until,
            left: what.max_frames,
            dirs: places,
            error: None,
            is_over: what.max_frames == Some(0),
        });
        Ok(id)
    }

    /// Whether a direction is captured.
    pub(crate) fn has(&self, dir: DirIx) -> bool {
        self.taps.contains_key(&dir)
    }

    /// When the next live capture ends by itself.
    pub(crate) fn next_end(&self) -> Time {
        self.open.iter().flatten().filter_map(|open| open.until).min().unwrap_or(Time::NEVER)
    }

    /// Whether a capture is open that somebody reads as it goes.
    pub(crate) fn has_live(&self) -> bool {
        self.open.iter().flatten().any(|open| open.is_live)
    }

    /// The live captures that have all that they were to hold by `now`, and those whose sink failed.
    pub(crate) fn over(&self, now: Time) -> Vec<CaptureId> {
        let over = |open: &&Open| {
            open.is_live && (open.is_over || open.error.is_some() || open.until.is_some_and(|until| until <= now))
        };
        self.open.iter().flatten().filter(over).map(|open| open.id).collect()
    }

    /// Writes down a frame; true if a live capture is over with it. The first error of a capture is kept for
    /// [`Captures::finish`], and nothing is written to it afterwards.
    pub(crate) fn seen(&mut self, seen: &Seen<'_>, names: &Names) -> bool {
        let Some(taps) = self.taps.get(&seen.dir) else { return false };
        let mut written = None;
        let mut is_over = false;
        for &(slot, place) in taps {
            let Some(open) = self.open[slot].as_mut().filter(|open| open.wants(seen)) else { continue };
            let (bytes, comment) = &*written.get_or_insert_with(|| (filled(seen.frame), comment(seen, names)));
            open.write(place, seen, bytes.as_deref().unwrap_or(seen.frame), comment.as_deref());
            is_over |= open.is_live && (open.is_over || open.error.is_some());
        }
        is_over
    }

    /// Hands what was captured so far to whoever reads.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut result = Ok(());
        for open in self.open.iter_mut().flatten().filter(|open| open.error.is_none()) {
            if let Err(error) = open.capture.flush() {
                match open.is_live {
                    true => open.error = Some(error),
                    false => result = Err(error),
                }
            }
        }
        result
    }

    /// Ends a capture, with its statistics if it is a live one; gives its directions.
    pub(crate) fn close(&mut self, id: CaptureId, now: Time) -> Option<(CaptureEnd, Vec<DirIx>)> {
        let slot = self.open.iter().position(|open| open.as_ref().is_some_and(|open| open.id == id))?;
        let open = self.open[slot].take()?;
        for (dir, ..) in &open.dirs {
            if let Some(taps) = self.taps.get_mut(dir) {
                taps.retain(|(tap, _)| *tap != slot);
                if taps.is_empty() {
                    self.taps.remove(dir);
                }
            }
        }
        let dirs = open.dirs.iter().map(|(dir, ..)| *dir).collect();
        // A live capture whose reader has gone has nobody left to tell.
        let (end, _) = open.finish(now);
        Some((end, dirs))
    }

    /// Ends all captures.
    pub(crate) fn finish(&mut self, now: Time) -> io::Result<()> {
        self.taps.clear();
        let mut result = Ok(());
        for open in self.open.drain(..).flatten() {
            let is_live = open.is_live;
            let (_, ended) = open.finish(now);
            if !is_live && result.is_ok() {
                result = ended;
            }
        }
        result
    }
}

impl Open {
    fn wants(&self, seen: &Seen<'_>) -> bool {
        !self.is_over
            && self.error.is_none()
            && self.until.is_none_or(|until| seen.now <= until)
            && self.filter.as_ref().is_none_or(|filter| filter.matches_frame(seen.frame))
    }

    fn write(&mut self, place: usize, seen: &Seen<'_>, bytes: &[u8], comment: Option<&str>) {
        let (_, interface, tally) = &mut self.dirs[place];
        tally.received += 1;
        if !self.capture.writer().has_room() {
            tally.lost += 1;
            return;
        }
        if let Err(error) = self.capture.packet(*interface, seen.now.as_nanos(), bytes, comment) {
            self.error = Some(error);
            return;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
            self.is_over = *left == 0;
        }
    }

    fn finish(mut self, now: Time) -> (CaptureEnd, io::Result<()>) {
        let mut end = CaptureEnd::default();
        for (_, interface, tally) in &self.dirs {
            end.frames += tally.received - tally.lost;
            end.lost += tally.lost;
            if self.is_live && self.error.is_none() {
                self.error = self.capture.statistics(*interface, now.as_nanos(), tally.received, tally.lost).err();
            }
        }
        let finished = self.capture.finish().map(drop);
        (end, self.error.map_or(finished, Err))
    }
}

impl Output {
    fn has_room(&self) -> bool {
        match self {
            Self::File(_) => true,
            Self::Live(sink) => sink.has_room(),
        }
    }
}

/// What a capture says of a frame that died.
fn comment(seen: &Seen<'_>, names: &Names) -> Option<String> {
    seen.killed.map(|(reason, site)| match site.port {
        Some(port) => format!("drop {reason} at {}", names.port(site.node, port)),
        None => format!("drop {reason} at {}", names.node(site.node)),
    })
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
