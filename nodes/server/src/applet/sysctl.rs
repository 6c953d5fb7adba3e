//! `sysctl` (sysctl(8)), and `echo` into /proc/sys: forwarding on and off.

use host::Reply;
use sim_core::Cx;

use super::words::shown;
use super::{Answer, Failure, Line};
use crate::Server;

/// What there is to be set.
#[derive(Clone, Copy)]
enum Key {
    Ipv4,
    Ipv6,
}

fn key(name: &str) -> Option<Key> {
    match name.replace('/', ".").as_str() {
        "net.ipv4.ip_forward" | "net.ipv4.conf.all.forwarding" => Some(Key::Ipv4),
        "net.ipv6.conf.all.forwarding" => Some(Key::Ipv6),
        _ => None,
    }
}

fn get(server: &Server, key: Key) -> bool {
    let forwarding = server.host.stack().forwarding();
    match key {
        Key::Ipv4 => forwarding.ipv4,
        Key::Ipv6 => forwarding.ipv6,
    }
}

fn set(server: &mut Server, key: Key, text: &str) -> Option<()> {
    let is_on = text.parse::<i32>().ok()? != 0;
    let stack = server.host.stack_mut().0;
    let mut forwarding = stack.forwarding();
    match key {
        Key::Ipv4 => forwarding.ipv4 = is_on,
        Key::Ipv6 => forwarding.ipv6 = is_on,
    }
    stack.set_forwarding(forwarding);
    Some(())
}

pub(crate) fn run(server: &mut Server, _: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let is_option = |word: &&&str| word.starts_with('-');
    let quiet = line.words.iter().filter(is_option).any(|word| matches!(*word, "-q" | "-qw"));
    if let Some(option) =
        line.words.iter().filter(is_option).find(|word| !matches!(**word, "-w" | "-q" | "-qw" | "-n" | "-e" | "-p"))
    {
        return Err(Failure::new(1, format!("sysctl: invalid option -- '{}'", shown(option.trim_start_matches('-')))));
    }
    // `key = value` in three words is as good as one.
    let text = line.words.iter().filter(|word| !word.starts_with('-')).copied().collect::<Vec<_>>().join(" ");
    let text = text.replace(" = ", "=").replace("= ", "=").replace(" =", "=");
    if text.is_empty() {
        return Err(Failure::new(
            1,
            "usage: sysctl [-w] KEY[=VALUE]: net.ipv4.ip_forward, net.ipv6.conf.all.forwarding",
        ));
    }
    let mut output = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
        let missing = || {
            let path = shown(&name.replace('.', "/"));
            Failure::new(1, format!("sysctl: cannot stat /proc/sys/{path}: No such file or directory"))
        };
        let key = key(name).ok_or_else(missing)?;
        if let Some(value) = value {
            let invalid = || Failure::new(1, format!("sysctl: setting key \"{name}\": Invalid argument"));
            set(server, key, value.trim_matches(['"', '\''])).ok_or_else(invalid)?;
        }
        if !quiet {
            let name = name.replace('/', ".");
            output.push_str(&format!("{name} = {}\n", u8::from(get(server, key))));
        }
    }
    Ok(Reply::Done(output))
}

/// `echo 1 > /proc/sys/net/ipv4/ip_forward`.
pub(crate) fn echo(server: &mut Server, _: &mut Cx<'_>, line: &Line<'_>) -> Answer {
    let Some(at) = line.words.iter().position(|word| word.starts_with('>')) else {
        return Ok(Reply::Done(format!("{}\n", line.words.join(" "))));
    };
    let text = line.words[..at].join(" ");
    let path = line.words[at].trim_start_matches('>');
    let path = if path.is_empty() { line.words.get(at + 1).copied().unwrap_or_default() } else { path };
    let missing = || Failure::new(1, format!("sh: cannot create {}: No such file or directory", shown(path)));
    let key = path.strip_prefix("/proc/sys/").and_then(key).ok_or_else(missing)?;
    let invalid = || Failure::new(1, "sh: write error: Invalid argument");
    set(server, key, text.trim_matches(['"', '\''])).ok_or_else(invalid)?;
    super::done()
}
