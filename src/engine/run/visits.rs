//! Pages that `back` can return to: the first as a whole, each later one as what changed since the one before, so that
//! a value that stays is kept once.

use idflow_core::Data;
use idflow_core::evidence::Proof;
use idflow_core::id::StepInstance;
use idflow_core::journey::{Changes, Frame, FrameChange, Visit};

use super::Run;
use super::route::merge;
use crate::turn::Finish;

/// How many pages `back` can return to.
const MAX_VISITED: usize = 8;

impl Run<'_> {
    /// Remembers an answered page, so that `back` can return to it. What is proven, but for the mere naming of an
    /// account, cannot be unproven: no page before it can be returned to.
    pub(super) fn remember_visit(&mut self, finish: &Finish, proofs: &[Proof]) {
        if proofs.iter().any(|proof| *proof != Proof::Identified) {
            self.journey.visited.clear();
            return;
        }
        if self.submission.is_none() || self.active.binds {
            return;
        }
        let mut frames = self.journey.frames.clone();
        if let Some(frame) = frames.last_mut() {
            merge(&mut frame.form, finish.form.clone());
        }
        push(&mut self.journey.visited, self.active.instance, frames);
    }

    /// The last page that can be returned to, which from now on cannot be returned to any more.
    pub(super) fn take_visit(&mut self) -> Option<(StepInstance, Vec<Frame>)> {
        let frames = stack(&self.journey.visited);
        let visit = self.journey.visited.pop()?;
        Some((visit.instance, frames))
    }

    /// The last visit of a step of the running graph that can be returned to, taken with all after it.
    pub(super) fn take_visit_of(&mut self, step: u16) -> Option<StepInstance> {
        let depth = self.journey.frames.len();
        let graph = self.journey.frames.last()?.graph;
        while let Some((instance, frames)) = self.take_visit() {
            let is_it = |frame: &Frame| (frame.graph, frame.step) == (graph, step);
            if frames.len() == depth && frames.last().is_some_and(is_it) {
                return Some(instance);
            }
        }
        None
    }

    /// Forgets what was proven from a visit on, and whom it was proven for.
    pub(super) fn forget_since(&mut self, instance: StepInstance) {
        self.journey.evidence.retain(|evidence| evidence.instance < instance);
        let user = self.journey.evidence.iter().rev().find_map(|evidence| evidence.user);
        if user != self.journey.user {
            self.journey.user = user;
            self.journey.forget_user();
        }
    }
}

fn push(visited: &mut Vec<Visit>, instance: StepInstance, frames: Vec<Frame>) {
    if visited.is_empty() {
        visited.push(Visit { instance, frames, since: None });
        return;
    }
    let changes = changes(&stack(visited), frames);
    visited.push(Visit { instance, frames: Vec::new(), since: Some(changes) });
    if visited.len() > MAX_VISITED {
        let frames = stack(visited.get(..2).unwrap_or_default());
        visited.remove(0);
        if let Some(oldest) = visited.first_mut() {
            *oldest = Visit { instance: oldest.instance, frames, since: None };
        }
    }
}

/// The call stack of the last visit.
fn stack(visited: &[Visit]) -> Vec<Frame> {
    visited.iter().fold(Vec::new(), |before, visit| match &visit.since {
        None => visit.frames.clone(),
        Some(changes) => applied(before, changes),
    })
}

fn changes(before: &[Frame], after: Vec<Frame>) -> Vec<FrameChange> {
    let nothing = Frame::default();
    let pairs = after.into_iter().enumerate();
    let change = |(depth, frame): (usize, Frame)| {
        let before = before.get(depth).unwrap_or(&nothing);
        FrameChange {
            at: (frame.graph, frame.step),
            input: difference(&before.input, frame.input),
            form: difference(&before.form, frame.form),
            steps: difference(&before.steps, frame.steps),
            vars: difference(&before.vars, frame.vars),
            session: difference(&before.session, frame.session),
        }
    };
    pairs.map(change).collect()
}

fn difference(before: &Data, after: Data) -> Changes {
    let removed = before.keys().filter(|name| !after.contains_key(*name)).cloned().collect();
    let set = after.into_iter().filter(|(name, value)| before.get(name) != Some(value)).collect();
    Changes { set, removed }
}

fn applied(before: Vec<Frame>, changes: &[FrameChange]) -> Vec<Frame> {
    let mut before = before.into_iter();
    let frame = |change: &FrameChange| {
        let mut frame = before.next().unwrap_or_default();
        (frame.graph, frame.step) = change.at;
        let parts = [
            (&mut frame.input, &change.input),
            (&mut frame.form, &change.form),
            (&mut frame.steps, &change.steps),
            (&mut frame.vars, &change.vars),
            (&mut frame.session, &change.session),
        ];
        for (data, Changes { set, removed }) in parts {
            data.retain(|name, _| !removed.contains(name));
            data.extend(set.clone());
        }
        frame
    };
    changes.iter().map(frame).collect()
}
