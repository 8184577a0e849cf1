//! Outputs of an `exit` in a `FlowNode`.
//!
//! What a `FlowNode` hands out stands in its `outputs`, with types, so that whoever uses it knows it without reading the
//! steps. An `exit` there only names the outcome.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: FlowNode
//! metadata: { name: rank }
//! spec:
//!   implementation:
//!     graph:
//!       start: end
//!       steps:
//!         - { id: end, exit: { outcome: next, outputs: { rank: "1" } } }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: FlowNode
//! metadata: { name: rank }
//! spec:
//!   outputs: [{ name: rank, type: Integer, value: "1" }]
//!   implementation:
//!     graph:
//!       start: end
//!       steps:
//!         - { id: end, exit: { outcome: next } }
//! ```
//!
//! Move them to the node's own `outputs`.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::graph::Role;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "ignored-outputs",
    severity: Severity::Warning,
    why: "Flows read what the node declares, and this is declared nowhere",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if cx.graph().role != Role::Node {
        return Vec::new();
    }
    let found = cx.steps().filter_map(|(_, step)| match &step.facts.end {
        Some(End::Exit { outputs, .. }) if !outputs.is_empty() => {
            let names: Vec<&str> = outputs.iter().map(|(name, _)| name.as_str()).collect();
            let title = format!("the exit hands out {}, which the node does not declare here", names.join(", "));
            let place = cx.at_key(step.node_pointer("/outputs"));
            Some(RULE.at(place, title, "write spec.outputs: [{ name: …, type: …, value: … }]"))
        }
        _ => None,
    });
    found.collect()
}
