//! Two steps of one id.
//!
//! Wires and expressions name steps by id, so an id can stand for one step only.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
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
//! Rename one of them, and the wires that mean it.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "duplicate-step-id",
    severity: Severity::Error,
    why: "Wires and expressions name steps by id, so an id can stand for one step only",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.steps().filter_map(|(index, step)| {
        let first = cx.graph().find(step.id).filter(|first| *first < index)?;
        let place = cx.at(format!("{}/id", step.pointer));
        let first = cx.graph().steps.get(first)?;
        let finding = RULE.at(place, format!("there are two steps {}", step.id), "rename one of them");
        Some(finding.with(cx.at(format!("{}/id", first.pointer)), "the other one"))
    });
    found.collect()
}
