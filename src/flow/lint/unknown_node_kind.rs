//! A step without exactly one node, or with a node that does not exist.
//!
//! A step is an id, exactly one node object, and its outcomes. The node object is named for its kind.
//!
//! ```yaml,invalid
//! type: Login
//! start: passwrod
//! steps:
//!   - id: passwrod
//!     passwrod: { identify: true }
//!     outcomes: { next: done }
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
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Write one node object, named for a kind of the catalogue.

use crate::diagnostic::{Finding, Rule, Severity, nearest, token};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unknown-node-kind",
    severity: Severity::Error,
    why: "A step does what its one node object says; without it there is nothing to do",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let names: Vec<&str> = cx.resolved.kinds.0.iter().map(|kind| kind.name).collect();
    let found = cx.steps().filter_map(|(_, step)| match &step.node {
        None => {
            let title = match step.nodes.as_slice() {
                [] => format!("the step {} has no node", step.id),
                nodes => format!("the step {} has {} nodes: {}", step.id, nodes.len(), nodes.join(", ")),
            };
            let unknown = step.nodes.iter().find(|name| !names.contains(name));
            let help = match unknown.and_then(|name| Some((name, nearest(name, STEP_FIELDS)?))) {
                Some((name, field)) => format!("did you mean {field} instead of {name}?"),
                None => "write exactly one node object, for example form: {…}".to_owned(),
            };
            Some(RULE.at(cx.at(&step.pointer), title, help))
        }
        Some(node) if node.kind.is_none() => {
            let help = match nearest(node.name, names.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("the kinds are {}", names.join(", ")),
            };
            let place = cx.at_key(format!("{}/{}", step.pointer, token(node.name)));
            Some(RULE.at(place, format!("there is no node kind {}", node.name), help))
        }
        Some(_) => None,
    });
    found.collect()
}

const STEP_FIELDS: [&str; 2] = ["id", "outcomes"];
