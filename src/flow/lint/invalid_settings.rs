//! Settings that a node kind does not take.
//!
//! Unknown fields, missing fields and values of the wrong form are refused by the API server too; this rule also
//! finds what a schema cannot say.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail }, lifetime: 1h }
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
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail }, lifetime: 5m }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Do what the finding says; the kind's page lists its settings.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "invalid-settings",
    severity: Severity::Error,
    why: "A step whose settings cannot be read cannot run",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.steps().filter_map(|(_, step)| {
        let node = step.node.as_ref()?;
        let error = node.refused.as_ref()?;
        let place = cx.at(step.node_pointer(&error.pointer));
        Some(RULE.at(place, format!("the settings of {}: {}", node.name, error.message), &error.help))
    });
    found.collect()
}
