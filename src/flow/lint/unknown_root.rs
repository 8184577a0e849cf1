//! An expression that reads a name that does not exist.
//!
//! Expressions read `form`, `steps`, `vars`, `user`, `session`, `client`, `flow`, `request` and, in library flows and
//! nodes, `input`. There is nothing else.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { mail: "usr.email" } }
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
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { mail: "user.email" } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Begin with one of the names that exist.

use idflow_sandbox::ROOTS;

use crate::diagnostic::{Finding, Rule, Severity, nearest};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unknown-root",
    severity: Severity::Error,
    why: "The expression fails whenever it is evaluated",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let unknown = cx.uses().flat_map(|used| {
        let reads = used.reads.iter().filter(|read| !ROOTS.contains(&read.root()));
        reads.map(move |read| (used, read.root()))
    });
    unknown
        .map(|(used, root)| {
            let help = match nearest(root, ROOTS) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("expressions read {}", ROOTS.join(", ")),
            };
            RULE.at(cx.at(&used.pointer).narrowed(root), format!("there is no {root} to read from"), help)
        })
        .collect()
}
