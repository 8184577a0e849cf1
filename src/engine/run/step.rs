//! The running step: its turns, and what becomes of each.

use idflow_core::Data;
use idflow_core::chance::token;
use idflow_core::effect::{Answer, Ask, EffectClass, Foreseen, PendingAsk};
use idflow_core::evidence::Proof;
use idflow_core::id::Attempt;
use idflow_core::journey::{Expected, Phase};
use idflow_core::view::View;
use idflow_flow::program::Step;

use super::{Grown, Refusal, Run, Stage, StepFault};
use crate::context::Cx;
use crate::data::Sources;
use crate::node::{Node, node};
use crate::turn::{Additions, EndSessions, Event, Fault, Finish, Turn};

/// How many turns one request may take (checklist J-21).
const MAX_TURNS: u32 = 200;

/// The longest name that is carried from one page to the next, in characters.
const MAX_TYPED: usize = 254;

/// The most that one step may add to the record, in bytes of JSON: outputs, form values and variables each.
const MAX_VALUES: usize = 64 * 1024;

/// The most that a session may keep, in bytes of JSON.
const MAX_SESSION: usize = 4 * 1024;

impl Run<'_> {
    pub(super) fn turn(&mut self, event: Event) -> Stage {
        self.turns += 1;
        if self.turns > MAX_TURNS {
            return self.exhausted("one request took more turns than a journey may");
        }
        match self.node_turn(event) {
            Ok(Turn::Show(view)) => self.show(*view),
            Ok(Turn::Ask(ask)) => self.ask(*ask),
            Ok(Turn::Finish(finish)) => self.finish(*finish),
            Err(fault) => self.fault(fault),
        }
    }

    fn node_turn(&mut self, event: Event) -> Result<Turn, Fault> {
        self.with_node(|node, cx| node.turn(cx, event))?
    }

    /// What the posted step will ask for.
    pub(super) fn foresee(&mut self) -> Foreseen {
        self.with_node(|node, cx| node.foresees(cx)).unwrap_or_default()
    }

    /// Shows the running step's node where the journey stands.
    fn with_node<T>(&mut self, show: impl FnOnce(&dyn Node, &mut Cx<'_>) -> T) -> Result<T, Fault> {
        let frame = self.journey.frames.last().ok_or_else(lost)?;
        let node = self.runnable.step(frame.graph, frame.step).and_then(node).ok_or_else(lost)?;
        let mut cx = Cx {
            sources: Sources {
                program: self.runnable.program(),
                journey: &self.journey,
                frame,
                surroundings: &self.surroundings,
            },
            submission: self.submission.as_ref(),
            now: self.now,
            chance: self.chance,
            active: &mut self.active,
        };
        Ok(show(node, &mut cx))
    }

    fn show(&mut self, view: View) -> Stage {
        if self.submission.is_some() {
            let detail = self.active.detail.take();
            self.audit_detailed("step.repeated", view.problem(), detail);
        }
        self.settle();
        self.weigh(size(&view) + size(&self.active.state));
        self.journey.phase = Phase::ExpectSubmission(Box::new(Expected {
            instance: self.active.instance,
            attempt: Attempt(self.active.attempt.0.saturating_add(1)),
            token: token(self.chance),
            state: std::mem::take(&mut self.active.state),
            view: storable(view),
            can_go_back: !self.journey.visited.is_empty(),
            wait_until: self.active.wait_until.take(),
        }));
        Stage::Decided
    }

    fn ask(&mut self, ask: Ask) -> Stage {
        if ask.class() != EffectClass::ReadOnly {
            self.journey.visited.clear();
            self.active.binds = true;
        }
        Stage::ExpectAnswer(self.pending(ask))
    }

    /// An ask with its id. The first one of a request takes along what was foreseen; what belongs to whoever is found
    /// by name goes with the look for that one.
    pub(super) fn pending(&mut self, ask: Ask) -> PendingAsk {
        let id = self.active.effect_id(self.journey.id);
        let mut foreseen = std::mem::take(&mut self.foreseen);
        if !matches!(ask, Ask::FindUser { .. }) {
            self.foreseen.of_found = std::mem::take(&mut foreseen.of_found);
        }
        PendingAsk { id, ask, foreseen }
    }

    /// Hands an answer to the step. An outside that does not answer is neither a yes nor a counted failure: the
    /// whole request is refused and may be made again (checklist J-20). Only `http` decides that by itself.
    pub(super) fn answered(&mut self, ask: &Ask, answer: Answer) -> Stage {
        match answer {
            Answer::Unavailable if !matches!(ask, Ask::Http(_)) => Stage::Refused(Refusal::Unavailable),
            Answer::Gone if !matches!(ask, Ask::Http(_)) => {
                self.fault(Fault::new("what the step asks through does not exist any more"))
            }
            answer if fits(ask, &answer) => Stage::Turn(Event::Answered(answer)),
            _ => self.fault(Fault::new("an ask was given the answer of another")),
        }
    }

    fn finish(&mut self, mut finish: Finish) -> Stage {
        let kept = std::mem::take(&mut finish.session);
        let accepted = self.step().and_then(|step| check(step, &finish));
        let accepted = accepted.and_then(|()| self.keep_for_session(kept)).and_then(|()| self.prove(&finish));
        let proofs = match accepted {
            Ok(proofs) => proofs,
            Err(fault) => return self.fault(fault),
        };
        self.remember_visit(&finish, &proofs);
        if let Some(typed) = &finish.typed {
            self.journey.typed = Some(typed.chars().take(MAX_TYPED).collect());
        }
        self.settle();
        if let Some(input) = finish.enter {
            return self.enter_callee(input);
        }
        for proof in &proofs {
            if let Proof::Factor(method) = proof {
                self.audit("factor.shown", Some(method));
            }
        }
        // An end may still turn out to be none: it says by itself when it is.
        if let Some(end) = finish.end {
            return self.end(end);
        }
        self.audit_detailed("step.finished", Some(&finish.outcome), finish.detail);
        self.weigh(size(&finish.outputs) + size(&finish.form) + size(&finish.vars));
        self.store_outputs(finish.outputs, finish.form, finish.vars);
        self.route(&finish.outcome)
    }

    /// Session attributes become part of tokens, and of a record that lives for hours.
    fn keep_for_session(&mut self, values: Data) -> Result<(), Fault> {
        let Some(frame) = self.journey.frames.first_mut() else { return Err(lost()) };
        let mut kept = frame.session.clone();
        kept.extend(values);
        if size(&kept) > MAX_SESSION {
            return Err(Fault::new(format!(
                "the attributes of a session take more than {MAX_SESSION} bytes"
            )));
        }
        frame.session = kept;
        Ok(())
    }

    /// The step could not do its work: what it wanted to write or send is dropped, what it counted stays.
    pub(super) fn fault(&mut self, fault: Fault) -> Stage {
        let Additions { writes, mails, ends, counters: _ } = &mut self.active.additions;
        writes.clear();
        mails.clear();
        *ends = None;
        self.settle();
        self.note(fault);
        match self.step() {
            Ok(step) if !step.ends => self.leave_by("error"),
            // An end has no outcomes: what it cannot do is the caller's error.
            _ => self.leave_graph("error"),
        }
    }

    /// Remembers the step that added most to the record in this request.
    fn weigh(&mut self, bytes: usize) {
        if self.largest.as_ref().is_none_or(|largest| largest.bytes < bytes) {
            let (graph, step) = self.place();
            self.largest = Some(Grown { bytes, graph, step });
        }
    }

    /// The names of the graph and the step that the journey stands at.
    fn place(&self) -> (String, String) {
        let place = self.journey.frames.last().and_then(|frame| {
            let step = self.runnable.step(frame.graph, frame.step)?;
            Some((self.runnable.graph(frame.graph)?.name.clone(), step.id.clone()))
        });
        place.unwrap_or_default()
    }

    pub(super) fn note(&mut self, fault: Fault) {
        let (graph, step) = self.place();
        self.journey.error = Some(step.clone());
        self.audit_detailed("step.faulted", None, Some(fault.message.clone()));
        self.decided.faults.push(StepFault { graph, step, fault });
    }

    /// Moves what the visit has gathered into the commit. A page before a write cannot be returned to.
    pub(super) fn settle(&mut self) {
        let gathered = std::mem::take(&mut self.active.additions);
        if !gathered.writes.is_empty() || gathered.ends.is_some() {
            self.journey.visited.clear();
        }
        self.decided.additions.writes.extend(gathered.writes);
        self.decided.additions.counters.extend(gathered.counters);
        self.decided.additions.mails.extend(gathered.mails);
        let ends = &mut self.decided.additions.ends;
        *ends = gathered.ends.filter(|_| *ends != Some(EndSessions::Person)).or(*ends);
        for _ in 0..std::mem::take(&mut self.active.withheld) {
            self.audit("mail.withheld", None);
        }
    }

    fn step(&self) -> Result<&Step, Fault> {
        let frame = self.journey.frames.last().ok_or_else(lost)?;
        self.runnable.step(frame.graph, frame.step).ok_or_else(lost)
    }
}

/// The view without secrets, and with no value longer than its field takes: it becomes part of the record.
fn storable(mut view: View) -> View {
    for field in &mut view.fields {
        let most = usize::try_from(field.max_length).unwrap_or(usize::MAX);
        let shown = field.value.take().filter(|_| !field.field_type.is_secret());
        field.value = shown.map(|value| value.chars().take(most).collect());
    }
    view
}

fn lost() -> Fault {
    Fault::new("the journey stands at a step that its revision does not have")
}

/// Whether a step may finish this way, by the facts of its kind.
fn check(step: &Step, finish: &Finish) -> Result<(), Fault> {
    let values = [&finish.outputs, &finish.form, &finish.vars];
    if values.iter().any(|values| size(*values) > MAX_VALUES) {
        return Err(Fault::new("the step puts out more than a journey can keep"));
    }
    let is_declared = || step.outcomes.iter().any(|outcome| outcome.name == finish.outcome);
    match (&finish.end, &finish.enter) {
        (Some(_), None) if step.ends => Ok(()),
        (None, Some(_)) if !step.ends => Ok(()),
        (None, None) if is_declared() => Ok(()),
        _ => Err(Fault::new("the step finished in a way that its kind does not declare")),
    }
}

/// The length of a value's JSON, without making it.
pub(super) fn size(value: &impl serde::Serialize) -> usize {
    struct Length(usize);
    impl std::io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    if serde_json::to_writer(&mut length, value).is_ok() { length.0 } else { usize::MAX }
}

fn fits(ask: &Ask, answer: &Answer) -> bool {
    match (ask, answer) {
        (Ask::FindUser { .. } | Ask::FindHolder { .. }, Answer::User(_))
        | (Ask::HashPassword { .. }, Answer::Hashed(_) | Answer::Weak(_))
        | (Ask::VerifyPassword { .. }, Answer::Verified { .. })
        | (Ask::RecognizeDevice { .. } | Ask::RecognizeReader { .. }, Answer::Device(_))
        | (Ask::Http(_), Answer::Http { .. } | Answer::Unavailable | Answer::Gone) => true,
        (Ask::ReadUser { user } | Ask::ReadIdentified { user, .. }, Answer::User(found)) => {
            found.as_ref().is_none_or(|found| found.id == *user)
        }
        (Ask::ReadCounters { keys }, Answer::Counts(counts)) => keys.len() == counts.len(),
        _ => false,
    }
}
