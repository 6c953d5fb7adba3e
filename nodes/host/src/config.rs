//! How a host is to be.

use inet::{InterfaceConfig, RouteConfig};

/// How a host is to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostConfig {
    /// Its name, as its prompt shows it.
    pub name: String,
    /// Its interfaces, NICs and VLAN sub-interfaces, in order. A NIC that only a sub-interface names is added.
    pub interfaces: Vec<InterfaceConfig>,
    /// Its static routes; a gateway is [`RouteConfig::default_via`].
    pub routes: Vec<RouteConfig>,
}
