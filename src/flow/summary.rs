//! What a caller must know of a flow or node that it enters, and how its own step comes to know it.

use std::collections::{BTreeMap, BTreeSet};

use crate::dataflow::{Dataflow, Written};
use crate::edge::forgets;
use crate::facts::{End, Outcome, Output, ProofFact, Use};
use crate::graph::{Graph, NamedUse, SAFE_OUTCOMES, Step};
use crate::proofs::{Alternatives, Proofs, is_authenticated};

/// What a caller must know of a graph.
#[derive(Debug, Default)]
pub struct Summary {
    /// Whether some path needs a user before it identifies one.
    pub needs_user: bool,
    /// The Directories in which some path changes a user before anybody has shown to be that user.
    pub changes: BTreeSet<String>,
    /// Whether some way back may forget what was proven before it was entered.
    pub forgets: bool,
    /// Whether some step shows a page.
    pub shows_page: bool,
    /// What holds after each way out.
    pub exits: BTreeMap<String, Exit>,
}

/// What holds after one way out of a graph.
#[derive(Debug)]
pub struct Exit {
    /// What is proven, in the callee's own words.
    pub proofs: Alternatives,
    /// Names of the values handed out, and whether on every path; with their sources where these are plain paths.
    pub outputs: BTreeMap<String, bool>,
    /// Output name → the place of its value, or nothing where the `exit` steps do not agree.
    pub sources: BTreeMap<String, Option<String>>,
    /// Of a node: how sure it is that each output it declares can be computed.
    pub declared: BTreeMap<String, Written>,
}

impl Summary {
    /// What a caller must know of an analysed graph.
    pub(crate) fn of(graph: &Graph<'_>, dataflow: &Dataflow) -> Self {
        let mut summary = Self::default();
        for (index, step) in graph.steps.iter().enumerate() {
            let Some(state) = dataflow.entry(index) else { continue };
            let reads_user = step.uses.iter().any(Use::needs_user);
            summary.shows_page |= step.facts.shows_page;
            summary.needs_user |= (step.facts.needs_user || reads_user) && !state.proofs.identified();
            let unshown = step.changes().filter(|directory| {
                let directory = directory.as_str();
                !state.proofs.all(|proofs| is_authenticated(proofs, directory))
            });
            summary.changes.extend(unshown.cloned());
            summary.forgets |= forgets(graph, step);
            if let Some(End::Exit { outcome, outputs }) = &step.facts.end {
                let outputs_read = graph.outputs.iter().any(|output| output.used.needs_user());
                summary.needs_user |= outputs_read && !state.proofs.identified();
                add_exit(&mut summary.exits, outcome, outputs, &state.proofs);
                if let Some(exit) = summary.exits.get_mut(outcome) {
                    let declared = |output: &NamedUse| {
                        let computable = dataflow.computable(index, &output.used);
                        let known = exit.declared.get(&output.name);
                        (output.name.clone(), known.map_or(computable, |known| known.or(computable)))
                    };
                    exit.declared = graph.outputs.iter().map(declared).collect();
                }
            }
        }
        summary
    }
}

fn add_exit(
    exits: &mut BTreeMap<String, Exit>,
    outcome: &str,
    outputs: &[(String, String)],
    proofs: &Alternatives,
) {
    let first = !exits.contains_key(outcome);
    let exit = exits.entry(outcome.to_owned()).or_insert_with(|| Exit {
        proofs: Alternatives::unreached(),
        outputs: BTreeMap::new(),
        sources: BTreeMap::new(),
        declared: BTreeMap::new(),
    });
    exit.proofs = exit.proofs.or(proofs);
    for (name, always) in &mut exit.outputs {
        *always &= outputs.iter().any(|(other, _)| other == name);
    }
    for (name, source) in outputs {
        exit.outputs.entry(name.clone()).or_insert(first);
        let known = exit.sources.entry(name.clone()).or_insert_with(|| Some(source.clone()));
        if known.as_ref() != Some(source) {
            *known = None;
        }
    }
}

/// Gives a `call` or `node` step the outcomes, outputs and proofs of what it enters.
pub(crate) fn complete_facts(
    step: &mut Step<'_>,
    callee: &Graph<'_>,
    summary: &Summary,
    arguments: &[(String, String)],
) {
    step.facts.shows_page |= summary.shows_page;
    step.facts.needs_user |= summary.needs_user;
    step.enters_changes.clone_from(&summary.changes);
    step.forgets |= summary.forgets;
    let declared = callee.outcomes.iter().flatten();
    let outcomes: BTreeSet<&String> = summary.exits.keys().chain(declared).collect();
    for outcome in outcomes {
        let needs_wire = !SAFE_OUTCOMES.contains(&outcome.as_str());
        step.facts.outcomes.push(Outcome { needs_wire, ..Outcome::wired(outcome.as_str()) });
    }
    for (outcome, exit) in &summary.exits {
        // An outcome of the engine's own may also come up from within, before anything was proven or written.
        let may_come_up = SAFE_OUTCOMES.contains(&outcome.as_str());
        if !may_come_up {
            let proofs = exit.proofs.map(|proofs| translated(proofs, step.id, exit, arguments));
            step.proves.insert(outcome.clone(), proofs);
        }
        let handed_out = exit.outputs.iter().map(|(name, always)| (name, None, *always));
        let declared = callee.outputs.iter().filter_map(|output| match exit.declared.get(&output.name)? {
            Written::Always => Some((&output.name, Some(output.value_type), true)),
            Written::Sometimes => Some((&output.name, Some(output.value_type), false)),
            Written::NotYet | Written::Never => None,
        });
        for (name, value_type, always) in handed_out.chain(declared) {
            let optional = !always || may_come_up;
            step.facts.outputs.push(Output { optional, ..Output::after(outcome, name, value_type) });
        }
    }
}

/// A callee's proofs in the caller's words. What is in a place that the caller cannot name is lost.
fn translated(proofs: &Proofs, step: &str, exit: &Exit, arguments: &[(String, String)]) -> Proofs {
    let mut moved = Proofs::new();
    for fact in proofs {
        match fact {
            ProofFact::Address(place) => {
                let places = places(place, step, exit, arguments);
                if places.is_empty() {
                    // Somebody still reads an address: keep that, under a name that nothing in the caller has.
                    moved.insert(ProofFact::Address(format!("steps.{step}")));
                }
                moved.extend(places.into_iter().map(ProofFact::Address));
            }
            ProofFact::Named { place, directory } => {
                let named = |place| ProofFact::Named { place, directory: directory.clone() };
                moved.extend(places(place, step, exit, arguments).into_iter().map(named));
            }
            other => {
                moved.insert(other.clone());
            }
        }
    }
    moved
}

/// The places in the caller that have the value of a place in the callee.
fn places(place: &str, step: &str, exit: &Exit, arguments: &[(String, String)]) -> Vec<String> {
    let user = place.starts_with("user.").then(|| place.to_owned());
    let argument =
        place.strip_prefix("input.").and_then(|name| arguments.iter().find(|(other, _)| other == name));
    let outputs = exit.sources.iter().filter(|(_, source)| source.as_deref() == Some(place));
    let outputs = outputs.map(|(name, _)| format!("steps.{step}.{name}"));
    user.into_iter().chain(argument.map(|(_, source)| source.clone())).chain(outputs).collect()
}
