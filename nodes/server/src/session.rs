//! Commands that run: pings and dumps of frames. Their numbers have the highest bit set, those of the host's own prompt
//! have not.

use std::collections::BTreeMap;

use host::{Host, PingId, SessionId};
use sim_core::{Cx, Tag, Time};

use crate::Server;
use crate::applet::{PingText, Told};

/// The highest bit: a session of the server's.
const OWN: u64 = 1 << 63;

/// The sessions of a server, but for the dumps themselves.
#[derive(Debug)]
pub(crate) struct Sessions {
    pings: BTreeMap<u64, PingSession>,
    last: u64,
    next_wake: Time,
}

/// A ping that was typed.
#[derive(Debug)]
pub(crate) struct PingSession {
    pub(crate) ping: PingId,
    pub(crate) text: PingText,
    pub(crate) told: Told,
    /// When it ends, whatever came of it (`-w`).
    pub(crate) deadline: Time,
    pub(crate) tag: Tag,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { pings: BTreeMap::new(), last: 0, next_wake: Time::NEVER }
    }
}

impl Sessions {
    /// The number of a further session.
    pub(crate) fn next(&mut self) -> SessionId {
        self.last += 1;
        SessionId(self.last | OWN)
    }

    pub(crate) fn start_ping(&mut self, session: PingSession) -> SessionId {
        let id = self.next();
        self.next_wake = self.next_wake.min(session.deadline);
        self.pings.insert(id.0, session);
        id
    }

    pub(crate) fn next_wake(&self) -> Time {
        self.next_wake
    }

    /// Tells of pings whose time is over.
    pub(crate) fn wake(&mut self, cx: &mut Cx<'_>) {
        if self.next_wake > cx.now {
            return;
        }
        self.next_wake = Time::NEVER;
        for session in self.pings.values_mut() {
            if session.deadline == Time::ZERO {
                continue;
            }
            if session.deadline <= cx.now {
                // It is over from now on.
                session.deadline = Time::ZERO;
                if session.tag != Tag::NONE {
                    cx.out.notice(session.tag);
                }
            } else {
                self.next_wake = self.next_wake.min(session.deadline);
            }
        }
    }

    fn ping_news(&mut self, host: &Host, id: SessionId) -> Option<String> {
        let session = self.pings.get_mut(&id.0)?;
        Some(session.text.news(host.ping_status(session.ping)?, &mut session.told))
    }

    fn ping_output(&mut self, host: &mut Host, id: SessionId, cancel: bool) -> Option<String> {
        let session = self.pings.get_mut(&id.0)?;
        let status = host.ping_status(session.ping)?;
        if !cancel && !status.finished && session.deadline != Time::ZERO {
            return None;
        }
        let text = session.text.news(status, &mut session.told) + &session.text.statistics(status);
        host.forget_ping(session.ping);
        self.pings.remove(&id.0);
        // A later wake for its deadline is harmless, as it finds nothing.
        Some(text)
    }
}

impl Server {
    /// What a command that runs printed since this was last asked; `None` if there is no such command.
    pub(crate) fn news_of(&mut self, id: SessionId) -> Option<String> {
        if id.0 & OWN == 0 {
            return self.host.session_news(id);
        }
        let Self { sessions, captures, host, .. } = self;
        sessions.ping_news(host, id).or_else(|| captures.news(id))
    }

    /// The output of a session that is over, or is to be.
    pub(crate) fn end_session(&mut self, id: SessionId, cancel: bool) -> Option<String> {
        if id.0 & OWN == 0 {
            return match cancel {
                true => self.host.cancel_session(id),
                false => self.host.session_output(id),
            };
        }
        let Self { sessions, captures, host, .. } = self;
        sessions.ping_output(host, id, cancel).or_else(|| captures.output(id, cancel))
    }
}
