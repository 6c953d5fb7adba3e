//! Meters: `add-meter`, `mod-meter`, `del-meters`, and showing them. They came with OpenFlow 1.3, whose layout they have.

use super::dump;
use super::options::{Options, Version};
use crate::bridge::Bridge;
use crate::command::CommandError;
use flow_table::{MeterState, Meters};
use openflow::{FlowError, Meter, MeterMod};
use sim_core::Time;
use std::fmt::Write;

/// The version whose layout is meant.
fn version(options: &Options) -> Version {
    options.version.max(Version::V13)
}

fn wrong(error: &FlowError) -> CommandError {
    CommandError::new(format!("ovs-ofctl: {error}"))
}

/// Adds or changes one.
pub(super) fn change(
    bridge: &Bridge,
    now: Time,
    options: &Options,
    is_new: bool,
    text: &str,
) -> Result<String, CommandError> {
    let meter = Meter::parse(text).map_err(|error| wrong(&error))?;
    let name = if is_new { "ADD" } else { "MOD" };
    let told = format!("{name} {meter}");
    let change = if is_new { MeterMod::Add(meter) } else { MeterMod::Modify(meter) };
    let result = bridge.shared.change_tables(|tables| tables.apply_meter(now, &change));
    let version = version(options);
    result.map(|_| String::new()).map_err(|error| {
        CommandError::new(format!("OFPT_ERROR{version} (xid=0x2): {error}\nOFPT_METER_MOD{version} (xid=0x2): {told}"))
    })
}

/// Removes one, or all.
pub(super) fn delete(bridge: &Bridge, now: Time, text: &str) -> Result<String, CommandError> {
    let id = Meter::parse_id(text).map_err(|error| wrong(&error))?;
    // That a meter isn't there is no error.
    let _ = bridge.shared.change_tables(|tables| tables.apply_meter(now, &MeterMod::Delete(id)));
    Ok(String::new())
}

/// The meters, or one.
pub(super) fn show(bridge: &Bridge, options: &Options, text: &str) -> Result<String, CommandError> {
    told(bridge, options, text, "OFPST_METER_CONFIG", |_, state| state.meter.to_string())
}

/// What went through the meters, or through one.
pub(super) fn stats(bridge: &Bridge, now: Time, options: &Options, text: &str) -> Result<String, CommandError> {
    told(bridge, options, text, "OFPST_METER", |flows, state| {
        let id = match state.meter.id {
            Meter::CONTROLLER => "controller".to_owned(),
            Meter::SLOWPATH => "slowpath".to_owned(),
            id => id.to_string(),
        };
        let (packets, bytes) = state.counts();
        let mut text = format!(
            "meter:{id} flow_count:{flows} packet_in_count:{packets} byte_in_count:{bytes} duration:{} bands:\n",
            dump::duration(now, state.since)
        );
        for (at, (packets, bytes)) in state.band_counts().enumerate() {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{at}: packet_count:{packets} byte_count:{bytes}");
        }
        text
    })
}

/// A reply with an entry for each meter that is meant, a blank line between them.
fn told(
    bridge: &Bridge,
    options: &Options,
    text: &str,
    name: &str,
    entry: impl Fn(u32, &MeterState) -> String,
) -> Result<String, CommandError> {
    let version = version(options);
    let only = Meter::parse_id(text).map_err(|error| wrong(&error))?;
    let tables = bridge.shared.tables();
    if let Some(id) = only.filter(|id| tables.meter(*id).is_none()) {
        // That is an answer as well.
        return Ok(format!(
            "OFPT_ERROR{version} (xid=0x2): OFPMMFC_UNKNOWN_METER\n{name} request{version} (xid=0x2): meter={id}\n"
        ));
    }
    let states = tables.meters().iter().filter(|state| only.is_none_or(|only| only == state.meter.id));
    let entries: Vec<String> =
        states.map(|state| entry(tables.meter_uses(state.meter.id), state).trim_end().to_owned() + "\n").collect();
    Ok(format!("{name} reply{version} (xid=0x2):\n{}", entries.join("\n")))
}

/// What meters can do.
pub(super) fn features(options: &Options) -> String {
    format!(
        "OFPST_METER_FEATURES reply{} (xid=0x2):\nmax_meter:{} max_bands:{} max_color:0\n\
         band_types: drop dscp_remark\ncapabilities: kbps pktps burst stats\n",
        version(options),
        Meters::MAX,
        Meters::MAX_BANDS
    )
}
