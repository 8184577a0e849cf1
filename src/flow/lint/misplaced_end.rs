//! An end that does not belong here.
//!
//! `exit` hands back to a caller, so it stands in library flows and nodes only. `complete` ends the whole journey, so
//! it stands in flows that visitors start.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     exit: { outcome: next }
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
//! Use `exit` in library flows and nodes, and `complete` elsewhere.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::graph::Role;
use crate::facts::End;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "misplaced-end",
    severity: Severity::Error,
    why: "There is nothing for it to hand back to, or it would end what it does not know",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.steps().filter_map(|(_, step)| {
        let place = || cx.at(step.node_pointer(""));
        match (&step.facts.end, &cx.graph().role) {
            (Some(End::Exit { .. }), Role::Journey(flow_type)) => {
                let title = format!("exit has no caller to hand back to in a flow of type {flow_type}");
                Some(RULE.at(place(), title, "use complete or fail, or make the flow a Library"))
            }
            (Some(End::Complete { .. }), Role::Library | Role::Node) => {
                let title = "complete would end the journey of a caller that counts on coming back";
                Some(RULE.at(place(), title, "use exit: { outcome: next }"))
            }
            _ => None,
        }
    });
    found.collect()
}
