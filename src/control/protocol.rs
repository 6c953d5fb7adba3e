//! Requests and replies, one JSON object a line. docs/control-socket.md describes them for those who write clients.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use topologies::run::{CheckStanding, Explanation, Inspection, Observed};

/// The version of the protocol, in the greeting. It changes when a client of the old one would misunderstand.
pub(crate) const VERSION: u32 = 1;
/// The longest line that a client may send, in bytes without its end.
pub(crate) const MAX_LINE: usize = 64 << 10;
/// The most clients at once.
pub(crate) const MAX_CLIENTS: usize = 128;
/// The most commands and event streams that a client may have running at once.
pub(crate) const MAX_RUNNING: usize = 16;
/// The most live captures of a lab.
pub(crate) const MAX_CAPTURES: usize = 16;
/// The most bytes of replies that may wait for a client.
pub(crate) const MAX_WAITING: usize = 4 << 20;
/// With more bytes than this waiting, a client misses events.
pub(crate) const MAX_EVENTS_WAITING: usize = 1 << 20;
/// With more bytes than this waiting, a live capture loses frames.
pub(crate) const CAPTURE_ROOM: usize = 64 << 20;
/// The most explanations that are under way at once, for all clients.
pub(crate) const MAX_EXPLAINING: usize = 2;
/// The longest `id`, in bytes of JSON.
const MAX_ID: usize = 256;

/// What the lab says first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Greeting {
    /// The version of the protocol.
    pub(crate) netloom: u32,
    /// The lab's name.
    pub(crate) lab: String,
    /// Its seed.
    pub(crate) seed: u64,
    /// The version of the program.
    pub(crate) version: String,
    /// The process.
    pub(crate) pid: u32,
}

/// Which request a reply belongs to: whatever number or text the client chose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Id(Value);

impl Id {
    /// An id of our own.
    pub(crate) fn number(number: u64) -> Self {
        Self(number.into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a client may ask for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// The lab at a glance.
    Inspect {},
    /// Does a line of the prompt.
    Exec {
        /// The line.
        line: String,
    },
    /// Ends a command or a stream of this client.
    Cancel {
        /// Its id.
        of: Id,
    },
    /// Turns the connection into a capture.
    Capture {
        /// Links by either end, or `all`.
        links: Vec<String>,
        /// Which frames, in the match language of ovs-ofctl.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filter: Option<String>,
        /// Ends after so many frames.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u64>,
        /// Ends after so many nanoseconds of lab time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_ns: Option<u64>,
    },
    /// Shows a link or changes it.
    Link {
        /// The link, by either end.
        link: String,
        /// The words that follow it at the prompt; none show it.
        #[serde(default)]
        change: String,
    },
    /// Streams what happens.
    Events {},
    /// How the file's checks stand.
    Checks {},
    /// Why a packet arrives or doesn't.
    Explain {
        /// The host or server that sends.
        from: String,
        /// The host, server or address that it sends to.
        to: String,
        /// A TCP connection to this port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tcp: Option<u16>,
        /// A UDP datagram to this port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        udp: Option<u16>,
        /// Bytes of data in an echo request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<u16>,
    },
    /// The lab as it is now, as a lab file.
    Save {},
    /// Ends the lab.
    Stop {},
}

/// A reply: `output`, `event` and `lost` may be followed by more for the same id, the others are the last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// The request's.
    pub(crate) id: Id,
    /// What there is to say.
    #[serde(flatten)]
    pub(crate) body: Body,
}

/// What a reply says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Body {
    /// Done.
    Ok(Answer),
    /// Not done.
    Error(Problem),
    /// What a command printed since the last of these.
    Output(String),
    /// Something happened.
    Event(Observed),
    /// So many events were left out, since the client didn't read.
    Lost(u64),
}

/// What a request that went well brings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// Of `inspect`.
    Lab(Box<RunningLab>),
    /// Of `explain`.
    Explanation(Box<Explanation>),
    /// Of `checks`.
    Checks {
        /// All of them, in the file's order.
        checks: Vec<CheckStanding>,
    },
    /// Of `save`.
    LabFile {
        /// The file's text.
        lab_file: String,
    },
    /// Of a command: its status.
    Status {
        /// 0 if all went well.
        status: u8,
    },
    /// Of the others: nothing more.
    Done {},
}

/// A running lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RunningLab {
    /// The lab.
    #[serde(flatten)]
    pub(crate) lab: Inspection,
    /// Lab seconds for each second of the wall.
    pub(crate) speed: f64,
    /// How far the lab is behind the wall clock, in nanoseconds.
    pub(crate) behind_ns: u64,
    /// The process.
    pub(crate) pid: u32,
}

/// Why something wasn't done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Problem {
    /// One of the names that docs/control-socket.md lists.
    pub(crate) code: String,
    /// In words.
    pub(crate) message: String,
    /// The status that the command would have, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u8>,
}

impl Problem {
    /// A problem without a status.
    pub(crate) fn new(code: &str, message: impl fmt::Display) -> Self {
        Self { code: code.to_owned(), message: message.to_string(), status: None }
    }
}

/// Reads a request.
///
/// # Errors
/// What is wrong with it, and the id that it has as far as that can be read.
pub(crate) fn parse(line: &str) -> Result<(Id, Request), (Id, Problem)> {
    let none = Id::default();
    let mut value: Value = serde_json::from_str(line)
        .map_err(|error| (none.clone(), Problem::new("bad_json", format!("this is no JSON object: {error}"))))?;
    let Some(object) = value.as_object_mut() else {
        return Err((none, Problem::new("bad_json", "this is no JSON object: a request is one, on one line")));
    };
    let id = object.remove("id").unwrap_or_default();
    if !(id.is_string() || id.is_number() || id.is_null()) || id.to_string().len() > MAX_ID {
        let message = format!("`id` is a number or a text of at most {MAX_ID} bytes");
        return Err((none, Problem::new("bad_request", message)));
    }
    let id = Id(id);
    match serde_json::from_value(value) {
        Ok(request) => Ok((id, request)),
        Err(error) => Err((id, Problem::new("bad_request", error))),
    }
}

/// Anything as a line.
pub(crate) fn line(value: &impl Serialize) -> String {
    // Structs of texts and numbers always serialise.
    serde_json::to_string(value).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_is_read_with_its_id() {
        let (id, request) = parse(r#"{"id":7,"do":"exec","line":"h1 ping h2"}"#).expect("it is one");
        assert_eq!((id.to_string().as_str(), request), ("7", Request::Exec { line: "h1 ping h2".to_owned() }));
        assert_eq!(parse(r#"{"do":"stop"}"#).expect("no id is an id too").0, Id::default());
    }

    #[test]
    fn what_is_wrong_with_a_request_is_said_under_its_id() {
        for (line, id, code) in [
            ("", "null", "bad_json"),
            ("[1]", "null", "bad_json"),
            ("{\"id\":1,\"do\":\"exec\"}", "1", "bad_request"),
            ("{\"id\":\"a\",\"do\":\"dance\"}", "\"a\"", "bad_request"),
            ("{\"id\":2,\"do\":\"inspect\",\"al\":true}", "2", "bad_request"),
            ("{\"id\":{},\"do\":\"inspect\"}", "null", "bad_request"),
        ] {
            let (found, problem) = parse(line).expect_err(line);
            assert_eq!((found.to_string().as_str(), problem.code.as_str()), (id, code), "{line}: {}", problem.message);
        }
    }

    fn request() -> impl Strategy<Value = Request> {
        let text = || "\\PC{0,40}";
        let id = prop_oneof![any::<u64>().prop_map(Id::number), text().prop_map(|text| Id(text.into()))];
        let links = prop::collection::vec(text(), 0..3);
        let capture = (links, prop::option::of(text()), any::<Option<u64>>(), any::<Option<u64>>());
        prop_oneof![
            Just(Request::Inspect {}),
            text().prop_map(|line| Request::Exec { line }),
            id.prop_map(|of| Request::Cancel { of }),
            capture.prop_map(|(links, filter, count, for_ns)| Request::Capture { links, filter, count, for_ns }),
            (text(), text()).prop_map(|(link, change)| Request::Link { link, change }),
            Just(Request::Events {}),
            Just(Request::Checks {}),
            (text(), text(), any::<Option<u16>>(), any::<Option<u16>>(), any::<Option<u16>>())
                .prop_map(|(from, to, tcp, udp, size)| Request::Explain { from, to, tcp, udp, size }),
            Just(Request::Save {}),
            Just(Request::Stop {}),
        ]
    }

    proptest! {
        #[test]
        fn a_request_is_one_line_that_is_read_as_it_was_written(request in request(), number in any::<u64>()) {
            let mut value = serde_json::to_value(&request).expect("texts and numbers serialise");
            value["id"] = number.into();
            let text = line(&value);
            prop_assert_eq!(text.find('\n'), Some(text.len() - 1));
            let (id, read) = parse(text.trim_end_matches('\n')).expect("it is a request");
            prop_assert_eq!((id, read), (Id::number(number), request));
        }

        #[test]
        fn a_request_with_anything_changed_is_a_request_or_a_problem(
            request in request(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<char>()), 1..5),
        ) {
            let mut text: Vec<char> = line(&request).trim_end().chars().collect();
            for (place, new) in changes {
                let place = place.index(text.len());
                text[place] = new;
            }
            if let Err((_, problem)) = parse(&String::from_iter(text)) {
                prop_assert!(["bad_json", "bad_request"].contains(&problem.code.as_str()));
            }
        }

        #[test]
        fn any_text_is_a_request_or_a_problem(text in "\\PC{0,200}", depth in 0usize..300) {
            let _ = parse(&text);
            let _ = parse(&format!("{}{text}", "[".repeat(depth)));
            let _ = parse(&format!("{{\"id\":1,\"do\":\"exec\",\"line\":{text:?}}}"));
        }
    }
}
