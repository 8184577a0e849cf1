//! The weakest that is proven over all paths into each step that completes a journey.

use idflow_api::flow::Assurance;

use crate::facts::{End, ProofFact};
use crate::proofs::Proofs;
use crate::resolve::Part;

/// The most steps that a status lists.
const MAX_LISTED: usize = 20;

/// What holds at each `complete` that can be reached, sorted by step id.
pub fn assurance(part: &Part<'_>) -> Vec<Assurance> {
    let ends = part.graph.steps.iter().enumerate().filter_map(|(index, step)| match step.facts.end {
        Some(End::Complete { .. }) => {
            let proofs = part.dataflow.entry(index)?.proofs.common();
            let identified = proofs.contains(&ProofFact::Identified);
            Some(Assurance { step: step.id.to_owned(), identified, factors: factors(&proofs) })
        }
        _ => None,
    });
    let mut list: Vec<Assurance> = ends.collect();
    list.sort_by(|a, b| a.step.cmp(&b.step));
    list.truncate(MAX_LISTED);
    list
}

/// The authentication methods among some proofs, sorted.
pub fn factors(proofs: &Proofs) -> Vec<String> {
    let methods = proofs.iter().filter_map(|fact| match fact {
        ProofFact::Factor(method) => Some((*method).to_owned()),
        _ => None,
    });
    methods.collect()
}
