//! The keys that a lab file may hold: one declarative place that the reader, the schema and the reference share.
//!
//! A [`Table`] is the keys of one of the file's tables: its own, those of other tables that it takes over, and columns
//! of Open vSwitch's tables. What a key's value may look like is a [`Form`]; what it means together with others is the
//! reader's to know. A test feeds the reader samples of every form, good and bad, so that the two can't drift apart.

mod columns;
mod tables;

pub use columns::{ColumnKey, column_doc};
pub(crate) use tables::FAMILIES;
pub use tables::{
    APART, BRIDGE, CHECK, DROPS, EVENT, FRAMES, HOST, HTTP, HUB, INTERFACE, INTERFACE_COLUMNS, LAB, LINK, MAC, PATH,
    PING, PORT, ROUTE, SERVER, SWITCH, TCP, THROUGHPUT, UDP,
};

use ovsdb::Table as OvsTable;

/// The keys of a table.
#[derive(Debug)]
pub struct Table {
    /// What the schema and the reference call it.
    pub name: &'static str,
    /// Where it stands, as in `[switches.S.ports]`.
    pub place: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// Its own keys.
    pub keys: &'static [Key],
    /// Tables whose keys are this one's as well.
    pub parts: &'static [&'static Table],
    /// Tables of Open vSwitch whose columns are keys, the first one's on a clash.
    pub columns: &'static [OvsTable],
    /// Sets of keys of which it needs exactly one.
    pub one_of: &'static [&'static [&'static str]],
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its word.
    pub name: &'static str,
    /// What its value looks like.
    pub form: Form,
    /// What holds without it; empty if nothing does.
    pub default: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Whether its table needs it.
    pub is_required: bool,
    /// Whether this build knows the word only to say that it can't do it.
    pub is_refused: bool,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Any string of at most so many characters.
    Text(usize),
    /// `true` or `false`.
    Boolean,
    /// An integer from the first number to the second.
    Integer(i64, i64),
    /// One of a few words.
    Word(&'static [&'static str]),
    /// One of a few numbers.
    Number(&'static [i64]),
    /// A span of time: `"200us"`, or 0.
    Time,
    /// Bits per second: `"10Gbit"`.
    Rate,
    /// A share of a hundred: `"5%"`, or 0.
    Share,
    /// Bytes: `"64KiB"`.
    Size,
    /// A VLAN: a number from 0 to 4095, or a name from `[vlans]`.
    Vlan,
    /// The name of a node of the lab.
    Node,
    /// The name of a port or a bridge of a node.
    Part,
    /// A link's end: `"NODE:PORT"`, or `"NODE"`.
    End,
    /// An address with the length of its subnet's prefix: `"10.0.0.1/8"`.
    Cidr,
    /// A subnet: `"10.0.0.0/8"`.
    Network,
    /// An address without a prefix length.
    Address,
    /// A MAC address.
    Mac,
    /// Command lines of tools, one a line.
    Lines,
    /// A line for the prompt.
    Command,
    /// A match in the words of ovs-ofctl(8).
    Match,
    /// `http://HOST[:PORT]/PATH`.
    Url,
    /// Lines of a host's prompt, one a line.
    HostLines,
    /// A command of a host that runs from the start: `"http 80"`.
    Service,
    /// The name of a drop reason.
    DropReason,
    /// A table.
    Table(&'static Table),
    /// A table whose keys are names, each with such a value.
    Named(&'static Form),
    /// A list.
    List(&'static Form),
    /// A list of names of hosts, two at least.
    Hosts,
    /// A value, or a list of such.
    OneOrMore(&'static Form),
    /// One of several forms.
    Either(&'static [Form]),
    /// A value for both directions of a link, or `{ out = .., in = .. }` as seen from this end.
    BothWays(&'static Form),
}

impl Table {
    /// Its own keys and those of its parts.
    pub fn own_keys(&self) -> impl Iterator<Item = &'static Key> + Clone + use<> {
        let parts = self.parts.iter().flat_map(|part| part.keys);
        self.keys.iter().chain(parts)
    }

    /// The columns that are keys, without those that an own key hides or that no file may set.
    pub fn column_keys(&self) -> impl Iterator<Item = ColumnKey> + use<'_> {
        columns::keys(self.columns).filter(|column| self.own_keys().all(|key| key.name != column.name()))
    }

    /// All words that it knows: those to suggest for a mistyped one.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<'_> {
        self.own_keys().map(|key| key.name).chain(self.column_keys().map(|column| column.name()))
    }

    /// The own key of a name.
    pub fn find(&self, name: &str) -> Option<&'static Key> {
        self.own_keys().find(|key| key.name == name)
    }

    /// The words that an own key takes.
    ///
    /// # Panics
    /// If there is no such key, or its form isn't one of words.
    pub(crate) fn words(&self, name: &str) -> &'static [&'static str] {
        match self.find(name).map(|key| key.form) {
            Some(Form::Word(words)) => words,
            other => panic!("{}.{name} is a key that takes words, not {other:?}", self.name),
        }
    }
}
