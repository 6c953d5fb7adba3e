//! The tables of Open vSwitch's database, schema version 8.3.1 (ovs-vswitchd.conf.db(5)).
//!
//! One line is one column: its name, who writes it, its type. Each table has a module of its
//! columns (`port::TAG`), so that a misspelt column doesn't compile. A test compares this file with
//! an installed Open vSwitch.

use crate::schema::{AtomType, BaseType, Column, ColumnSchema, ColumnType, Kind, Strength, TableSchema, UNLIMITED};

/// The version of the schema.
pub const VERSION: &str = "8.3.1";

macro_rules! tables {
    ($(
        $variant:ident $module:ident $name:literal $root:ident max_rows $max:ident
        indexes [$([$($key:ident),*]),*] {
            $($konst:ident $column:literal $kind:ident $ty:expr;)*
        }
    )*) => {
        /// A table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Table {
            $(#[doc = concat!("The table `", $name, "`.")] $variant,)*
        }

        impl Table {
            /// All tables.
            pub const ALL: &'static [Table] = &[$(Table::$variant),*];
        }

        pub(crate) static TABLES: [TableSchema; Table::ALL.len()] = [$(TableSchema {
            name: $name,
            is_root: $root,
            max_rows: $max,
            indexes: &[$(&[$($module::$key),*]),*],
            columns: &[$(ColumnSchema { name: $column, kind: $kind, ty: $ty }),*],
        }),*];

        $(
            #[doc = concat!("The columns of the table `", $name, "`.")]
            pub mod $module {
                use super::{Column, Table};

                #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
                enum Index { $($konst),* }

                $(
                    #[doc = concat!("The column `", $column, "`.")]
                    pub const $konst: Column = Column::new(Table::$variant, Index::$konst as u8);
                )*
            }
        )*
    };
}

const ROOT: bool = true;
const PART: bool = false;
const ONE: usize = 1;
const CONFIG: Kind = Kind::Config;
const FIXED: Kind = Kind::Fixed;
const EPHEMERAL: Kind = Kind::Ephemeral;

const fn atom(atom: AtomType) -> BaseType {
    BaseType { atom, min: i64::MIN, max: i64::MAX, allowed: &[], refers: None }
}

const BOOLEAN: BaseType = atom(AtomType::Boolean);
const INTEGER: BaseType = atom(AtomType::Integer);
const STRING: BaseType = atom(AtomType::String);
const VLAN: BaseType = int(0, 4095);
const U32: BaseType = int(0, u32::MAX as i64);
const STRING_MAP: ColumnType = map(STRING, STRING);
const COUNTERS: ColumnType = map(STRING, INTEGER);

const PROTOCOLS: &[&str] = &["OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14", "OpenFlow15"];

/// Time-outs of connection tracking's states.
const TIMEOUTS: &[&str] = &[
    "tcp_syn_sent",
    "tcp_syn_recv",
    "tcp_established",
    "tcp_fin_wait",
    "tcp_close_wait",
    "tcp_last_ack",
    "tcp_time_wait",
    "tcp_close",
    "tcp_syn_sent2",
    "tcp_retransmit",
    "tcp_unack",
    "udp_first",
    "udp_single",
    "udp_multiple",
    "icmp_first",
    "icmp_reply",
];

const fn int(min: i64, max: i64) -> BaseType {
    BaseType { min, max, ..INTEGER }
}

const fn at_least(min: i64) -> BaseType {
    BaseType { min, ..INTEGER }
}

const fn one_of(allowed: &'static [&'static str]) -> BaseType {
    BaseType { allowed, ..STRING }
}

const fn strong(table: Table) -> BaseType {
    BaseType { refers: Some((table, Strength::Strong)), ..atom(AtomType::Uuid) }
}

const fn weak(table: Table) -> BaseType {
    BaseType { refers: Some((table, Strength::Weak)), ..atom(AtomType::Uuid) }
}

const fn count(key: BaseType, min: usize, max: usize) -> ColumnType {
    ColumnType { key, value: None, min, max }
}

const fn one(key: BaseType) -> ColumnType {
    count(key, 1, 1)
}

const fn optional(key: BaseType) -> ColumnType {
    count(key, 0, 1)
}

const fn set(key: BaseType) -> ColumnType {
    count(key, 0, UNLIMITED)
}

const fn some(key: BaseType) -> ColumnType {
    count(key, 1, UNLIMITED)
}

const fn up_to(key: BaseType, max: usize) -> ColumnType {
    count(key, 0, max)
}

const fn map(key: BaseType, value: BaseType) -> ColumnType {
    ColumnType { key, value: Some(value), min: 0, max: UNLIMITED }
}

tables! {
    OpenVSwitch open_vswitch "Open_vSwitch" ROOT max_rows ONE indexes [] {
        BRIDGES "bridges" CONFIG set(strong(Table::Bridge));
        CUR_CFG "cur_cfg" CONFIG one(INTEGER);
        DATAPATH_TYPES "datapath_types" CONFIG set(STRING);
        DATAPATHS "datapaths" CONFIG map(STRING, strong(Table::Datapath));
        DB_VERSION "db_version" CONFIG optional(STRING);
        DPDK_INITIALIZED "dpdk_initialized" CONFIG one(BOOLEAN);
        DPDK_VERSION "dpdk_version" CONFIG optional(STRING);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        IFACE_TYPES "iface_types" CONFIG set(STRING);
        MANAGER_OPTIONS "manager_options" CONFIG set(strong(Table::Manager));
        NEXT_CFG "next_cfg" CONFIG one(INTEGER);
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        OVS_VERSION "ovs_version" CONFIG optional(STRING);
        SSL "ssl" CONFIG optional(strong(Table::Ssl));
        STATISTICS "statistics" EPHEMERAL STRING_MAP;
        SYSTEM_TYPE "system_type" CONFIG optional(STRING);
        SYSTEM_VERSION "system_version" CONFIG optional(STRING);
    }
    Bridge bridge "Bridge" PART max_rows UNLIMITED indexes [[NAME]] {
        AUTO_ATTACH "auto_attach" CONFIG optional(strong(Table::AutoAttach));
        CONTROLLER "controller" CONFIG set(strong(Table::Controller));
        DATAPATH_ID "datapath_id" EPHEMERAL optional(STRING);
        DATAPATH_TYPE "datapath_type" CONFIG one(STRING);
        DATAPATH_VERSION "datapath_version" CONFIG one(STRING);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        FAIL_MODE "fail_mode" CONFIG optional(one_of(&["standalone", "secure"]));
        FLOOD_VLANS "flood_vlans" CONFIG up_to(VLAN, 4096);
        FLOW_TABLES "flow_tables" CONFIG map(int(0, 254), strong(Table::FlowTable));
        IPFIX "ipfix" CONFIG optional(strong(Table::Ipfix));
        MCAST_SNOOPING_ENABLE "mcast_snooping_enable" CONFIG one(BOOLEAN);
        MIRRORS "mirrors" CONFIG set(strong(Table::Mirror));
        NAME "name" FIXED one(STRING);
        NETFLOW "netflow" CONFIG optional(strong(Table::NetFlow));
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        PORTS "ports" CONFIG set(strong(Table::Port));
        PROTOCOLS "protocols" CONFIG set(one_of(PROTOCOLS));
        RSTP_ENABLE "rstp_enable" CONFIG one(BOOLEAN);
        RSTP_STATUS "rstp_status" EPHEMERAL STRING_MAP;
        SFLOW "sflow" CONFIG optional(strong(Table::SFlow));
        STATUS "status" EPHEMERAL STRING_MAP;
        STP_ENABLE "stp_enable" CONFIG one(BOOLEAN);
    }
    Port port "Port" PART max_rows UNLIMITED indexes [[NAME]] {
        BOND_ACTIVE_SLAVE "bond_active_slave" CONFIG optional(STRING);
        BOND_DOWNDELAY "bond_downdelay" CONFIG one(INTEGER);
        BOND_FAKE_IFACE "bond_fake_iface" CONFIG one(BOOLEAN);
        BOND_MODE "bond_mode" CONFIG optional(one_of(&["balance-tcp", "balance-slb", "active-backup"]));
        BOND_UPDELAY "bond_updelay" CONFIG one(INTEGER);
        CVLANS "cvlans" CONFIG up_to(VLAN, 4096);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        FAKE_BRIDGE "fake_bridge" CONFIG one(BOOLEAN);
        INTERFACES "interfaces" CONFIG some(strong(Table::Interface));
        LACP "lacp" CONFIG optional(one_of(&["active", "passive", "off"]));
        MAC "mac" CONFIG optional(STRING);
        NAME "name" FIXED one(STRING);
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        PROTECTED "protected" CONFIG one(BOOLEAN);
        QOS "qos" CONFIG optional(strong(Table::Qos));
        RSTP_STATISTICS "rstp_statistics" EPHEMERAL COUNTERS;
        RSTP_STATUS "rstp_status" EPHEMERAL STRING_MAP;
        STATISTICS "statistics" EPHEMERAL COUNTERS;
        STATUS "status" EPHEMERAL STRING_MAP;
        TAG "tag" CONFIG optional(VLAN);
        TRUNKS "trunks" CONFIG up_to(VLAN, 4096);
        VLAN_MODE "vlan_mode" CONFIG optional(one_of(&["trunk", "access", "native-tagged", "native-untagged", "dot1q-tunnel"]));
    }
    Interface interface "Interface" PART max_rows UNLIMITED indexes [[NAME]] {
        ADMIN_STATE "admin_state" EPHEMERAL optional(one_of(&["up", "down"]));
        BFD "bfd" CONFIG STRING_MAP;
        BFD_STATUS "bfd_status" EPHEMERAL STRING_MAP;
        CFM_FAULT "cfm_fault" EPHEMERAL optional(BOOLEAN);
        CFM_FAULT_STATUS "cfm_fault_status" EPHEMERAL set(STRING);
        CFM_FLAP_COUNT "cfm_flap_count" CONFIG optional(INTEGER);
        CFM_HEALTH "cfm_health" EPHEMERAL optional(int(0, 100));
        CFM_MPID "cfm_mpid" CONFIG optional(INTEGER);
        CFM_REMOTE_MPIDS "cfm_remote_mpids" EPHEMERAL set(INTEGER);
        CFM_REMOTE_OPSTATE "cfm_remote_opstate" EPHEMERAL optional(one_of(&["up", "down"]));
        DUPLEX "duplex" EPHEMERAL optional(one_of(&["half", "full"]));
        ERROR "error" CONFIG optional(STRING);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        IFINDEX "ifindex" EPHEMERAL optional(U32);
        INGRESS_POLICING_BURST "ingress_policing_burst" CONFIG one(at_least(0));
        INGRESS_POLICING_KPKTS_BURST "ingress_policing_kpkts_burst" CONFIG one(at_least(0));
        INGRESS_POLICING_KPKTS_RATE "ingress_policing_kpkts_rate" CONFIG one(at_least(0));
        INGRESS_POLICING_RATE "ingress_policing_rate" CONFIG one(at_least(0));
        LACP_CURRENT "lacp_current" EPHEMERAL optional(BOOLEAN);
        LINK_RESETS "link_resets" EPHEMERAL optional(INTEGER);
        LINK_SPEED "link_speed" EPHEMERAL optional(INTEGER);
        LINK_STATE "link_state" EPHEMERAL optional(one_of(&["up", "down"]));
        LLDP "lldp" CONFIG STRING_MAP;
        MAC "mac" CONFIG optional(STRING);
        MAC_IN_USE "mac_in_use" EPHEMERAL optional(STRING);
        MTU "mtu" EPHEMERAL optional(INTEGER);
        MTU_REQUEST "mtu_request" CONFIG optional(at_least(1));
        NAME "name" FIXED one(STRING);
        OFPORT "ofport" CONFIG optional(INTEGER);
        OFPORT_REQUEST "ofport_request" CONFIG optional(int(1, 65279));
        OPTIONS "options" CONFIG STRING_MAP;
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        STATISTICS "statistics" EPHEMERAL COUNTERS;
        STATUS "status" EPHEMERAL STRING_MAP;
        TYPE "type" CONFIG one(STRING);
    }
    FlowTable flow_table "Flow_Table" PART max_rows UNLIMITED indexes [] {
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        FLOW_LIMIT "flow_limit" CONFIG optional(at_least(0));
        GROUPS "groups" CONFIG set(STRING);
        NAME "name" CONFIG optional(STRING);
        OVERFLOW_POLICY "overflow_policy" CONFIG optional(one_of(&["refuse", "evict"]));
        PREFIXES "prefixes" CONFIG up_to(STRING, 3);
    }
    Qos qos "QoS" ROOT max_rows UNLIMITED indexes [] {
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        QUEUES "queues" CONFIG map(U32, strong(Table::Queue));
        TYPE "type" CONFIG one(STRING);
    }
    Queue queue "Queue" ROOT max_rows UNLIMITED indexes [] {
        DSCP "dscp" CONFIG optional(int(0, 63));
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
    }
    Mirror mirror "Mirror" PART max_rows UNLIMITED indexes [] {
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        NAME "name" CONFIG one(STRING);
        OUTPUT_PORT "output_port" CONFIG optional(weak(Table::Port));
        OUTPUT_VLAN "output_vlan" CONFIG optional(int(1, 4095));
        SELECT_ALL "select_all" CONFIG one(BOOLEAN);
        SELECT_DST_PORT "select_dst_port" CONFIG set(weak(Table::Port));
        SELECT_SRC_PORT "select_src_port" CONFIG set(weak(Table::Port));
        SELECT_VLAN "select_vlan" CONFIG up_to(VLAN, 4096);
        SNAPLEN "snaplen" CONFIG optional(int(14, 65535));
        STATISTICS "statistics" EPHEMERAL COUNTERS;
    }
    NetFlow netflow "NetFlow" PART max_rows UNLIMITED indexes [] {
        ACTIVE_TIMEOUT "active_timeout" CONFIG one(at_least(-1));
        ADD_ID_TO_INTERFACE "add_id_to_interface" CONFIG one(BOOLEAN);
        ENGINE_ID "engine_id" CONFIG optional(int(0, 255));
        ENGINE_TYPE "engine_type" CONFIG optional(int(0, 255));
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        TARGETS "targets" CONFIG some(STRING);
    }
    SFlow sflow "sFlow" PART max_rows UNLIMITED indexes [] {
        AGENT "agent" CONFIG optional(STRING);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        HEADER "header" CONFIG optional(INTEGER);
        POLLING "polling" CONFIG optional(INTEGER);
        SAMPLING "sampling" CONFIG optional(INTEGER);
        TARGETS "targets" CONFIG some(STRING);
    }
    Ipfix ipfix "IPFIX" PART max_rows UNLIMITED indexes [] {
        CACHE_ACTIVE_TIMEOUT "cache_active_timeout" CONFIG optional(int(0, 4200));
        CACHE_MAX_FLOWS "cache_max_flows" CONFIG optional(U32);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        OBS_DOMAIN_ID "obs_domain_id" CONFIG optional(U32);
        OBS_POINT_ID "obs_point_id" CONFIG optional(U32);
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        SAMPLING "sampling" CONFIG optional(int(1, u32::MAX as i64));
        TARGETS "targets" CONFIG set(STRING);
    }
    FlowSampleCollectorSet flow_sample_collector_set "Flow_Sample_Collector_Set" ROOT max_rows UNLIMITED indexes [[ID, BRIDGE]] {
        BRIDGE "bridge" CONFIG one(strong(Table::Bridge));
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        ID "id" CONFIG one(U32);
        IPFIX "ipfix" CONFIG optional(strong(Table::Ipfix));
    }
    Controller controller "Controller" PART max_rows UNLIMITED indexes [] {
        CONNECTION_MODE "connection_mode" CONFIG optional(one_of(&["in-band", "out-of-band"]));
        CONTROLLER_BURST_LIMIT "controller_burst_limit" CONFIG optional(at_least(25));
        CONTROLLER_QUEUE_SIZE "controller_queue_size" CONFIG optional(int(1, 512));
        CONTROLLER_RATE_LIMIT "controller_rate_limit" CONFIG optional(at_least(100));
        ENABLE_ASYNC_MESSAGES "enable_async_messages" CONFIG optional(BOOLEAN);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        INACTIVITY_PROBE "inactivity_probe" CONFIG optional(INTEGER);
        IS_CONNECTED "is_connected" EPHEMERAL one(BOOLEAN);
        LOCAL_GATEWAY "local_gateway" CONFIG optional(STRING);
        LOCAL_IP "local_ip" CONFIG optional(STRING);
        LOCAL_NETMASK "local_netmask" CONFIG optional(STRING);
        MAX_BACKOFF "max_backoff" CONFIG optional(at_least(1000));
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        ROLE "role" EPHEMERAL optional(one_of(&["other", "master", "slave"]));
        STATUS "status" EPHEMERAL STRING_MAP;
        TARGET "target" CONFIG one(STRING);
        TYPE "type" CONFIG optional(one_of(&["primary", "service"]));
    }
    Manager manager "Manager" PART max_rows UNLIMITED indexes [[TARGET]] {
        CONNECTION_MODE "connection_mode" CONFIG optional(one_of(&["in-band", "out-of-band"]));
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        INACTIVITY_PROBE "inactivity_probe" CONFIG optional(INTEGER);
        IS_CONNECTED "is_connected" EPHEMERAL one(BOOLEAN);
        MAX_BACKOFF "max_backoff" CONFIG optional(at_least(1000));
        OTHER_CONFIG "other_config" CONFIG STRING_MAP;
        STATUS "status" EPHEMERAL STRING_MAP;
        TARGET "target" CONFIG one(STRING);
    }
    Ssl ssl "SSL" PART max_rows ONE indexes [] {
        BOOTSTRAP_CA_CERT "bootstrap_ca_cert" CONFIG one(BOOLEAN);
        CA_CERT "ca_cert" CONFIG one(STRING);
        CERTIFICATE "certificate" CONFIG one(STRING);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        PRIVATE_KEY "private_key" CONFIG one(STRING);
    }
    AutoAttach auto_attach "AutoAttach" PART max_rows UNLIMITED indexes [] {
        MAPPINGS "mappings" CONFIG map(int(0, 16777215), VLAN);
        SYSTEM_DESCRIPTION "system_description" CONFIG one(STRING);
        SYSTEM_NAME "system_name" CONFIG one(STRING);
    }
    Datapath datapath "Datapath" PART max_rows UNLIMITED indexes [] {
        CAPABILITIES "capabilities" CONFIG STRING_MAP;
        CT_ZONES "ct_zones" CONFIG map(int(0, 65535), strong(Table::CtZone));
        DATAPATH_VERSION "datapath_version" CONFIG one(STRING);
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
    }
    CtZone ct_zone "CT_Zone" PART max_rows UNLIMITED indexes [] {
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        TIMEOUT_POLICY "timeout_policy" CONFIG optional(strong(Table::CtTimeoutPolicy));
    }
    CtTimeoutPolicy ct_timeout_policy "CT_Timeout_Policy" PART max_rows UNLIMITED indexes [] {
        EXTERNAL_IDS "external_ids" CONFIG STRING_MAP;
        TIMEOUTS "timeouts" CONFIG map(one_of(TIMEOUTS), U32);
    }
}
