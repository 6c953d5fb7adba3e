//! `link NODE:PORT ...`: shows a link or changes it, in the words of the lab file's keys.

use super::net::Net;
use super::prompt::CommandError;
use crate::spec::units;
use sim_core::{DirIx, DirectionConfig, Probability, QueueLimit};
use std::fmt::Write;

/// The keys of a link, what their values look like, and one of them.
pub(super) const KEYS: &[(&str, &str, &str)] = &[
    ("delay", "a time, as in 10ms", "10ms"),
    ("jitter", "a time, as in 1ms", "1ms"),
    ("rate", "as in 100Mbit", "100Mbit"),
    ("loss", "as in 5%", "5%"),
    ("corrupt", "as in 1%", "1%"),
    ("duplicate", "as in 1%", "1%"),
    ("reorder", "as in 1%", "1%"),
    ("queue", "frames, as in 100, or bytes, as in 64KiB", "100"),
    ("mtu", "bytes, as in 1500", "1500"),
];

/// Does what the words after `link` say.
pub(super) fn run(net: &mut Net, words: &[String]) -> Result<String, CommandError> {
    let Some((name, rest)) = words.split_first() else {
        return Err(CommandError::new("link: name one by either end, as in `link s1:trunk down`"));
    };
    let away = net.find_link(name).map_err(|error| CommandError::new(format!("link: {error}")))?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match rest.as_slice() {
        [] => Ok(show(net, away)),
        ["up"] => {
            net.engine_mut().set_link(away.link(), true);
            Ok(String::new())
        }
        ["down"] => {
            net.engine_mut().set_link(away.link(), false);
            Ok(String::new())
        }
        changes => change(net, away, changes).map(|()| String::new()),
    }
}

fn change(net: &mut Net, away: DirIx, words: &[&str]) -> Result<(), CommandError> {
    let (pairs, dirs) = match words {
        [pairs @ .., "out"] => (pairs, vec![away]),
        [pairs @ .., "in"] => (pairs, vec![away.reverse()]),
        pairs => (pairs, vec![away, away.reverse()]),
    };
    let mut configs: Vec<DirectionConfig> = dirs.iter().map(|&dir| net.engine().link_config(dir).clone()).collect();
    for pair in pairs.chunks(2) {
        let [key, value] = pair else {
            return Err(CommandError::new(format!("link: `{}` needs a value", pair[0])));
        };
        for config in &mut configs {
            set(config, key, value)?;
        }
    }
    for (dir, config) in dirs.into_iter().zip(configs) {
        net.engine_mut().configure(dir, config);
    }
    Ok(())
}

fn set(config: &mut DirectionConfig, key: &str, value: &str) -> Result<(), CommandError> {
    let form = KEYS.iter().find(|(known, ..)| *known == key).map(|(_, form, _)| *form).ok_or_else(|| {
        let known = KEYS.iter().map(|(key, ..)| *key).chain(["up", "down"]);
        let hint = packet::nearest(key, known).map(|near| format!("; did you mean `{near}`?"));
        CommandError::new(format!("link: there is no `{key}`{}", hint.unwrap_or_default()))
    })?;
    let wrong = || CommandError::new(format!("link: {key} `{value}` is wrong: {form}"));
    let time = || units::duration(value).map_err(|_| wrong());
    let chance = || units::percent(value).ok_or_else(wrong);
    match key {
        "delay" => config.delay = time()?,
        "jitter" => config.jitter = time()?,
        "rate" => config.rate = units::rate(value).ok().filter(|rate| *rate > 0).ok_or_else(wrong)?,
        "loss" => config.loss = chance()?,
        "corrupt" => config.corrupt = chance()?,
        "duplicate" => config.duplicate = chance()?,
        "reorder" => config.reorder = chance()?,
        "mtu" => config.mtu = value.parse().ok().filter(|mtu| (68..=65_535).contains(mtu)).ok_or_else(wrong)?,
        _ => {
            config.queue = match value.parse() {
                Ok(frames) => QueueLimit::Frames(frames),
                Err(_) => QueueLimit::Bytes(units::size(value).map_err(|_| wrong())?),
            }
        }
    }
    Ok(())
}

fn show(net: &Net, away: DirIx) -> String {
    let state = if net.engine().is_up(away.link()) { "up" } else { "down" };
    let mut text = String::new();
    for dir in [away, away.reverse()] {
        let config = net.engine().link_config(dir);
        let counters = net.engine().link_counters(dir);
        let _ =
            write!(text, "{}: {state}, delay {}, rate {}", net.names().direction(dir), config.delay, rate(config.rate));
        if config.jitter.as_nanos() > 0 {
            let _ = write!(text, ", jitter {}", config.jitter);
        }
        let chances = [
            ("loss", config.loss),
            ("corrupt", config.corrupt),
            ("duplicate", config.duplicate),
            ("reorder", config.reorder),
        ];
        for (name, chance) in chances.into_iter().filter(|(_, chance)| *chance > Probability::ZERO) {
            let _ = write!(text, ", {name} {}%", chance.as_f64() * 100.0);
        }
        let queue = match config.queue {
            QueueLimit::Frames(frames) => format!("{frames} frames"),
            QueueLimit::Bytes(bytes) => format!("{bytes} bytes"),
        };
        let _ = writeln!(text, ", queue {queue}, mtu {}", config.mtu);
        let _ = write!(text, "  {} frames, {} bytes", counters.frames, counters.bytes);
        for (_, reason, count) in net.engine().link_drops(dir).iter() {
            let _ = write!(text, ", {count} dropped: {reason}");
        }
        text.push('\n');
    }
    text
}

/// A rate as the lab file has it.
pub(super) fn rate(bits: u64) -> String {
    match bits {
        0 => "unlimited".to_owned(),
        n if n.is_multiple_of(1_000_000_000) => format!("{}Gbit", n / 1_000_000_000),
        n if n.is_multiple_of(1_000_000) => format!("{}Mbit", n / 1_000_000),
        n if n.is_multiple_of(1_000) => format!("{}kbit", n / 1_000),
        n => format!("{n}bit"),
    }
}
