//! One key written twice in a mapping.
//!
//! Only one of the two values can count. kubectl keeps the last one without a word, other tools the first.
//!
//! ```yaml,invalid
//! type: Login
//! type: Registration
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
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
//! Remove one of the two.

use std::ops::Range;

use crate::diagnostic::{Finding, Place, Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    code: "duplicate-key",
    severity: Severity::Error,
    why: "Only one of the two values can count, and tools disagree about which",
};

pub(crate) fn finding(file: &str, span: Range<usize>, first: Range<usize>, key: &str) -> Finding {
    let place = |span| Place::File { file: file.to_owned(), span };
    RULE.at(place(span), format!("the key {key} is written twice"), "remove one of the two")
        .with(place(first), "first written here")
}
