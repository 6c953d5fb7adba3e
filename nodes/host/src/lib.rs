//! A host that pings, serves and measures, with the words of VPCS, netcat, curl and iperf.
//!
//! * [`Host`]: the node, on one [`inet::Stack`].
//! * [`PingRequest`], [`PingStatus`]: pings as checks and pingall start and read them.
//! * [`UdpSourceConfig`], [`SinkCounters`]: traffic for measurements.
//! * [`AttemptRequest`], [`HttpRequest`], [`TransferConfig`], [`Service`]: what checks do with sockets, TCP and UDP; a
//!   [`TaskId`] names what takes time.
//! * [`Reply`]: what the prompt ([`Host::command`]) answers; [`commands`]: its words.

mod config;
mod net;
mod node;
mod online;
mod ping;
mod pings;
mod prompt;
mod reply;
mod traffic;

pub use config::HostConfig;
pub use inet::{Cidr, ConfigError, IfIx, Interface, InterfaceConfig, InterfaceCounters, RouteConfig};
pub use net::{
    AttemptOutcome, AttemptRequest, HttpRequest, HttpStatus, MAX_RESPONSE, Protocol, ServeError, Service, TaskId,
    TransferConfig, TransferReport, TransferState,
};
pub use node::Host;
pub use ping::{Outcome, PingError, PingId, PingRequest, PingStatus, Probe};
pub use prompt::commands;
pub use reply::{Reply, SessionId};
pub use traffic::{SinkCounters, SourceCounters, SourceId, UdpSourceConfig};
