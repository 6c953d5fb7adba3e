//! The schema and the reader take the same files, and the reference in docs/ is the generated one.

use jsonschema::Validator;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::{Table as Toml, Value};
use topologies::Severity;
use topologies::schema::{TABLES, markdown, schema};
use topologies::spec::keys::{self, Form, Table};

fn validator() -> Validator {
    jsonschema::draft202012::new(schema().as_value()).expect("the schema is one")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The errors of the schema and those of the reader.
fn judged(validator: &Validator, text: &str) -> (Vec<String>, Vec<String>) {
    let json: Json = toml::from_str(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    let schema = validator.iter_errors(&json).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    let reader = match topologies::parse("f.toml", text, &[]) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().filter(|d| d.severity == Severity::Error).map(ToString::to_string).collect(),
    };
    (schema, reader)
}

#[test]
fn every_example_fits_the_schema() {
    let validator = validator();
    for entry in root().join("examples").read_dir().expect("it is there") {
        let path = entry.expect("a file").path();
        let text = std::fs::read_to_string(&path).expect("it is text");
        let (schema, reader) = judged(&validator, &text);
        assert!(schema.is_empty() && reader.is_empty(), "{}: {schema:?} {reader:?}", path.display());
    }
}

/// A lab in which every table has a place.
const LAB: &str = r#"
[vlans]
admin = 10
[switches.s1.ports]
a = { to = "h1" }
b = {}
c = { to = "h2:eth1" }
[switches.s2.bridges.br1.ports]
p = { interface = {} }
[hosts.h1]
ip = "10.0.0.1/8"
[hosts.h2]
ip = "10.0.0.2/8"
routes = [{ to = "10.9.0.0/16", via = "10.0.0.1" }]
[hosts.h2.interfaces.eth1]
ip = "10.0.0.3/8"
[hosts.h3]
to = "hub"
ip = "10.0.0.4/8"
[hosts.h3.interfaces.eth1]
to = "hub"
[hubs.hub]
[[events]]
at = "1s"
do = "link h1:eth0 down"
[[checks]]
ping = { from = "h1", to = "h2" }
[[checks]]
frames = { link = "h1:eth0" }
[[checks]]
drops = { node = "h1" }
[[checks]]
mac = { switch = "s1", host = "h1" }
[[checks]]
tcp = { from = "h1", to = "h2", port = 22 }
[[checks]]
udp = { from = "h1", to = "h2", port = 53 }
[[checks]]
http = { from = "h1", url = "http://h2/" }
[[checks]]
throughput = { from = "h1", to = "h2", proto = "udp" }
[[checks]]
path = { from = "h1", to = "h2", via = ["s1"] }
[[checks]]
path = { from = "h1", to = "h2", dropped = "loss" }
[servers.v1]
nics.eth0 = {}
"#;

/// Where a table stands in [`LAB`], as the path of its keys; twice where links need another place than the rest.
fn places(table: &Table) -> &'static [&'static str] {
    match table.name {
        "lab" => &[""],
        "switch" => &["switches.s1"],
        "bridge" => &["switches.s2.bridges.br1"],
        "port" => &["switches.s1.ports.b", "switches.s1.ports.a"],
        "interface-columns" => &["switches.s2.bridges.br1.ports.p.interface"],
        "link" => &["switches.s1.ports.a", "hosts.h3", "hosts.h3.interfaces.eth1"],
        "host" => &["hosts.h2", "hosts.h3"],
        "interface" => &["hosts.h2.interfaces.eth1", "hosts.h3.interfaces.eth1"],
        "route" => &["hosts.h2.routes.0"],
        "hub" => &["hubs.hub"],
        "event" => &["events.0"],
        "check" => &["checks.0"],
        "ping" => &["checks.0.ping"],
        "frames" => &["checks.1.frames"],
        "drops" => &["checks.2.drops"],
        "mac" => &["checks.3.mac"],
        "tcp" => &["checks.4.tcp"],
        "udp" => &["checks.5.udp"],
        "http" => &["checks.6.http"],
        "throughput" => &["checks.7.throughput"],
        "path" => &["checks.8.path", "checks.9.path"],
        "server" => &["servers.v1"],
        other => panic!("the table {other} has no place in the lab"),
    }
}

fn table_at<'t>(root: &'t mut Toml, path: &str) -> &'t mut Toml {
    let mut at = root;
    let mut segments = path.split('.').filter(|segment| !segment.is_empty()).peekable();
    while let Some(segment) = segments.next() {
        let value = &mut at[segment];
        let value = match segments.peek().and_then(|next| next.parse::<usize>().ok()) {
            Some(index) => {
                segments.next();
                &mut value[index]
            }
            None => value,
        };
        at = value.as_table_mut().expect("the lab has a table there");
    }
    at
}

/// The lab with a key set.
fn with(path: &str, key: &str, value: &str) -> String {
    let mut lab: Toml = toml::from_str(LAB).expect("the lab is TOML");
    let value: Toml = toml::from_str(&format!("v = {value}")).unwrap_or_else(|error| panic!("{value}: {error}"));
    table_at(&mut lab, path).insert(key.to_owned(), value["v"].clone());
    lab.to_string()
}

/// Values of a form that are right, and some that are wrong.
fn samples(form: &Form, key: &str) -> (Vec<String>, Vec<String>) {
    let texts = |good: &[&str], bad: &[&str]| {
        (good.iter().map(|s| (*s).to_owned()).collect(), bad.iter().map(|s| (*s).to_owned()).collect())
    };
    match form {
        Form::Text(_) => texts(&["\"x\""], &["1", "[]"]),
        Form::Boolean => texts(&["false", "true"], &["\"true\"", "1"]),
        Form::Integer(least, most) => {
            let mut bad = vec!["\"1\"".to_owned(), "1.5".to_owned(), (least - 1).to_string()];
            bad.extend(most.checked_add(1).map(|n| n.to_string()));
            (vec![least.to_string(), most.to_string()], bad)
        }
        Form::Word(words) => {
            (words.iter().map(|word| format!("\"{word}\"")).collect(), vec!["\"no-such\"".to_owned(), "1".to_owned()])
        }
        Form::Number(numbers) => (numbers.iter().map(ToString::to_string).collect(), vec!["5".to_owned()]),
        Form::Time => texts(&["\"200us\"", "\"1.5 s\"", "0", "\"0\""], &["5", "\"5\"", "\"5sec\"", "\"-1s\"", "true"]),
        Form::Rate => texts(&["\"10Gbit\"", "\"2.5kbit\""], &["5", "\"5\"", "\"5gbit\"", "[]"]),
        Form::Share => texts(&["\"5%\"", "\"0.5%\"", "\"100%\"", "0"], &["5", "\"5\"", "\"101%\"", "\"-1%\"", "0.5"]),
        Form::Size => texts(&["\"64KiB\"", "\"0.5MiB\""], &["\"64kB\"", "\"x\"", "[]"]),
        Form::Vlan => texts(&["0", "4095", "\"admin\""], &["-1", "4096", "1.5", "[]"]),
        Form::Node => texts(&[if key == "switch" { "\"s1\"" } else { "\"h3\"" }], &["1"]),
        Form::Part => texts(&[if key == "bridge" { "\"br0\"" } else { "\"eth0\"" }], &["1"]),
        Form::End => texts(&["\"h1:eth0\""], &["1", "\":x\"", "\"h1:\""]),
        Form::Cidr => texts(&["\"10.7.0.1/16\"", "\"2001:db8::7/64\""], &["1", "\"10.0.0.1\"", "\"x\""]),
        Form::Network => texts(&["\"10.7.0.0/16\""], &["1", "\"10.7.0.0\""]),
        Form::Address => texts(&["\"10.0.0.1\""], &["1", "\"10.0.0.1/8\"", "\"x\""]),
        Form::Mac => texts(&["\"02:00:00:00:00:07\""], &["1", "\"02:00\"", "\"x\""]),
        Form::Lines => texts(&["\"ovs-vsctl show\""], &["1", "[]"]),
        Form::HostLines => texts(&["\"show ip\""], &["1", "[]"]),
        Form::Service => texts(&["\"http 80\""], &["1", "[]"]),
        Form::Url => texts(&["\"http://h2/\"", "\"http://10.0.0.1:81/x\""], &["1", "\"x\"", "\"ftp://h2/\""]),
        Form::Command => texts(&["\"link h1:eth0 up\""], &["1", "[]"]),
        Form::Match => texts(&["\"icmp\""], &["1"]),
        Form::DropReason => texts(&["\"loss\"", "\"no_buffer\""], &["\"los\"", "1"]),
        Form::Table(_) => texts(&[], &["1", "\"x\"", "[]"]),
        Form::Named(_) => texts(&["{}"], &["1", "\"x\""]),
        Form::List(_) => texts(&["[]"], &["1", "\"x\""]),
        Form::Hosts => texts(&["[\"h1\", \"h2\"]"], &["[\"h1\"]", "\"h1\"", "[1, 2]", "[\"h1\", \"h1\"]"]),
        Form::OneOrMore(item) => {
            let (good, bad) = samples(item, key);
            let list = |items: &[String]| items.iter().map(|item| format!("[{item}]")).collect::<Vec<_>>();
            ([list(&good), good].concat(), [list(&bad), bad].concat())
        }
        Form::Either(forms) => {
            let all: Vec<_> = forms.iter().map(|form| samples(form, key)).collect();
            (all.iter().flat_map(|(good, _)| good.clone()).collect(), vec!["[1]".to_owned(), "true".to_owned()])
        }
        Form::BothWays(value) => {
            let (good, bad) = samples(value, key);
            let table = |items: &[String]| items.iter().map(|item| format!("{{ in = {item} }}")).collect::<Vec<_>>();
            let wrong = vec!["{}".to_owned(), format!("{{ to = {} }}", good[0])];
            ([table(&good), good].concat(), [table(&bad), bad, wrong].concat())
        }
    }
}

/// Right and wrong values of every key, set in the lab, are judged alike.
#[test]
fn every_key_of_the_schema_is_the_readers_and_every_value_is_judged_alike() {
    let validator = validator();
    let (schema, reader) = judged(&validator, LAB);
    assert!(schema.is_empty() && reader.is_empty(), "{schema:?} {reader:?}");
    let (mut judged_values, mut lost) = (0, Vec::new());
    for table in TABLES {
        for key in table.keys.iter().filter(|key| !key.is_refused) {
            let (good, bad) = samples(&key.form, key.name);
            // A key may need a place of its own: a link's end is there already, a hub has no columns, a file is there or not.
            let goes = |value: &str| {
                places(table).iter().any(|place| judged(&validator, &with(place, key.name, value)) == (vec![], vec![]))
            };
            let depends =
                matches!((table.name, key.name), ("lab", "vlans" | "switches" | "hosts" | "hubs" | "servers"))
                    || matches!(
                        (table.name, key.name),
                        ("switch" | "bridge", "ports" | "flows") | ("port" | "host" | "interface", "to")
                    )
                    || matches!(
                        (table.name, key.name),
                        ("check", _) | ("drops", "link" | "port" | "max") | ("mac", "address" | "port")
                    )
                    || matches!(
                        (table.name, key.name),
                        ("frames", "link" | "max" | "min")
                            | ("drops", "min")
                            | ("hub", "ports")
                            | ("throughput", "for")
                    );
            let passed = good.iter().filter(|value| goes(value)).count();
            if !depends && passed < good.len() {
                lost.push(format!("{}.{}: of {good:?} {passed} pass", table.name, key.name));
            }
            for value in &bad {
                for place in places(table) {
                    let text = with(place, key.name, value);
                    let (schema, reader) = judged(&validator, &text);
                    let takers = [("schema", schema.is_empty()), ("reader", reader.is_empty())];
                    let takers = takers.iter().filter(|(_, takes)| *takes);
                    lost.extend(takers.map(|(who, _)| format!("the {who} takes {place}.{} = {value}", key.name)));
                }
            }
            judged_values += good.len() + bad.len();
        }
        for column in table.column_keys() {
            let place = places(table)[0];
            for wrong in ["{ a = [1] }", "[[1]]"] {
                let (schema, reader) = judged(&validator, &with(place, column.name(), wrong));
                assert!(
                    !schema.is_empty() && !reader.is_empty(),
                    "{place}.{} = {wrong}: {schema:?} {reader:?}",
                    column.name()
                );
            }
            let right = [
                "1",
                "true",
                "\"x\"",
                "{ a = \"b\" }",
                "10",
                "\"patch\"",
                "\"access\"",
                "\"standalone\"",
                "\"OpenFlow13\"",
                "\"active\"",
                "\"active-backup\"",
            ];
            let texts = right.map(|value| judged(&validator, &with(place, column.name(), value)));
            assert!(
                texts.iter().any(|(schema, reader)| schema.is_empty() && reader.is_empty()),
                "{place}.{}: {texts:?}",
                column.name()
            );
            for (text, (schema, reader)) in right.iter().zip(&texts) {
                // A name of `[vlans]` is for the reader to know.
                let agree = schema.is_empty() == reader.is_empty() || column.holds_vlans();
                assert!(agree, "{place}.{} = {text}: {schema:?} {reader:?}", column.name());
            }
        }
    }
    assert!(lost.is_empty(), "{lost:#?}");
    assert!(judged_values > 300, "{judged_values}");
}

#[test]
fn a_key_that_no_table_has_is_refused_by_both() {
    let validator = validator();
    let mut words: BTreeSet<&str> = ["nonsense", "Tag", "vlan", "delays"].into();
    words.extend(TABLES.iter().flat_map(|table| table.names()));
    let mut refused = 0;
    for table in TABLES {
        let known: BTreeSet<&str> = table.names().collect();
        for word in words.iter().filter(|word| !known.contains(*word)) {
            // A link's keys stand with a port's, which has its own test; columns of status have words of their own.
            if table.name == "link" || keys::LINK.find(word).is_some() {
                continue;
            }
            let place = places(table)[0];
            let (schema, reader) = judged(&validator, &with(place, word, "\"x\""));
            assert!(!schema.is_empty(), "the schema takes {place}.{word}");
            assert!(!reader.is_empty(), "the reader takes {place}.{word}");
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn keys_that_this_build_refuses_are_not_in_the_schema() {
    let validator = validator();
    let (schema, reader) = judged(&validator, &with("hosts.h1", "dhcp", "true"));
    assert!(!schema.is_empty() && !reader.is_empty(), "{schema:?} {reader:?}");
}

#[test]
fn what_is_missing_is_refused_by_both() {
    let validator = validator();
    for (place, key) in [
        ("events.0", "at"),
        ("events.0", "do"),
        ("hosts.h2.routes.0", "to"),
        ("hosts.h2.routes.0", "via"),
        ("checks.0", "ping"),
        ("checks.0.ping", "from"),
        ("checks.0.ping", "to"),
        ("checks.1.frames", "link"),
        ("checks.3.mac", "switch"),
        ("checks.3.mac", "host"),
        ("checks.4.tcp", "port"),
        ("checks.6.http", "url"),
        ("checks.7.throughput", "to"),
    ] {
        let mut lab: Toml = toml::from_str(LAB).expect("the lab is TOML");
        let removed: Option<Value> = table_at(&mut lab, place).remove(key);
        assert!(removed.is_some(), "{place}.{key}");
        let (schema, reader) = judged(&validator, &lab.to_string());
        assert!(!schema.is_empty() && !reader.is_empty(), "without {place}.{key}: {schema:?} {reader:?}");
    }
}

#[test]
fn every_column_has_a_line_in_the_reference() {
    for table in TABLES {
        for column in table.column_keys() {
            assert!(!keys::column_doc(column).is_empty(), "{}.{}", column.0.table().name(), column.name());
        }
    }
}

#[test]
fn the_reference_in_docs_is_the_generated_one() {
    let committed = std::fs::read_to_string(root().join("docs/reference.md")).unwrap_or_default();
    assert!(
        committed == markdown(),
        "docs/reference.md isn't what the tables say; renew it:\n  cargo run -- schema --format markdown > docs/reference.md"
    );
}
