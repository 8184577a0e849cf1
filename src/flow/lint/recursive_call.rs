//! A library flow or node that leads back to itself, or too deep.
//!
//! Everything a flow enters becomes part of its revision, so it cannot contain itself.
//!
//! ```yaml,invalid
//! type: Library
//! start: again
//! steps:
//!   - id: again
//!     call: { flow: example }
//!     outcomes: { next: back }
//!   - id: back
//!     exit: { outcome: next }
//! ```
//!
//! ```yaml,valid
//! type: Library
//! start: verify
//! steps:
//!   - id: verify
//!     call: { flow: verify-email, with: { email: "'a@example.com'" } }
//!     outcomes: { next: back }
//!   - id: back
//!     exit: { outcome: next }
//! ```
//!
//! Make it a loop of steps.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::graph::{Entered, Step};
use crate::lint::Subject;
use crate::resolve::MAX_DEPTH;

pub(super) const RULE: Rule = Rule {
    code: "recursive-call",
    severity: Severity::Error,
    why: "Everything a flow enters becomes part of its revision, so it cannot contain itself",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.steps().filter_map(|(_, step)| {
        let place = || cx.at(step.node_pointer(""));
        if let Some(way) = circle(cx, step) {
            let title = format!("the step {} leads back to what it is part of: {}", step.id, way.join(" → "));
            let found = RULE.at(place(), title, "make it a loop of steps");
            let next = cx.resolved.parts.iter().find(|part| Some(&part.name.as_str()) == way.get(1));
            let next = next.filter(|next| next.name != cx.part.name);
            return Some(match next {
                Some(next) => found.with(next.graph.at(next.graph.base), "entered here, and it leads back"),
                None => found,
            });
        }
        if matches!(step.entered, Some(Entered::TooDeep)) {
            let title = format!("more than {MAX_DEPTH} flows and nodes are entered inside each other");
            return Some(RULE.at(place(), title, "put steps of the inner ones into the outer ones"));
        }
        None
    });
    found.collect()
}

/// The circle that a step of this graph is part of. Whoever is on it has the finding, whether the circle was closed
/// here or in something that is entered.
fn circle<'c>(cx: &Subject<'c, '_>, step: &Step<'_>) -> Option<Vec<&'c str>> {
    let callee = step.facts.call.as_ref()?.callee.graph_name();
    let steps = cx.resolved.parts.iter().flat_map(|part| &part.graph.steps);
    let closed = steps.filter_map(|step| match &step.entered {
        Some(Entered::Recursive(way)) => way.split_last().map(|(_, ring)| ring),
        _ => None,
    });
    closed.filter_map(|ring| from(ring, &cx.part.name)).find(|way| way.get(1).is_some_and(|next| *next == callee))
}

/// A ring of names as a way from one of them back to it.
fn from<'c>(ring: &'c [String], name: &str) -> Option<Vec<&'c str>> {
    let at = ring.iter().position(|one| one == name)?;
    Some(ring.iter().cycle().skip(at).take(ring.len() + 1).map(String::as_str).collect())
}
