//! What a switch says that it can do: `dump-table-features`, `dump-group-features`.

use super::options::{Options, Version};
use crate::bridge::Bridge;
use crate::command::CommandError;
use std::fmt::Write;

/// The actions of OpenFlow 1.0.
pub(super) const ACTIONS: &str = "output enqueue set_vlan_vid set_vlan_pcp strip_vlan mod_dl_src mod_dl_dst mod_nw_src \
                                  mod_nw_dst mod_nw_tos mod_tp_src mod_tp_dst";
/// Those of later versions.
const LATER_ACTIONS: &str = "output group set_field strip_vlan push_vlan mod_nw_ttl dec_ttl set_mpls_ttl dec_mpls_ttl \
                             push_mpls pop_mpls set_queue";

/// What groups can do.
pub(super) fn of_groups(options: &Options) -> String {
    let version = options.version;
    let (name, actions) = if version == Version::V10 {
        ("NXST_GROUP_FEATURES", ACTIONS)
    } else {
        ("OFPST_GROUP_FEATURES", LATER_ACTIONS)
    };
    let mut text =
        format!("{name} reply{version} (xid=0x2):\n Group table:\n    Types:  0xf\n    Capabilities:  0x7\n");
    for kind in ["all", "select", "indirect", "fast failover"] {
        // Writing to a string can't fail.
        let _ = writeln!(text, "    {kind} group:\n       max_groups=0xffffff00\n       actions: {actions}");
    }
    text
}

/// What tables can do: the same all, but for the last one, which none follows. Which fields are matched and written is left
/// out: all that ovs-fields(7) names and this switch knows.
pub(super) fn of_tables(bridge: &Bridge, options: &Options) -> Result<String, CommandError> {
    const LAST: u8 = 253;
    if options.version < Version::V13 {
        return Err(CommandError::new("ovs-ofctl: dump-table-features needs OpenFlow 1.3 or later ('-O OpenFlow13')"));
    }
    let tables = bridge.shared.tables();
    let limit = |table: u8| {
        let limit = tables.table_config(table).and_then(|config| config.flow_limit);
        limit.map_or(flow_table::MAX_FLOWS, |limit| limit as usize)
    };
    let name = |table: u8| {
        let name = tables.table_config(table).map_or("", |config| &config.name);
        if name.is_empty() { String::new() } else { format!(" (\"{name}\")") }
    };
    let is_alike = |one: u8, other: u8| limit(one) == limit(other) && name(one).is_empty() && name(other).is_empty();
    let mut text = String::new();
    let mut table = 0;
    while table < LAST {
        let said = |next: &u8| table > 0 && is_alike(*next, table - 1);
        let same = (table..LAST).take_while(said).count() as u8;
        // Writing to a string can't fail.
        let _ = match same {
            0 => writeln!(
                text,
                "  table {table}{}:\n    metadata: match=0xffffffffffffffff write=0xffffffffffffffff\n    \
                 max_entries={}\n    instructions (table miss and others):\n      next tables: {}-{LAST}\n      \
                 instructions: meter apply_actions clear_actions write_actions write_metadata goto_table\n      \
                 Write-Actions and Apply-Actions features:\n        actions: {LATER_ACTIONS}\n",
                name(table),
                limit(table),
                table + 1
            ),
            1 => writeln!(text, "  table {table}: ditto\n"),
            _ => writeln!(text, "  tables {table}...{}: ditto\n", table + same - 1),
        };
        table += same.max(1);
    }
    let _ = writeln!(
        text,
        "  table {LAST}{}:\n    metadata: match=0xffffffffffffffff write=0xffffffffffffffff\n    max_entries={}\n    \
         instructions (table miss and others):\n      instructions: meter apply_actions clear_actions write_actions \
         write_metadata\n      (same actions)\n",
        name(LAST),
        limit(LAST)
    );
    Ok(text)
}
