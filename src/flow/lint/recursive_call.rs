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
use crate::graph::Entered;
use crate::lint::Subject;
use crate::resolve::MAX_DEPTH;

pub(super) const RULE: Rule = Rule {
    code: "recursive-call",
    severity: Severity::Error,
    why: "Everything a flow enters becomes part of its revision, so it cannot contain itself",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.steps().filter_map(|(_, step)| match &step.entered {
        Some(Entered::Recursive(way)) => {
            let title = format!("the step {} leads back to what it is part of: {}", step.id, way.join(" → "));
            Some(RULE.at(cx.at(step.node_pointer("")), title, "make it a loop of steps"))
        }
        Some(Entered::TooDeep) => {
            let title = format!("more than {MAX_DEPTH} flows and nodes are entered inside each other");
            Some(RULE.at(cx.at(step.node_pointer("")), title, "put steps of the inner ones into the outer ones"))
        }
        _ => None,
    });
    found.collect()
}
