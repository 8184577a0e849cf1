//! What is written and what is proven when a step is reached, over all paths to it.

use std::collections::{BTreeMap, BTreeSet};

use idflow_sandbox::Reference;

use crate::edge::{Left, proven_behind, writes};
use crate::facts::Use;
use crate::graph::{Edge, Graph, Step};
use crate::proofs::{Alternatives, Proofs};

/// What holds when a step is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Places written on every path.
    definite: BTreeSet<usize>,
    /// Places written on some path.
    possible: BTreeSet<usize>,
    /// What is proven.
    pub proofs: Alternatives,
}

/// The analysis of one graph.
#[derive(Debug, Default)]
pub struct Dataflow {
    /// Every place that some step writes, for example `form.email` or `steps.lookUp.status`.
    places: BTreeMap<String, usize>,
    /// What holds at the entry of each step; nothing for steps that are never reached.
    entries: Vec<Option<State>>,
}

/// How sure it is that a place was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// On every path.
    Always,
    /// On some paths.
    Sometimes,
    /// On no path, though some step writes it.
    NotYet,
    /// Nowhere.
    Never,
}

impl Written {
    /// Of two places: how sure it is that both were written.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Never | Self::NotYet, _) | (_, Self::Never | Self::NotYet) => Self::NotYet,
            (Self::Sometimes, _) | (_, Self::Sometimes) => Self::Sometimes,
            (Self::Always, Self::Always) => Self::Always,
        }
    }

    /// On one of two ways: how sure it is that the place was written.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        if self == other { self } else { Self::Sometimes }
    }
}

impl Dataflow {
    /// Analyses a connected graph.
    pub fn of(graph: &Graph<'_>) -> Self {
        let mut places = BTreeMap::new();
        for step in &graph.steps {
            for (place, _) in writes(step) {
                let next = places.len();
                places.entry(place).or_insert(next);
            }
        }
        let mut flow = Self { places, entries: vec![None; graph.steps.len()] };
        flow.run(graph);
        flow
    }

    fn run(&mut self, graph: &Graph<'_>) {
        let Some(start) = graph.start() else { return };
        let nothing =
            State { definite: BTreeSet::new(), possible: BTreeSet::new(), proofs: Alternatives::none() };
        let mut open = BTreeSet::from([start]);
        self.join(start, nothing);
        while let Some(index) = open.pop_first() {
            let Some(step) = graph.steps.get(index) else { continue };
            for edge in &step.edges {
                let Some(state) = self.after(graph, index, edge) else { continue };
                if self.join(edge.to, state) {
                    open.insert(edge.to);
                }
            }
        }
    }

    /// What holds behind an edge.
    fn after(&self, graph: &Graph<'_>, index: usize, edge: &Edge) -> Option<State> {
        let step = graph.steps.get(index)?;
        let mut state = self.entry(index)?.clone();
        let left = Left::by(step, &edge.outcome);
        for number in left.cleared.iter().filter_map(|place| self.places.get(place)) {
            state.definite.remove(number);
            state.possible.remove(number);
        }
        for (place, output) in &left.written {
            let Some(number) = self.places.get(place) else { continue };
            state.possible.insert(*number);
            // An optional field that is left empty takes its earlier value away.
            if output.optional {
                state.definite.remove(number);
            } else {
                state.definite.insert(*number);
            }
        }
        state.proofs = proven_behind(graph, step, edge, &left, &state.proofs);
        Some(state)
    }

    /// Adds a way into a step and tells whether that changed what holds there.
    fn join(&mut self, index: usize, state: State) -> bool {
        let Some(entry) = self.entries.get_mut(index) else { return false };
        let joined = match entry {
            None => state,
            Some(known) => State {
                definite: known.definite.intersection(&state.definite).copied().collect(),
                possible: known.possible.union(&state.possible).copied().collect(),
                proofs: known.proofs.or(&state.proofs),
            },
        };
        if entry.as_ref() == Some(&joined) {
            return false;
        }
        *entry = Some(joined);
        true
    }

    /// What holds when a step is reached; nothing when it never is.
    pub fn entry(&self, step: usize) -> Option<&State> {
        self.entries.get(step)?.as_ref()
    }

    /// How sure it is that a place was written when a step is reached.
    pub fn written(&self, step: usize, place: &str) -> Written {
        let Some(number) = self.places.get(place) else { return Written::Never };
        match self.entry(step) {
            Some(state) if state.definite.contains(number) => Written::Always,
            Some(state) if state.possible.contains(number) => Written::Sometimes,
            _ => Written::NotYet,
        }
    }

    /// How sure it is that a value can be computed when a step is reached: that what it reads was written.
    pub fn computable(&self, step: usize, used: &Use) -> Written {
        let unguarded = used.reads.iter().filter(|read| !read.guarded && read.root() != "session");
        let places = unguarded.filter_map(written_place);
        places.map(|place| self.written(step, &place)).fold(Written::Always, Written::and)
    }

    /// Every place that some step writes.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }
}

/// The shortest path from the start to a step that takes no edge for which `blocked` holds: `identify → done`.
pub fn path(graph: &Graph<'_>, to: usize, blocked: impl Fn(&Step<'_>, &Edge) -> bool) -> Option<Vec<String>> {
    let start = graph.start()?;
    let mut from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut line = std::collections::VecDeque::from([start]);
    let mut seen = BTreeSet::from([start]);
    while let Some(index) = line.pop_front() {
        if index == to {
            return Some(names(graph, start, to, &from));
        }
        let Some(step) = graph.steps.get(index) else { continue };
        for edge in step.edges.iter().filter(|edge| !blocked(step, edge)) {
            if seen.insert(edge.to) {
                from.insert(edge.to, index);
                line.push_back(edge.to);
            }
        }
    }
    None
}

fn names(graph: &Graph<'_>, start: usize, to: usize, from: &BTreeMap<usize, usize>) -> Vec<String> {
    let mut path = vec![to];
    let mut at = to;
    while let Some(before) = from.get(&at).copied().filter(|_| at != start) {
        path.push(before);
        at = before;
    }
    path.reverse();
    path.iter().filter_map(|index| graph.steps.get(*index)).map(|step| step.id.to_owned()).collect()
}

/// The shortest path to a step on which what is proven has a property: `identify → done`.
pub fn witness(graph: &Graph<'_>, to: usize, property: impl Fn(&Proofs) -> bool) -> Option<Vec<String>> {
    /// More states than any readable flow has; beyond, the answer is the analysis without a path.
    const MAX_STATES: usize = 20_000;
    let start = graph.start()?;
    let mut states: Vec<(usize, Proofs, Option<usize>)> = vec![(start, Proofs::new(), None)];
    let mut seen = BTreeSet::from([(start, Proofs::new())]);
    let mut next = 0;
    while let Some((index, proofs, _)) = states.get(next).cloned() {
        if index == to && property(&proofs) {
            return Some(steps_to(graph, &states, next));
        }
        let Some(step) = graph.steps.get(index) else { break };
        for edge in &step.edges {
            let before = Alternatives::one(proofs.clone());
            for after in proven_behind(graph, step, edge, &Left::by(step, &edge.outcome), &before).iter() {
                if states.len() < MAX_STATES && seen.insert((edge.to, after.clone())) {
                    states.push((edge.to, after.clone(), Some(next)));
                }
            }
        }
        next += 1;
    }
    None
}

fn steps_to(graph: &Graph<'_>, states: &[(usize, Proofs, Option<usize>)], last: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut at = Some(last);
    while let Some((index, _, before)) = at.and_then(|at| states.get(at)) {
        names.extend(graph.steps.get(*index).map(|step| step.id.to_owned()));
        at = *before;
    }
    names.reverse();
    names
}

/// The place that steps write, for example `form.email`, if the read is of one.
pub fn written_place(read: &Reference) -> Option<String> {
    let length = match read.root() {
        "form" | "vars" | "session" => 2,
        "steps" => 3,
        _ => return None,
    };
    Some(read.path.get(..length)?.join("."))
}
