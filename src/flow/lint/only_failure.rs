//! A flow that nobody can finish well.
//!
//! A flow that visitors start ends by `complete`, which signs them in, or tells that all went well and leads back to the
//! application. One in which no path leads there ends by `fail` whatever the visitor does, and the application is told
//! that access was denied.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     fail: {}
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
//! Lead the path on which all went well to `complete`.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::graph::Role;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "only-failure",
    severity: Severity::Warning,
    why: "Whatever visitors do, they are told that it did not work",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let Role::Journey(_) = &cx.graph().role else { return Vec::new() };
    let reached = cx.graph().reached();
    let ends: Vec<_> = cx
        .steps()
        .filter(|(index, _)| reached.get(*index) == Some(&true))
        .filter_map(|(_, step)| step.facts.end.as_ref())
        .collect();
    let is_hopeless =
        cx.is_known() && !ends.is_empty() && ends.iter().all(|end| !matches!(end, End::Complete { .. }));
    let finding =
        || RULE.at(cx.at("/spec/steps"), "no path of this flow completes", "lead a path to complete");
    is_hopeless.then(finding).into_iter().collect()
}
