//! What `tcpdump` sees: frames as they pass a device, in both directions, kept as text until somebody asks.
//!
//! While none runs, a frame costs one comparison.

use std::collections::BTreeMap;

use host::SessionId;
use packet::wire::vlan;
use packet::{EtherType, MacAddr, VlanId};
use sim_core::{Cx, Frame, PortIx, Tag, Time};

use crate::applet::{Format, line};
use crate::devices::Device;
use crate::filter::Filter;

/// The bytes of text that a dump keeps for whoever asks; with more than that, frames are counted and not kept, as the kernel
/// drops what tcpdump is too slow for.
const MAX_TEXT: usize = 1 << 20;

/// The most dumps that run at once.
pub(crate) const MAX_DUMPS: usize = 64;

/// Which way a frame passes a device, as seen from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    In,
    Out,
}

/// What a dump is to show.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The device; `None` for all.
    pub(crate) port: Option<PortIx>,
    /// Of a sub-interface: its VLAN, whose tag it doesn't see.
    pub(crate) vlan: Option<VlanId>,
    pub(crate) filter: Filter,
    pub(crate) format: Format,
    /// After so many it ends.
    pub(crate) count: Option<u64>,
    /// What is printed first.
    pub(crate) banner: String,
    pub(crate) tag: Tag,
}

/// A `tcpdump` that runs.
#[derive(Debug)]
struct Dump {
    wanted: Wanted,
    /// What was not told yet.
    text: String,
    captured: u64,
    /// Those that found no room.
    dropped: u64,
    is_over: bool,
    /// Whether it was said that there is something new, and nobody has asked since.
    is_noticed: bool,
    /// When the first frame was seen, and the last.
    times: Option<(Time, Time)>,
}

/// The dumps of a server.
#[derive(Debug, Default)]
pub(crate) struct Captures {
    dumps: BTreeMap<u64, Dump>,
}

impl Captures {
    /// Whether any runs.
    #[inline]
    pub(crate) fn are_any(&self) -> bool {
        !self.dumps.is_empty()
    }

    /// Whether as many run as may.
    pub(crate) fn are_full(&self) -> bool {
        self.dumps.len() >= MAX_DUMPS
    }

    pub(crate) fn start(&mut self, id: SessionId, wanted: Wanted) {
        let text = wanted.banner.clone();
        let dump = Dump { wanted, text, captured: 0, dropped: 0, is_over: false, is_noticed: false, times: None };
        self.dumps.insert(id.0, dump);
    }

    /// A frame passes a device.
    #[cold]
    pub(crate) fn see(&mut self, cx: &mut Cx<'_>, device: &Device, port: PortIx, direction: Direction, frame: &Frame) {
        for dump in self.dumps.values_mut().filter(|dump| !dump.is_over) {
            let wanted = &dump.wanted;
            if wanted.port.is_some_and(|wanted| wanted != port) {
                continue;
            }
            let untagged;
            let bytes: &[u8] = match wanted.vlan {
                None => frame,
                Some(vlan) => match without_tag(frame, vlan) {
                    Some(bytes) => {
                        untagged = bytes;
                        &untagged
                    }
                    None => continue,
                },
            };
            if !wanted.filter.matches(bytes) {
                continue;
            }
            if dump.text.len() > MAX_TEXT {
                dump.dropped += 1;
                continue;
            }
            let (first, last) = dump.times.unwrap_or((cx.now, cx.now));
            dump.times = Some((first, cx.now));
            if wanted.port.is_none() {
                let way = match direction {
                    Direction::Out => "Out",
                    Direction::In => match MacAddr::from_bytes(bytes) {
                        Some(dst) if dst.is_broadcast() => "B",
                        Some(dst) if dst.is_multicast() => "M",
                        _ => "In",
                    },
                };
                wanted.format.stamp(&mut dump.text, cx.now, first, last);
                dump.text.push_str(&format!("{:<5} {way:<3} ", device.name));
            } else {
                wanted.format.stamp(&mut dump.text, cx.now, first, last);
            }
            line(&mut dump.text, wanted.format, bytes);
            dump.captured += 1;
            dump.is_over = wanted.count == Some(dump.captured);
            let is_noticed = core::mem::replace(&mut dump.is_noticed, true);
            if (dump.is_over || !is_noticed) && wanted.tag != Tag::NONE {
                cx.out.notice(wanted.tag);
            }
        }
    }

    /// What a dump printed since this was last asked.
    pub(crate) fn news(&mut self, id: SessionId) -> Option<String> {
        let dump = self.dumps.get_mut(&id.0)?;
        dump.is_noticed = false;
        Some(core::mem::take(&mut dump.text))
    }

    /// The rest of the text of a dump that is over, or is to be.
    pub(crate) fn output(&mut self, id: SessionId, cancel: bool) -> Option<String> {
        if !cancel && !self.dumps.get(&id.0)?.is_over {
            return None;
        }
        let Dump { text, captured, dropped, .. } = self.dumps.remove(&id.0)?;
        let received = captured + dropped;
        let packets = |count: u64| format!("{count} packet{}", if count == 1 { "" } else { "s" });
        Some(format!(
            "{text}{} captured\n{} received by filter\n{} dropped by kernel\n",
            packets(captured),
            packets(received),
            packets(dropped)
        ))
    }
}

/// A frame of a VLAN without its tag; `None` for other frames.
fn without_tag(frame: &[u8], vlan: VlanId) -> Option<Vec<u8>> {
    let (_, tag) = vlan::outer(frame)?;
    let is_its = tag.is_some_and(|tag| tag.tpid == EtherType::VLAN && tag.vid == vlan);
    is_its.then(|| [&frame[..12], &frame[16..]].concat())
}
