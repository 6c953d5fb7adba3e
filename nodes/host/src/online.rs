//! What a host's sockets do for checks and for whoever else drives a host by its types.

use sim_core::Cx;

use crate::net::{Attempt, Http, Print, Task, Transfer};
use crate::{
    AttemptOutcome, AttemptRequest, Host, HttpRequest, HttpStatus, Protocol, ServeError, Service, TaskId,
    TransferConfig, TransferReport,
};

impl Host {
    /// Opens a port on all addresses.
    ///
    /// # Errors
    /// If something listens there, or the service has no such protocol.
    pub fn serve(&mut self, protocol: Protocol, port: u16, service: Service) -> Result<(), ServeError> {
        let (net, stack) = self.net_mut();
        net.servers.open(&mut net.sockets, stack, protocol, port, service)
    }

    /// Closes a port that [`Host::serve`] opened; false if none is there. Open connections go on.
    pub fn stop_serving(&mut self, cx: &mut Cx<'_>, protocol: Protocol, port: u16) -> bool {
        let (net, stack) = self.net_mut();
        let closed = net.servers.close(&mut net.sockets, stack, protocol, port);
        self.run_net(cx);
        closed
    }

    /// The lines of the prompt that open the ports which were opened there and serve now: `http 80`.
    pub fn services(&self) -> impl Iterator<Item = String> + '_ {
        self.net().into_iter().flat_map(|net| net.servers.lines())
    }

    /// As [`Host::serve`], for somebody at the prompt.
    pub(crate) fn serve_typed(&mut self, protocol: Protocol, port: u16, service: Service) -> Result<(), ServeError> {
        self.serve(protocol, port, service)?;
        self.net_mut().0.servers.note_typed(protocol, port);
        Ok(())
    }

    /// Whether something listens on a port.
    pub fn listens(&self, protocol: Protocol, port: u16) -> bool {
        match protocol {
            Protocol::Tcp => self.net().is_some_and(|net| net.sockets.listeners().any(|(open, _)| open == port)),
            Protocol::Udp => self.stack().has_udp(port),
        }
    }

    /// What servers have printed so far, the last 64 KiB.
    pub fn server_log(&self) -> &str {
        self.net().map_or("", |net| net.servers.log())
    }

    /// Tries a port. The tag is noticed at the end, also if that comes within this call.
    pub fn attempt(&mut self, cx: &mut Cx<'_>, request: &AttemptRequest) -> TaskId {
        self.start_task(cx, Task::Attempt(Attempt::new(request)), request.tag)
    }

    /// What became of an attempt; `None` once it is forgotten.
    pub fn attempt_outcome(&self, id: TaskId) -> Option<AttemptOutcome> {
        match &self.net()?.task(id)?.task {
            Task::Attempt(attempt) => Some(attempt.outcome),
            _ => None,
        }
    }

    /// Fetches a page. The tag is noticed at the end, also if that comes within this call.
    pub fn http_get(&mut self, cx: &mut Cx<'_>, request: HttpRequest) -> TaskId {
        let tag = request.tag;
        self.start_task(cx, Task::Http(Box::new(Http::new(request, Print::Nothing))), tag)
    }

    /// How a fetch is doing; `None` once it is forgotten.
    pub fn http_status(&self, id: TaskId) -> Option<&HttpStatus> {
        match &self.net()?.task(id)?.task {
            Task::Http(http) => Some(&http.status),
            _ => None,
        }
    }

    /// Starts a transfer. The tag is noticed at its end and whenever it has printed a line.
    pub fn start_transfer(&mut self, cx: &mut Cx<'_>, config: TransferConfig) -> TaskId {
        self.start_task(cx, Task::Transfer(Box::new(Transfer::new(config))), config.tag)
    }

    /// What a transfer has measured at `now`; `None` once it is forgotten.
    pub fn transfer(&self, id: TaskId, now: sim_core::Time) -> Option<TransferReport> {
        let net = self.net()?;
        match &net.task(id)?.task {
            Task::Transfer(transfer) => Some(transfer.report(&net.sockets, now)),
            _ => None,
        }
    }

    /// Ends a task, if it still runs, and forgets it. Connections that it has open are reset.
    pub fn forget_task(&mut self, cx: &mut Cx<'_>, id: TaskId) {
        let (net, stack) = self.net_mut();
        net.forget(stack, id);
        self.run_net(cx);
    }

    pub(crate) fn start_task(&mut self, cx: &mut Cx<'_>, task: Task, tag: sim_core::Tag) -> TaskId {
        let (net, _) = self.net_mut();
        let id = net.start(task, tag);
        self.run_net(cx);
        id
    }
}
