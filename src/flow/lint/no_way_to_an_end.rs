//! A step from which no end can be reached.
//!
//! A journey that comes there goes round until its lifetime ends. Every path needs `complete`, `fail` or, in a library
//! flow, `exit`.
//!
//! ```yaml,invalid
//! type: Login
//! start: hello
//! steps:
//!   - id: hello
//!     message: {}
//!     outcomes: { next: again }
//!   - id: again
//!     message: {}
//!     outcomes: { next: hello }
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
//! Wire one of the outcomes to a step that ends.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "no-way-to-an-end",
    severity: Severity::Error,
    why: "A journey that comes here can never finish",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let reached = cx.graph().reached();
    let ends = leads_to_an_end(cx);
    let stuck = cx.steps().filter(|(index, step)| {
        // What an unknown node leads to is unknown too, and has a finding of its own.
        reached.get(*index) == Some(&true) && ends.get(*index) == Some(&false) && !step.edges.is_empty()
    });
    let first = stuck.map(|(_, step)| step).next();
    first
        .map(|step| {
            let title = format!("from the step {} no path leads to an end", step.id);
            RULE.at(cx.at(&step.pointer), title, "wire one of the outcomes to complete, fail or exit")
        })
        .into_iter()
        .collect()
}

fn leads_to_an_end(cx: &Subject<'_, '_>) -> Vec<bool> {
    let steps = &cx.graph().steps;
    let mut ends: Vec<bool> = steps.iter().map(|step| step.facts.end.is_some() || !step.is_known).collect();
    loop {
        let mut changed = false;
        for (index, step) in steps.iter().enumerate() {
            let leads = step.edges.iter().any(|edge| ends.get(edge.to) == Some(&true));
            if let Some(end @ false) = ends.get_mut(index).filter(|_| leads) {
                *end = true;
                changed = true;
            }
        }
        if !changed {
            return ends;
        }
    }
}
