//! Does what clients ask, on the lab's thread, and tells them what comes of it.

use super::connection::{ClientId, Taken};
use super::outlet::Outlet;
use super::pipe::{Pipe, PipeSink};
use super::protocol::{
    Answer, Body, Id, MAX_CAPTURES, MAX_EXPLAINING, MAX_RUNNING, Problem, Reply, Request, RunningLab, line,
};
use crate::explain::Asked;
use packet::Match;
use sim_core::{Duration, Time};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;
use tokio::sync::oneshot;
use topologies::run::explain::explain_past;
use topologies::run::{
    CaptureError, CaptureId, CommandError, Explanation, JobId, LiveCapture, Request as Wish, Session, Started,
};

/// The drops of so much lab time are told as one event.
const DROPS_EVERY: Duration = Duration::from_secs(1);
/// What was captured waits at most so much lab time before its reader gets it.
const CAPTURES_EVERY: Duration = Duration::from_millis(50);
/// So often it is looked whether an explanation is there.
const EXPLANATIONS_EVERY: Duration = Duration::from_millis(20);

/// What the control thread tells the lab.
#[derive(Debug)]
pub(crate) enum Message {
    /// A client is there.
    Joined(ClientId, Arc<Outlet>),
    /// It asks for something.
    Request {
        /// Who.
        client: ClientId,
        /// Under which id.
        id: Id,
        /// What.
        request: Request,
        /// Its next line isn't read before this is answered.
        taken: oneshot::Sender<Taken>,
    },
    /// It will ask no more, but reads on.
    HalfClosed(ClientId),
    /// It closed its half of a capture.
    EndCapture(ClientId),
    /// It is gone.
    Gone(ClientId),
    /// Somebody wants the process to end, with this exit status.
    Signal {
        /// 128 and the signal's number.
        status: u8,
    },
}

/// What runs for a client.
#[derive(Debug)]
enum Running {
    Command(JobId),
    Events,
    /// A thread replays the lab.
    Explanation(Receiver<Result<Explanation, String>>),
}

#[derive(Debug)]
struct Client {
    outlet: Arc<Outlet>,
    running: Vec<(Id, Running)>,
    capture: Option<CaptureId>,
    half_closed: bool,
}

/// The clients of a lab.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    clients: BTreeMap<ClientId, Client>,
    /// When drops are summed up next, if anybody wants to know.
    next_sum: Option<Time>,
    next_flush: Option<Time>,
    /// When explanations are asked after next, if any are under way.
    next_look: Option<Time>,
    /// Whether a client asked for the lab's end.
    is_over: bool,
}

impl Desk {
    /// Whether a client asked for the lab's end.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// When [`Desk::look_after`] has something to do at the latest.
    pub(crate) fn next_due(&self) -> Time {
        [self.next_sum, self.next_flush, self.next_look].into_iter().flatten().min().unwrap_or(Time::NEVER)
    }

    /// Takes what the control thread says. `behind` is how far the lab is behind the wall clock.
    pub(crate) fn take(&mut self, session: &mut Session, message: Message, behind: Duration) {
        match message {
            Message::Joined(id, outlet) => {
                let client = Client { outlet, running: Vec::new(), capture: None, half_closed: false };
                self.clients.insert(id, client);
            }
            Message::Request { client, id, request, taken } => {
                let answer = self.request(session, client, &id, request, behind);
                // A client that is gone wants no answer.
                let _ = taken.send(answer.map_or(Taken::Request, Taken::Capture));
            }
            Message::HalfClosed(id) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.half_closed = true;
                    client.close_if_idle();
                }
            }
            Message::EndCapture(id) => self.end_capture(session, id),
            Message::Gone(id) => {
                self.end_capture(session, id);
                let client = self.clients.remove(&id);
                for (_, running) in client.into_iter().flat_map(|client| client.running) {
                    if let Running::Command(job) = running {
                        session.cancel(job);
                        session.job_news(job);
                    }
                }
                self.follow(session);
            }
            Message::Signal { .. } => {}
        }
    }

    fn end_capture(&mut self, session: &mut Session, id: ClientId) {
        if let Some(capture) = self.clients.get_mut(&id).and_then(|client| client.capture.take()) {
            session.net_mut().close_capture(capture);
        }
    }

    /// Does what is asked; the pipe of a capture that begins.
    fn request(
        &mut self,
        session: &mut Session,
        client: ClientId,
        id: &Id,
        request: Request,
        behind: Duration,
    ) -> Option<Arc<Pipe>> {
        let captures = self.clients.values().filter(|client| client.capture.is_some()).count();
        let explaining = self.clients.values().map(Client::explaining).sum::<usize>();
        let cancels = matches!(request, Request::Cancel { .. });
        if cancels {
            // What happened before still belongs to the stream.
            self.look_after(session);
        }
        let client = self.clients.get_mut(&client)?;
        let body = match request {
            Request::Inspect {} => Body::Ok(Answer::Lab(Box::new(RunningLab {
                lab: session.inspect(),
                speed: 1.0,
                behind_ns: behind.as_nanos(),
                pid: std::process::id(),
            }))),
            Request::Checks {} => Body::Ok(Answer::Checks { checks: session.standing() }),
            Request::Save {} => Body::Ok(Answer::LabFile { lab_file: session.save() }),
            Request::Exec { line } => match ovsdb::words::split(&line) {
                Ok(words) => return client.exec(session, id, &words),
                Err(error) => Body::Error(Problem::new("refused", error)),
            },
            Request::Link { link, change } => match ovsdb::words::split(&change) {
                Ok(change) => {
                    let words: Vec<String> = ["link".to_owned(), link].into_iter().chain(change).collect();
                    return client.exec(session, id, &words);
                }
                Err(error) => Body::Error(Problem::new("refused", error)),
            },
            Request::Cancel { of } => client.cancel(session, &of),
            Request::Events {} => match client.room_for(id) {
                Ok(()) => {
                    client.running.push((id.clone(), Running::Events));
                    self.follow(session);
                    return None;
                }
                Err(problem) => Body::Error(problem),
            },
            Request::Capture { links, filter, count, for_ns } => {
                let now = session.net().engine().now();
                let until = for_ns.map(|span| now + Duration::from_nanos(span));
                let opened = if !client.running.is_empty() {
                    let message = "commands or events run on this connection; a capture takes one of its own";
                    Err(Problem::new("busy", message))
                } else if captures >= MAX_CAPTURES {
                    Err(Problem::new("too_many_captures", format!("{MAX_CAPTURES} captures run already")))
                } else {
                    open_capture(session, links, filter.as_deref(), count, until)
                };
                match opened {
                    Ok((capture, pipe)) => {
                        client.capture = Some(capture);
                        client.outlet.reply(id, Body::Ok(Answer::Done {}));
                        self.next_flush = Some(now);
                        return Some(pipe);
                    }
                    Err(problem) => Body::Error(problem),
                }
            }
            Request::Explain { from, to, tcp, udp, size } => {
                let asked = Asked { from, to, tcp, udp, size };
                match client.explain(session, id, &asked, explaining) {
                    Ok(()) => {
                        self.next_look = Some(session.net().engine().now() + EXPLANATIONS_EVERY);
                        return None;
                    }
                    Err(problem) => Body::Error(problem),
                }
            }
            Request::Stop {} => {
                self.is_over = true;
                Body::Ok(Answer::Done {})
            }
        };
        client.outlet.reply(id, body);
        if cancels {
            self.follow(session);
        }
        None
    }

    /// Has the session keep what happens if anybody follows it.
    fn follow(&mut self, session: &mut Session) {
        let follows = |client: &Client| client.running.iter().any(|(_, running)| matches!(running, Running::Events));
        let followed = self.clients.values().any(follows);
        session.observe(followed);
        let now = session.net().engine().now();
        self.next_sum = followed.then(|| self.next_sum.unwrap_or(now + DROPS_EVERY));
    }

    /// Tells the clients what is new.
    pub(crate) fn look_after(&mut self, session: &mut Session) {
        let now = session.net().engine().now();
        for over in session.net().captures_over() {
            session.net_mut().close_capture(over);
            self.clients.values_mut().for_each(|client| {
                client.capture.take_if(|capture| *capture == over);
            });
        }
        let is_capturing = session.net().has_live_capture();
        if self.next_flush.is_some_and(|at| at <= now) || !is_capturing {
            self.next_flush = is_capturing.then_some(now + CAPTURES_EVERY);
        }
        if self.next_sum.is_some_and(|at| at <= now) {
            session.sum_drops();
            self.next_sum = Some(now + DROPS_EVERY);
        }
        for client in self.clients.values_mut() {
            client.tell_news(session);
        }
        let is_explaining = self.clients.values().any(|client| client.explaining() > 0);
        self.next_look = is_explaining.then_some(now + EXPLANATIONS_EVERY);
        for event in session.take_observed() {
            let event = Body::Event(event);
            for client in self.clients.values() {
                for (id, _) in client.running.iter().filter(|(_, running)| matches!(running, Running::Events)) {
                    client.outlet.event(id, line(&Reply { id: id.clone(), body: event.clone() }));
                }
            }
        }
    }

    /// The lab ends: all that runs gets its last reply.
    pub(crate) fn end(&mut self, session: &mut Session) {
        self.look_after(session);
        for (_, client) in std::mem::take(&mut self.clients) {
            for (id, running) in client.running {
                match running {
                    Running::Events => client.outlet.reply(&id, Body::Ok(Answer::Done {})),
                    Running::Command(_) | Running::Explanation(_) => {
                        client.outlet.reply(&id, Body::Error(Problem::new("lab_ended", "the lab has ended")));
                    }
                }
            }
            client.outlet.close();
        }
    }
}

impl Client {
    fn exec(&mut self, session: &mut Session, id: &Id, words: &[String]) -> Option<Arc<Pipe>> {
        let result = match self.room_for(id) {
            Ok(()) => session.start(words).map_err(|error| refusal(&error)),
            Err(problem) => Err(problem),
        };
        let result = match session.take_request() {
            None => result,
            Some(Wish::Console(_) | Wish::Exit) => {
                Err(refused("that is for who sits at the lab's prompt; `stop` ends a lab"))
            }
            Some(Wish::Save { .. }) => Err(refused("a file is written where it is asked for: use the request `save`")),
        };
        match result {
            Ok(Started::Text(text)) => {
                if !text.is_empty() {
                    self.outlet.reply(id, Body::Output(text));
                }
                self.outlet.reply(id, Body::Ok(Answer::Status { status: 0 }));
            }
            Ok(Started::Job(job)) => self.running.push((id.clone(), Running::Command(job))),
            Err(problem) => self.outlet.reply(id, Body::Error(problem)),
        }
        None
    }

    /// Has a replay of the lab explain a packet that is sent now, on a thread of its own: the lab goes on meanwhile.
    fn explain(&mut self, session: &Session, id: &Id, asked: &Asked, explaining: usize) -> Result<(), Problem> {
        self.room_for(id)?;
        if explaining >= MAX_EXPLAINING {
            let message = format!("{MAX_EXPLAINING} explanations are under way already");
            return Err(Problem::new("too_many_running", message));
        }
        let question = asked.question(session.lab()).map_err(|message| refused(&message))?;
        let too_long = "the lab was told too much to be replayed; `netloom save` writes it as a file to be explained";
        let past = session.past().ok_or_else(|| refused(too_long))?;
        let at = session.net().engine().now();
        let (answer, receiver) = channel();
        let replay = move || {
            let explanation = explain_past(&past, &question, at);
            // A client that is gone wants no answer.
            let _ = answer.send(explanation.map_err(|errors| errors.iter().map(ToString::to_string).collect()));
        };
        thread::Builder::new().name("explain".to_owned()).spawn(replay).map_err(|error| Problem::new("io", error))?;
        self.running.push((id.clone(), Running::Explanation(receiver)));
        Ok(())
    }

    /// How many explanations are under way for it.
    fn explaining(&self) -> usize {
        self.running.iter().filter(|(_, running)| matches!(running, Running::Explanation(_))).count()
    }

    /// Whether one more can run under this id.
    fn room_for(&self, id: &Id) -> Result<(), Problem> {
        if self.running.iter().any(|(known, _)| known == id) {
            return Err(Problem::new("id_in_use", format!("{id} runs already; choose another id")));
        }
        if self.running.len() >= MAX_RUNNING {
            let message = format!("{MAX_RUNNING} commands and streams run on this connection already");
            return Err(Problem::new("too_many_running", message));
        }
        Ok(())
    }

    fn cancel(&mut self, session: &mut Session, of: &Id) -> Body {
        let Some(place) = self.running.iter().position(|(id, _)| id == of) else {
            return Body::Error(Problem::new("not_running", format!("nothing of the id {of} runs")));
        };
        match &self.running[place].1 {
            // Its last words come with the news.
            Running::Command(job) => session.cancel(*job),
            Running::Events | Running::Explanation(_) => {
                let (id, _) = self.running.remove(place);
                self.outlet.reply(&id, Body::Ok(Answer::Done {}));
            }
        }
        Body::Ok(Answer::Done {})
    }

    /// Tells what the commands have printed.
    fn tell_news(&mut self, session: &mut Session) {
        let outlet = &self.outlet;
        self.running.retain(|(id, running)| {
            let job = match running {
                Running::Command(job) => job,
                Running::Events => return true,
                Running::Explanation(answer) => {
                    let body = match answer.try_recv() {
                        Err(TryRecvError::Empty) => return true,
                        Ok(Ok(explanation)) => Body::Ok(Answer::Explanation(Box::new(explanation))),
                        Ok(Err(message)) => Body::Error(refused(&message)),
                        Err(TryRecvError::Disconnected) => Body::Error(refused("the replay came to no end")),
                    };
                    outlet.reply(id, body);
                    return false;
                }
            };
            let news = session.job_news(*job).unwrap_or_default();
            if !news.text.is_empty() {
                outlet.reply(id, Body::Output(news.text));
            }
            let Some(status) = news.status else { return true };
            outlet.reply(id, Body::Ok(Answer::Status { status }));
            false
        });
        self.close_if_idle();
    }

    fn close_if_idle(&self) {
        if self.half_closed && self.running.is_empty() {
            self.outlet.close();
        }
    }
}

fn refused(message: &str) -> Problem {
    Problem { status: Some(1), ..Problem::new("refused", message) }
}

fn refusal(error: &CommandError) -> Problem {
    let message = error.message.trim_end().to_owned();
    Problem { code: "refused".to_owned(), message, status: Some(error.status) }
}

fn open_capture(
    session: &mut Session,
    links: Vec<String>,
    filter: Option<&str>,
    max_frames: Option<u64>,
    until: Option<Time>,
) -> Result<(CaptureId, Arc<Pipe>), Problem> {
    let filter = filter.filter(|text| !text.trim().is_empty()).map(Match::parse).transpose();
    let filter = filter.map_err(|error| Problem::new("bad_filter", error))?;
    if links.is_empty() {
        return Err(Problem::new("no_such_link", "name a link by either end, as in `s1:trunk`, or `all`"));
    }
    let what = LiveCapture { links, filter, max_frames, until };
    let pipe = Arc::new(Pipe::default());
    match session.net_mut().open_capture(&what, Box::new(PipeSink(Arc::clone(&pipe)))) {
        Ok(capture) => Ok((capture, pipe)),
        Err(error @ CaptureError::Link(_)) => Err(Problem::new("no_such_link", error)),
        Err(error @ CaptureError::Io(_)) => Err(Problem::new("io", error)),
    }
}
