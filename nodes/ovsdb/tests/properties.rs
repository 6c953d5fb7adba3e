//! Text and transactions on random input, the latter beside a naive twin that looks at every row.

use std::collections::BTreeMap;

use ovsdb::schema::{BaseType, Strength, UNLIMITED};
use ovsdb::vswitch::{bridge, interface, mirror, open_vswitch, port, qos, queue};
use ovsdb::{Atom, AtomType, Column, Datum, Error, Row, Store, Table, Uuid, vsctl, words};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn columns() -> Vec<Column> {
    Table::ALL.iter().flat_map(|table| table.columns()).collect()
}

fn atom(base: BaseType) -> BoxedStrategy<Atom> {
    match base.atom {
        AtomType::Integer => (base.min..=base.max).prop_map(Atom::Integer).boxed(),
        AtomType::Real => any::<i32>().prop_map(|n| Atom::Real(f64::from(n) / 8.0)).boxed(),
        AtomType::Boolean => any::<bool>().prop_map(Atom::Boolean).boxed(),
        AtomType::Uuid => any::<[u8; 16]>().prop_map(|b| Atom::Uuid(Uuid::from_bytes(b))).boxed(),
        AtomType::String if !base.allowed.is_empty() => select(base.allowed).prop_map(Atom::from).boxed(),
        AtomType::String => {
            "[a-z_][a-z0-9_.-]{0,4}|true|[^\\x00]{0,6}|[\\[\\]{}=,:\"\\\\ !<>@]{0,6}".prop_map(Atom::from).boxed()
        }
    }
}

fn datum(column: Column) -> BoxedStrategy<Datum> {
    let ty = *column.ty();
    let len = ty.min..=ty.max.min(5);
    match ty.value {
        Some(value) => vec((atom(ty.key), atom(value)), len).prop_map(Datum::map).boxed(),
        None => vec(atom(ty.key), len).prop_map(Datum::set).boxed(),
    }
}

proptest! {
    #[test]
    fn a_datum_is_what_its_text_says(
        (column, datum) in select(columns()).prop_flat_map(|c| (Just(c), datum(c))),
    ) {
        let text = column.ty().print(&datum);
        prop_assert_eq!(column.ty().parse(&text), Ok(datum.clone()), "{}", text);
        prop_assert_eq!(datum.clone().checked(column), Ok(datum));
    }

    #[test]
    fn text_that_is_read_prints_as_text_that_reads_the_same(
        column in select(columns()),
        text in "[\\[{]?[a-c0-3=, \"\\\\:-]{0,8}[\\]}]?",
    ) {
        if let Ok(datum) = column.ty().parse(&text) {
            prop_assert!(datum.clone().checked(column).is_ok());
            prop_assert_eq!(column.ty().parse(&column.ty().print(&datum)), Ok(datum));
        }
    }

    #[test]
    fn quoted_words_split_into_themselves(
        list in vec("[^']{0,8}", 0..6),
    ) {
        let line: Vec<String> = list.iter().map(|word| format!("'{word}'")).collect();
        prop_assert_eq!(words::split(&line.join(" ")), Ok(list));
    }

    #[test]
    fn no_line_panics(line in "[ -~\\PC]{0,40}") {
        if let Ok(words) = words::split(&line) {
            let _ = vsctl::run(&mut Store::new(0), &words);
        }
    }
}

/// Words that lead somewhere.
const WORDS: &[&str] = &[
    "--",
    "--",
    "--",
    "add-br",
    "del-br",
    "add-port",
    "add-bond",
    "del-port",
    "br0",
    "vb",
    "p1",
    "p2",
    "5",
    "tag=5",
    "trunks=1-3",
    "set",
    "get",
    "list",
    "find",
    "add",
    "remove",
    "clear",
    "create",
    "destroy",
    "port",
    "bridge",
    "interface",
    "mirror",
    "queue",
    "qos",
    "open",
    ".",
    "name=x",
    "name",
    "tag",
    "trunks",
    "mirrors",
    "ports",
    "mirrors=@m",
    "interfaces=@m",
    "external_ids:a=b",
    "external_ids",
    "a=b",
    "a",
    "{}",
    "[]",
    "--id=@m",
    "--if-exists",
    "--all",
    "--may-exist",
    "--columns=name",
    "--with-iface",
    "-ftable",
    "--oneline",
    "emer-reset",
    "show",
    "dscp=1",
    "output_port=@m",
    "queues:1=@m",
    "wait-until",
    "set-controller",
    "set-manager",
    "tcp:1",
    "set-ssl",
    "br-set-external-id",
    "protected=yes",
    "=",
    ":",
    "\"",
    "\\",
    "get-ssl",
    "list-ports",
    "list-ifaces",
    "netflow",
    "controller",
    "add-aa-mapping",
    "del-controller",
    "add-bond-iface",
    "del-bond-iface",
    "add-zone-tp",
    "del-zone-tp",
    "list-zone-tp",
    "list-dp-cap",
    "zone=1",
    "icmp_first=1",
    "system",
    "datapath",
    "datapath_version=1",
    "datapaths:system=@m",
    "--pretty",
    "--max-column-width=3",
    "-fjson",
    "-fhtml",
    "--inactivity-probe=5",
];

proptest! {
    #[test]
    fn lines_keep_the_rows_whole_and_failed_ones_change_nothing(
        lines in vec(vec(select(WORDS), 0..12), 0..8),
    ) {
        let mut store = Store::new(0);
        let mut run = |line: &str| {
            let before = store.clone();
            match vsctl::run(&mut store, &words::split(line).unwrap()) {
                Ok(output) => assert_eq!(replay(&before, &output.changes), rows(&store)),
                Err(_) => assert_eq!(rows(&before), rows(&store)),
            }
            assert_whole(&store);
        };
        run("add-br br0 -- add-port br0 p1 -- add-br vb br0 5 -- add-port vb p3");
        run("--id=@m create mirror name=x select_all=yes -- set bridge br0 mirrors=@m");
        for line in lines {
            run(&line.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "));
        }
    }

    #[test]
    fn transactions_do_what_a_naive_twin_does(batches in vec(vec(step(), 1..8), 1..12)) {
        let mut store = Store::new(3);
        for batch in batches {
            let before = rows(&store);
            let mut twin = before.clone();
            let mut known: Vec<(Table, Uuid)> = twin.keys().copied().collect();
            let mut txn = store.begin();
            for step in &batch {
                step.take(&mut txn, &mut twin, &mut known);
            }
            let ours = txn.commit().map(|_| ());
            let naive = settle(&before, twin);
            match (ours, naive) {
                (Ok(()), Some(twin)) => prop_assert_eq!(rows(&store), twin),
                (Err(_), None) => {}
                (ours, naive) => prop_assert!(false, "{:?} beside {:?}", ours, naive.is_some()),
            }
            assert_whole(&store);
        }
    }
}

/// The rows of a store, all columns.
type Rows = BTreeMap<(Table, Uuid), BTreeMap<Column, Datum>>;

fn cells(row: &Row) -> BTreeMap<Column, Datum> {
    row.table().columns().map(|column| (column, row.get(column).clone())).collect()
}

fn rows(store: &Store) -> Rows {
    let tables = Table::ALL.iter();
    tables.flat_map(|table| store.rows(*table)).map(|row| ((row.table(), row.uuid()), cells(row))).collect()
}

/// The rows that changes make of a store's.
fn replay(store: &Store, changes: &[ovsdb::Change]) -> Rows {
    let mut rows = rows(store);
    for change in changes {
        let key = (change.table, change.uuid);
        let old = rows.remove(&key);
        assert_eq!(old, change.old.as_ref().map(cells));
        rows.extend(change.new.as_ref().map(|row| (key, cells(row))));
    }
    rows
}

/// Who refers, in which column, and to what.
type Reference = ((Table, Uuid), Column, (Table, Uuid));

/// Every reference of one strength.
fn references(rows: &Rows, strength: Strength) -> Vec<Reference> {
    let mut found = Vec::new();
    for (from, cells) in rows {
        for (column, datum) in cells {
            let bases = [Some(column.ty().key), column.ty().value];
            let keys: Vec<Atom> = datum.keys().cloned().collect();
            let values: Vec<Atom> = datum.pairs().iter().map(|(_, value)| value.clone()).collect();
            for (base, atoms) in bases.into_iter().zip([keys, values]) {
                let Some((table, s)) = base.and_then(|base| base.refers) else { continue };
                let uuids = atoms.iter().filter_map(Atom::as_uuid).filter(|_| s == strength);
                found.extend(uuids.map(|uuid| (*from, *column, (table, uuid))));
            }
        }
    }
    found
}

/// All rules of the schema, by looking at all rows.
fn assert_whole(store: &Store) {
    let rows = rows(store);
    let strong = references(&rows, Strength::Strong);
    for (_, column, to) in strong.iter().chain(&references(&rows, Strength::Weak)) {
        assert!(rows.contains_key(to), "{column:?} refers to nothing");
    }
    for ((table, uuid), cells) in &rows {
        let held = strong.iter().any(|(.., to)| *to == (*table, *uuid));
        assert!(table.schema().is_root || held, "a row of {table} that nothing holds");
        for (column, datum) in cells {
            assert_eq!(datum.clone().checked(*column).as_ref(), Ok(datum));
        }
    }
    assert!(unique(&rows), "two rows with one name");
}

fn unique(rows: &Rows) -> bool {
    Table::ALL.iter().all(|table| {
        let of_table: Vec<_> = rows.iter().filter(|((t, _), _)| t == table).collect();
        let max = table.schema().max_rows;
        let indexes = table.schema().indexes.iter();
        (max == UNLIMITED || of_table.len() <= max)
            && indexes.into_iter().all(|index| {
                let mut keys: Vec<Vec<&Datum>> =
                    of_table.iter().map(|(_, cells)| index.iter().map(|column| &cells[column]).collect()).collect();
                keys.sort();
                keys.windows(2).all(|pair| pair[0] != pair[1])
            })
    })
}

/// What a commit makes of all rows as a transaction left them; `None` if it refuses.
fn settle(before: &Rows, mut rows: Rows) -> Option<Rows> {
    let written = |rows: &Rows, key: &(Table, Uuid)| before.get(key) != rows.get(key);
    let strong = references(&rows, Strength::Strong);
    if strong.iter().any(|(from, _, to)| written(&rows, from) && !rows.contains_key(to)) {
        return None;
    }
    loop {
        let strong = references(&rows, Strength::Strong);
        let len = rows.len();
        rows.retain(|key, _| key.0.schema().is_root || strong.iter().any(|(.., to)| to == key));
        if rows.len() == len {
            break;
        }
    }
    if references(&rows, Strength::Strong).iter().any(|(.., to)| !rows.contains_key(to)) {
        return None;
    }
    for (from, column, to) in references(&rows, Strength::Weak) {
        if !rows.contains_key(&to) {
            let cell = rows.get_mut(&from)?.get_mut(&column)?;
            *cell = cell.difference(&Datum::from(to.1));
        }
    }
    unique(&rows).then_some(rows)
}

/// A step of a transaction. Numbers choose among the rows that exist.
#[derive(Clone, Debug)]
enum Step {
    Insert(Table, u8),
    Refer(Column, usize, Vec<usize>),
    Delete(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let tables = vec![Table::Bridge, Table::Port, Table::Interface, Table::Mirror, Table::Qos, Table::Queue];
    let columns = vec![
        open_vswitch::BRIDGES,
        bridge::PORTS,
        bridge::MIRRORS,
        port::INTERFACES,
        port::QOS,
        mirror::OUTPUT_PORT,
        mirror::SELECT_SRC_PORT,
        qos::QUEUES,
    ];
    prop_oneof![
        4 => (select(tables), 0..4_u8).prop_map(|(table, name)| Step::Insert(table, name)),
        8 => (select(columns), 0..8_usize, vec(0..8_usize, 0..4)).prop_map(|(c, at, to)| Step::Refer(c, at, to)),
        1 => (0..20_usize).prop_map(Step::Delete),
    ]
}

impl Step {
    fn take(&self, txn: &mut ovsdb::Txn<'_>, twin: &mut Rows, known: &mut Vec<(Table, Uuid)>) {
        match self {
            Step::Insert(table, name) => {
                let name = format!("n{name}");
                let row = txn.insert(*table);
                let row = match table {
                    Table::Bridge => row.with(bridge::NAME, name),
                    Table::Port => row.with(port::NAME, name),
                    Table::Interface => row.with(interface::NAME, name),
                    Table::Mirror => row.with(mirror::NAME, name),
                    Table::Queue => row.with(queue::DSCP, 1),
                    _ => row,
                };
                let uuid = row.add().unwrap();
                known.push((*table, uuid));
                twin.insert((*table, uuid), cells(txn.row(*table, uuid).unwrap()));
            }
            Step::Refer(column, at, to) => {
                let of = |table: Table| -> Vec<Uuid> {
                    known.iter().filter(|(t, _)| *t == table).map(|(_, uuid)| *uuid).collect()
                };
                let from = of(column.table());
                let base = column.ty().value.unwrap_or(column.ty().key);
                let targets = of(base.refers.unwrap().0);
                if from.is_empty() || targets.is_empty() {
                    return;
                }
                let from = from[at % from.len()];
                let mut chosen: Vec<Uuid> = to.iter().map(|n| targets[n % targets.len()]).collect();
                chosen.truncate(column.ty().max);
                let datum = if column.ty().is_map() {
                    Datum::map(chosen.iter().enumerate().map(|(n, uuid)| (n as i64, *uuid)))
                } else {
                    Datum::set(chosen)
                };
                let done = txn.set(from, *column, datum.clone());
                match (done, twin.get_mut(&(column.table(), from))) {
                    (Ok(()), Some(cells)) => {
                        cells.insert(*column, datum);
                    }
                    (Err(Error::NoRow { .. }), None) | (Err(Error::Count { .. }), Some(_)) => {}
                    (done, twin) => panic!("{done:?} beside {twin:?}"),
                }
            }
            Step::Delete(at) => {
                if let Some((table, uuid)) = known.get(*at).copied() {
                    let done = txn.delete(table, uuid);
                    assert_eq!(done.is_ok(), twin.remove(&(table, uuid)).is_some());
                }
            }
        }
    }
}
