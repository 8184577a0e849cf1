//! An address that changes without a word to the old one.
//!
//! Whoever has got into an account takes it over by another address. The mail to the old one is how its owner hears of
//! it.
//!
//! ```yaml,invalid
//! type: Custom
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: ask }
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail, to: form.email } }
//!     outcomes: { next: change }
//!   - id: change
//!     updateUser: { attributes: { email: form.email } }
//!     outcomes: { next: done, exists: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Custom
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: ask }
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail, to: form.email } }
//!     outcomes: { next: change }
//!   - id: change
//!     updateUser: { attributes: { email: form.email }, notice: { connection: mail } }
//!     outcomes: { next: done, exists: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Write `notice` with the Connection that sends mails.

use super::unproven_change::is_of_address;
use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "untold-change",
    severity: Severity::Warning,
    why: "The owner of an account that somebody else has got into hears nothing of it",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let untold = cx.steps().flat_map(|(_, step)| {
        let changes = step.facts.changes.iter().filter(|change| !change.is_told);
        changes.filter(|change| is_of_address(cx.resolved, step, change)).map(move |change| (step, change))
    });
    let found = untold.map(|(step, change)| {
        let title = format!("{} changes, and nobody is told at the address before", change.attribute);
        RULE.at(cx.at_key(step.node_pointer(&change.pointer)), title, "add notice: { connection: <a Connection of kind smtp> }")
    });
    found.collect()
}
