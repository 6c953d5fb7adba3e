//! A transfer between two hosts that is measured: for `throughput` checks and the command `iperf`.

use super::net::Net;
use crate::lab::Transport;
use host::{AttemptOutcome, Protocol, Service, TaskId, TransferConfig, TransferReport, TransferState};
use sim_core::{Duration, NodeIx, Tag};

/// The port that iperf servers listen on; if something else listens there, one behind it is taken.
const FIRST_PORT: u16 = 5001;

/// What to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Who sends.
    pub(crate) from: NodeIx,
    /// Who receives.
    pub(crate) to: NodeIx,
    /// By TCP or UDP.
    pub(crate) transport: Transport,
    /// Bits a second; TCP without one takes what it gets.
    pub(crate) rate: Option<u64>,
    /// How long.
    pub(crate) span: Duration,
}

/// A transfer that runs. [`Measurement::finish`] ends it.
#[derive(Debug)]
pub(crate) struct Measurement {
    plan: Plan,
    port: u16,
    task: TaskId,
}

impl From<Transport> for Protocol {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Tcp => Self::Tcp,
            Transport::Udp => Self::Udp,
        }
    }
}

impl Measurement {
    /// Opens a port at the receiver and starts to send.
    ///
    /// # Errors
    /// The two have no addresses of one family, or the receiver has no free port.
    pub(crate) fn start(net: &mut Net, plan: Plan, tag: Tag) -> Result<Self, String> {
        let Some(to) = net.common_address(plan.from, plan.to) else {
            return Err("the two have no addresses of one family".to_owned());
        };
        let protocol = plan.transport.into();
        let port = net.with_host(plan.to, |host, _| {
            let port = (FIRST_PORT..=u16::MAX).find(|port| !host.listens(protocol, *port))?;
            host.serve(protocol, port, Service::Iperf).ok().map(|()| port)
        });
        let port = port.flatten().ok_or("the receiver has no free port")?;
        let mut config = TransferConfig::new(to, protocol, tag);
        (config.port, config.rate, config.duration) = (port, plan.rate, plan.span);
        let task =
            net.with_host(plan.from, |host, cx| host.start_transfer(cx, config)).ok_or("the sender is no host")?;
        Ok(Self { plan, port, task })
    }

    /// What it has measured so far.
    pub(crate) fn report(&self, net: &Net) -> Option<TransferReport> {
        net.host(self.plan.from)?.transfer(self.task, net.engine().now())
    }

    /// Ends it, and closes the port.
    pub(crate) fn finish(self, net: &mut Net) {
        let (task, port, protocol) = (self.task, self.port, self.plan.transport.into());
        net.with_host(self.plan.from, |host, cx| host.forget_task(cx, task));
        net.with_host(self.plan.to, |host, cx| host.stop_serving(cx, protocol, port));
    }
}

/// Why a transfer failed, if it did.
pub(crate) fn failure(report: &TransferReport) -> Option<&'static str> {
    match report.state {
        TransferState::Failed(outcome) => Some(outcome_text(outcome)),
        TransferState::Running | TransferState::Done => None,
    }
}

/// What became of an attempt, in words.
pub(crate) const fn outcome_text(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Pending => "no answer yet",
        AttemptOutcome::Answered { .. } => "answered",
        AttemptOutcome::Refused => "refused: nothing listens there",
        AttemptOutcome::Timeout => "no answer",
        AttemptOutcome::NoRoute => "no route",
        AttemptOutcome::Unreachable => "unreachable",
    }
}
