//! A node that ends by an outcome it does not declare.
//!
//! Steps that use a `FlowNode` wire the outcomes it declares.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: score }
//!   - id: score
//!     node: { name: undeclared, with: {} }
//!     outcomes: { next: done, other: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: score }
//!   - id: score
//!     node: { name: score, with: { email: user.email } }
//!     outcomes: { low: done, high: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Declare the outcome, or exit by one that is declared.

use crate::diagnostic::{Finding, Rule, Severity, nearest};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "undeclared-outcome",
    severity: Severity::Error,
    why: "Nobody could know that it has to be wired",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let graph = cx.graph();
    let Some(declared) = &graph.outcomes else { return Vec::new() };
    let undeclared = graph.exits().filter(|(_, outcome)| !declared.iter().any(|known| known == outcome));
    undeclared
        .filter_map(|(index, outcome)| {
            let step = graph.steps.get(index)?;
            let help = match nearest(outcome, declared.iter().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("add {outcome} to spec.outcomes"),
            };
            let place = cx.at(step.node_pointer("/outcome"));
            Some(RULE.at(place, format!("the node does not declare the outcome {outcome}"), help))
        })
        .collect()
}
