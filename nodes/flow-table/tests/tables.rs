//! What becomes of flows beyond single changes: eviction, what goes with what, learning, the log.

use flow_table::{Change, ChangeLog, Learnt, RemovedReason, TableConfig, TableError, TableMod, Tables};
use openflow::{
    Action, Band, BandKind, Bucket, Flow, FlowCommand, FlowMod, Group, GroupKind, GroupMod, Learn, Meter, MeterMod,
    MeterUnit, Selection,
};
use packet::key::slot;
use packet::{Match, Subfield, field};
use sim_core::Time;

fn flow(table: u8, priority: u16, in_port: u128) -> Flow {
    let mut matched = Match::ANY;
    if in_port != 0 {
        matched.require(slot::IN_PORT, in_port);
    }
    Flow { table, priority, matched, actions: vec![Action::Output(1)], ..Flow::default() }
}

fn add(flow: Flow) -> FlowMod {
    FlowMod::new(FlowCommand::Add, flow)
}

fn timed(priority: u16, in_port: u128, hard_timeout: u16, importance: u16) -> FlowMod {
    add(Flow { hard_timeout, importance, ..flow(0, priority, in_port) })
}

fn priorities(tables: &Tables) -> Vec<u16> {
    let all = FlowMod { table: None, ..FlowMod::new(FlowCommand::Delete, Flow::default()) };
    tables.selected(&all).iter().map(|rule| rule.priority()).collect()
}

fn limited(limit: u32, groups: &[&str]) -> TableConfig {
    let field = |name: &&str| Subfield::whole(field::Field::find(name).unwrap());
    TableConfig {
        flow_limit: Some(limit),
        evicts: true,
        groups: groups.iter().map(field).collect(),
        ..TableConfig::default()
    }
}

#[test]
fn a_full_table_refuses_unless_it_evicts() {
    let mut tables = Tables::default();
    tables.configure(0, TableConfig { flow_limit: Some(2), ..TableConfig::default() });
    for priority in [1, 2] {
        tables.apply(Time::ZERO, &timed(priority, 0, 10, 0)).unwrap();
    }
    assert_eq!(tables.apply(Time::ZERO, &timed(3, 0, 10, 0)).unwrap_err(), TableError::TableFull);
    // One that takes another's place needs no room.
    tables.apply(Time::ZERO, &timed(2, 0, 20, 0)).unwrap();
    tables.configure(0, limited(2, &[]));
    let removed = tables.apply(Time::ZERO, &timed(3, 0, 10, 0)).unwrap();
    let removed: Vec<_> = removed.iter().map(|gone| (gone.rule.priority(), gone.reason)).collect();
    assert_eq!(removed, [(1, RemovedReason::Eviction)], "it expires before the other");
    assert_eq!(priorities(&tables), [3, 2]);
    // A lower limit has the surplus go at once.
    assert_eq!(tables.configure(0, limited(1, &[])).len(), 1);
    assert_eq!(priorities(&tables), [2]);
}

#[test]
fn flows_without_time_out_are_never_evicted() {
    let mut tables = Tables::default();
    tables.apply(Time::ZERO, &add(flow(0, 1, 0))).unwrap();
    tables.apply(Time::ZERO, &add(flow(0, 2, 0))).unwrap();
    assert!(tables.configure(0, limited(1, &[])).is_empty());
    assert_eq!(tables.apply(Time::ZERO, &timed(3, 0, 10, 0)).unwrap_err(), TableError::TableFull);
    assert_eq!(priorities(&tables), [2, 1]);
}

#[test]
fn the_largest_group_gives_its_least_important_flow_that_expires_first() {
    let mut tables = Tables::default();
    tables.configure(0, limited(5, &["in_port"]));
    // Port 1 has three flows, port 2 has two, which would expire sooner.
    for (priority, port, seconds, importance) in
        [(10, 1, 90, 1), (11, 1, 60, 1), (12, 1, 30, 2), (20, 2, 5, 0), (21, 2, 6, 0)]
    {
        tables.apply(Time::ZERO, &timed(priority, port, seconds, importance)).unwrap();
    }
    tables.apply(Time::ZERO, &timed(30, 3, 50, 0)).unwrap();
    assert_eq!(priorities(&tables), [30, 21, 20, 12, 10]);
}

#[test]
fn an_idle_time_out_that_a_frame_put_off_counts_in_eviction() {
    let mut tables = Tables::default();
    tables.configure(0, limited(2, &[]));
    let idle = |priority| add(Flow { idle_timeout: 10, ..flow(0, priority, 0) });
    tables.apply(Time::ZERO, &idle(1)).unwrap();
    tables.apply(Time::from_secs(1), &idle(2)).unwrap();
    let all = FlowMod::new(FlowCommand::Delete, Flow::default());
    tables.selected(&all)[1].stats.count(1, 60, Time::from_secs(5));
    tables.apply(Time::from_secs(5), &idle(3)).unwrap();
    assert_eq!(priorities(&tables), [3, 1]);
}

fn group(id: u32) -> Group {
    let bucket = Bucket { id: 0, weight: 1, watch_port: None, watch_group: None, actions: vec![Action::Output(1)] };
    Group { id, kind: GroupKind::All, selection: Selection::Default, buckets: vec![bucket] }
}

fn meter(id: u32) -> Meter {
    let band = Band { kind: BandKind::Drop, rate: 1, burst: 1 };
    Meter { id, unit: MeterUnit::Pktps, burst: true, stats: true, bands: vec![band] }
}

#[test]
fn a_flow_needs_its_groups_and_meters_and_goes_with_them() {
    let mut tables = Tables::default();
    let with = |priority, actions: Vec<Action>| add(Flow { actions, ..flow(0, priority, 0) });
    let grouped = with(1, vec![Action::WriteActions(vec![Action::Group(7)])]);
    let metered = with(2, vec![Action::Meter(3), Action::Output(1)]);
    assert_eq!(tables.apply(Time::ZERO, &grouped).unwrap_err(), TableError::BadOutGroup);
    assert_eq!(tables.apply(Time::ZERO, &metered).unwrap_err(), TableError::InvalidMeter);
    tables.apply_group(Time::ZERO, &GroupMod::Add(group(7))).unwrap();
    tables.apply_meter(Time::ZERO, &MeterMod::Add(meter(3))).unwrap();
    for change in [&grouped, &metered, &with(3, vec![Action::Output(1)])] {
        tables.apply(Time::ZERO, change).unwrap();
    }
    assert_eq!((tables.group_uses(7), tables.meter_uses(3)), (1, 1));
    let reasons = |removed: Vec<flow_table::Removed>| -> Vec<_> {
        removed.iter().map(|gone| (gone.rule.priority(), gone.reason)).collect()
    };
    let removed = tables.apply_group(Time::ZERO, &GroupMod::Delete(None)).unwrap();
    assert_eq!(reasons(removed), [(1, RemovedReason::GroupDelete)]);
    let removed = tables.apply_meter(Time::ZERO, &MeterMod::Delete(Some(3))).unwrap();
    assert_eq!(reasons(removed), [(2, RemovedReason::MeterDelete)]);
    assert_eq!((tables.group_uses(7), tables.meter_uses(3)), (0, 0));
    assert_eq!(priorities(&tables), [3]);
}

#[test]
fn goto_leads_to_a_later_table_and_table_254_is_the_switch_own() {
    let mut tables = Tables::default();
    let goto = |table, to| add(Flow { actions: vec![Action::GotoTable(to)], ..flow(table, 1, 0) });
    assert_eq!(tables.apply(Time::ZERO, &goto(3, 3)).unwrap_err(), TableError::BadGoto);
    assert_eq!(tables.apply(Time::ZERO, &goto(3, 2)).unwrap_err(), TableError::BadGoto);
    tables.apply(Time::ZERO, &goto(3, 4)).unwrap();
    assert_eq!(tables.apply(Time::ZERO, &add(flow(254, 1, 0))).unwrap_err(), TableError::Internal);
    // 255 stands for the first.
    tables.apply(Time::ZERO, &add(flow(255, 9, 0))).unwrap();
    assert_eq!(priorities(&tables), [9, 1]);
}

#[test]
fn a_bundle_with_a_change_that_cannot_be_leaves_groups_and_flows_as_they_were() {
    let mut tables = Tables::default();
    tables.apply_group(Time::ZERO, &GroupMod::Add(group(1))).unwrap();
    let uses = |id| add(Flow { actions: vec![Action::Group(id)], ..flow(0, 5, 0) });
    tables.apply(Time::ZERO, &uses(1)).unwrap();
    let bundle: Vec<TableMod> = vec![
        GroupMod::Delete(Some(1)).into(),
        GroupMod::Add(group(2)).into(),
        uses(2).into(),
        MeterMod::Add(meter(1)).into(),
        uses(1).into(),
    ];
    let error = tables.apply_all(Time::ZERO, &bundle).unwrap_err();
    assert_eq!((error.index, error.error), (4, TableError::BadOutGroup));
    assert!(tables.group(1).is_some() && tables.group(2).is_none() && tables.meter(1).is_none());
    assert_eq!((tables.group_uses(1), tables.group_uses(2)), (1, 0));
    tables.apply_all(Time::ZERO, &bundle[..4]).unwrap();
    assert!(tables.group(1).is_none() && tables.group(2).is_some());
    assert_eq!(priorities(&tables), [5]);
}

fn learning(priority: u16, cookie: u64) -> FlowMod {
    let learn = Learn {
        table: 1,
        priority: 1,
        cookie,
        idle_timeout: 0,
        hard_timeout: 0,
        fin_idle_timeout: 0,
        fin_hard_timeout: 0,
        send_flow_rem: false,
        delete_learned: true,
        limit: 0,
        result: None,
        specs: Vec::new(),
    };
    add(Flow { actions: vec![Action::Learn(Box::new(learn))], ..flow(0, priority, 0) })
}

#[test]
fn what_was_learnt_goes_with_the_last_flow_that_learns_it() {
    let mut tables = Tables::default();
    tables.apply(Time::ZERO, &learning(1, 5)).unwrap();
    tables.apply(Time::ZERO, &learning(2, 5)).unwrap();
    for (port, cookie) in [(1, 5), (2, 5), (3, 6)] {
        tables.learn(Time::ZERO, &add(Flow { cookie, ..flow(1, 1, port) }), 0).unwrap();
    }
    let delete = |priority| FlowMod::new(FlowCommand::DeleteStrict, flow(0, priority, 0));
    assert_eq!(tables.apply(Time::ZERO, &delete(1)).unwrap().len(), 1);
    assert_eq!(tables.apply(Time::ZERO, &delete(2)).unwrap().len(), 3);
    assert_eq!(priorities(&tables), [1]);
}

#[test]
fn a_flow_that_is_learnt_again_lives_on_and_a_limit_counts_its_cookie() {
    let mut tables = Tables::default();
    let learnt = |port| add(Flow { cookie: 7, hard_timeout: 10, ..flow(1, 1, port) });
    assert!(matches!(tables.learn(Time::ZERO, &learnt(1), 2), Ok(Learnt::Made(_))));
    assert!(matches!(tables.learn(Time::from_secs(5), &learnt(2), 2), Ok(Learnt::Made(_))));
    let count = tables.log().count();
    assert!(matches!(tables.learn(Time::from_secs(6), &learnt(3), 2), Ok(Learnt::Limited)));
    assert!(matches!(tables.learn(Time::from_secs(9), &learnt(1), 2), Ok(Learnt::Refreshed)));
    assert_eq!(tables.log().count(), count, "nothing has changed for frames");
    let ports = |removed: Vec<flow_table::Removed>| -> Vec<u128> {
        removed.iter().map(|gone| gone.rule.matched().key.get(slot::IN_PORT)).collect()
    };
    assert_eq!(ports(tables.expire(Time::from_secs(15))), [2]);
    assert_eq!(tables.next_expiry(), Time::from_secs(19));
    assert_eq!(ports(tables.expire(Time::from_secs(19))), [1]);
}

#[test]
fn fin_timeout_shortens_the_time_outs_of_a_flow_that_is_still_there() {
    let mut tables = Tables::default();
    tables.apply(Time::ZERO, &timed(1, 0, 100, 0)).unwrap();
    let all = FlowMod::new(FlowCommand::Delete, Flow::default());
    let rule = tables.selected(&all)[0].clone();
    tables.reduce_timeouts(&rule, 5, 200);
    assert_eq!(tables.next_expiry(), Time::from_secs(5));
    tables.reduce_timeouts(&rule, 0, 3);
    assert_eq!(tables.next_expiry(), Time::from_secs(3));
    // A flow that came in its place keeps its own.
    tables.apply(Time::ZERO, &timed(1, 0, 100, 0)).unwrap();
    tables.reduce_timeouts(&rule, 5, 5);
    assert_eq!(tables.next_expiry(), Time::from_secs(100));
}

#[test]
fn the_log_names_what_changed_for_frames() {
    let mut tables = Tables::default();
    tables.apply(Time::ZERO, &add(flow(0, 1, 0))).unwrap();
    let count = tables.log().count();
    // The same actions, the same counters: nothing for a cache to do.
    tables.apply(Time::ZERO, &add(flow(0, 1, 0))).unwrap();
    assert_eq!(tables.log().count(), count);
    let other = Flow { actions: Vec::new(), ..flow(0, 1, 0) };
    tables.apply(Time::ZERO, &FlowMod { reset_counts: true, ..add(other) }).unwrap();
    tables.apply_group(Time::ZERO, &GroupMod::Add(group(1))).unwrap();
    let changes: Vec<String> = tables
        .log()
        .since(count)
        .unwrap()
        .map(|change| match change {
            Change::Flow { table, .. } => format!("flow of table {table}"),
            Change::Group(id) => format!("group {id}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(changes, ["flow of table 0", "group 1"]);
    // A mass of changes is one.
    let before = tables.log().count();
    let many = (0..ChangeLog::LEN as u128 + 1).map(|port| TableMod::from(add(flow(1, 1, port))));
    tables.apply_all(Time::ZERO, many).unwrap();
    let changes: Vec<_> = tables.log().since(before).unwrap().collect();
    assert!(matches!(changes[..], [Change::All]));
    // What fails is no change.
    let before = tables.log().count();
    tables.apply_all(Time::ZERO, [TableMod::from(add(flow(1, 1, 3))), add(flow(254, 1, 3)).into()]).unwrap_err();
    assert_eq!(tables.log().count(), before);
}
