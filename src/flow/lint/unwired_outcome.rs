//! An outcome that leads nowhere.
//!
//! `error`, `cancel`, `back`, `timeout` and `locked` have safe defaults. Every other outcome needs a wire, on the
//! step or for the whole flow.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: password
//! outcomes: { next: done }
//! steps:
//!   - id: password
//!     password: { identify: true }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Say where the outcome leads.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unwired-outcome",
    severity: Severity::Error,
    why: "A journey that takes this outcome has nowhere to go",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let shared = cx.graph().shared;
    let found = cx.steps().flat_map(|(_, step)| {
        let unwired = step.facts.outcomes.iter().filter(|outcome| {
            outcome.needs_wire
                && !step.wires.contains_key(&outcome.name)
                && !shared.contains_key(&outcome.name)
        });
        unwired.map(|outcome| {
            let name = &outcome.name;
            let title = format!("the outcome {name} of the step {} leads nowhere", step.id);
            RULE.at(cx.at(&step.pointer), title, format!("add outcomes: {{ {name}: <step id> }}"))
        })
    });
    found.collect()
}
