//! Events and checks.

use packet::{MacAddr, Match, VlanId};
use sim_core::{DropReason, Duration, LinkIx, NodeIx, Time};
use std::net::IpAddr;

/// The `within` of a check that has none.
pub(crate) const DEFAULT_WITHIN: Duration = Duration::from_secs(5);

/// A line that is run at a set time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabEvent {
    /// When.
    pub at: Time,
    /// The line's words, in the prompt's grammar: a node and its command, or a lab command. At least one.
    pub words: Vec<String>,
    /// Line and column of its `do` in the file, from 1; 0 if it doesn't come from the file.
    pub place: (u32, u32),
    /// Whether it comes from a node's `run`, and not from `[[events]]`.
    pub is_service: bool,
}

/// A check.
#[derive(Clone, Debug)]
pub struct LabCheck {
    /// Its `name`, or its kind and what it is about, as in `ping a1 a2`.
    pub name: String,
    /// When it starts; `None`: when the one above it was decided.
    pub at: Option<Time>,
    /// How long it may take, as typed. [`LabCheck::within`] has the default.
    pub limit: Option<Duration>,
    /// What it is about.
    pub kind: CheckKind,
    /// The line of the file where it starts, from 1; 0 if it doesn't come from the file.
    pub line: u32,
}

impl LabCheck {
    /// How long it may take from its start: 5 s unless the file says otherwise.
    pub fn within(&self) -> Duration {
        self.limit.unwrap_or(DEFAULT_WITHIN)
    }
}

/// What a check is about.
#[derive(Clone, Debug)]
pub enum CheckKind {
    /// Whether echo requests are answered.
    Ping(PingCheck),
    /// That all of these hosts reach each other, both ways. At least two, all different.
    Reach(Vec<NodeIx>),
    /// That nothing that these hosts send at each other is delivered. At least two, all different.
    Apart(Vec<NodeIx>),
    /// How many frames a link carried.
    Frames(Box<FramesCheck>),
    /// How many frames died.
    Drops(DropsCheck),
    /// Whether a MAC address is in a switch's table.
    Mac(MacCheck),
    /// Whether a port answers.
    Connect(ConnectCheck),
    /// Whether a page can be had.
    Http(Box<HttpCheck>),
    /// How fast data goes.
    Throughput(ThroughputCheck),
    /// Which way a packet goes.
    Path(Box<PathCheck>),
}

/// Whether echo requests are answered.
#[derive(Clone, Debug)]
pub struct PingCheck {
    /// The host that asks.
    pub from: NodeIx,
    /// Whom it asks.
    pub to: PingTarget,
    /// How many echoes a try is, at least 1.
    pub count: u32,
    /// Bytes of ICMP payload in each, at most 65507.
    pub size: u16,
    /// IPv4 or IPv6; `None`: the one that the target has, IPv4 if both.
    pub family: Option<Family>,
    /// What passes.
    pub expect: Expect,
}

/// Whom a ping goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PingTarget {
    /// A host of the lab, at its first address of the family.
    Host(NodeIx),
    /// An address.
    Address(IpAddr),
}

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What a check of reachability passes at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expect {
    /// The first success.
    #[default]
    Reachable,
    /// No success until the end of `within`.
    Unreachable,
}

/// What a check of a port passes at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortExpect {
    /// The first success.
    #[default]
    Reachable,
    /// No answer until the end of `within`.
    Unreachable,
    /// The first refusal (`tcp` only).
    Refused,
}

/// TCP or UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// Its name in a lab file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// Whether a port answers.
#[derive(Clone, Debug)]
pub struct ConnectCheck {
    /// By TCP or UDP.
    pub transport: Transport,
    /// The host that connects.
    pub from: NodeIx,
    /// Whom it connects to.
    pub to: PingTarget,
    /// The port there.
    pub port: u16,
    /// IPv4 or IPv6; `None`: the one that the target has, IPv4 if both.
    pub family: Option<Family>,
    /// What passes.
    pub expect: PortExpect,
}

/// Whether a page can be had.
#[derive(Clone, Debug)]
pub struct HttpCheck {
    /// The host that asks.
    pub from: NodeIx,
    /// Whom it asks.
    pub to: PingTarget,
    /// The port there.
    pub port: u16,
    /// The path of the URL.
    pub path: String,
    /// The URL as typed.
    pub url: String,
    /// The status that passes.
    pub status: u16,
    /// What the page must contain.
    pub contains: Option<String>,
    /// What passes.
    pub expect: Expect,
}

/// How fast data goes.
#[derive(Clone, Debug)]
pub struct ThroughputCheck {
    /// The host that sends.
    pub from: NodeIx,
    /// The host that receives.
    pub to: NodeIx,
    /// By TCP or UDP.
    pub transport: Transport,
    /// The rate of a UDP source in bit/s.
    pub rate: u64,
    /// How long.
    pub span: Duration,
    /// The least rate that passes in bit/s, of the data that the receiver had.
    pub min: Option<u64>,
    /// The greatest rate that passes; at least `min`.
    pub max: Option<u64>,
}

/// Which way an echo request goes.
#[derive(Clone, Debug)]
pub struct PathCheck {
    /// The host that asks.
    pub from: NodeIx,
    /// Whom it asks.
    pub to: PingTarget,
    /// What passes.
    pub expect: PathExpect,
}

/// What a check of a way passes at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathExpect {
    /// The request passes these nodes in this order, and is answered.
    Via(Vec<NodeIx>),
    /// It ends for this reason.
    Dropped {
        /// Why.
        reason: DropReason,
        /// The node where, and its port; `None`: anywhere.
        at: Option<(NodeIx, Option<String>)>,
    },
}

/// How many frames a link carried, counted from time 0.
#[derive(Clone, Debug)]
pub struct FramesCheck {
    /// The link.
    pub link: LinkIx,
    /// Which of its directions.
    pub directions: Directions,
    /// Which frames; `None`: all.
    pub filter: Option<Filter>,
    /// The least number that passes.
    pub min: u64,
    /// The greatest number that passes; at least `min`.
    pub max: Option<u64>,
}

/// Directions of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Directions {
    /// From the link's first end to its second.
    Forward,
    /// From the link's second end to its first.
    Backward,
    /// Both.
    #[default]
    Both,
}

/// A filter in the match language, and its text.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The text as typed.
    pub text: String,
    /// What it says.
    pub matcher: Match,
}

/// How many frames died, counted from time 0.
#[derive(Clone, Debug)]
pub struct DropsCheck {
    /// Where.
    pub site: DropsSite,
    /// Why; `None`: for any reason.
    pub reason: Option<DropReason>,
    /// The least number that passes.
    pub min: u64,
    /// The greatest number that passes; at least `min`.
    pub max: Option<u64>,
}

/// Where frames died.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropsSite {
    /// Anywhere in the lab.
    Anywhere,
    /// In a node, at any of its ports or at none.
    Node(NodeIx),
    /// At a port of a node.
    Port(NodeIx, String),
    /// On a link, either direction.
    Link(LinkIx),
}

/// Whether a MAC address is in a switch's table.
#[derive(Clone, Debug)]
pub struct MacCheck {
    /// The switch.
    pub switch: NodeIx,
    /// The bridge; `br0` where the file names none and the switch has it, else its first.
    pub bridge: String,
    /// The VLAN; `None`: any.
    pub vlan: Option<VlanId>,
    /// The address; that of its first interface where the file names a host.
    pub address: MacAddr,
    /// The port that it must be learnt on; `None`: any.
    pub port: Option<String>,
    /// What passes.
    pub expect: Presence,
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    #[default]
    Present,
    /// It is not.
    Absent,
}
