//! How a server is to be.

use host::{InterfaceConfig, RouteConfig};
use sim_core::PortIx;

/// How a server is to be.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The node's name.
    pub name: String,
    /// Its NICs: interfaces of its network stack.
    pub nics: Vec<InterfaceConfig>,
    /// Static routes.
    pub routes: Vec<RouteConfig>,
    /// The node's other ports with their names: unplugged interfaces (TAPs), until a bridge takes them.
    pub taps: Vec<(String, PortIx)>,
}
