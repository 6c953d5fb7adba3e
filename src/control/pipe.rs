//! A live capture on its way from the lab to a client: chunks of bytes, at most [`CAPTURE_ROOM`] and what was on its way
//! into it. The lab never waits; the capture asks for room before each frame.

use super::protocol::CAPTURE_ROOM;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use topologies::run::LiveSink;

/// The bytes of one capture.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    state: Mutex<State>,
    /// Bytes of the chunks: apart, so that a frame takes no lock.
    size: AtomicUsize,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    chunks: VecDeque<Vec<u8>>,
    /// Whether nothing more will come.
    ended: bool,
    /// Whether nobody reads any more.
    abandoned: bool,
}

impl Pipe {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next bytes; `None` at the end.
    pub(crate) async fn next(&self) -> Option<Vec<u8>> {
        loop {
            {
                let mut state = self.state();
                if let Some(chunk) = state.chunks.pop_front() {
                    self.size.fetch_sub(chunk.len(), Ordering::Relaxed);
                    return Some(chunk);
                }
                if state.ended {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Nobody reads any more: what waits is thrown away, and the capture's next write fails.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        state.abandoned = true;
        state.chunks = VecDeque::new();
        self.size.store(0, Ordering::Relaxed);
    }
}

/// The lab's end of a pipe. Dropping it ends the capture.
#[derive(Debug)]
pub(crate) struct PipeSink(pub(crate) Arc<Pipe>);

impl Write for PipeSink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state();
        if state.abandoned {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.0.size.fetch_add(bytes.len(), Ordering::Relaxed);
        state.chunks.push_back(bytes.to_vec());
        drop(state);
        self.0.wake.notify_one();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LiveSink for PipeSink {
    fn has_room(&self) -> bool {
        self.0.size.load(Ordering::Relaxed) < CAPTURE_ROOM
    }
}

impl Drop for PipeSink {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.wake.notify_one();
    }
}
