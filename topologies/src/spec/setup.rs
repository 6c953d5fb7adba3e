//! `setup`: command lines as tutorials print them.
//!
//! Comments, continuations, variables, `sudo` and prompts are understood, and nothing else of a shell: no expansion
//! runs a command, no line touches the machine. `# ` in front of a tool's name is a root prompt, as tutorials have
//! it; a line is commented out with `#` and no blank.

use super::files::{NamedFile, Unread};
use super::reader::{Reader, shorten};
use super::report::Path;
use super::source::Pos;
use super::tree::{Item, Value};
use crate::lab::SetupLine;
use std::collections::BTreeMap;

/// The most bytes of a line once its variables are replaced: a variable may hold others, which could grow forever.
const MAX_LINE_SIZE: usize = 64 << 10;

/// The most bytes of all lines of a lab file together, variables replaced.
pub(crate) const MAX_TOTAL_SIZE: usize = 16 << 20;

/// What a shell does with a word of its own, and netloom doesn't.
const SHELL_WORDS: &[&str] = &["|", "||", "&", "&&", ";", ">", ">>", "<"];

/// The words that a host's lines begin with.
pub(crate) fn host_tools() -> Vec<&'static str> {
    server::words_of_hosts().map(|word| word.name).collect()
}

/// The words that a server's lines begin with.
pub(crate) fn machine_tools() -> Vec<&'static str> {
    server::words().map(|word| word.name).collect()
}

/// The words that a switch's lines begin with.
pub(crate) fn switch_tools() -> Vec<&'static str> {
    switch::commands().iter().map(|word| word.name).collect()
}

/// Whether a line may begin with a word: a tool, or what a machine with a shell knows it by.
fn is_tool(word: &str, tools: &[&str]) -> bool {
    let name = word.rsplit_once('/').filter(|(path, _)| path.ends_with("bin")).map_or(word, |(_, name)| name);
    tools.contains(&name) || tools.contains(&SERVERS_OWN) && server::begins_line(word)
}

/// A tool that only servers have.
const SERVERS_OWN: &str = "tunctl";

/// The words of one command, its first among `tools`; else what is wrong, and what to do.
pub(crate) fn command(text: &str, tools: &[&str]) -> Result<Vec<String>, (String, String)> {
    match Lexer::default().line(text, tools, MAX_LINE_SIZE) {
        Ok(words) if words.is_empty() => {
            Err(("says nothing".to_owned(), "write a command, as in \"http 80\"".to_owned()))
        }
        Ok(words) => Ok(words),
        Err(mistake) => Err((mistake.message, mistake.remedy)),
    }
}

/// A mistake in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mistake {
    message: String,
    remedy: String,
}

fn mistake<T>(message: impl Into<String>, remedy: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { message: message.into(), remedy: remedy.into() })
}

/// Reads the lines; their first words must be among `tools`.
pub(crate) fn read(r: &mut Reader, path: &Path<'_>, item: &Item, tools: &[&str]) -> Vec<SetupLine> {
    let Value::String(text) = &item.value else {
        return r.wrong_type(path, item, "a string of lines", "setup = '''").unwrap_or_default();
    };
    let places = line_places(&r.report.source(item.pos).text, item.pos, text);
    let place = |number: usize| places.get(number).or(places.last()).copied().unwrap_or(item.pos);
    let mut lexer = Lexer::default();
    let mut lines = Vec::new();
    for (number, line) in logical_lines(text) {
        if r.setup_budget == 0 {
            break;
        }
        let words = lexer.line(&line, tools, r.setup_budget);
        r.setup_budget = r.setup_budget.saturating_sub(lexer.expanded.len());
        match words {
            Ok(words) if words.is_empty() => {}
            Ok(words) => {
                let files = files(r, path, place(number), &words);
                lines.push(SetupLine { line: r.report.line(place(number)), words, files });
            }
            Err(mistake) => r.report.error(place(number), path, mistake.message, mistake.remedy),
        }
    }
    lines
}

/// The files that a line names. The line itself says of one that isn't there, which may be no file.
fn files(r: &mut Reader, path: &Path<'_>, pos: Pos, words: &[String]) -> Vec<NamedFile> {
    let mut files = Vec::new();
    for name in switch::files_of(words).into_iter().filter(|name| name != "-") {
        match r.files.read(&name) {
            Ok(file) => files.push(file),
            Err(Unread::Missing(_)) => {}
            Err(unread) => {
                let (message, remedy) = unread.told();
                r.report.error(pos, path, message, remedy);
            }
        }
    }
    files
}

/// Lines with their continuations joined, each with the number (from 0) of its first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continues = false;
    for (number, line) in text.lines().enumerate() {
        let (line, more) = match line.strip_suffix('\\') {
            // An even number of backslashes quotes itself.
            Some(rest) if rest.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 0 => (rest, true),
            _ => (line, false),
        };
        match lines.last_mut() {
            Some((_, joined)) if continues => joined.push_str(line),
            _ => lines.push((number, line.to_owned())),
        }
        continues = more;
    }
    lines
}

/// The place of each line of a TOML string, which starts at `start` in the file.
fn line_places(file: &str, start: Pos, text: &str) -> Vec<Pos> {
    let pos = |offset: usize| Pos { source: start.source, offset: offset as u32 };
    let raw = file.get(start.offset as usize..).unwrap_or_default();
    let delimiter = ["'''", "\"\"\""].into_iter().find(|d| raw.starts_with(d));
    let (Some(delimiter), 0) = (delimiter, start.source) else {
        return vec![start];
    };
    let escapes = delimiter.starts_with('"');
    let mut at = start.offset as usize + delimiter.len();
    // A line break right behind the opening is no part of the string.
    for skipped in ["\r\n", "\n"] {
        if file[at..].starts_with(skipped) {
            at += skipped.len();
            break;
        }
    }
    let mut places = vec![pos(at)];
    let wanted = text.lines().count();
    let mut chars = file[at..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        if places.len() >= wanted || file[at + offset..].starts_with(delimiter) {
            break;
        }
        let next = at + offset + c.len_utf8();
        if c == '\n' {
            places.push(pos(next));
        } else if c == '\\' && escapes {
            match chars.next() {
                Some((_, 'n')) => places.push(pos(next + 1)),
                // At a line's end it swallows all blanks and breaks that follow.
                Some((_, c)) if c.is_whitespace() => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                _ => {}
            }
        }
    }
    places
}

/// Reads lines, and keeps the variables that they set.
#[derive(Debug, Default)]
struct Lexer {
    variables: BTreeMap<String, String>,
    /// The last line, variables replaced.
    expanded: String,
}

impl Lexer {
    /// The words of a line; none for a comment, an empty line or an assignment. `budget` bounds its bytes.
    fn line(&mut self, line: &str, tools: &[&str], budget: usize) -> Result<Vec<String>, Mistake> {
        let line = without_prompt(line.trim(), tools);
        let mut expanded = std::mem::take(&mut self.expanded);
        expanded.clear();
        let result = self.expand(line, &mut expanded);
        self.expanded = expanded;
        result?;
        if self.expanded.len() > budget {
            return mistake(
                "the file's lines have more than 16 MiB once their variables are replaced",
                "use shorter variables",
            );
        }
        let mut words = ovsdb::words::split(&self.expanded).or_else(|error| {
            mistake(error.to_string(), "close the quote on the same line, or write \\\\ for a backslash")
        })?;
        let mut skipped = 0;
        for (name, value) in words.iter().map_while(|word| assignment(word)) {
            self.variables.insert(name.to_owned(), value.to_owned());
            skipped += 1;
        }
        skipped += usize::from(words.get(skipped).is_some_and(|word| word == "sudo"));
        words.drain(..skipped);
        let Some(tool) = words.first() else { return Ok(words) };
        let is_setting = tools.contains(&"sysctl") && kernel_setting(&words).is_some();
        if !is_setting && !is_tool(tool, tools) {
            let list = tools.join(", ");
            let remedy = match ovsdb::schema::nearest(tool, tools.iter().copied()) {
                Some(nearest) => format!("did you mean `{nearest}`? The tools here are {list}"),
                None => format!("the tools here are {list}; nothing runs on the machine itself"),
            };
            return mistake(format!("`{}` is no tool that runs here", shorten(tool)), remedy);
        }
        if let Some(setting) = kernel_setting(&words) {
            return Ok(setting);
        }
        if let Some(word) = words.iter().find(|word| SHELL_WORDS.contains(&word.as_str())) {
            return mistake(
                format!("`{word}` needs a shell, and no shell runs here"),
                "write each command on a line of its own",
            );
        }
        Ok(words)
    }

    /// Adds the line to `out` without its comment, variables replaced outside single quotes. What a variable holds stays data:
    /// blanks in it separate words unless it stands in double quotes, and nothing else in it has a meaning.
    fn expand(&self, line: &str, out: &mut String) -> Result<(), Mistake> {
        let (mut single, mut double, mut after_blank) = (false, false, true);
        let mut chars = line.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let starts_word = std::mem::replace(&mut after_blank, c == ' ' || c == '\t');
            match c {
                '\'' if !double => single = !single,
                '"' if !single => double = !double,
                '#' if starts_word && !single && !double => break,
                '\\' if !single => {
                    out.push(c);
                    out.extend(chars.next().map(|(_, c)| c));
                    continue;
                }
                '`' if !single => return no_substitution(),
                '$' if !single => {
                    let rest = &line[at + 1..];
                    if rest.starts_with('(') {
                        return no_substitution();
                    }
                    let (name, len) = variable(rest)?;
                    if !name.is_empty() {
                        push_value(out, self.value(name)?, double);
                        while chars.next_if(|(next, _)| *next < at + 1 + len).is_some() {}
                        if out.len() > MAX_LINE_SIZE {
                            return mistake(
                                "the line has more than 64 KiB once its variables are replaced",
                                "use shorter variables",
                            );
                        }
                        continue;
                    }
                }
                _ => {}
            }
            out.push(c);
        }
        Ok(())
    }

    fn value(&self, name: &str) -> Result<&str, Mistake> {
        if let Some(value) = self.variables.get(name) {
            return Ok(value);
        }
        let remedy = match ovsdb::schema::nearest(name, self.variables.keys().map(String::as_str)) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("set it on a line above, as in {}=value", shorten(name)),
        };
        mistake(format!("the variable `{}` is not set", shorten(name)), remedy)
    }
}

/// `echo 1 > /proc/sys/net/ipv4/ip_forward`, which tutorials have for `sysctl`.
fn kernel_setting(words: &[String]) -> Option<Vec<String>> {
    let [echo, value, to, path] = words else { return None };
    let key = path.strip_prefix("/proc/sys/").filter(|_| echo == "echo" && to == ">")?;
    Some(vec!["sysctl".to_owned(), "-w".to_owned(), format!("{}={value}", key.replace('/', "."))])
}

fn no_substitution<T>() -> Result<T, Mistake> {
    mistake(
        "the output of a command can't be put into a line: no shell runs here",
        "write the text itself, or quote it with '...'",
    )
}

/// A line without `$ ` or, before a tool's name, `# ` at its start.
fn without_prompt<'l>(line: &'l str, tools: &[&str]) -> &'l str {
    if let Some(rest) = line.strip_prefix("$ ") {
        return rest;
    }
    let Some(rest) = line.strip_prefix("# ") else { return line };
    let first = rest.split([' ', '\t']).next().unwrap_or_default();
    if first == "sudo" || is_tool(first, tools) { rest } else { line }
}

/// The variable that stands behind a `$`, and how many bytes name it; an empty name if none does.
fn variable(rest: &str) -> Result<(&str, usize), Mistake> {
    if let Some(braced) = rest.strip_prefix('{') {
        let Some((name, _)) = braced.split_once('}').filter(|(name, _)| is_name(name)) else {
            return mistake(
                "`${` is not followed by a variable's name and `}`",
                "write ${NAME}; other expansions need a shell",
            );
        };
        return Ok((name, name.len() + 2));
    }
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let name = &rest[..end];
    Ok(if is_name(name) { (name, end) } else { ("", 0) })
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    word.split_once('=').filter(|(name, _)| is_name(name))
}

/// Adds a variable's value, quoted so that only its blanks mean something, and those only outside quotes.
fn push_value(out: &mut String, value: &str, double: bool) {
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' | '`' => out.extend(['\\', c]),
            '\'' if !double => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOLS: &[&str] = &["ovs-vsctl", "ovs-ofctl"];

    fn lines(text: &str) -> Vec<(usize, Result<Vec<String>, String>)> {
        let mut lexer = Lexer::default();
        logical_lines(text)
            .into_iter()
            .map(|(number, line)| (number, lexer.line(&line, TOOLS, MAX_TOTAL_SIZE).map_err(|mistake| mistake.message)))
            .filter(|(_, words)| words.as_ref().map_or(true, |words| !words.is_empty()))
            .collect()
    }

    #[track_caller]
    fn check(text: &str, expect: &[(usize, &str)]) {
        let got: Vec<(usize, String)> =
            lines(text).into_iter().map(|(n, words)| (n, words.unwrap().join("|"))).collect();
        let expect: Vec<(usize, String)> = expect.iter().map(|(n, text)| (*n, (*text).to_owned())).collect();
        assert_eq!(got, expect);
    }

    #[track_caller]
    fn fails(text: &str, words: &str) {
        let error = lines(text).pop().unwrap().1.unwrap_err();
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn comments_prompts_and_sudo_are_dropped() {
        check("# a comment\n\n  ovs-vsctl show  # more\n", &[(2, "ovs-vsctl|show")]);
        check(
            "$ ovs-vsctl show\n# ovs-vsctl show\n$ sudo ovs-vsctl show",
            &[(0, "ovs-vsctl|show"), (1, "ovs-vsctl|show"), (2, "ovs-vsctl|show")],
        );
        check("#ovs-vsctl show\n#  ovs-vsctl show", &[]);
        check("ovs-vsctl a#b '#' \"# c\"", &[(0, "ovs-vsctl|a#b|#|# c")]);
    }

    #[test]
    fn continuations_join_lines_and_count_from_the_first() {
        check(
            "\novs-vsctl add-br br0 \\\n  -- add-port br0 \\\n p1\novs-vsctl show",
            &[(1, "ovs-vsctl|add-br|br0|--|add-port|br0|p1"), (4, "ovs-vsctl|show")],
        );
    }

    #[test]
    fn variables_are_replaced_outside_single_quotes() {
        check(
            "BR=br0\novs-vsctl add-port $BR ${BR}-p '$BR' \"$BR\" \\$BR $ 1$",
            &[(1, "ovs-vsctl|add-port|br0|br0-p|$BR|br0|$BR|$|1$")],
        );
    }

    #[test]
    fn a_value_stays_data() {
        check("B='x y'\novs-vsctl $B \"$B\"", &[(1, "ovs-vsctl|x|y|x y")]);
        check("Q='a\"b'\\''c$d'\novs-vsctl $Q \"$Q\"", &[(1, "ovs-vsctl|a\"b'c$d|a\"b'c$d")]);
    }

    #[test]
    fn echo_into_a_kernel_setting_is_sysctl() {
        let words = command("echo 1 > /proc/sys/net/ipv4/ip_forward", &machine_tools()).expect("a setting");
        assert_eq!(words, ["sysctl", "-w", "net.ipv4.ip_forward=1"]);
        assert!(command("echo 1 > /etc/passwd", &machine_tools()).is_err());
        assert!(command("echo 1 > /proc/sys/net/ipv4/ip_forward", &host_tools()).is_ok());
        assert!(command("echo 1 > /proc/sys/net/ipv4/ip_forward", &switch_tools()).is_err());
    }

    #[test]
    fn lines_begin_with_the_words_of_the_kind_of_node() {
        for line in [
            "ip link set eth0 up",
            "/sbin/ifconfig eth0 up",
            "modprobe openvswitch",
            "service openvswitch-switch start",
            "/etc/init.d/openvswitch-switch start",
            "apt install openvswitch-switch",
            "hostname",
            "iperf -s",
            "/usr/bin/ovs-vsctl show",
        ] {
            assert!(command(line, &machine_tools()).is_ok(), "{line}");
        }
        for line in ["iperf -s", "close tcp 80", "show ip", "ip link set eth0 down", "/sbin/ifconfig eth0 up"] {
            assert!(command(line, &host_tools()).is_ok(), "{line}");
        }
        for line in ["ovs-vsctl show", "tunctl", "modprobe x", "help", "frobnicate"] {
            assert!(command(line, &host_tools()).is_err(), "{line}");
        }
        assert!(command("ip link", &switch_tools()).is_err());
    }

    #[test]
    fn mistakes_are_named() {
        fails("ls /", "`ls`");
        fails("ovs-vsctl 'x", "has no end");
        fails("ovs-vsctl $NONE", "`NONE` is not set");
        fails("ovs-vsctl $(id)", "output of a command");
        fails("ovs-vsctl `id`", "output of a command");
        fails("ovs-vsctl show | grep br0", "needs a shell");
        fails("ovs-vsctl ${x:-1}", "`${`");
        let doubling: String =
            std::iter::once("A=xxxxxxxx\n".to_owned()).chain((0..40).map(|_| "A=$A$A\n".to_owned())).collect();
        fails(&doubling, "64 KiB");
    }
}
