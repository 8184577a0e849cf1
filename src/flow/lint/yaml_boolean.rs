//! Words without quotes that YAML 1.1 reads as booleans.
//!
//! kubectl reads YAML 1.1, where `on`, `off`, `yes`, `no`, `y` and `n` are booleans, as values and as keys. What
//! looks like text arrives as `true` or `false`, or is refused with a message that names another cause.
//!
//! ```yaml,invalid
//! type: Login
//! start: done
//! steps:
//!   - id: done
//!     complete: { subject: on }
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
//! Choose another word, or put the word in quotes.

use std::ops::Range;

use crate::diagnostic::{Finding, Place, Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    code: "yaml-boolean",
    severity: Severity::Error,
    why: "kubectl reads YAML 1.1, where on, off, yes, no, y and n are booleans and not text",
};

pub(crate) fn finding(file: &str, span: Range<usize>, word: &str, meaning: bool) -> Finding {
    let title = format!("{word} without quotes is the boolean {meaning} in YAML 1.1");
    let help = format!("choose another word; or write \"{word}\" in quotes if text is meant, {meaning} if the boolean is");
    RULE.at(Place::File { file: file.to_owned(), span }, title, help)
}
