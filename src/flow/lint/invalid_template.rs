//! A template that cannot be compiled.
//!
//! Texts may hold expressions in double braces; everything else is shown as written. Each expression passes the same
//! gate as any other.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! texts:
//!   hello: { en: "Hello {{ user.name" }
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: hello }
//!   - id: hello
//!     message: { title: hello }
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
    code: "invalid-template",
    severity: Severity::Error,
    why: "A step whose template cannot be compiled cannot run",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.uses().filter_map(|used| {
        let refused = used.refused.as_ref().filter(|refused| refused.is_template)?;
        Some(RULE.at(cx.at(&used.pointer), &refused.message, &refused.help))
    });
    found.collect()
}
