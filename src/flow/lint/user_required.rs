//! A step or expression that needs a user where none is identified.
//!
//! A step that works on the user, or reads `user`, can do so only behind one that identifies the user, on every path.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: {}
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
//! Identify the user before.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::graph::Role;
use crate::facts::ProofFact;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "user-required",
    severity: Severity::Error,
    why: "The step fails on a path that has identified nobody",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    // What a caller must have identified before is checked at the caller.
    if !matches!(cx.graph().role, Role::Journey(_)) {
        return Vec::new();
    }
    let mut needs: Vec<(usize, String, String)> = Vec::new();
    for (index, step) in cx.steps().filter(|(_, step)| step.facts.needs_user) {
        needs.push((index, step.pointer.clone(), format!("the step {} needs a user", step.id)));
    }
    for (index, used) in cx.uses_at() {
        let covered = cx.graph().steps.get(index).is_some_and(|step| step.facts.needs_user);
        if let Some(read) = used.user_read().filter(|_| !covered) {
            needs.push((index, used.pointer.clone(), format!("{read} needs a user")));
        }
    }
    let found = needs.into_iter().filter_map(|(index, pointer, need)| {
        let way = cx.path_where(index, |proofs| !proofs.contains(&ProofFact::Identified))?;
        let title = format!("{need}, and the path {way} identifies none");
        Some(RULE.at(cx.at(pointer), title, "identify the user before, for example by findUser"))
    });
    found.collect()
}
