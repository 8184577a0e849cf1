//! What holds behind an edge: what its step has written by then, and what is proven.

use idflow_core::effect::EffectClass;

use crate::facts::{Output, ProofFact};
use crate::graph::{Edge, Graph, SAFE_OUTCOMES, Step};
use crate::proofs::{Alternatives, Proofs};

/// The places a step writes, with what is known about each.
pub fn writes<'s>(step: &'s Step<'_>) -> impl Iterator<Item = (String, &'s Output)> {
    let outputs =
        step.facts.outputs.iter().map(|output| (format!("steps.{}.{}", step.id, output.name), output));
    let form = step.facts.form.iter().map(|output| (format!("form.{}", output.name), output));
    let vars = step.facts.vars.iter().map(|output| (format!("vars.{}", output.name), output));
    let session = step.facts.session.iter().map(|output| (format!("session.{}", output.name), output));
    outputs.chain(form).chain(vars).chain(session)
}

/// Whether an output is there after an outcome. What the engine ends early writes nothing.
pub fn is_written(output: &Output, outcome: &str) -> bool {
    if output.only_after.is_empty() {
        !SAFE_OUTCOMES.contains(&outcome)
    } else {
        output.only_after.iter().any(|after| after == outcome)
    }
}

/// What a step has done to the journey's values when it is left.
pub struct Left<'s> {
    /// The places it has written.
    pub written: Vec<(String, &'s Output)>,
    /// Outputs of an earlier visit that are gone: a new one begins with a clean sheet.
    pub cleared: Vec<String>,
}

impl<'s> Left<'s> {
    /// What a step has done that is left by an outcome.
    pub fn by(step: &'s Step<'_>, outcome: &str) -> Self {
        let (written, others): (Vec<_>, Vec<_>) =
            writes(step).partition(|(_, output)| is_written(output, outcome));
        let others = others.into_iter().map(|(place, _)| place);
        Self { written, cleared: others.filter(|place| place.starts_with("steps.")).collect() }
    }

    /// Whether what was said of a value is no longer said of the one in its place.
    fn outdates(&self, fact: &ProofFact) -> bool {
        let (ProofFact::Address(place) | ProofFact::Named { place, .. }) = fact else { return false };
        let is_within = |outer: &String| {
            place.strip_prefix(outer.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.written.iter().map(|(place, _)| place).chain(&self.cleared).any(is_within)
    }

    /// The same said of the places to which the value is repeated.
    fn repeated(&self, fact: &ProofFact) -> Vec<ProofFact> {
        let (ProofFact::Address(known) | ProofFact::Named { place: known, .. }) = fact else {
            return Vec::new();
        };
        let said_of = |place: &String| match fact {
            ProofFact::Named { directory, .. } => {
                ProofFact::Named { place: place.clone(), directory: directory.clone() }
            }
            _ => ProofFact::Address(place.clone()),
        };
        let repeating = self.written.iter().filter(|(_, output)| output.repeats.as_ref() == Some(known));
        repeating.map(|(place, _)| said_of(place)).collect()
    }

    /// What is still true of the proofs before, what the outcome proves, and what both say of the values written.
    fn proofs(&self, before: &Proofs, proven: &Proofs) -> Proofs {
        let kept = before.iter().filter(|fact| !self.outdates(fact)).chain(proven).cloned();
        let repeated = before.iter().chain(proven).flat_map(|fact| self.repeated(fact));
        let mut after: Proofs = kept.chain(repeated).collect();
        let own: Vec<ProofFact> = own_addresses(&after).collect();
        after.extend(own);
        after
    }
}

/// Where an address is verified under which no other user can be.
fn own_addresses(proofs: &Proofs) -> impl Iterator<Item = ProofFact> {
    proofs.iter().filter_map(|fact| match fact {
        ProofFact::Named { place, directory } if proofs.contains(&ProofFact::Address(place.clone())) => {
            Some(ProofFact::OwnAddress(directory.clone()))
        }
        _ => None,
    })
}

/// What is proven behind an edge, given what was before.
pub fn proven_behind(
    graph: &Graph<'_>,
    step: &Step<'_>,
    edge: &Edge,
    left: &Left<'_>,
    before: &Alternatives,
) -> Alternatives {
    let nothing = Alternatives::none();
    let before = match way(graph, step, edge) {
        Way::On if step.forgets => &nothing,
        Way::On => before,
        // What was proven there before is known from the way on.
        Way::BackTo => return Alternatives::unreached(),
        Way::Back => return nothing,
    };
    let proven = step.proves.get(&edge.outcome).unwrap_or(&nothing);
    before.with(proven, |before, proven| left.proofs(before, proven))
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
pub fn forgets(graph: &Graph<'_>, step: &Step<'_>) -> bool {
    step.forgets || step.edges.iter().any(|edge| matches!(way(graph, step, edge), Way::Back))
}
