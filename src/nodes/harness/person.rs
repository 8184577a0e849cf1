//! Somebody going through the flow around an example.

use std::collections::BTreeMap;

use idflow_core::Value;
use idflow_core::chance::SeededChance;
use idflow_core::digest::Digest;
use idflow_core::effect::{Answer, PendingAsk, Submission};
use idflow_core::id::{JourneyId, UserId};
use idflow_core::journey::{Binding, Channel, Ending, Journey, Phase, Purpose};
use idflow_core::time::Timestamp;
use idflow_core::user::{User, UserState};
use idflow_core::view::{Text, View};
use idflow_engine::bind::Runnable;
use idflow_engine::run::{Commit, Input, Next, Refusal, Run, Start};
use idflow_engine::surroundings::Surroundings;

use super::example::Example;
use super::stage;
use super::world::World;

/// A user of the world.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    pub(super) password: &'static str,
    number: u8,
}

impl Person {
    pub(super) const ADA: Self =
        Self { name: "ada", email: "ada@example.org", password: "engine of brass", number: 1 };
    pub(super) const BOB: Self =
        Self { name: "bob", email: "bob@example.org", password: "four small ducks", number: 2 };
    pub(super) const ALL: [Self; 2] = [Self::ADA, Self::BOB];

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|person| person.name == name)
    }

    pub(super) fn user(self) -> User {
        User {
            id: UserId::from_bytes([self.number; 16]),
            directory: "people".to_owned(),
            attributes: stage::attributes(self.email),
            verified: Vec::new(),
            groups: Vec::new(),
            state: UserState::Active,
            created: Timestamp(0),
            updated: Timestamp(0),
            reserved: None,
        }
    }
}

/// A person's journey.
pub(super) struct Trial<'p> {
    pub(super) person: Person,
    pub(super) runnable: &'p Runnable,
    pub(super) journey: Journey,
}

/// What answers an ask, given its number within the request.
pub(super) type Outside<'o> = &'o dyn Fn(usize, &PendingAsk, &World) -> Answer;

/// An outside where everything works.
pub(super) fn works(_: usize, pending: &PendingAsk, world: &World) -> Answer {
    world.answer(&pending.ask)
}

fn run_to_end(mut run: Run<'_>, world: &World, outside: Outside<'_>) -> Result<Commit, Refusal> {
    let mut number = 0;
    loop {
        match run.next() {
            Next::Ask(pending) => {
                run.answer(outside(number, &pending, world));
                number += 1;
            }
            Next::Done(commit) => return Ok(*commit),
            Next::Refused(refusal) => return Err(refusal),
        }
    }
}

fn surroundings(world: &World) -> Surroundings {
    let (network, full) = (Some("192.0.2.7".to_owned()), world.full.clone());
    Surroundings { network, full, ..Surroundings::default() }
}

/// A request that is made again from the same state draws the same chance, any other draws another.
fn chance(journey: JourneyId, token: &str) -> SeededChance {
    let seed = Digest::of_parts(&[journey.as_bytes(), token.as_bytes()]);
    SeededChance::new(seed.as_bytes().iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte)))
}

/// Begins a journey without committing it.
pub(super) fn begun(
    person: Person,
    tab: u8,
    runnable: &Runnable,
    world: &World,
    outside: Outside<'_>,
) -> Result<Commit, Refusal> {
    let id = JourneyId::from_bytes([person.number + 10 * tab; 16]);
    let start = Start {
        id,
        purpose: Purpose::Standalone { query: BTreeMap::from([("who".to_owned(), person.name.to_owned())]) },
        binding: Binding { channel: Channel::Browser, secret: Digest::of("secret"), rotation: 0 },
        locale: Some("en".to_owned()),
        context: surroundings(world),
    };
    let chance = chance(id, "");
    run_to_end(Run::start(runnable, start, world.now, &chance), world, outside)
}

impl<'p> Trial<'p> {
    /// A person who opened the flow.
    pub(super) fn of(person: Person, runnable: &'p Runnable, world: &mut World) -> Self {
        Self::in_tab(person, 0, runnable, world)
    }

    /// The same in another tab: another journey.
    pub(super) fn in_tab(person: Person, tab: u8, runnable: &'p Runnable, world: &mut World) -> Self {
        loop {
            let commit = begun(person, tab, runnable, world, &works).unwrap();
            let journey = commit.journey.clone();
            if world.commit(commit).is_ok() {
                return Self { person, runnable, journey };
            }
        }
    }

    pub(super) fn token(&self) -> String {
        match &self.journey.phase {
            Phase::ExpectSubmission(expected) => expected.token.clone(),
            Phase::Ended(_) => String::new(),
        }
    }

    /// The right post of an example, with what stands for this person's own filled in.
    pub(super) fn right(&self, example: &Example, world: &World) -> Submission {
        let fields = example.posts.clone().unwrap_or_default();
        let fields = fields.as_object().cloned().unwrap_or_default();
        let filled = |value: Value| match value.as_str() {
            Some("$email") => Value::from(self.person.email),
            Some("$password") => Value::from(self.person.password),
            Some("$code") => Value::from(self.code(world)),
            _ => value,
        };
        let fields = fields.into_iter().map(|(name, value)| (name, filled(value))).collect();
        Submission { action: example.action.to_owned(), fields }
    }

    /// Makes a post without committing what it decides.
    pub(super) fn tried(
        &self,
        token: &str,
        submission: Submission,
        world: &World,
        outside: Outside<'_>,
    ) -> Result<Commit, Refusal> {
        let input = Input { token: token.to_owned(), submission };
        let chance = chance(self.journey.id, &self.token());
        let (journey, around) = (self.journey.clone(), surroundings(world));
        let run = Run::resume(self.runnable, journey, input, around, world.now, &chance);
        run_to_end(run, world, outside)
    }

    /// Posts to the current page and commits, again when a counter filled up meanwhile.
    pub(super) fn post(&mut self, submission: &Submission, world: &mut World) -> Result<(), Refusal> {
        loop {
            let commit = self.tried(&self.token(), submission.clone(), world, &works)?;
            let journey = commit.journey.clone();
            if world.commit(commit).is_ok() {
                self.journey = journey;
                return Ok(());
            }
        }
    }

    /// Posts these fields with the main button.
    pub(super) fn enter(&mut self, fields: &Value, world: &mut World) {
        let fields = fields.as_object().cloned().unwrap_or_default();
        self.post(&Submission { action: "next".to_owned(), fields }, world).unwrap();
    }

    /// Presses a button.
    pub(super) fn press(&mut self, action: &str, world: &mut World) {
        self.post(&Submission { action: action.to_owned(), fields: idflow_core::Data::new() }, world)
            .unwrap();
    }

    /// The page that is shown.
    pub(super) fn view(&self) -> &View {
        match &self.journey.phase {
            Phase::ExpectSubmission(expected) => &expected.view,
            Phase::Ended(_) => panic!("the journey is over"),
        }
    }

    /// The keys of what the page complains about or tells.
    pub(super) fn told(&self) -> Vec<String> {
        let view = self.view();
        let texts = view.messages.iter().map(|message| &message.text);
        let texts = texts.chain(view.fields.iter().filter_map(|field| field.error.as_ref()));
        let key = |text: &Text| match text {
            Text::Product { key, .. } => (**key).to_owned(),
            Text::Pinned { .. } | Text::Authored { .. } => String::new(),
        };
        texts.map(key).collect()
    }

    /// The code last mailed in this journey.
    pub(super) fn code(&self, world: &World) -> String {
        let mine = world.mails.iter().rev().find(|mail| mail.id.journey == self.journey.id);
        mine.and_then(|mail| mail.code.clone()).expect("a code was mailed")
    }

    pub(super) fn place(&self) -> String {
        place(self.runnable, &self.journey)
    }
}

/// The id of the innermost step, or how the journey ended.
pub(super) fn place(runnable: &Runnable, journey: &Journey) -> String {
    match &journey.phase {
        Phase::Ended(Ending::Completed { .. }) => "completed".to_owned(),
        Phase::Ended(Ending::Failed { code, .. }) => code.clone(),
        Phase::ExpectSubmission(_) => {
            let frame = journey.frames.last().unwrap();
            let graph = &runnable.program().graphs[usize::from(frame.graph)];
            graph.steps[usize::from(frame.step)].id.clone()
        }
    }
}
