//! What is written and what is proven when a step is reached, over all paths to it.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::effect::EffectClass;

use crate::facts::{Output, ProofFact};
use crate::graph::{Edge, Graph, SAFE_OUTCOMES, Step};
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
        let (written, left): (Vec<_>, Vec<_>) =
            writes(step).partition(|(_, output)| is_written(output, &edge.outcome));
        // A new visit begins with a clean sheet: what an earlier one had put out is gone.
        let left: Vec<String> =
            left.into_iter().map(|(place, _)| place).filter(|place| place.starts_with("steps.")).collect();
        for number in left.iter().filter_map(|place| self.places.get(place)) {
            state.definite.remove(number);
            state.possible.remove(number);
        }
        for (place, output) in &written {
            let Some(number) = self.places.get(place) else { continue };
            state.possible.insert(*number);
            // An optional field that is left empty takes its earlier value away.
            if output.optional {
                state.definite.remove(number);
            } else {
                state.definite.insert(*number);
            }
        }
        state.proofs = proven_after(graph, index, edge, &state.proofs);
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

    /// Every place that some step writes.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }
}

/// The places a step writes, with what is known about each.
pub fn writes<'s>(step: &'s Step<'_>) -> impl Iterator<Item = (String, &'s Output)> {
    let outputs =
        step.facts.outputs.iter().map(|output| (format!("steps.{}.{}", step.id, output.name), output));
    let form = step.facts.form.iter().map(|output| (format!("form.{}", output.name), output));
    let vars = step.facts.vars.iter().map(|output| (format!("vars.{}", output.name), output));
    outputs.chain(form).chain(vars)
}

/// What is proven behind an edge, given what was before.
fn proven_after(graph: &Graph<'_>, index: usize, edge: &Edge, before: &Alternatives) -> Alternatives {
    let Some(step) = graph.steps.get(index) else { return Alternatives::none() };
    let nothing = Alternatives::none();
    let before = match way(graph, step, edge) {
        Way::On if step.forgets => &nothing,
        Way::On => before,
        // What was proven there before is known from the way on.
        Way::BackTo => return Alternatives::unreached(),
        Way::Back => return nothing,
    };
    let proven = step.proves.get(&edge.outcome).unwrap_or(&nothing);
    before.with(proven, |before, proven| proofs_after(step, &edge.outcome, before, proven))
}

/// The proofs behind an outcome: what is still true of those before, what the outcome proves, and what both say of the
/// values that the step writes.
fn proofs_after(step: &Step<'_>, outcome: &str, before: &Proofs, proven: &Proofs) -> Proofs {
    let (written, left): (Vec<_>, Vec<_>) = writes(step).partition(|(_, output)| is_written(output, outcome));
    let cleared = left.iter().map(|(place, _)| place).filter(|place| place.starts_with("steps."));
    let changed: Vec<&String> = written.iter().map(|(place, _)| place).chain(cleared).collect();
    let within = |place: &str, outer: &str| {
        place.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_outdated = |fact: &ProofFact| {
        let (ProofFact::Address(place) | ProofFact::Named { place, .. }) = fact else { return false };
        changed.iter().any(|changed| within(place, changed))
    };
    let mut after: Proofs = before.iter().filter(|fact| !is_outdated(fact)).chain(proven).cloned().collect();
    for (place, output) in &written {
        let Some(repeated) = &output.repeats else { continue };
        after.extend(before.iter().chain(proven).filter_map(|fact| match fact {
            ProofFact::Address(known) if known == repeated => Some(ProofFact::Address(place.clone())),
            ProofFact::Named { place: known, directory } if known == repeated => {
                Some(ProofFact::Named { place: place.clone(), directory: directory.clone() })
            }
            _ => None,
        }));
    }
    let own = after.iter().filter_map(|fact| match fact {
        ProofFact::Named { place, directory } if after.contains(&ProofFact::Address(place.clone())) => {
            Some(ProofFact::OwnAddress(directory.clone()))
        }
        _ => None,
    });
    let own: Vec<ProofFact> = own.collect();
    after.extend(own);
    after
}

/// Where an edge leads in time.
enum Way {
    /// On: what was proven stays.
    On,
    /// Back to the visit just before, with what was proven then.
    BackTo,
    /// Back to nobody knows when: the engine forgets everything.
    Back,
}

/// An author's own `back` returns to the visit of its target that the engine remembers. That it does is certain only
/// of a page that always comes just before, and after which nothing was proven or changed.
fn way(graph: &Graph<'_>, from: &Step<'_>, edge: &Edge) -> Way {
    if edge.outcome != "back" || from.facts.call.is_some() {
        return Way::On;
    }
    let Some(target) = graph.steps.get(edge.to) else { return Way::Back };
    let proves_nothing = |outcome: &str| {
        let proven = target.proves.get(outcome).into_iter().flat_map(Alternatives::iter).flatten();
        { proven }.all(|fact| matches!(fact, ProofFact::Identified | ProofFact::Named { .. }))
    };
    let is_page = |step: &Step<'_>| {
        step.facts.shows_page
            && step.facts.call.is_none()
            && !step.facts.effects.contains(&EffectClass::Idempotent)
    };
    let leads_here = |step: &Step<'_>| {
        let mut ways =
            step.edges.iter().filter(|way| graph.steps.get(way.to).is_some_and(|to| to.id == from.id));
        ways.all(|way| {
            step.id == target.id
                && !SAFE_OUTCOMES.contains(&way.outcome.as_str())
                && proves_nothing(&way.outcome)
        })
    };
    let always_before = graph.start != from.id && graph.steps.iter().all(leads_here);
    if always_before && is_page(target) && is_page(from) { Way::BackTo } else { Way::Back }
}

/// Whether a way back from a step may forget what was proven before its graph was entered.
pub fn forgets(graph: &Graph<'_>, index: usize) -> bool {
    let Some(step) = graph.steps.get(index) else { return false };
    step.forgets || step.edges.iter().any(|edge| matches!(way(graph, step, edge), Way::Back))
}

/// Whether an output is there after an outcome. What the engine ends early writes nothing.
pub fn is_written(output: &Output, outcome: &str) -> bool {
    if output.only_after.is_empty() {
        !SAFE_OUTCOMES.contains(&outcome)
    } else {
        output.only_after.iter().any(|after| after == outcome)
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
            for after in proven_after(graph, index, edge, &Alternatives::one(proofs.clone())).iter() {
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
