//! Lines that wait to be sent to a client. The lab's thread puts them in and goes on; the client's task takes them out.
//!
//! Bounded: events are left out, and counted, while more than [`MAX_EVENTS_WAITING`] bytes wait; a client that has more
//! than [`MAX_WAITING`] bytes of replies to read is given up. One line is always taken into an empty outlet, however long.

use super::protocol::{Body, Id, MAX_EVENTS_WAITING, MAX_WAITING, Problem, Reply, line};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, watch};

/// So many bytes are written at once, if there are as many.
const CHUNK: usize = 64 << 10;

/// The lines for one client.
#[derive(Debug)]
pub(crate) struct Outlet {
    state: Mutex<State>,
    wake: Notify,
    given_up: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    /// Bytes of the lines.
    size: usize,
    /// Events left out, by the id of their stream.
    lost: BTreeMap<String, (Id, u64)>,
    closing: bool,
}

impl State {
    /// Says what was left out.
    fn tell_lost(&mut self) {
        for (id, count) in std::mem::take(&mut self.lost).into_values() {
            let line = line(&Reply { id, body: Body::Lost(count) });
            self.size += line.len();
            self.lines.push_back(line);
        }
    }
}

impl Outlet {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::default(), wake: Notify::new(), given_up: watch::Sender::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a line.
    pub(crate) fn send(&self, line: String) {
        let mut state = self.state();
        if state.closing {
            return;
        }
        if state.size > MAX_WAITING {
            let message = format!("more than {MAX_WAITING} bytes wait to be read; read faster, or ask for less");
            let body = Body::Error(Problem::new("slow_reader", message));
            state.lines.clear();
            state.lost.clear();
            state.lines.push_back(self::line(&Reply { id: Id::default(), body }));
            state.closing = true;
            self.given_up.send_replace(true);
        } else {
            // A stream's last reply comes after all that is said of it.
            state.tell_lost();
            state.size += line.len();
            state.lines.push_back(line);
        }
        drop(state);
        self.wake.notify_one();
    }

    /// Sends a reply.
    pub(crate) fn reply(&self, id: &Id, body: Body) {
        self.send(line(&Reply { id: id.clone(), body }));
    }

    /// Sends an event of the stream `id`, or counts it as lost. `event` is the whole line.
    pub(crate) fn event(&self, id: &Id, event: String) {
        let mut state = self.state();
        if state.closing {
            return;
        }
        if state.size > MAX_EVENTS_WAITING || state.lost.contains_key(&id.to_string()) {
            state.lost.entry(id.to_string()).or_insert_with(|| (id.clone(), 0)).1 += 1;
            return;
        }
        state.size += event.len();
        state.lines.push_back(event);
        drop(state);
        self.wake.notify_one();
    }

    /// Nothing more will come: the connection ends once all has been written.
    pub(crate) fn close(&self) {
        self.state().closing = true;
        self.wake.notify_one();
    }

    /// What is to be written next; `None` once all has been and nothing more will come.
    pub(crate) async fn next(&self) -> Option<String> {
        loop {
            if let Some(text) = self.take() {
                return text;
            }
            self.wake.notified().await;
        }
    }

    /// Some lines; `Some(None)` at the end, `None` while there is nothing.
    #[expect(clippy::option_option, reason = "the end is not the same as nothing yet")]
    fn take(&self) -> Option<Option<String>> {
        let mut state = self.state();
        if state.lines.is_empty() {
            state.tell_lost();
        }
        let mut text = String::new();
        while text.len() < CHUNK
            && let Some(line) = state.lines.pop_front()
        {
            state.size = state.size.saturating_sub(line.len());
            if text.is_empty() { text = line } else { text += &line }
        }
        match text.is_empty() {
            false => Some(Some(text)),
            true => state.closing.then_some(None),
        }
    }

    /// Waits until the client has been given up.
    pub(crate) async fn given_up(&self) {
        // The sender is part of `self`.
        let _ = self.given_up.subscribe().wait_for(|given_up| *given_up).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_left_out_and_counted_while_nobody_reads() {
        let outlet = Outlet::new();
        let id = Id::number(3);
        let event = "e".repeat(999) + "\n";
        let sent = 5000;
        (0..sent).for_each(|_| outlet.event(&id, event.clone()));
        let (mut events, mut lost) = (0, 0);
        while let Some(Some(text)) = outlet.take() {
            events += text.lines().filter(|line| line.starts_with('e')).count();
            for line in text.lines().filter(|line| line.starts_with('{')) {
                let reply: Reply = serde_json::from_str(line).expect("it is a reply");
                let Body::Lost(count) = reply.body else { panic!("{line}") };
                lost += count as usize;
            }
        }
        assert_eq!((events + lost, events), (sent, MAX_EVENTS_WAITING / 1000 + 1));
        outlet.event(&id, event.clone());
        assert_eq!(outlet.take(), Some(Some(event)));
    }

    #[test]
    fn a_client_that_reads_nothing_is_given_up_with_the_reason() {
        let outlet = Outlet::new();
        (0..6).for_each(|_| outlet.send("x".repeat(1 << 20) + "\n"));
        let text = outlet.take().flatten().expect("the reason");
        assert!(text.contains("slow_reader") && text.len() < 300, "{text}");
        assert_eq!(outlet.take(), Some(None));
    }

    #[test]
    fn one_line_is_taken_however_long_it_is() {
        let outlet = Outlet::new();
        outlet.send("x".repeat(20 << 20) + "\n");
        assert_eq!(outlet.take().flatten().map(|text| text.len()), Some((20 << 20) + 1));
        outlet.close();
        assert_eq!(outlet.take(), Some(None));
    }
}
