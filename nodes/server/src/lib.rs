//! A server: NICs with a network stack, Open vSwitch, and the commands of a Linux shell's networking.
//!
//! ```text
//!          applets, ovs-vsctl ...
//!                  |
//!   NIC eth0 --- stack (host) --- internal interface br0 --- bridge br0 (switch) --- TAP tap0
//!                                                                 |
//!                                                              NIC eth1
//! ```
//!
//! A [`Server`] is a host and an Open vSwitch side by side. A NIC belongs to the stack until a bridge takes it; then
//! its frames are the bridge's, and its addresses stay but nothing arrives for them. A bridge's local port, and each port
//! of type `internal`, is an interface of the stack at a port that no link has.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `config` | [`ServerConfig`] |
//! | `node` | [`Server`]: the node and its face |
//! | `inside` | frames between stack and bridges: the list of work, and its bound |
//! | `devices` | network devices by port: NICs, TAPs, internal interfaces, the loopback |
//! | `change` | devices made, removed, taken up and down; how they follow the bridges |
//! | `save` | what a server is like, as lines that make it so |
//! | `explain` | why a frame died, in words |
//! | `applet` | the commands: their table ([`commands`]), one file for each |
//! | `shell` | hosts that are told a line of a program |
//! | `session` | commands that run: `ping` and `tcpdump` |
//! | `capture`, `filter` | what `tcpdump` sees, and the language of its filters |
//!
//! Left out are iptables, veth pairs, network namespaces and the bridges of the Linux kernel: `brctl` works on those of
//! Open vSwitch.

mod applet;
mod capture;
mod change;
mod config;
mod devices;
mod explain;
mod filter;
mod inside;
mod node;
mod save;
mod session;
mod shell;

pub use applet::{begins_line, commands, words};
pub use config::ServerConfig;
pub use node::Server;
pub use save::is_plain_route;
pub use shell::{is_for_shell, words_of_hosts};
