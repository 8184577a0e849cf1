//! An expression that cannot be compiled.
//!
//! Besides mistakes of syntax, the gate refuses what could not be evaluated safely: too long, too deeply nested,
//! unknown functions.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { name: "user.name +" } }
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
//! Do what the finding says.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "invalid-expression",
    severity: Severity::Error,
    why: "A step whose expression cannot be compiled cannot run",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.uses().filter_map(|used| {
        let refused = used.refused.as_ref().filter(|refused| !refused.is_template)?;
        Some(RULE.at(cx.at(&used.pointer), &refused.message, &refused.help))
    });
    found.collect()
}
