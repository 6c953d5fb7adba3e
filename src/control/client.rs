//! The other end of the socket: how the subcommands find a lab and speak to it.

use super::place;
use super::protocol::{Answer, Body, Greeting, Id, Reply, Request, VERSION, line};
use crate::output::Failure;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So long a lab may take to greet. It greets from a thread of its own, whatever it has to do.
const GREETING_PATIENCE: Duration = Duration::from_secs(10);

/// What the argument LAB of a command means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A lab file.
    File(PathBuf),
    /// The name of a lab that runs.
    Name(String),
    /// The socket of one, where `run --socket` put it.
    Socket(PathBuf),
}

impl Target {
    /// Ending in `.sock` it is a socket; with a '/' or ending in `.toml`, or a directory's dots, a file; anything else a name.
    pub(crate) fn of(text: &str) -> Self {
        if text.ends_with(".sock") {
            Self::Socket(text.into())
        } else if text.contains('/') || text.ends_with(".toml") || [".", ".."].contains(&text) {
            Self::File(text.into())
        } else {
            Self::Name(text.to_owned())
        }
    }
}

/// A connection to a lab that runs.
#[derive(Debug)]
pub(crate) struct Lab {
    reading: Replies,
    writing: UnixStream,
    /// What the lab said first.
    pub(crate) greeting: Greeting,
    last: u64,
}

/// The replies of a lab.
#[derive(Debug)]
pub(crate) struct Replies(BufReader<UnixStream>);

impl Replies {
    /// The next reply; `None` once the lab has ended.
    ///
    /// # Errors
    /// The lab says something that this program doesn't know.
    pub(crate) fn next_reply(&mut self) -> Result<Option<Reply>, Failure> {
        let mut text = String::new();
        match self.0.read_line(&mut text) {
            Ok(0) | Err(_) => Ok(None),
            Ok(_) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| Failure::usage(format!("the lab's reply is not understood: {error}: {text}"))),
        }
    }
}

/// The labs that run, in the order of their names.
pub(crate) fn running() -> Vec<Lab> {
    place::sockets().iter().filter_map(|path| open(path).ok()).collect()
}

/// Connects to the lab that `text` names.
///
/// # Errors
/// None of that name runs; those that do are listed.
pub(crate) fn connect(text: &str) -> Result<Lab, Failure> {
    match Target::of(text) {
        Target::File(_) => Err(Failure::usage(format!("`{text}` is a file; name a lab that runs. {}", who_runs()))),
        Target::Name(name) => open(&place::socket_of(&name))
            .map_err(|_| Failure::usage(format!("no lab called `{name}` runs. {}", who_runs()))),
        Target::Socket(path) => open(&path).map_err(|error| Failure::usage(format!("no lab runs at {text}: {error}"))),
    }
}

fn who_runs() -> String {
    let names: Vec<String> = running().into_iter().map(|lab| lab.greeting.lab).collect();
    match names.is_empty() {
        true => "None does: `netloom run FILE` starts one".to_owned(),
        false => format!("Running: {}", names.join(", ")),
    }
}

fn open(path: &Path) -> Result<Lab, String> {
    let connect = || -> std::io::Result<(UnixStream, BufReader<UnixStream>, String)> {
        let writing = UnixStream::connect(path)?;
        let mut reading = BufReader::new(writing.try_clone()?);
        writing.set_read_timeout(Some(GREETING_PATIENCE))?;
        let mut greeting = String::new();
        reading.read_line(&mut greeting)?;
        writing.set_read_timeout(None)?;
        Ok((writing, reading, greeting))
    };
    let (writing, reading, greeting) = connect().map_err(|error| error.to_string())?;
    let greeting = serde_json::from_str::<Greeting>(&greeting).map_err(|_| match greeting.trim() {
        "" => "the lab ended".to_owned(),
        greeting => format!("it does not greet as a lab does: {greeting}"),
    })?;
    if greeting.netloom != VERSION {
        return Err(format!("it speaks version {} of the protocol, this netloom {VERSION}", greeting.netloom));
    }
    Ok(Lab { reading: Replies(reading), writing, greeting, last: 0 })
}

impl Lab {
    /// Sends a request; gives its id.
    ///
    /// # Errors
    /// The lab has ended.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Id, Failure> {
        #[derive(serde::Serialize)]
        struct Envelope<'a> {
            id: &'a Id,
            #[serde(flatten)]
            request: &'a Request,
        }
        self.last += 1;
        let id = Id::number(self.last);
        let text = line(&Envelope { id: &id, request });
        self.writing.write_all(text.as_bytes()).map_err(|_| self.ended())?;
        Ok(id)
    }

    /// The next reply; `None` once the lab has ended.
    ///
    /// # Errors
    /// The lab says something that this program doesn't know.
    pub(crate) fn reply(&mut self) -> Result<Option<Reply>, Failure> {
        self.reading.next_reply()
    }

    /// All replies from now on, for a thread that waits for them.
    ///
    /// # Errors
    /// The system's.
    pub(crate) fn replies(&mut self) -> Result<Replies, Failure> {
        let stream = BufReader::new(self.writing.try_clone()?);
        Ok(std::mem::replace(&mut self.reading, Replies(stream)))
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The lab refuses, or has ended.
    pub(crate) fn call(&mut self, request: &Request) -> Result<Answer, Failure> {
        self.ask(request)?;
        match self.reply()?.map(|reply| reply.body) {
            Some(Body::Ok(answer)) => Ok(answer),
            Some(Body::Error(problem)) => Err(Failure::usage(problem.message)),
            Some(_) => Err(Failure::usage("the lab's reply is not understood")),
            None => Err(self.ended()),
        }
    }

    /// The lab has ended before it answered.
    pub(crate) fn ended(&self) -> Failure {
        Failure::usage(format!("the lab {} has ended", self.greeting.lab))
    }

    /// The connection itself, to read what follows the replies, and to write.
    pub(crate) fn into_parts(self) -> (BufReader<UnixStream>, UnixStream) {
        (self.reading.0, self.writing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_is_a_file_a_socket_or_a_name() {
        for file in ["a.toml", "./a", "dir/lab", "/tmp/x.toml", "."] {
            assert_eq!(Target::of(file), Target::File(file.into()));
        }
        assert_eq!(Target::of("/tmp/x.sock"), Target::Socket("/tmp/x.sock".into()));
        assert_eq!(Target::of("vlan-two-servers"), Target::Name("vlan-two-servers".to_owned()));
    }
}
