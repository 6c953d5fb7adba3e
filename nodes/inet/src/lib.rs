//! The layer-3 endpoint: Ethernet, VLAN sub-interfaces, ARP and ND, routes, echo, ICMP errors.
//!
//! A [`Stack`] is what host, router, server and tunnel underlay have in common. It is a value: frames go in
//! ([`Stack::frames`]), frames and drops go into `cx.out`, and what is for the layers above goes to the owner's
//! [`Upper`] as an [`Event`].
//!
//! | file | what it holds |
//! | --- | --- |
//! | `cidr` | [`Cidr`]: an address with its prefix length |
//! | `interface` | [`Interface`]: NICs and VLAN sub-interfaces, the NIC filter |
//! | `interfaces` | all of a stack, found by port and VLAN |
//! | `routes` | [`Routes`]: connected and static routes, the longest prefix |
//! | `neighbors` | [`Neighbors`]: who has which MAC address, asking, waiting frames, eviction |
//! | `arp`, `nd` | the two ways to ask and to be asked |
//! | `stack` | [`Stack`]: construction, accessors, timers |
//! | `change` | interfaces, routes and neighbours changed one at a time |
//! | `receive` | the way in, up to UDP |
//! | `forward` | packets for others, from one interface to another |
//! | `icmp` | echo, errors in and out |
//! | `reassembly` | fragments into datagrams, bounded |
//! | `send` | the way out: source address, next hop, waiting for it |
//! | `fragments` | packets longer than the MTU |
//! | `transport` | what TCP and UDP above the stack send, packets to own addresses |
//! | `udp_flow` | [`UdpFlow`]: many equal datagrams, fast |
//! | `limit` | the rate limit of ICMP errors |
//! | `event` | [`Event`], [`Upper`]: what the layers above are told |
//!
//! **Invariants**: no frame makes it panic or allocate without bound: neighbours, waiting frames and datagrams in
//! reassembly have limits that are public constants. Frames that it makes keep the tag of what caused them. A stack
//! sends nothing of its own accord. The index of an interface stays its own as long as the interface is there.

mod arp;
mod change;
mod cidr;
mod event;
mod forward;
mod fragments;
mod icmp;
mod interface;
mod interfaces;
mod limit;
mod nd;
mod neighbors;
mod reassembly;
mod receive;
mod routes;
mod send;
mod stack;
mod transport;
mod udp_flow;

pub use change::{NeighborError, RouteError};
pub use cidr::{Cidr, ParseCidrError};
pub use event::{Event, Flow, IcmpError, Quoted, Segment, Upper};
pub use forward::Forwarding;
pub use interface::{IfIx, Interface, InterfaceConfig, InterfaceCounters, MIN_MTU};
pub use limit::{ERROR_BURST, ERROR_INTERVAL};
pub use neighbors::{
    MAX_NEIGHBORS, MAX_REQUESTS, MAX_WAITING, NeighborKey, NeighborState, Neighbors, REACHABLE_TIME, RETRY_INTERVAL,
};
pub use reassembly::{LIFETIME, MAX_DATAGRAMS};
pub use routes::{NextHop, Route, RouteConfig, Routes};
pub use send::{Echo, Outgoing, SendError};
pub use stack::{ConfigError, Stack};
pub use transport::{Datagram, LOOPBACK_DELAY, MAX_LOOPED, pseudo};
pub use udp_flow::UdpFlow;
