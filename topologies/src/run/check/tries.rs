//! What is tried each second until the end of a check.

use super::{drops_of, target_address, target_name};
use crate::lab::PingTarget;
use crate::run::net::Net;
use host::TaskId;
use sim_core::{Duration, NodeIx, Tag, Time};
use std::net::IpAddr;

const SECOND: Duration = Duration::from_secs(1);

/// How long a try may take: a check of an hour isn't to have thousands of them open.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tries of a check: tasks of one host.
#[derive(Debug)]
pub(super) struct Tries {
    from: NodeIx,
    to: PingTarget,
    ipv6: Option<bool>,
    /// The address that the last try went to.
    address: Option<IpAddr>,
    tag: Tag,
    open: Vec<TaskId>,
    next: Time,
    end: Time,
}

/// A try that is to begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    /// Whom it goes to.
    pub(super) to: IpAddr,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// What marks its frames.
    pub(super) tag: Tag,
}

impl Tries {
    pub(super) fn new(net: &mut Net, from: NodeIx, to: PingTarget, ipv6: Option<bool>, within: Duration) -> Self {
        let (tag, now) = (net.new_tag(), net.engine().now());
        net.engine_mut().watch_mut().follow(tag);
        Self { from, to, ipv6, address: None, tag, open: Vec::new(), next: now, end: now + within }
    }

    /// The try that is due, if there is one.
    pub(super) fn due(&mut self, net: &Net) -> Option<Try> {
        let now = net.engine().now();
        if now < self.next || now >= self.end {
            return None;
        }
        self.next = now + SECOND;
        self.address = target_address(net, self.from, self.to, self.ipv6);
        let timeout = self.end.since(now).min(PATIENCE);
        Some(Try { to: self.address?, timeout, tag: self.tag })
    }

    /// Looks after a try that has begun.
    pub(super) fn add(&mut self, task: Option<TaskId>) {
        self.open.extend(task);
    }

    /// Ends the tries that `outcome` has something to say of; gives what it says.
    pub(super) fn outcomes<T>(&mut self, net: &mut Net, outcome: impl Fn(&host::Host, TaskId) -> Option<T>) -> Vec<T> {
        let Some(host) = net.host(self.from) else { return Vec::new() };
        let (mut said, mut over) = (Vec::new(), Vec::new());
        self.open.retain(|id| match outcome(host, *id) {
            None => true,
            Some(found) => {
                said.push(found);
                over.push(*id);
                false
            }
        });
        for id in over {
            net.with_host(self.from, |host, cx| host.forget_task(cx, id));
        }
        said
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self, net: &Net) -> bool {
        net.engine().now() >= self.end
    }

    /// When there is something to do without an event.
    pub(super) fn next(&self) -> Time {
        self.next.min(self.end)
    }

    /// Whether the host put a frame on a wire.
    pub(super) fn has_sent(&self, net: &Net) -> bool {
        net.engine().watch().has_sent(self.tag, self.from)
    }

    /// The host that asks.
    pub(super) fn asker<'n>(&self, net: &'n Net) -> &'n str {
        net.names().node(self.from)
    }

    /// Whom it asks, with the address that was chosen.
    pub(super) fn target(&self, net: &Net) -> String {
        target_name(net, self.to, self.address)
    }

    /// Ends all tries; says what their frames met, and why nothing was tried if nothing was.
    pub(super) fn finish(&mut self, net: &mut Net) -> String {
        for id in std::mem::take(&mut self.open) {
            net.with_host(self.from, |host, cx| host.forget_task(cx, id));
        }
        let met = drops_of(net, self.tag);
        if met.is_empty() && self.address.is_none() {
            "the target has no address of the family".to_owned()
        } else {
            met
        }
    }
}
