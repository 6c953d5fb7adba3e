//! Events: the names that they begin with.

use super::Names;
use crate::lab::{LabEvent, LabNode, LabServer, NodeKind, command};
use crate::spec::report::Path;
use crate::spec::{EventSpec, Reader, shorten};
use sim_core::Time;

pub(super) fn resolve(r: &mut Reader, names: &Names, event: EventSpec) -> Option<LabEvent> {
    let path = Path::top("events");
    let pos = event.words.pos;
    let words = event.words.value;
    let (first, second) = (words.first()?.as_str(), words.get(1).map(String::as_str));
    if names.unsupported.contains(first) {
        return None;
    }
    if names.by_name.contains_key(first) {
        if second.is_none() {
            r.report.error(
                pos,
                path,
                format!("`{first}` is told nothing to do"),
                "add a command, as in \"h1 ping h2\"",
            );
            return None;
        }
    } else if command::names().all(|name| name != first) {
        let known = names.by_name.keys().map(String::as_str).chain(command::names());
        let remedy = match r.report.nearest(first, known) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("begin with a node's name or one of: {}", command::names().collect::<Vec<_>>().join(", ")),
        };
        r.report.error(pos, path, format!("`{}` is neither a node nor a lab command", shorten(first)), remedy);
        return None;
    }
    if let Some(word) = command::typed_only(first, second, names.by_name.contains_key(first)) {
        let message = format!("`{word}` is for somebody who types at the prompt, and no event");
        r.report.error(pos, path, message, "leave it out, and type it while the lab runs");
        return None;
    }
    match (first, second) {
        ("stop" | "start", Some(name)) => {
            names.find(r, pos, &path, name)?;
        }
        ("link", Some(end)) => {
            let (node, port) = end.split_once(':').unwrap_or((end, crate::spec::DEFAULT_INTERFACE));
            let node = names.find(r, pos, &path, node)?;
            if names.link_at(node, port).is_none() {
                r.report.error(
                    pos,
                    path,
                    format!("there is no link at `{}`", shorten(end)),
                    "name a link by either end, as in \"link s1:trunk down\"",
                );
                return None;
            }
        }
        ("stop" | "start" | "link", None) => {
            r.report.error(
                pos,
                path,
                format!("`{first}` lacks what it is about"),
                "write it as in \"link s1:trunk down\" or \"stop s2\"",
            );
            return None;
        }
        _ => {}
    }
    Some(LabEvent { at: Time::ZERO + event.at, words, place: r.report.line_and_column(pos), is_service: false })
}

/// The services of a node: what it runs at 0 s.
pub(super) fn services(node: &LabNode) -> impl Iterator<Item = LabEvent> + '_ {
    let lines = match &node.kind {
        NodeKind::Host(host) | NodeKind::Server(LabServer { host, .. }) => host.run.as_slice(),
        NodeKind::Switch(_) | NodeKind::Hub(_) => &[],
    };
    lines.iter().map(|line| {
        let words = std::iter::once(&node.name).chain(&line.words).cloned().collect();
        LabEvent { at: Time::ZERO, words, place: (line.line, 1), is_service: true }
    })
}
