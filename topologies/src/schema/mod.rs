//! What a lab file may say, for editors and for people: a JSON Schema (draft 2020-12) and a reference in Markdown.
//!
//! Both are made from [`keys`], which the reader uses too. A schema can't say everything: that names
//! lead somewhere, that a key needs another one, is for `netloom validate`.

mod markdown;

pub use markdown::markdown;

use crate::spec::keys::{self, ColumnKey, Form, Table, column_doc};
use crate::spec::{MAX_NAME_LEN, units};
use ovsdb::AtomType;
use ovsdb::schema::UNLIMITED;
use schemars::{Schema, json_schema};
use serde_json::{Map, Value, json};
use sim_core::DropReason;

/// Every table, in the order of the reference.
pub const TABLES: &[&Table] = &[
    &keys::LAB,
    &keys::SWITCH,
    &keys::BRIDGE,
    &keys::PORT,
    &keys::INTERFACE_COLUMNS,
    &keys::LINK,
    &keys::HOST,
    &keys::INTERFACE,
    &keys::ROUTE,
    &keys::HUB,
    &keys::EVENT,
    &keys::CHECK,
    &keys::PING,
    &keys::FRAMES,
    &keys::DROPS,
    &keys::MAC,
    &keys::PATH,
    &keys::TCP,
    &keys::UDP,
    &keys::HTTP,
    &keys::THROUGHPUT,
    &keys::SERVER,
];

/// The JSON Schema of the lab file.
pub fn schema() -> Schema {
    let mut root = table(&keys::LAB);
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("netloom lab file"));
    let inner = TABLES.iter().filter(|t| t.name != keys::LAB.name && t.name != keys::LINK.name);
    let definitions = inner.map(|t| (t.name.to_owned(), Value::from(table(t)))).chain(shared()).collect::<Map<_, _>>();
    root.insert("$defs".to_owned(), Value::Object(definitions));
    root
}

/// The forms that many keys share.
fn shared() -> impl Iterator<Item = (String, Value)> {
    let reasons: Vec<&str> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
    let name = format!("^[^:/\\s\\u0000-\\u001f\\u007f-\\u009f]{{1,{MAX_NAME_LEN}}}$");
    [
        ("time", with_unit(units::TIME, "a span of time", true)),
        ("rate", with_unit(units::RATE, "bits per second", false)),
        ("size", with_unit(units::SIZE, "bytes", false)),
        (
            "share",
            json_schema!({
                "anyOf": [
                    { "type": "string", "pattern": "^\\s*(100(\\.0*)?|[0-9]{1,2}(\\.[0-9]*)?|\\.[0-9]+)\\s*%\\s*$" },
                    { "const": 0 }
                ],
                "description": "a share of a hundred, as in \"5%\""
            }),
        ),
        (
            "vlan",
            json_schema!({
                "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 4095 }, { "type": "string" }],
                "description": "a VLAN: a number from 0 to 4095, or a name from [vlans]"
            }),
        ),
        ("name", json_schema!({ "type": "string", "pattern": name, "description": "1 to 64 characters without ':', '/' or blanks" })),
        ("end", text("^[^:]+(:[^:/]+)?$", "a link's end: NODE:PORT, or NODE")),
        ("cidr", text("^\\s*[0-9a-fA-F.:]+/[0-9]{1,3}\\s*$", "an address and the length of its subnet's prefix")),
        ("address", text("^\\s*[0-9a-fA-F.:]+\\s*$", "an address without a prefix length")),
        ("mac-address", text("^\\s*[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}\\s*$", "a MAC address")),
        ("drop-reason", json_schema!({ "enum": reasons })),
    ]
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), Value::from(schema)))
}

fn text(pattern: &str, description: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": pattern, "description": description })
}

/// A number with a unit; 0 needs none, and some forms take it without quotes.
fn with_unit(known: &[(&'static str, u64)], what: &str, takes_zero: bool) -> Schema {
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let pattern = format!("^\\s*([0-9]+(\\.[0-9]+)?\\s*({})|0+(\\.0+)?)\\s*$", names.join("|"));
    let description = format!("{what}: a number and one of {}", names.join(", "));
    if takes_zero {
        json_schema!({ "anyOf": [{ "type": "string", "pattern": pattern }, { "const": 0 }], "description": description })
    } else {
        text(&pattern, &description)
    }
}

fn reference(name: &str) -> Schema {
    Schema::new_ref(format!("#/$defs/{name}"))
}

/// A table's schema.
fn table(table: &Table) -> Schema {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for key in table.own_keys().filter(|key| !key.is_refused) {
        let mut schema = form(&key.form);
        let unit = if key.default.is_empty() { String::new() } else { format!(". Default: {}", key.default) };
        schema.insert("description".to_owned(), json!(format!("{}{unit}", key.doc)));
        if let Some(default) = default(key.default, &key.form) {
            schema.insert("default".to_owned(), default);
        }
        properties.insert(key.name.to_owned(), schema.into());
        if key.is_required {
            required.push(key.name);
        }
    }
    for key in table.column_keys() {
        let mut schema = column(key);
        schema.insert("description".to_owned(), json!(format!("{} ({})", column_doc(key), key.0.table().name())));
        properties.insert(key.name().to_owned(), schema.into());
    }
    let mut schema = json_schema!({
        "type": "object",
        "description": table.doc,
        "properties": properties,
        "additionalProperties": false
    });
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    for group in table.one_of {
        let ways: Vec<Value> = group.iter().map(|key| json!({ "required": [key] })).collect();
        schema.insert("oneOf".to_owned(), json!(ways));
    }
    schema
}

/// A default as a value, where it is one and no sentence.
fn default(text: &str, form: &Form) -> Option<Value> {
    match form {
        Form::BothWays(inner) => default(text, inner),
        Form::Either(forms) => forms.iter().find_map(|form| default(text, form)),
        Form::Boolean => text.parse::<bool>().ok().map(Value::from),
        Form::Integer(..) => text.parse::<i64>().ok().map(Value::from),
        Form::Word(_) => text.strip_prefix('"')?.strip_suffix('"').map(Value::from),
        Form::Time | Form::Rate | Form::Size => (!text.is_empty()).then(|| Value::from(text)),
        Form::Share => (text == "0").then(|| Value::from(0)),
        _ => None,
    }
}

fn form(form: &Form) -> Schema {
    match form {
        Form::Text(usize::MAX) => json_schema!({ "type": "string" }),
        Form::Text(most) => json_schema!({ "type": "string", "maxLength": most }),
        Form::Lines | Form::HostLines | Form::Service | Form::Command | Form::Match | Form::Node | Form::Part => {
            json_schema!({ "type": "string" })
        }
        Form::Url => json_schema!({ "type": "string", "pattern": "^http://" }),
        Form::Boolean => json_schema!({ "type": "boolean" }),
        Form::Integer(least, i64::MAX) => json_schema!({ "type": "integer", "minimum": least }),
        Form::Integer(least, most) => json_schema!({ "type": "integer", "minimum": least, "maximum": most }),
        Form::Word(words) => json_schema!({ "enum": words }),
        Form::Number(numbers) => json_schema!({ "enum": numbers }),
        Form::Time => reference("time"),
        Form::Rate => reference("rate"),
        Form::Share => reference("share"),
        Form::Size => reference("size"),
        Form::Vlan => reference("vlan"),
        Form::End => reference("end"),
        Form::Cidr | Form::Network => reference("cidr"),
        Form::Address => reference("address"),
        Form::Mac => reference("mac-address"),
        Form::DropReason => reference("drop-reason"),
        Form::Table(table) => reference(table.name),
        Form::Named(value) => json_schema!({
            "type": "object",
            "propertyNames": { "$ref": "#/$defs/name" },
            "additionalProperties": self::form(value)
        }),
        Form::List(item) => json_schema!({ "type": "array", "items": self::form(item) }),
        Form::Hosts => {
            json_schema!({ "type": "array", "items": { "type": "string" }, "minItems": 2, "uniqueItems": true })
        }
        Form::OneOrMore(item) => {
            let item = self::form(item);
            json_schema!({ "anyOf": [item, { "type": "array", "items": item }] })
        }
        Form::Either(forms) => {
            let forms: Vec<Schema> = forms.iter().map(self::form).collect();
            json_schema!({ "anyOf": forms })
        }
        Form::BothWays(value) => {
            let value = self::form(value);
            json_schema!({ "anyOf": [
                value,
                {
                    "type": "object",
                    "properties": { "out": value, "in": value },
                    "additionalProperties": false,
                    "minProperties": 1
                }
            ] })
        }
    }
}

/// The schema of a column's value.
fn column(key: ColumnKey) -> Schema {
    let ty = key.0.ty();
    if ty.is_map() {
        return json_schema!({ "type": "object", "additionalProperties": { "type": ["string", "number", "boolean"] } });
    }
    let base = &ty.key;
    let element = match base.atom {
        _ if key.holds_vlans() => reference("vlan"),
        AtomType::Integer => match (base.min, base.max) {
            (i64::MIN, i64::MAX) => json_schema!({ "type": "integer" }),
            (least, i64::MAX) => json_schema!({ "type": "integer", "minimum": least }),
            (least, most) => json_schema!({ "type": "integer", "minimum": least, "maximum": most }),
        },
        AtomType::Real => json_schema!({ "type": "number" }),
        AtomType::Boolean => json_schema!({ "type": "boolean" }),
        AtomType::String | AtomType::Uuid if key.words().is_empty() => json_schema!({ "type": "string" }),
        AtomType::String | AtomType::Uuid => json_schema!({ "enum": key.words() }),
    };
    if ty.max == 1 {
        return element;
    }
    let mut list = json_schema!({ "type": "array", "items": element, "minItems": ty.min });
    if ty.max != UNLIMITED {
        list.insert("maxItems".to_owned(), json!(ty.max));
    }
    json_schema!({ "anyOf": [element, list] })
}
