//! The tables agree with the schema of an installed Open vSwitch. Needs `ovs`.

mod common;

use common::{installed_schema, needs};
use ovsdb::Table;
use ovsdb::schema::{AtomType, BaseType, ColumnType, Kind, Strength, UNLIMITED};
use serde_json::{Value, json};

#[test]
fn every_table_and_column_is_as_in_the_installed_schema() {
    if !needs("ovs") {
        return;
    }
    let installed: Value = serde_json::from_str(&installed_schema()).unwrap();
    assert_eq!(installed["version"], ovsdb::vswitch::VERSION);
    let tables = installed["tables"].as_object().unwrap();
    assert_eq!(tables.len(), Table::ALL.len());
    for (name, table) in tables {
        let ours = Table::named(name).unwrap().schema();
        assert_eq!(table["isRoot"].as_bool().unwrap_or(false), ours.is_root, "{name}");
        let max_rows = table["maxRows"].as_u64().map_or(UNLIMITED, |max| max as usize);
        assert_eq!(max_rows, ours.max_rows, "{name}");
        let indexes: Vec<Vec<&str>> =
            ours.indexes.iter().map(|index| index.iter().map(|column| column.name()).collect()).collect();
        assert_eq!(table.get("indexes").unwrap_or(&json!([])), &json!(indexes), "{name}");
        let columns = table["columns"].as_object().unwrap();
        let mut names: Vec<&String> = columns.keys().collect();
        names.sort();
        assert!(names.iter().eq(ours.columns.iter().map(|column| column.name).collect::<Vec<_>>().iter()), "{name}");
        for (column, ours) in names.iter().zip(ours.columns) {
            let theirs = &columns[column.as_str()];
            let place = format!("{name}.{column}");
            let kind = match (theirs["ephemeral"].as_bool(), theirs["mutable"].as_bool()) {
                (Some(true), _) => Kind::Ephemeral,
                (_, Some(false)) => Kind::Fixed,
                _ => Kind::Config,
            };
            assert_eq!(kind, ours.kind, "{place}");
            check_type(&theirs["type"], &ours.ty, &place);
        }
    }
}

/// RFC 7047 section 3.2, `<type>`.
fn check_type(theirs: &Value, ours: &ColumnType, place: &str) {
    let key = theirs.get("key").unwrap_or(theirs);
    check_base(key, &ours.key, place);
    match (theirs.get("value"), &ours.value) {
        (Some(theirs), Some(ours)) => check_base(theirs, ours, place),
        (None, None) => {}
        other => panic!("{place}: {other:?}"),
    }
    assert_eq!(theirs["min"].as_u64().unwrap_or(1), ours.min as u64, "{place}");
    let max = match &theirs["max"] {
        Value::String(_) => UNLIMITED,
        other => other.as_u64().unwrap_or(1) as usize,
    };
    assert_eq!(max, ours.max, "{place}");
}

/// RFC 7047 section 3.2, `<base-type>`.
fn check_base(theirs: &Value, ours: &BaseType, place: &str) {
    let atom = theirs.get("type").unwrap_or(theirs);
    assert_eq!(atom, ours.atom.name(), "{place}");
    if ours.atom == AtomType::Integer {
        assert_eq!(theirs["minInteger"].as_i64().unwrap_or(i64::MIN), ours.min, "{place}");
        assert_eq!(theirs["maxInteger"].as_i64().unwrap_or(i64::MAX), ours.max, "{place}");
    }
    let allowed = theirs.get("enum").map_or(json!([]), |set| set[1].clone());
    assert_eq!(allowed, json!(ours.allowed), "{place}");
    let refers = theirs["refTable"].as_str().map(|table| {
        let weak = theirs["refType"] == "weak";
        (table.to_owned(), if weak { Strength::Weak } else { Strength::Strong })
    });
    let ours = ours.refers.map(|(table, strength)| (table.name().to_owned(), strength));
    assert_eq!(refers, ours, "{place}");
}
