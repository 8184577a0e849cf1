//! The weakest that is proven over all paths into each step that completes a journey.

use std::collections::BTreeSet;

use idflow_api::flow::Assurance;

use crate::facts::{End, ProofFact};
use crate::graph::{Role, Step};
use crate::proofs::{Alternatives, Proofs};
use crate::resolve::{Part, Resolved};

/// What holds at each `complete` that can be reached, sorted by step id.
pub fn assurance(part: &Part<'_>) -> Vec<Assurance> {
    let mut list: Vec<Assurance> =
        ends(part).filter_map(|(index, step)| at(&part.dataflow.entry(index)?.proofs, step)).collect();
    list.sort_by(|a, b| a.step.cmp(&b.step));
    list
}

fn at(proofs: &Alternatives, step: &Step<'_>) -> Option<Assurance> {
    // A session of nobody in particular shows nothing of anybody.
    if matches!(step.facts.end, Some(End::Complete { guest: true, .. })) {
        let (identified, factors, minimum_factors) = (false, Vec::new(), Some(0));
        let step = step.id.to_owned();
        return Some(Assurance { step, identified, guest: true, factors, minimum_factors });
    }
    let common = proofs.common();
    let fewest = proofs.iter().map(|proofs| factors(proofs).len()).min().unwrap_or_default();
    Some(Assurance {
        step: step.id.to_owned(),
        identified: common.contains(&ProofFact::Identified),
        guest: false,
        factors: factors(&common),
        minimum_factors: Some(i32::try_from(fewest).ok()?),
    })
}

fn ends<'p, 'a>(part: &'p Part<'a>) -> impl Iterator<Item = (usize, &'p Step<'a>)> {
    let steps = part.graph.steps.iter().enumerate();
    steps.filter(|(_, step)| matches!(step.facts.end, Some(End::Complete { .. })))
}

/// The steps of a flow that may open a session, and so may answer an application: every `complete` of a Login flow,
/// and those of a Registration flow that come after a factor on some path. No other type opens any.
pub fn session_ends(resolved: &Resolved<'_>, part: &Part<'_>) -> BTreeSet<usize> {
    let ends = ends(part).map(|(index, _)| index);
    match &part.graph.role {
        Role::Journey(flow_type) if flow_type == "Login" => ends.collect(),
        Role::Journey(flow_type) if flow_type == "Registration" => {
            let after = after_factor(resolved, part);
            ends.filter(|end| after.contains(end)).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// The steps that some path reaches after a factor. What is entered may show one by whatever way it is left.
fn after_factor(resolved: &Resolved<'_>, part: &Part<'_>) -> BTreeSet<usize> {
    let entered = showing_parts(resolved);
    let shows = |step: &Step<'_>, outcome: &str| {
        let own = step.proves.get(outcome).is_some_and(|proven| proven.iter().any(has_factor));
        own || step.graph_entered().is_some_and(|index| entered.contains(&index))
    };
    let edges = part.graph.steps.iter().flat_map(|step| step.edges.iter().map(move |edge| (step, edge)));
    let mut open: Vec<usize> =
        edges.filter(|(step, edge)| shows(step, &edge.outcome)).map(|(_, edge)| edge.to).collect();
    let mut after = BTreeSet::new();
    while let Some(index) = open.pop() {
        if let Some(step) = part.graph.steps.get(index).filter(|_| after.insert(index)) {
            open.extend(step.edges.iter().map(|edge| edge.to));
        }
    }
    after
}

/// The parts in which some step shows a factor. Callees come before their callers.
fn showing_parts(resolved: &Resolved<'_>) -> BTreeSet<usize> {
    let mut showing = BTreeSet::new();
    for (index, part) in resolved.parts.iter().enumerate() {
        let shows = part.graph.steps.iter().any(|step| {
            step.proves.values().any(|proven| proven.iter().any(has_factor))
                || step.graph_entered().is_some_and(|inner| showing.contains(&inner))
        });
        if shows {
            showing.insert(index);
        }
    }
    showing
}

fn has_factor(proofs: &Proofs) -> bool {
    proofs.iter().any(|fact| matches!(fact, ProofFact::Factor(_)))
}

/// The authentication methods among some proofs, sorted.
pub fn factors(proofs: &Proofs) -> Vec<String> {
    let methods = proofs.iter().filter_map(|fact| match fact {
        ProofFact::Factor(method) => Some((*method).to_owned()),
        _ => None,
    });
    methods.collect()
}
