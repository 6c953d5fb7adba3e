//! What a lab was told while it ran. With the file and the seed that is all that a lab depends on, so a replay that is
//! told the same at the same instants is the same lab.

use super::build::SetupError;
use super::jobs::JobId;
use super::session::{End, Session};
use crate::lab::Lab;
use sim_core::Time;

/// The most lines that are kept.
const MAX_LINES: usize = 10_000;

/// What somebody told a lab.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Line(Vec<String>),
    Cancel(JobId),
}

/// What a lab was told so far, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    told: Vec<(Time, Told)>,
    is_cut: bool,
}

impl History {
    pub(super) fn note(&mut self, at: Time, told: Told) {
        if self.told.len() < MAX_LINES {
            self.told.push((at, told));
        } else {
            self.is_cut = true;
        }
    }
}

/// A lab up to some instant: its file, and what it was told since it began.
#[derive(Clone, Debug)]
pub struct Past {
    lab: Lab,
    told: Vec<(Time, Told)>,
}

impl Past {
    /// That of a lab that is told nothing but by its file.
    pub fn of_file(lab: &Lab) -> Self {
        Self { lab: lab.clone(), told: Vec::new() }
    }

    /// That of a lab that runs; `None` if it was told more than is kept.
    pub(super) fn of(lab: &Lab, history: &History) -> Option<Self> {
        (!history.is_cut).then(|| Self { lab: lab.clone(), told: history.told.clone() })
    }

    /// The lab once more, to an instant, all that happens at it included; its checks run only if it was told to run them.
    /// It stops after so many events.
    ///
    /// # Errors
    /// All that the lab's devices refuse.
    pub(super) fn replay(&self, at: Time, max_events: u64) -> Result<Session, Vec<SetupError>> {
        let mut session = Session::new(self.lab.clone())?.without_checks();
        session.net_mut().engine_mut().set_max_events(max_events);
        for (when, told) in self.told.iter().take_while(|(when, _)| *when <= at) {
            session.run(End::At(*when));
            match told {
                // What a line answered then, it answers now.
                Told::Line(words) => drop(session.command(words)),
                Told::Cancel(job) => session.cancel(*job),
            }
        }
        session.run(End::At(at));
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::session::Started;

    const PAIR: &str = "[hosts]\nh1 = { ip = \"10.0.0.1/24\", to = \"h2\", loss = \"30%\" }\nh2 = \"10.0.0.2/24\"\n";

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_replay_is_the_lab_with_all_that_it_was_told() {
        let lab = crate::parse("pair.toml", PAIR, &[]).expect("the lab is right").lab;
        let mut session = Session::new(lab).expect("its devices take it").without_checks();
        session.run(End::At(Time::from_millis(1300)));
        let Ok(Started::Job(job)) = session.start(&words("h1 ping h2 -c 100 -i 10")) else { panic!("a ping runs") };
        session.run(End::At(Time::from_millis(1777)));
        session.cancel(job);
        session.command(&words("link h1 delay 5ms")).expect("the link is there");
        session.run(End::At(Time::from_secs(2)));
        assert!(session.start(&words("h1 pign h2")).is_err());
        session.command(&words("h2 ping h1 -c 3")).expect("it runs");
        session.run(End::At(Time::from_millis(2500)));
        let again = session.past().expect("little was told").replay(Time::from_millis(2500), 1_000_000);
        let seen = |session: &Session| {
            let inspection = serde_json::to_string(&session.inspect()).expect("numbers and texts serialise");
            (inspection, session.save(), session.net().engine().events())
        };
        assert_eq!(seen(&again.expect("it was made before")), seen(&session));
    }

    #[test]
    fn a_lab_that_was_told_more_than_is_kept_has_no_past() {
        let lab = crate::parse("pair.toml", PAIR, &[]).expect("the lab is right").lab;
        let mut session = Session::new(lab).expect("its devices take it");
        (0..MAX_LINES).for_each(|_| drop(session.command(&words("nodes"))));
        assert!(session.past().is_some());
        session.command(&words("nodes")).expect("it lists them");
        assert!(session.past().is_none());
    }
}
