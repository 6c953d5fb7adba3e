//! Columns of Bridge, Port and Interface as keys, and what each means in a line (ovs-vswitchd.conf.db(5)).

use crate::spec::column;
use ovsdb::{Column, Table};

/// A column that is a key.
#[derive(Clone, Copy, Debug)]
pub struct ColumnKey(pub Column);

impl ColumnKey {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether it holds VLANs, so that names of `[vlans]` do.
    pub fn holds_vlans(self) -> bool {
        column::VLAN_COLUMNS.contains(&self.0)
    }

    /// The strings that it takes; all if empty.
    pub fn words(self) -> &'static [&'static str] {
        column::allowed(self.0)
    }
}

/// The columns of tables that a file may set, each name once, the first table's.
pub(super) fn keys(tables: &'static [Table]) -> impl Iterator<Item = ColumnKey> {
    let is_first = move |key: &ColumnKey| column::named(tables, key.name()) == Some(key.0);
    column::settable(tables).map(ColumnKey).filter(is_first)
}

/// What a column means.
pub fn column_doc(key: ColumnKey) -> &'static str {
    let of = (key.0.table(), key.name());
    DOCS.iter().find(|(table, name, _)| (*table, *name) == of).map_or("", |(_, _, doc)| doc)
}

use Table::{Bridge, Interface, Port};

const DOCS: &[(Table, &str, &str)] = &[
    (Bridge, "datapath_type", "the kind of datapath; a lab has one, so it changes nothing"),
    (Bridge, "external_ids", "notes of other programs"),
    (
        Bridge,
        "fail_mode",
        "what a bridge without its controller does: `standalone` forwards by MAC addresses, `secure` by its flows alone",
    ),
    (Bridge, "flood_vlans", "VLANs that are flooded without learning"),
    (Bridge, "mcast_snooping_enable", "whether multicast goes only where somebody listens"),
    (
        Bridge,
        "other_config",
        "settings: `mac-table-size`, `mac-aging-time`, `forward-bpdu`, `hwaddr`, `stp-priority` ...",
    ),
    (Bridge, "protocols", "versions of OpenFlow that controllers may speak"),
    (Bridge, "rstp_enable", "Rapid Spanning Tree"),
    (Bridge, "stp_enable", "Spanning Tree"),
    (Port, "bond_downdelay", "milliseconds that a bond's member must be down to count as down"),
    (Port, "bond_fake_iface", "makes an interface of the bond's name for old programs"),
    (Port, "bond_mode", "how a bond spreads its frames"),
    (Port, "bond_updelay", "milliseconds that a bond's member must be up to be used"),
    (Port, "cvlans", "the customer's VLANs that a dot1q-tunnel port takes; all if empty"),
    (Port, "external_ids", "notes of other programs"),
    (Port, "fake_bridge", "makes the port's VLAN look like a bridge to old programs"),
    (Port, "lacp", "whether a bond speaks LACP"),
    (Port, "mac", "the bond's MAC address"),
    (
        Port,
        "other_config",
        "settings: `priority-tags`, `stp-port-num`, `stp-path-cost`, `rstp-port-priority`, `qinq-ethtype` ...",
    ),
    (Port, "protected", "no frame goes from one protected port to another"),
    (Port, "tag", "the VLAN of an access port, or the native VLAN"),
    (Port, "trunks", "the VLANs that a trunk carries; all if empty"),
    (
        Port,
        "vlan_mode",
        "what the port does to tags; without it a port with `tag` is an access port and any other a trunk",
    ),
    (Interface, "bfd", "settings of BFD"),
    (Interface, "cfm_mpid", "turns on CFM, with this number for the interface"),
    (Interface, "external_ids", "notes of other programs"),
    (Interface, "ingress_policing_burst", "how much may come above the policed rate at once, in kbit"),
    (Interface, "ingress_policing_kpkts_burst", "the same in thousands of packets"),
    (
        Interface,
        "ingress_policing_kpkts_rate",
        "the most that the interface takes, in thousands of packets a second; 0 for no limit",
    ),
    (Interface, "ingress_policing_rate", "the most that the interface takes, in kbit/s; 0 for no limit"),
    (Interface, "lldp", "settings of LLDP"),
    (Interface, "mac", "the interface's MAC address"),
    (Interface, "mtu_request", "the MTU to set, in bytes"),
    (Interface, "ofport_request", "the OpenFlow port number to give it"),
    (Interface, "options", "settings of its `type`: `peer` of a patch port, `remote_ip` and `key` of a tunnel ..."),
    (Interface, "other_config", "settings: `lldp`, `cfm_interval` ..."),
    (Interface, "type", "what it is, if it is no link's end"),
];
