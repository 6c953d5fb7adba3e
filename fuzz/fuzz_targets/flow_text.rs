//! Flows, changes of flows, groups and meters of any text are read or refused, and what was read is printed as a text of the
//! same meaning. The first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openflow::{Flow, FlowCommand, Group, GroupCommand, Meter};

fn ports(name: &str) -> Option<u32> {
    name.strip_prefix('p')?.parse().ok().filter(|port| *port <= 0xfeff)
}

fuzz_target!(|input: (u8, &str)| {
    let (kind, text) = input;
    match kind % 5 {
        0 => match Flow::parse(text, &ports) {
            Ok(flow) => assert_eq!(Flow::parse(&flow.to_string(), &|_| None), Ok(flow)),
            Err(error) => assert!(error.column <= text.chars().count() + 1),
        },
        1 => match openflow::parse_flow_mods(FlowCommand::Add, text, &ports) {
            Ok(changes) => assert!(changes.len() <= text.lines().count()),
            Err(errors) => assert!(errors.iter().all(|error| !error.to_string().is_empty())),
        },
        2 => match Group::parse(text, &ports) {
            Ok(group) => assert_eq!(Group::parse(&group.to_string(), &|_| None), Ok(group)),
            Err(error) => assert!(error.column <= text.chars().count() + 1),
        },
        3 => match openflow::parse_group_mods(GroupCommand::Add, text, &ports) {
            Ok(changes) => assert!(changes.len() <= text.lines().count()),
            Err(errors) => assert!(errors.iter().all(|error| !error.to_string().is_empty())),
        },
        _ => match Meter::parse(text) {
            Ok(meter) => assert_eq!(Meter::parse(&meter.to_string()), Ok(meter)),
            Err(error) => assert!(error.column <= text.chars().count() + 1),
        },
    }
});
