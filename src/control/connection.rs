//! One client: reads its lines, hands requests to the lab, writes what the lab has to say.

use super::desk::Message;
use super::outlet::Outlet;
use super::pipe::Pipe;
use super::protocol::{Body, Id, MAX_LINE, Problem, Request, parse};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Interest};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::oneshot;

/// A client that was given up has so long to read why.
const GRACE: Duration = Duration::from_secs(1);

/// So often it is seen whether a client that asks no more is still there.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A client. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ClientId(pub(crate) u64);

/// What the lab made of a request.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Its replies come through the outlet.
    Request,
    /// The connection becomes a capture's.
    Capture(Arc<Pipe>),
}

/// A line that a client sent.
enum Line {
    Text(String),
    TooLong,
    NotUtf8,
    /// It ends without a newline.
    Half,
    End,
}

/// Serves a client until it or the lab ends.
pub(crate) async fn serve(stream: UnixStream, id: ClientId, greeting: &str, tell: impl Fn(Message) + Send) {
    let outlet = Arc::new(Outlet::new());
    outlet.send(greeting.to_owned());
    tell(Message::Joined(id, Arc::clone(&outlet)));
    let (reading, mut writing) = stream.into_split();
    let capture = {
        let read = requests(reading, id, &outlet, &tell);
        let write = write(&mut writing, &outlet);
        tokio::pin!(read, write);
        tokio::select! {
            // What is left to say is still said.
            capture = &mut read => match (write.await, capture) {
                (Ok(()), capture) => capture,
                (Err(_), _) => None,
            },
            _ = &mut write => None,
        }
    };
    if let Some((pipe, reading)) = capture {
        stream_capture(reading, &mut writing, &pipe, || tell(Message::EndCapture(id))).await;
        pipe.abandon();
    }
    tell(Message::Gone(id));
    let _ = writing.shutdown().await;
}

/// Reads requests until there are no more; gives the capture that the connection turns into.
async fn requests(
    reading: OwnedReadHalf,
    id: ClientId,
    outlet: &Outlet,
    tell: &impl Fn(Message),
) -> Option<(Arc<Pipe>, BufReader<OwnedReadHalf>)> {
    let mut reading = BufReader::new(reading);
    let refuse = |problem: Problem| {
        outlet.reply(&Id::default(), Body::Error(problem));
        outlet.close();
    };
    loop {
        let line = tokio::select! {
            line = read_line(&mut reading) => line,
            // It reads nothing, so it is heard no longer.
            () = outlet.given_up() => return None,
        };
        let line = match line {
            Line::Text(line) => line,
            Line::TooLong => {
                refuse(Problem::new("line_too_long", format!("a line has at most {MAX_LINE} bytes")));
                return None;
            }
            Line::NotUtf8 => {
                refuse(Problem::new("not_utf8", "a line is UTF-8"));
                return None;
            }
            Line::Half => {
                outlet.reply(&Id::default(), Body::Error(Problem::new("half_line", "the last line has no end")));
                break;
            }
            Line::End => break,
        };
        if line.trim().is_empty() {
            continue;
        }
        let (request_id, request) = match parse(&line) {
            Ok(request) => request,
            Err((id, problem)) => {
                outlet.reply(&id, Body::Error(problem));
                continue;
            }
        };
        let (taken, answer) = oneshot::channel();
        let is_capture = matches!(request, Request::Capture { .. });
        tell(Message::Request { client: id, id: request_id, request, taken });
        match answer.await {
            Ok(Taken::Request) => {}
            Ok(Taken::Capture(pipe)) => {
                debug_assert!(is_capture, "only a capture is answered by one");
                outlet.close();
                return Some((pipe, reading));
            }
            // The lab ends.
            Err(_) => return None,
        }
    }
    // A client that only has nothing more to ask still wants its replies, until it is gone. What it waits for may say
    // nothing for long, so that no write would notice.
    let mut is_told = false;
    while matches!(reading.get_ref().ready(Interest::WRITABLE).await, Ok(ready) if !ready.is_write_closed()) {
        if !std::mem::replace(&mut is_told, true) {
            tell(Message::HalfClosed(id));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    outlet.close();
    None
}

/// Writes what waits, until there will be no more.
async fn write(writing: &mut OwnedWriteHalf, outlet: &Outlet) -> io::Result<()> {
    while let Some(text) = outlet.next().await {
        let patience = async {
            outlet.given_up().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            written = writing.write_all(text.as_bytes()) => written?,
            () = patience => return Err(io::ErrorKind::TimedOut.into()),
        }
    }
    Ok(())
}

/// Writes a capture until it ends. It ends early when the client closes its half: what was captured by then is written.
async fn stream_capture(
    mut reading: BufReader<OwnedReadHalf>,
    writing: &mut OwnedWriteHalf,
    pipe: &Pipe,
    end: impl Fn(),
) {
    let copy = async {
        while let Some(chunk) = pipe.next().await {
            if writing.write_all(&chunk).await.is_err() {
                return;
            }
        }
    };
    let closed = async {
        let mut ignored = [0; 512];
        while let Ok(1..) = reading.read(&mut ignored).await {}
    };
    tokio::pin!(copy);
    tokio::select! {
        () = &mut copy => {}
        () = closed => {
            end();
            copy.await;
        }
    }
}

async fn read_line(reading: &mut (impl AsyncBufRead + Unpin)) -> Line {
    let mut line = Vec::new();
    let Ok(len) = reading.take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).await else { return Line::End };
    if len == 0 {
        return Line::End;
    }
    if line.pop_if(|last| *last == b'\n').is_none() {
        return if len > MAX_LINE { Line::TooLong } else { Line::Half };
    }
    String::from_utf8(line).map_or(Line::NotUtf8, Line::Text)
}
