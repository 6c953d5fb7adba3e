//! `frames` and `drops`: counts from time 0, judged at once or as soon as the least number is there.

use super::{Poll, Verdict};
use crate::lab::DropsSite;
use crate::run::net::Net;
use sim_core::{DropReason, LinkIx, NodeIx, PortIx, Time};

/// What is counted.
#[derive(Debug)]
pub(super) enum Counted {
    /// Frames, by a counter of the lookout.
    Frames(usize),
    /// Drops at a place, for a reason.
    Drops { site: DropsSite, port: Option<PortIx>, reason: Option<DropReason> },
}

/// A running `frames` or `drops` check.
#[derive(Debug)]
pub(crate) struct CountMachine {
    what: Counted,
    min: u64,
    max: Option<u64>,
    /// `None`: judged at the start.
    end: Option<Time>,
}

impl CountMachine {
    pub(super) fn new(what: Counted, min: u64, max: Option<u64>, end: Option<Time>) -> Self {
        Self { what, min, max, end }
    }

    pub(super) fn poll(&mut self, net: &mut Net) -> Poll {
        let count = self.count(net);
        let text = self.describe(net);
        if self.max.is_some_and(|max| count > max) {
            return Verdict::failed(text);
        }
        if count >= self.min {
            return Verdict::passed(text);
        }
        match self.end {
            Some(end) if net.engine().now() < end => Poll::Wait(end),
            _ => Verdict::failed(text),
        }
    }

    /// The count and what was asked for.
    pub(super) fn describe(&self, net: &Net) -> String {
        let noun = if matches!(self.what, Counted::Frames(_)) { "frames" } else { "drops" };
        let wanted = match self.max {
            Some(max) if max == self.min => format!("exactly {max}"),
            Some(max) => format!("{} to {max}", self.min),
            None => format!("at least {}", self.min),
        };
        format!("{} {noun}, {wanted} wanted", self.count(net))
    }

    fn count(&self, net: &Net) -> u64 {
        match &self.what {
            Counted::Frames(number) => net.engine().watch().counted(*number),
            Counted::Drops { site, port, reason } => drops(net, site, *port, *reason),
        }
    }
}

/// Drops at a place. What dies on a link counts for the link, and for the port at its far end.
fn drops(net: &Net, site: &DropsSite, port: Option<PortIx>, reason: Option<DropReason>) -> u64 {
    let engine = net.engine();
    let links = || (0..engine.link_count() as u32).map(LinkIx);
    let on_link = |link: LinkIx| {
        engine.link_drops(link.forward()).total(None, reason) + engine.link_drops(link.backward()).total(None, reason)
    };
    let at_node = |node: NodeIx, port: Option<PortIx>| {
        let towards = links().flat_map(|link| [link.forward(), link.backward()]).filter(|dir| {
            let ends = engine.ends(dir.link());
            let (to, to_port) = ends[1 - (dir.0 & 1) as usize];
            to == node && port.is_none_or(|port| port == to_port)
        });
        let arriving: u64 = towards.map(|dir| engine.link_drops(dir).total(None, reason)).sum();
        arriving + engine.node_drops(node).total(port, reason)
    };
    match site {
        DropsSite::Anywhere => {
            let nodes = (0..engine.nodes().len() as u32).map(NodeIx);
            let inside: u64 = nodes.map(|node| engine.node_drops(node).total(None, reason)).sum();
            inside + links().map(on_link).sum::<u64>()
        }
        DropsSite::Node(node) => at_node(*node, None),
        DropsSite::Port(node, _) => at_node(*node, port),
        DropsSite::Link(link) => on_link(*link),
    }
}
