//! A step that no path leads to.
//!
//! It never runs. Either it is left over, or a wire to it is missing.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: hello
//!     message: {}
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
//! Remove the step, or draw a wire to it.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unreachable-step",
    severity: Severity::Warning,
    why: "It never runs, so either it is left over or a wire to it is missing",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if cx.graph().start().is_none() || !cx.is_known() {
        return Vec::new();
    }
    let reached = cx.graph().reached();
    let unreached = cx.steps().filter(|(index, _)| reached.get(*index) == Some(&false));
    unreached
        .map(|(_, step)| {
            let title = format!("no path leads to the step {}", step.id);
            RULE.at(cx.at(&step.pointer), title, "remove it, or draw a wire to it")
        })
        .collect()
}
