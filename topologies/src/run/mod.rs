//! A lab in motion: devices, events, checks, captures, the prompt.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`device`] | the enum of devices, which the engine dispatches on |
//! | [`build`] | from a [`Lab`](crate::Lab) to an engine full of devices |
//! | [`net`] | the running lab: names, addresses, acts on its nodes |
//! | [`prompt`] | the one grammar of what can be typed: `NODE COMMAND...` or a lab command |
//! | `words`, `usage` | the tables of what nodes take, and their usages taken apart |
//! | `complete`, `resolve` | how a line can go on; names of hosts in it |
//! | [`iperf`] | what can be sent from one host to another, in Mininet's words |
//! | `link_command`, `listing` | `link NODE:PORT ...`; `nodes`, `net`, `links`, `dump` |
//! | `jobs` | commands that take lab time, and what each has printed |
//! | [`inspect`] | the lab at a glance: nodes, links, counters |
//! | [`observer`] | what happens, for those who follow the lab from outside |
//! | [`save`] | the lab as it is now, as a lab file |
//! | [`session`] | events and checks on a running lab, in the lab's total order |
//! | `history` | what a lab was told while it ran, and telling it again |
//! | [`explain`] | why a packet arrives or doesn't, and what would let it pass |
//! | [`check`] | the checks: each a small machine that is polled |
//! | [`pingall`] | an echo between all pairs of hosts, in Mininet's order and words |
//! | `measure` | a transfer between two hosts that is measured |
//! | [`report`] | what the checks found, as text and as JSON |
//! | [`storm`] | the loop guard's message |
//! | [`watch`], `capture`, [`names`] | what looks on |

pub mod build;
mod capture;
pub mod check;
mod complete;
pub mod device;
pub mod explain;
mod history;
pub mod inspect;
pub mod iperf;
mod jobs;
mod link_command;
mod listing;
mod measure;
pub mod names;
pub mod net;
pub mod observer;
pub mod pingall;
pub mod prompt;
pub mod report;
mod resolve;
pub mod save;
pub mod session;
pub mod storm;
mod usage;
pub mod watch;
mod words;

pub use build::SetupError;
pub(crate) use build::try_setup;
pub use capture::{CaptureEnd, CaptureId, LiveCapture, LiveSink, Sink};
pub use complete::{Completion, MAX_CANDIDATES, complete};
pub use device::Device;
pub use explain::{Explanation, Question};
pub use history::Past;
pub use inspect::Inspection;
pub use jobs::{CANCELLED, JobId, JobNews};
pub use names::Names;
pub use net::{CaptureError, LinkError, Net};
pub use observer::{Happening, Observed};
pub use pingall::{Pingall, PingallReport, PingedPair};
pub use prompt::{CommandError, Outcome};
pub use report::{CheckResult, CheckStanding, Report, Status};
pub use session::{End, EventError, Request, Session, Started};
pub use watch::Lookout;
