//! The commands and their words.

use indexmap::IndexMap;

use super::context::{Answer, Context, Failure, fatal};
use super::{bridge, datapath, port, record, show, target};

/// What a command takes.
pub(super) struct Syntax {
    pub(super) name: &'static str,
    min: usize,
    max: usize,
    /// Its options, without their dashes; with `=` if they need an argument.
    options: &'static [&'static str],
    pub(super) run: fn(&mut Context<'_>, &Command<'_>) -> Answer,
}

const ANY: usize = usize::MAX;

const fn syntax(
    name: &'static str,
    min: usize,
    max: usize,
    options: &'static [&'static str],
    run: fn(&mut Context<'_>, &Command<'_>) -> Answer,
) -> Syntax {
    Syntax { name, min, max, options, run }
}

/// All commands.
static COMMANDS: &[Syntax] = &[
    syntax("init", 0, 0, &[], bridge::init),
    syntax("show", 0, 0, &[], show::show),
    syntax("emer-reset", 0, 0, &[], bridge::emer_reset),
    syntax("add-br", 1, 3, &["may-exist"], bridge::add_br),
    syntax("del-br", 1, 1, &["if-exists"], bridge::del_br),
    syntax("list-br", 0, 0, &["real", "fake"], bridge::list_br),
    syntax("br-exists", 1, 1, &[], bridge::br_exists),
    syntax("br-to-vlan", 1, 1, &[], bridge::br_to_vlan),
    syntax("br-to-parent", 1, 1, &[], bridge::br_to_parent),
    syntax("br-set-external-id", 2, 3, &[], bridge::br_set_external_id),
    syntax("br-get-external-id", 1, 2, &[], bridge::br_get_external_id),
    syntax("list-ports", 1, 1, &[], port::list_ports),
    syntax("add-port", 2, ANY, &["may-exist"], port::add_port),
    syntax("add-bond", 4, ANY, &["may-exist", "fake-iface"], port::add_bond),
    syntax("del-port", 1, 2, &["if-exists", "with-iface"], port::del_port),
    syntax("port-to-br", 1, 1, &[], port::port_to_br),
    syntax("add-bond-iface", 2, 2, &["may-exist"], port::add_bond_iface),
    syntax("del-bond-iface", 1, 2, &["if-exists"], port::del_bond_iface),
    syntax("list-ifaces", 1, 1, &[], port::list_ifaces),
    syntax("iface-to-br", 1, 1, &[], port::iface_to_br),
    syntax("get-controller", 1, 1, &[], target::get_controller),
    syntax("del-controller", 1, 1, &[], target::del_controller),
    syntax("set-controller", 1, ANY, &["inactivity-probe="], target::set_controller),
    syntax("get-fail-mode", 1, 1, &[], target::get_fail_mode),
    syntax("del-fail-mode", 1, 1, &[], target::del_fail_mode),
    syntax("set-fail-mode", 2, 2, &[], target::set_fail_mode),
    syntax("get-manager", 0, 0, &[], target::get_manager),
    syntax("del-manager", 0, 0, &[], target::del_manager),
    syntax("set-manager", 1, ANY, &["inactivity-probe="], target::set_manager),
    syntax("get-ssl", 0, 0, &[], target::get_ssl),
    syntax("del-ssl", 0, 0, &[], target::del_ssl),
    syntax("set-ssl", 3, 3, &["bootstrap"], target::set_ssl),
    syntax("get-aa-mapping", 1, 1, &[], target::get_aa_mapping),
    syntax("add-aa-mapping", 3, 3, &[], target::add_aa_mapping),
    syntax("del-aa-mapping", 3, 3, &[], target::del_aa_mapping),
    syntax("add-zone-tp", 3, ANY, &["may-exist"], datapath::add_zone_tp),
    syntax("del-zone-tp", 2, 2, &["if-exists"], datapath::del_zone_tp),
    syntax("list-zone-tp", 1, 1, &[], datapath::list_zone_tp),
    syntax("list-dp-cap", 1, 1, &[], datapath::list_dp_cap),
    syntax("comment", 0, ANY, &[], record::comment),
    syntax("get", 2, ANY, &["if-exists", "id="], record::get),
    syntax("list", 1, ANY, &["if-exists", "columns="], record::list),
    syntax("find", 1, ANY, &["columns="], record::find),
    syntax("set", 3, ANY, &["if-exists"], record::set),
    syntax("add", 4, ANY, &["if-exists"], record::add),
    syntax("remove", 4, ANY, &["if-exists"], record::remove),
    syntax("clear", 3, ANY, &["if-exists"], record::clear),
    syntax("create", 2, ANY, &["id="], record::create),
    syntax("destroy", 1, ANY, &["if-exists", "all"], record::destroy),
    syntax("wait-until", 2, ANY, &[], record::wait_until),
];

/// The names of all commands.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    COMMANDS.iter().map(|syntax| syntax.name)
}

/// A command as it was typed.
pub(super) struct Command<'w> {
    pub(super) syntax: &'static Syntax,
    /// The words after the command's name.
    pub(super) args: &'w [String],
    options: IndexMap<&'w str, Option<&'w str>>,
}

impl<'w> Command<'w> {
    /// Was the option given?
    pub(super) fn has(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    /// The option's argument.
    pub(super) fn argument(&self, option: &str) -> Option<&'w str> {
        self.options.get(option).copied().flatten()
    }

    /// The argument at a place that the command's syntax promises; empty if there is none.
    pub(super) fn arg(&self, at: usize) -> &'w str {
        self.args.get(at).map_or("", String::as_str)
    }

    /// The command with its options, as messages quote it.
    pub(super) fn words(&self) -> String {
        let options = self.options.keys().map(|name| format!("--{name}"));
        let name = std::iter::once(self.syntax.name.to_owned());
        options.chain(name).chain(self.args.iter().cloned()).collect::<Vec<_>>().join(" ")
    }
}

/// Splits words at `--` into commands. `local` are options of the first.
pub(super) fn parse<'w>(local: &'w [String], words: &'w [String]) -> Result<Vec<Command<'w>>, Failure> {
    const NO_COMMAND: &str = "missing command name (use --help for help)";
    let mut commands = Vec::new();
    let mut local = local;
    for words in words.split(|word| word == "--") {
        if !words.is_empty() {
            commands.push(parse_one(std::mem::take(&mut local), words)?);
        } else if !local.is_empty() {
            return fatal(NO_COMMAND);
        }
    }
    if commands.is_empty() { fatal(NO_COMMAND) } else { Ok(commands) }
}

fn parse_one<'w>(local: &'w [String], words: &'w [String]) -> Result<Command<'w>, Failure> {
    let at = words.iter().position(|word| !word.starts_with('-')).unwrap_or(words.len());
    let mut options: IndexMap<&str, Option<&str>> = IndexMap::new();
    for word in local.iter().chain(&words[..at]) {
        let (key, argument) = match word.split_once('=') {
            Some((key, argument)) => (key, Some(argument)),
            None => (word.as_str(), None),
        };
        if options.insert(key, argument).is_some() {
            return fatal(format!("'{word}' option specified multiple times"));
        }
    }
    let Some(name) = words.get(at) else {
        return fatal("missing command name (use --help for help)");
    };
    let Some(syntax) = COMMANDS.iter().find(|syntax| syntax.name == name) else {
        return fatal(format!("unknown command '{name}'; use --help for help"));
    };
    for (key, argument) in &options {
        let bare = key.strip_prefix("--").unwrap_or("");
        let takes = |suffix: &str| syntax.options.iter().any(|option| option.strip_suffix(suffix) == Some(bare));
        let wants = !bare.is_empty() && takes("=");
        if !wants && (bare.is_empty() || !takes("")) {
            return fatal(format!("'{name}' command has no '{key}' option"));
        }
        if wants && argument.is_none() {
            return fatal(format!("missing argument to '{key}' option on '{name}' command"));
        }
        if !wants && argument.is_some() {
            return fatal(format!("'{key}' option on '{name}' does not accept an argument"));
        }
    }
    let options = options.into_iter().map(|(key, value)| (&key[2..], value)).collect();
    let args = &words[at + 1..];
    if args.len() < syntax.min {
        let min = syntax.min;
        return fatal(format!("'{name}' command requires at least {min} arguments"));
    }
    if args.len() > syntax.max {
        let hint = if args.iter().any(|arg| arg.starts_with('-')) {
            " (note that options must precede command names and follow a \"--\" argument)"
        } else {
            ""
        };
        let max = syntax.max;
        return fatal(format!("'{name}' command takes at most {max} arguments{hint}"));
    }
    Ok(Command { syntax, args, options })
}

/// The text of `--help`.
pub(super) fn usage() -> String {
    let mut text = "usage: ovs-vsctl [OPTIONS] COMMAND [ARG...] [-- COMMAND [ARG...]]...\n".to_owned();
    for syntax in COMMANDS {
        text.push_str("  ");
        for option in syntax.options {
            text.push_str(&format!("[--{option}] "));
        }
        text.push_str(syntax.name);
        text.push('\n');
    }
    text
}
