//! Whether a sign-up proves an address before it is finished.
//!
//! What another has proven goes only to who will have proven it as well by the time that they become a user. Whether that
//! may come is known from the graph, for each step: an address that is proven behind the credential comes too late.

use std::collections::BTreeSet;

use crate::facts::{Outcome, ProofFact};
use crate::graph::SAFE_OUTCOMES;
use crate::program::{Graph, GraphIndex, SignUp, Step, StepIndex};

/// A step of one of the graphs.
type At = (GraphIndex, StepIndex);

/// The graphs, each of whose steps knows it.
pub(crate) fn marked(mut graphs: Vec<Graph>) -> Vec<Graph> {
    let creating: Vec<At> = all(&graphs).filter(|(_, step)| creates(step)).map(|(at, _)| at).collect();
    let proving: Vec<At> = creating.into_iter().filter(|at| !finishes_unproven(&graphs, *at)).collect();
    for (graph, step) in proving {
        let step =
            graphs.get_mut(usize::from(graph)).and_then(|graph| graph.steps.get_mut(usize::from(step)));
        if let Some(step) = step {
            step.sign_up = SignUp::ProvesFirst;
        }
    }
    graphs
}

fn all(graphs: &[Graph]) -> impl Iterator<Item = (At, &Step)> {
    let numbered = graphs.iter().zip(0..GraphIndex::MAX);
    numbered.flat_map(|(graph, number)| {
        graph.steps.iter().zip(0..StepIndex::MAX).map(move |(step, index)| ((number, index), step))
    })
}

fn creates(step: &Step) -> bool {
    step.outcomes.iter().flat_map(|outcome| &outcome.proofs).any(|proof| *proof == ProofFact::Created)
}

/// Whether some way from a step leads to a finished sign-up and proves no address. Ways that only seem to be some, such
/// as out of a called graph to another of its callers, count: to say `exists` early is safe.
fn finishes_unproven(graphs: &[Graph], from: At) -> bool {
    let mut open = behind(graphs, from);
    let mut seen = BTreeSet::new();
    while let Some(at) = open.pop() {
        let Some(step) = find(graphs, at).filter(|_| seen.insert(at)) else { continue };
        if step.sign_up == SignUp::Finishes {
            return true;
        }
        open.extend(behind(graphs, at));
    }
    false
}

/// Where a step may lead without proving an address.
fn behind(graphs: &[Graph], at: At) -> Vec<At> {
    let Some(step) = find(graphs, at) else { return Vec::new() };
    let entered = step.callee.and_then(|callee| Some((callee, graphs.get(usize::from(callee))?.start)));
    let unproven = step.wires.iter().filter(|wire| step.callee.is_none() && !is_proof(step, &wire.outcome));
    let own = unproven.map(|wire| (at.0, wire.to));
    let outer = all(graphs).filter(|(_, caller)| at.0 > 0 && caller.callee == Some(at.0));
    let left = outer.flat_map(|((graph, _), caller)| {
        let wires = caller.wires.iter();
        let ways = wires.filter(|wire| step.ends || SAFE_OUTCOMES.contains(&wire.outcome.as_str()));
        ways.map(move |wire| (graph, wire.to))
    });
    own.chain(entered).chain(left).collect()
}

fn is_proof(step: &Step, outcome: &str) -> bool {
    let mut of_outcome = step.outcomes.iter().filter(|known| known.name == outcome);
    of_outcome.any(proves_address)
}

fn proves_address(outcome: &Outcome) -> bool {
    outcome.proofs.iter().any(|proof| matches!(proof, ProofFact::Address(_)))
}

fn find(graphs: &[Graph], (graph, step): At) -> Option<&Step> {
    graphs.get(usize::from(graph))?.steps.get(usize::from(step))
}
