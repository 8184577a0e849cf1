//! One request's run of a journey: from a start or a post to a commit, or to a refusal that changes nothing.
//!
//! A run owns a copy of the journey. Whatever goes wrong before [`Next::Done`], the stored journey stays as it is,
//! and the same post can be made again.

mod end;
mod evidence;
mod route;
mod step;
mod visits;

use idflow_core::audit::AuditEvent;
use idflow_core::chance::Chance;
use idflow_core::counter::CounterStep;
use idflow_core::digest::Digest;
use idflow_core::effect::{Answer, Ask, Foreseen, Mail, PendingAsk, Submission};
use idflow_core::evidence::Evidence;
use idflow_core::id::{Attempt, JourneyId, StepInstance, UserId};
use idflow_core::journey::{Binding, Expected, FORMAT, Frame, Journey, Phase, Purpose};
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::UserState;
use idflow_core::view::{Text, View};
use idflow_core::write::Write;
use idflow_core::{Data, Value};

use crate::bind::Runnable;
use crate::context::Active;
use crate::surroundings::Surroundings;
use crate::turn::{Additions, EndSessions, Event, Fault};

/// How many answered form tokens a journey remembers. An older post is stale instead of already answered.
const MAX_ANSWERED: usize = 16;

/// The most that a journey's record may take, in bytes of JSON.
const MAX_RECORD: usize = 256 * 1024;

/// What a new journey begins with.
#[derive(Debug, Clone)]
pub struct Start {
    /// Its identity.
    pub id: JourneyId,
    /// What started it and gets its result.
    pub purpose: Purpose,
    /// Who may continue it.
    pub binding: Binding,
    /// The visitor's locale (BCP 47).
    pub locale: Option<String>,
    /// Trusted facts about this request.
    pub context: Surroundings,
}

/// A post.
#[derive(Debug, Clone)]
pub struct Input {
    /// The anti-forgery token of the page that was posted.
    pub token: String,
    /// What was posted.
    pub submission: Submission,
}

/// What a run wants next.
#[derive(Debug)]
pub enum Next {
    /// Perform this and hand the result to [`Run::answer`].
    Ask(Box<PendingAsk>),
    /// Commit this; the run is over.
    Done(Box<Commit>),
    /// Commit nothing; the run is over.
    Refused(Refusal),
}

/// Why a post changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// This page was answered before (checklist J-4): answer with the journey as it stands.
    #[error("this page was answered before")]
    AlreadyAnswered,
    /// The token is of no page of this journey that could be answered (J-3): show the current page.
    #[error("the form token is not the current page's")]
    StaleToken,
    /// The journey's time is over.
    #[error("the journey has expired")]
    Expired,
    /// The journey has ended: show its last page.
    #[error("the journey has ended")]
    Ended,
    /// Something the step needs cannot be reached, or the revision is not the journey's own: nothing is consumed,
    /// the same post may be made again (J-14, J-20).
    #[error("something the step needs cannot be reached now")]
    Unavailable,
}

/// What one request changes: everything here belongs in one conditional batch.
#[derive(Debug)]
pub struct Commit {
    /// The journey as it is to be stored.
    pub journey: Journey,
    /// Records written along.
    pub writes: Vec<Write>,
    /// Counter steps taken along.
    pub counters: Vec<CounterStep>,
    /// Security events.
    pub audit: Vec<AuditEvent>,
    /// The session that is opened.
    pub opens: Option<OpenSession>,
    /// The sessions that end.
    pub ends: Option<EndSessions>,
    /// Whether a user was identified or a factor shown: the journey's secret must change (checklist J-8).
    pub assurance_rose: bool,
    /// Steps that could not do their work, for the log.
    pub faults: Vec<StepFault>,
    mails: Vec<Mail>,
}

impl Commit {
    /// The mails. Call it once the store has said yes: what is sent cannot be taken back.
    pub fn committed(self) -> Vec<Mail> {
        self.mails
    }
}

/// A session to open; the executor makes its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Who is signed in; nothing for a guest.
    pub user: Option<UserId>,
    /// What was proven for this user in this journey.
    pub evidence: Vec<Evidence>,
    /// When a factor was last shown (`auth_time`).
    pub authenticated: Timestamp,
    /// What the journey keeps with the session; null is what it removes.
    pub attributes: Data,
    /// How long the session may last.
    pub lifetime: Span,
    /// How long it may stay unused.
    pub idle: Span,
}

/// A step that could not do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFault {
    /// The graph, for example `flow/sign-in`.
    pub graph: String,
    /// The step's id.
    pub step: String,
    /// What went wrong. Contains no values of the visitor.
    pub fault: Fault,
}

/// One request's run.
pub struct Run<'p> {
    runnable: &'p Runnable,
    now: Timestamp,
    chance: &'p dyn Chance,
    surroundings: Surroundings,
    journey: Journey,
    active: Active,
    /// The post, while the step it is for is running.
    submission: Option<Submission>,
    /// What is read with whatever is asked first.
    foreseen: Foreseen,
    turns: u32,
    largest: Option<Grown>,
    decided: Decided,
    stage: Stage,
}

/// What is gathered for the commit, besides the journey.
#[derive(Default)]
struct Decided {
    additions: Additions,
    audit: Vec<AuditEvent>,
    faults: Vec<StepFault>,
    opens: Option<OpenSession>,
    assurance_rose: bool,
}

/// The step that added most to the record in this request.
struct Grown {
    bytes: usize,
    graph: String,
    step: String,
}

/// Where a run stands.
enum Stage {
    /// The running step takes this event next.
    Turn(Event),
    /// Waiting for the answer to the engine's own look at the user.
    ExpectUser(PendingAsk),
    /// Waiting for the answer to the running step's ask.
    ExpectAnswer(PendingAsk),
    /// There is something to commit.
    Decided,
    /// There is nothing to commit.
    Refused(Refusal),
}

impl<'p> Run<'p> {
    /// Begins a journey.
    pub fn start(runnable: &'p Runnable, start: Start, now: Timestamp, chance: &'p dyn Chance) -> Self {
        let program = runnable.program();
        let first = program.graphs.first().map_or(0, |graph| graph.start);
        let journey = Journey {
            format: FORMAT,
            flags: 0,
            id: start.id,
            flow: program.flow.clone(),
            digest: program.digest,
            started: now,
            deadline: now.plus(program.lifetime),
            purpose: start.purpose,
            binding: start.binding,
            locale: start.locale,
            frames: vec![Frame { step: first, ..Frame::default() }],
            user: None,
            epoch: None,
            user_data: Data::new(),
            verified: Vec::new(),
            evidence: Vec::new(),
            phase: Phase::ExpectSubmission(Box::new(nothing_shown())),
            error: None,
            instances: 0,
            answered: Vec::new(),
            visited: Vec::new(),
            typed: None,
        };
        let mut run = Self::over(runnable, journey, start.context, now, chance);
        run.stage = run.enter();
        run
    }

    /// Continues a journey with a post. Whoever calls has checked that the visitor is bound to the journey.
    pub fn resume(
        runnable: &'p Runnable,
        journey: Journey,
        input: Input,
        context: Surroundings,
        now: Timestamp,
        chance: &'p dyn Chance,
    ) -> Self {
        let mut run = Self::over(runnable, journey, context, now, chance);
        run.stage = match run.admit(&input.token) {
            Err(refusal) => Stage::Refused(refusal),
            Ok(active) => {
                run.active = active;
                run.remember_answered(&input.token);
                run.submission = Some(input.submission);
                run.foreseen = run.foresee();
                run.look_at_user()
            }
        };
        run
    }

    fn over(
        runnable: &'p Runnable,
        journey: Journey,
        surroundings: Surroundings,
        now: Timestamp,
        chance: &'p dyn Chance,
    ) -> Self {
        Self {
            runnable,
            now,
            chance,
            surroundings,
            journey,
            active: Active::entered(StepInstance(0)),
            submission: None,
            foreseen: Foreseen::default(),
            turns: 0,
            largest: None,
            decided: Decided::default(),
            stage: Stage::Refused(Refusal::Unavailable),
        }
    }

    #[expect(clippy::should_implement_trait, reason = "a run is no sequence: every ask waits for its answer")]
    /// What to do next. After [`Next::Done`] and [`Next::Refused`] the run is over.
    pub fn next(&mut self) -> Next {
        loop {
            match std::mem::replace(&mut self.stage, Stage::Refused(Refusal::Unavailable)) {
                Stage::Turn(event) => self.stage = self.turn(event),
                Stage::ExpectUser(pending) => {
                    self.stage = Stage::ExpectUser(pending.clone());
                    return Next::Ask(Box::new(pending));
                }
                Stage::ExpectAnswer(pending) => {
                    self.stage = Stage::ExpectAnswer(pending.clone());
                    return Next::Ask(Box::new(pending));
                }
                Stage::Decided => {
                    if self.surroundings.taken && self.has_reserved() {
                        self.end_taken();
                    }
                    if step::size(&self.journey) > MAX_RECORD {
                        self.end_too_large();
                    }
                    return Next::Done(Box::new(self.commit()));
                }
                Stage::Refused(refusal) => {
                    self.stage = Stage::Refused(refusal);
                    return Next::Refused(refusal);
                }
            }
        }
    }

    /// Answers the ask that [`Run::next`] gave last. Without one, this does nothing.
    pub fn answer(&mut self, answer: Answer) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Refused(Refusal::Unavailable)) {
            Stage::ExpectUser(_) => self.user_seen(answer),
            Stage::ExpectAnswer(pending) => self.answered(&pending.ask, answer),
            other => other,
        };
    }

    /// Whether the post may be taken, and the visit it answers.
    fn admit(&self, token: &str) -> Result<Active, Refusal> {
        let is_known = |frame: &Frame| self.runnable.step(frame.graph, frame.step).is_some();
        let is_own = self.journey.digest == self.runnable.program().digest && self.journey.format <= FORMAT;
        if !is_own || self.journey.frames.is_empty() || !self.journey.frames.iter().all(is_known) {
            return Err(Refusal::Unavailable);
        }
        let Phase::ExpectSubmission(expected) = &self.journey.phase else { return Err(Refusal::Ended) };
        if self.now >= self.journey.deadline {
            return Err(Refusal::Expired);
        }
        let posted = Digest::of(token);
        if Digest::of(&expected.token).matches(&posted) {
            return Ok(Active {
                attempt: expected.attempt,
                state: expected.state.clone(),
                ..Active::entered(expected.instance)
            });
        }
        let was_answered = self.journey.answered.iter().any(|answered| answered.matches(&posted));
        Err(if was_answered { Refusal::AlreadyAnswered } else { Refusal::StaleToken })
    }

    fn remember_answered(&mut self, token: &str) {
        let answered = &mut self.journey.answered;
        answered.push(Digest::of(token));
        if answered.len() > MAX_ANSWERED {
            answered.remove(0);
        }
    }

    /// A user who was locked or deleted since the last post goes no further (checklist J-15), and neither does a
    /// journey whose user has meanwhile become safe from whoever began it: by a new password, for example.
    fn look_at_user(&mut self) -> Stage {
        match self.journey.user {
            None => self.posted(),
            Some(user) => {
                let epoch = self.journey.epoch;
                Stage::ExpectUser(self.pending(Ask::ReadIdentified { user, epoch }))
            }
        }
    }

    fn user_seen(&mut self, answer: Answer) -> Stage {
        let found = match answer {
            Answer::User(found) => found,
            Answer::StandingEnded => return self.fail("standingEnded"),
            _ => return Stage::Refused(Refusal::Unavailable),
        };
        let expected = self.journey.user;
        let is_gone = found.is_none();
        match found.filter(|user| Some(user.id) == expected && user.state == UserState::Active) {
            None if is_gone && self.has_reserved() => self.end_taken(),
            None => self.fail("userLocked"),
            Some(user) => {
                self.journey.look_at(&user);
                self.posted()
            }
        }
    }

    fn posted(&mut self) -> Stage {
        let Some(submission) = self.submission.clone() else { return Stage::Refused(Refusal::StaleToken) };
        match submission.action.as_str() {
            "back" => self.go_back(),
            "cancel" => self.leave_by("cancel"),
            _ => Stage::Turn(Event::Submitted(submission)),
        }
    }

    fn commit(&mut self) -> Commit {
        let mut decided = std::mem::take(&mut self.decided);
        decided.additions.writes.extend(self.confirmation(&decided.additions.writes));
        Commit {
            journey: self.journey.clone(),
            writes: decided.additions.writes,
            counters: decided.additions.counters,
            mails: decided.additions.mails,
            audit: decided.audit,
            opens: decided.opens,
            ends: decided.additions.ends,
            assurance_rose: decided.assurance_rose,
            faults: decided.faults,
        }
    }

    fn audit(&mut self, name: &str, outcome: Option<&str>) {
        self.audit_detailed(name, outcome, None);
    }

    fn audit_detailed(&mut self, name: &str, outcome: Option<&str>, detail: Option<String>) {
        let client = self.journey.purpose.client_id().map(str::to_owned);
        let steps =
            self.journey.frames.iter().filter_map(|frame| self.runnable.step(frame.graph, frame.step));
        let path: Vec<&str> = steps.map(|step| &*step.id).collect();
        self.decided.audit.push(AuditEvent {
            at: self.now,
            name: name.to_owned(),
            journey: Some(self.journey.id),
            user: self.journey.user,
            flow: Some(self.journey.flow.clone()),
            revision: Some(self.journey.digest.short(8)),
            step: Some(path.join("/")),
            outcome: outcome.map(str::to_owned),
            detail,
            reference: None,
            client,
        });
    }
}

/// The page of a journey that has none yet. It is never stored: a run that shows nothing ends or is refused.
fn nothing_shown() -> Expected {
    let view = View {
        kind: String::new(),
        title: Text::product("page-title"),
        lead: None,
        messages: Vec::new(),
        fields: Vec::new(),
        actions: Vec::new(),
        identifier: None,
    };
    Expected {
        instance: StepInstance(0),
        attempt: Attempt(0),
        token: String::new(),
        state: Value::Null,
        view,
        can_go_back: false,
        wait_until: None,
    }
}
