//! A lab in motion: devices, events, checks, captures, the prompt.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`device`] | the enum of devices, which the engine dispatches on |
//! | [`build`] | from a [`Lab`](crate::Lab) to an engine full of devices |
//! | [`net`] | the running lab: names, addresses, acts on its nodes |
//! | [`prompt`] | the one grammar of what can be typed: `NODE COMMAND...` or a lab command |
//! | `link_command` | `link NODE:PORT ...` |
//! | `jobs` | commands that take lab time, and what each has printed |
//! | [`inspect`] | the lab at a glance: nodes, links, counters |
//! | [`observer`] | what happens, for those who follow the lab from outside |
//! | [`session`] | events and checks on a running lab, in the lab's total order |
//! | [`check`] | the checks: each a small machine that is polled |
//! | [`pingall`] | an echo between all pairs of hosts, in Mininet's order and words |
//! | [`report`] | what the checks found, as text and as JSON |
//! | [`storm`] | the loop guard's message |
//! | [`watch`], `capture`, [`names`] | what looks on |

pub mod build;
mod capture;
pub mod check;
pub mod device;
pub mod inspect;
mod jobs;
mod link_command;
pub mod names;
pub mod net;
pub mod observer;
pub mod pingall;
pub mod prompt;
pub mod report;
pub mod session;
pub mod storm;
pub mod watch;

pub use build::SetupError;
pub(crate) use build::try_setup;
pub use capture::{CaptureEnd, CaptureId, LiveCapture, LiveSink, Sink};
pub use device::Device;
pub use inspect::Inspection;
pub use jobs::{CANCELLED, JobId, JobNews};
pub use names::Names;
pub use net::{CaptureError, LinkError, Net};
pub use observer::{Happening, Observed};
pub use pingall::{Pingall, PingallReport, PingedPair};
pub use prompt::{CommandError, Outcome};
pub use report::{CheckResult, CheckStanding, Report, Status};
pub use session::{End, EventError, Session, Started};
pub use watch::Lookout;
