//! What a transaction keeps and refuses.

use ovsdb::vswitch::{bridge, interface, manager, mirror, open_vswitch, port, qos, queue};
use ovsdb::{Datum, Error, Mutator, Store, Table, Txn, Uuid};

/// A store with the bridge br0 and ports p0..pN, and the ports' rows.
fn bridge_with_ports(count: usize) -> (Store, Uuid, Vec<Uuid>) {
    let mut store = Store::new(7);
    let root = store.root().unwrap().uuid();
    let ((bridge, ports), changes) = store
        .transact(|txn| {
            let ports = (0..count).map(|n| add_port(txn, &format!("p{n}"))).collect::<Result<Vec<Uuid>, Error>>()?;
            let bridge =
                txn.insert(Table::Bridge).with(bridge::NAME, "br0").with(bridge::PORTS, ports.clone()).add()?;
            txn.set(root, open_vswitch::BRIDGES, bridge)?;
            Ok::<_, Error>((bridge, ports))
        })
        .unwrap();
    assert_eq!(changes.len(), 2 * count + 2);
    (store, bridge, ports)
}

fn add_port(txn: &mut Txn<'_>, name: &str) -> Result<Uuid, Error> {
    let iface = txn.insert(Table::Interface).with(interface::NAME, name).add()?;
    txn.insert(Table::Port).with(port::NAME, name).with(port::INTERFACES, iface).add()
}

#[test]
fn rows_are_found_by_name_and_followed_by_reference() {
    let (store, _, ports) = bridge_with_ports(3);
    let br0 = store.find(bridge::NAME, "br0").unwrap();
    let names: Vec<&str> = store.follow(br0, bridge::PORTS).filter_map(|row| row.str(port::NAME)).collect();
    assert_eq!(names, ["p0", "p1", "p2"]);
    assert_eq!(br0.references(bridge::PORTS).collect::<Vec<_>>(), ports);
}

#[test]
fn a_change_tells_the_row_before_and_after() {
    let (mut store, _, ports) = bridge_with_ports(1);
    let generation = store.generation();
    let changes = store.set(ports[0], port::TAG, 9).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].old.as_ref().unwrap().int(port::TAG), None);
    assert_eq!(changes[0].new.as_ref().unwrap().int(port::TAG), Some(9));
    assert_eq!(changes[0].columns().collect::<Vec<_>>(), [port::TAG]);
    assert_eq!(store.generation(), generation + 1);
}

#[test]
fn what_changes_nothing_is_no_change() {
    let (mut store, _, ports) = bridge_with_ports(1);
    store.set(ports[0], port::TAG, 9).unwrap();
    let generation = store.generation();
    assert_eq!(store.set(ports[0], port::TAG, 9).unwrap(), []);
    assert_eq!(store.generation(), generation);
}

#[test]
fn a_port_that_leaves_its_bridge_disappears_with_its_interface() {
    let (mut store, bridge, ports) = bridge_with_ports(2);
    let changes = store.set(bridge, bridge::PORTS, ports[1]).unwrap();
    assert_eq!(changes.len(), 3);
    assert_eq!(store.rows(Table::Port).len(), 1);
    assert_eq!(store.rows(Table::Interface).len(), 1);
    assert!(store.find(interface::NAME, "p0").is_none());
}

#[test]
fn a_row_that_nothing_refers_to_is_not_kept_unless_its_table_is_a_root() {
    let mut store = Store::new(1);
    let (_, changes) = store.transact(|txn| txn.insert(Table::Mirror).add()).unwrap();
    assert_eq!(changes, []);
    store.transact(|txn| txn.insert(Table::Queue).add()).unwrap();
    assert_eq!(store.rows(Table::Queue).len(), 1);
}

#[test]
fn a_weak_reference_disappears_with_its_row() {
    let (mut store, bridge, ports) = bridge_with_ports(2);
    let (m, _) = store
        .transact(|txn| {
            let m = txn
                .insert(Table::Mirror)
                .with(mirror::NAME, "m")
                .with(mirror::SELECT_SRC_PORT, ports.clone())
                .with(mirror::OUTPUT_PORT, ports[0])
                .add()?;
            txn.set(bridge, bridge::MIRRORS, m)?;
            Ok::<_, Error>(m)
        })
        .unwrap();
    let changes = store.set(bridge, bridge::PORTS, ports[1]).unwrap();
    let m = store.row(Table::Mirror, m).unwrap();
    assert_eq!(m.reference(mirror::OUTPUT_PORT), None);
    assert_eq!(m.references(mirror::SELECT_SRC_PORT).collect::<Vec<_>>(), [ports[1]]);
    assert!(changes.iter().any(|change| change.changes(mirror::OUTPUT_PORT)));
}

#[test]
fn a_strong_reference_to_no_row_is_refused() {
    let (mut store, bridge, _) = bridge_with_ports(1);
    let error = store.set(bridge, bridge::PORTS, Uuid::NIL).unwrap_err();
    assert!(matches!(error, Error::Dangling { column: bridge::PORTS, .. }), "{error}");
    let error = store.transact(|txn| txn.insert(Table::Port).with(port::NAME, "bare").add()).unwrap_err();
    assert!(matches!(error, Error::Dangling { column: port::INTERFACES, .. }), "{error}");
}

#[test]
fn a_row_that_is_referred_to_is_not_deleted() {
    let mut store = Store::new(1);
    let (queue, _) = store
        .transact(|txn| {
            let queue = txn.insert(Table::Queue).with(queue::DSCP, 3).add()?;
            let queues: Datum = [(0, queue), (7, queue)].into_iter().collect();
            txn.insert(Table::Qos).with(qos::QUEUES, queues).add()?;
            Ok::<_, Error>(queue)
        })
        .unwrap();
    let error = store.transact(|txn| txn.delete(Table::Queue, queue)).unwrap_err();
    assert_eq!(error, Error::Referenced { table: Table::Queue, uuid: queue, count: 2 });
    assert!(store.row(Table::Queue, queue).is_some());
}

#[test]
fn two_rows_of_one_name_are_refused_and_nothing_changes() {
    let (mut store, bridge, ports) = bridge_with_ports(2);
    let before = format!("{store:?}");
    let error = store
        .transact(|txn| {
            let new = add_port(txn, "p1")?;
            txn.set(bridge, bridge::PORTS, vec![ports[0], ports[1], new])
        })
        .unwrap_err();
    assert!(error.to_string().contains("name = p1, which must be unique"), "{error}");
    assert_eq!(format!("{store:?}"), before);
}

#[test]
fn a_name_is_free_again_in_the_transaction_that_removes_its_row() {
    let (mut store, bridge, ports) = bridge_with_ports(2);
    let ((), changes) = store
        .transact(|txn| {
            let new = add_port(txn, "p1")?;
            txn.set(bridge, bridge::PORTS, vec![ports[0], new])
        })
        .unwrap();
    assert_eq!(changes.len(), 5);
    assert_eq!(store.rows(Table::Port).len(), 2);
}

#[test]
fn names_stand_for_rows_before_and_after_their_insertion() {
    let (mut store, bridge, _) = bridge_with_ports(1);
    store
        .transact(|txn| {
            let m = txn.named("m");
            txn.set(bridge, bridge::MIRRORS, m)?;
            txn.insert_named(Table::Mirror, "m").with(mirror::NAME, "m").add()
        })
        .unwrap();
    assert!(store.find(mirror::NAME, "m").is_some());
    let mut txn = store.begin();
    txn.named("x");
    assert_eq!(txn.commit(), Err(Error::NameNotInserted { name: "x".into() }));
    let twice = store.transact(|txn| {
        txn.insert_named(Table::Queue, "q").add()?;
        txn.insert_named(Table::Queue, "q").add()
    });
    assert_eq!(twice.unwrap_err(), Error::NameTwice { name: "q".into() });
}

#[test]
fn values_that_a_column_does_not_take_are_refused_in_words() {
    let (mut store, bridge, ports) = bridge_with_ports(1);
    let check = |error: Result<ovsdb::Changes, Error>, text: &str| {
        assert_eq!(error.unwrap_err().to_string(), text);
    };
    check(store.set(ports[0], port::TAG, 4096), "column tag of table Port: 4096 is not in the range 0 to 4095");
    check(store.set(ports[0], port::TAG, "x"), "column tag of table Port: takes integer, not string");
    check(store.set(ports[0], port::TAG, vec![1, 2]), "column tag of table Port: takes 0 to 1 values, not 2");
    check(
        store.set(ports[0], port::VLAN_MODE, "acess"),
        "column vlan_mode of table Port: \"acess\" is not one of trunk, access, native-tagged, \
         native-untagged, dot1q-tunnel",
    );
    check(
        store.set(ports[0], port::INTERFACES, Datum::EMPTY_SET),
        "column interfaces of table Port: takes 1 or more values, not 0",
    );
    check(
        store.set(bridge, bridge::OTHER_CONFIG, "x"),
        "column other_config of table Bridge: takes a map of string to string, not a set",
    );
    check(
        store.set(bridge, bridge::NAME, "br1"),
        "column name of table Bridge: can't be changed after the row was inserted",
    );
    check(store.set(Uuid::NIL, bridge::NAME, "br1"), "table Bridge has no row 00000000-0000-0000-0000-000000000000");
    let second = store.transact(|txn| txn.insert(Table::OpenVSwitch).add());
    check(second.map(|(_, changes)| changes), "table Open_vSwitch would have 2 rows, but at most 1 are allowed");
}

#[test]
fn unknown_names_come_with_the_nearest_known_one() {
    assert_eq!(Table::named("Prot").unwrap_err().to_string(), "no table is named \"Prot\"; did you mean \"Port\"?");
    assert_eq!(
        Table::Port.column("vlan_mod").unwrap_err().to_string(),
        "table Port has no column \"vlan_mod\"; did you mean \"vlan_mode\"?"
    );
    assert_eq!(Table::Port.column("zzzzzz").unwrap_err().to_string(), "table Port has no column \"zzzzzz\"");
}

#[test]
fn mutations_change_a_column_by_what_it_holds() {
    let (mut store, bridge, ports) = bridge_with_ports(2);
    let mut mutate = |column, mutator, argument: Datum| {
        let row = if column == bridge::FLOOD_VLANS || column == bridge::OTHER_CONFIG { bridge } else { ports[0] };
        store.transact(|txn| txn.mutate(row, column, mutator, argument))?;
        Ok::<String, Error>(store.row(column.table(), row).unwrap().get(column).to_string())
    };
    assert_eq!(mutate(bridge::FLOOD_VLANS, Mutator::Insert, vec![3, 1].into()).unwrap(), "[1, 3]");
    assert_eq!(mutate(bridge::FLOOD_VLANS, Mutator::Add, 10.into()).unwrap(), "[11, 13]");
    assert_eq!(mutate(bridge::FLOOD_VLANS, Mutator::Delete, vec![13, 14].into()).unwrap(), "11");
    let overflow = mutate(bridge::FLOOD_VLANS, Mutator::Multiply, i64::MAX.into());
    assert_eq!(overflow.unwrap_err(), Error::Arithmetic { column: bridge::FLOOD_VLANS });
    let by_zero = mutate(bridge::FLOOD_VLANS, Mutator::Divide, 0.into());
    assert_eq!(by_zero.unwrap_err(), Error::Arithmetic { column: bridge::FLOOD_VLANS });
    let pairs = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Datum>();
    let config = bridge::OTHER_CONFIG;
    assert_eq!(mutate(config, Mutator::Insert, pairs(&[("a", "1"), ("b", "2")])).unwrap(), "{a=\"1\", b=\"2\"}");
    assert_eq!(mutate(config, Mutator::Insert, pairs(&[("a", "3")])).unwrap(), "{a=\"1\", b=\"2\"}");
    assert_eq!(mutate(config, Mutator::Delete, pairs(&[("a", "3")])).unwrap(), "{a=\"1\", b=\"2\"}");
    assert_eq!(mutate(config, Mutator::Delete, "a".into()).unwrap(), "{b=\"2\"}");
    assert!(matches!(mutate(port::BOND_UPDELAY, Mutator::Insert, 1.into()), Err(Error::Mutation { .. })));
    assert!(matches!(mutate(port::MAC, Mutator::Add, 1.into()), Err(Error::Mutation { .. })));
}

#[test]
fn a_unique_column_that_may_change_is_checked_when_it_does() {
    let mut store = Store::new(1);
    let root = store.root().unwrap().uuid();
    let (second, _) = store
        .transact(|txn| {
            let first = txn.insert(Table::Manager).with(manager::TARGET, "ptcp:1").add()?;
            let second = txn.insert(Table::Manager).with(manager::TARGET, "ptcp:2").add()?;
            txn.set(root, open_vswitch::MANAGER_OPTIONS, vec![first, second])?;
            Ok::<_, Error>(second)
        })
        .unwrap();
    assert!(matches!(store.set(second, manager::TARGET, "ptcp:1"), Err(Error::Duplicate { .. })));
    assert_eq!(store.set(second, manager::TARGET, "ptcp:3").unwrap().len(), 1);
}

#[test]
fn one_seed_gives_the_same_identifiers() {
    let (a, ..) = bridge_with_ports(3);
    let (b, ..) = bridge_with_ports(3);
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
}
