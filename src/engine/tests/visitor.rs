//! Somebody who goes through a journey, and the driver that commits every step.

use idflow_core::Value;
use idflow_core::chance::SeededChance;
use idflow_core::counter::Count;
use idflow_core::digest::Digest;
use idflow_core::effect::{Answer, Ask, PendingAsk, Submission};
use idflow_core::id::JourneyId;
use idflow_core::journey::{Binding, Channel, Ending, Expected, Journey, Phase, Purpose};
use idflow_core::time::{Span, Timestamp};
use serde_json::json;

use super::step::user;
use crate::bind::Runnable;
use crate::run::{Commit, Input, Next, Refusal, Run, Start};
use crate::surroundings::Surroundings;

/// A visitor with the last committed state.
pub(super) struct Visitor<'p> {
    pub(super) runnable: &'p Runnable,
    pub(super) journey: Journey,
    pub(super) now: Timestamp,
    pub(super) chance: SeededChance,
}

/// Plays the outside of a run: what [`outside`] answers.
pub(super) fn finished(run: &mut Run<'_>, answer: &dyn Fn(&PendingAsk) -> Answer) -> Result<Commit, Refusal> {
    loop {
        match run.next() {
            Next::Ask(pending) => run.answer(answer(&pending)),
            Next::Done(commit) => return Ok(*commit),
            Next::Refused(refusal) => return Err(refusal),
        }
    }
}

/// An outside where everything works.
pub(super) fn outside(pending: &PendingAsk) -> Answer {
    match &pending.ask {
        Ask::ReadUser { user: wanted } | Ask::ReadIdentified { user: wanted, .. } => {
            Answer::User(Some(user(wanted.as_bytes()[0])))
        }
        Ask::ReadCounters { keys } => Answer::Counts(vec![Count::default(); keys.len()]),
        _ => Answer::Http { status: 200, body: Value::Null },
    }
}

pub(super) fn start(id: u8) -> Start {
    Start {
        id: JourneyId::from_bytes([id; 16]),
        purpose: Purpose::Standalone { query: std::collections::BTreeMap::new() },
        binding: Binding { channel: Channel::Browser, secret: Digest::of("secret"), rotation: 0 },
        locale: Some("en".to_owned()),
        context: Surroundings::default(),
    }
}

pub(super) fn post(token: &str, action: &str, answer: &str) -> Input {
    let fields = json!({ "answer": answer }).as_object().unwrap().clone();
    Input { token: token.to_owned(), submission: Submission { action: action.to_owned(), fields } }
}

impl<'p> Visitor<'p> {
    /// Somebody who opened the flow.
    pub(super) fn of(runnable: &'p Runnable) -> Self {
        Self::begun(runnable, start(1)).0
    }

    /// Somebody who began so, and the first commit.
    pub(super) fn begun(runnable: &'p Runnable, start: Start) -> (Self, Commit) {
        let now = Timestamp(1_000_000);
        let chance = SeededChance::new(u64::from(start.id.as_bytes()[0]));
        let commit = finished(&mut Run::start(runnable, start, now, &chance), &outside).unwrap();
        (Self { runnable, journey: commit.journey.clone(), now, chance }, commit)
    }

    /// Posts anything, answered by `answer`; what is decided is committed.
    pub(super) fn send(
        &mut self,
        input: Input,
        answer: &dyn Fn(&PendingAsk) -> Answer,
    ) -> Result<Commit, Refusal> {
        self.now = self.now.plus(Span::seconds(1));
        let surroundings = Surroundings::default();
        let mut run =
            Run::resume(self.runnable, self.journey.clone(), input, surroundings, self.now, &self.chance);
        let commit = finished(&mut run, answer)?;
        self.journey = commit.journey.clone();
        Ok(commit)
    }

    /// Answers the current page.
    pub(super) fn answer(&mut self, answer: &str) -> Result<Commit, Refusal> {
        let input = post(&self.token(), "next", answer);
        self.send(input, &outside)
    }

    /// Presses a button of the current page.
    pub(super) fn press(&mut self, action: &str) -> Result<Commit, Refusal> {
        let input = post(&self.token(), action, "");
        self.send(input, &outside)
    }

    pub(super) fn token(&self) -> String {
        self.expected().map(|expected| expected.token.clone()).unwrap_or_default()
    }

    pub(super) fn expected(&self) -> Option<&Expected> {
        match &self.journey.phase {
            Phase::ExpectSubmission(expected) => Some(expected),
            Phase::Ended(_) => None,
        }
    }

    /// The path of step ids down the call stack, or how the journey ended.
    pub(super) fn place(&self) -> String {
        match &self.journey.phase {
            Phase::ExpectSubmission(_) => {
                let id = |frame: &idflow_core::journey::Frame| {
                    self.runnable.step(frame.graph, frame.step).unwrap().id.clone()
                };
                self.journey.frames.iter().map(id).collect::<Vec<_>>().join("/")
            }
            Phase::Ended(Ending::Completed { .. }) => "completed".to_owned(),
            Phase::Ended(Ending::Failed { code, .. }) => code.clone(),
        }
    }
}
