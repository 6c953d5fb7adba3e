//! The thread beside the lab: accepts clients, listens for signals. The lab itself never sees a socket.

use super::connection::{ClientId, serve};
use super::desk::Message;
use super::place::Claim;
use super::protocol::{Greeting, MAX_CLIENTS, Problem, VERSION, line};
use serde::Serialize;
use std::io;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// At the lab's end, clients have so long to read what is left.
const GRACE: Duration = Duration::from_secs(2);

/// The running thread, and the socket that it listens on.
#[derive(Debug)]
pub(crate) struct Server {
    claim: Option<Claim>,
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Removes the socket, lets the clients read what is left, and ends the thread.
    pub(crate) fn end(self) {
        drop(self.claim);
        // If the thread is gone already there is nothing to end.
        let _ = self.end.send(());
        let _ = self.thread.join();
    }
}

/// The greeting of a lab.
pub(crate) fn greeting(lab: &str, seed: u64) -> String {
    line(&Greeting {
        netloom: VERSION,
        lab: lab.to_owned(),
        seed,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    })
}

/// What a client reads that is one too many.
#[derive(Serialize)]
struct Refusal {
    netloom: u32,
    error: Problem,
}

/// Starts the thread. Without a socket it listens for signals alone.
///
/// # Errors
/// The system's, if there can be no such thread.
pub(crate) fn start<M>(socket: Option<(Claim, UnixListener)>, greeting: String, hub: Sender<M>) -> io::Result<Server>
where
    M: From<Message> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (end, ended) = oneshot::channel();
    let (claim, listener) = socket.unzip();
    let path = claim.as_ref().map(|claim| claim.path().to_owned());
    let thread = std::thread::Builder::new().name("control".to_owned()).spawn(move || {
        runtime.block_on(async {
            tokio::spawn(signals(path, hub.clone()));
            match listener {
                Some(listener) => accept(listener, greeting, hub, ended).await,
                // An error means that the lab has ended.
                None => drop(ended.await),
            }
        });
    })?;
    Ok(Server { claim, end, thread })
}

/// Accepts clients until the lab ends.
async fn accept<M: From<Message> + Send + 'static>(
    listener: UnixListener,
    greeting: String,
    hub: Sender<M>,
    mut ended: oneshot::Receiver<()>,
) {
    let listening = listener.set_nonblocking(true).and_then(|()| tokio::net::UnixListener::from_std(listener));
    let Ok(listener) = listening else { return };
    let mut clients = JoinSet::new();
    let mut last = 0;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if clients.len() < MAX_CLIENTS => {
                    last += 1;
                    let (id, greeting, hub) = (ClientId(last), greeting.clone(), hub.clone());
                    // Without a receiver the lab has ended, and so does this thread soon.
                    let tell = move |message: Message| drop(hub.send(M::from(message)));
                    clients.spawn(async move { serve(stream, id, &greeting, tell).await });
                }
                Ok((stream, _)) => refuse(&stream),
                // Out of files: those that are open must be closed first.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
            Some(_) = clients.join_next() => {}
            _ = &mut ended => break,
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(GRACE, async { while clients.join_next().await.is_some() {} }).await;
}

/// Says why, if that can be said without waiting.
fn refuse(stream: &UnixStream) {
    let message = format!("{MAX_CLIENTS} clients are connected already");
    let refusal = Refusal { netloom: VERSION, error: Problem::new("too_many_clients", message) };
    let _ = stream.try_write(line(&refusal).as_bytes());
}

/// Tells the lab of the first signal that asks it to end; the second ends the process.
async fn signals<M: From<Message>>(socket: Option<PathBuf>, hub: Sender<M>) {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)] = kinds.map(signal) else { return };
    let mut again = false;
    loop {
        let kind = tokio::select! {
            _ = interrupt.recv() => SignalKind::interrupt(),
            _ = terminate.recv() => SignalKind::terminate(),
            _ = hangup.recv() => SignalKind::hangup(),
        };
        let status = 128 + kind.as_raw_value() as u8;
        if again {
            if let Some(path) = &socket {
                let _ = std::fs::remove_file(path);
            }
            std::process::exit(status.into());
        }
        // A lab that ends already hears nothing.
        let _ = hub.send(M::from(Message::Signal { status }));
        again = true;
    }
}
