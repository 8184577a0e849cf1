//! A text that no step shows.
//!
//! It is not part of the revision. Mostly the key was renamed on one side only.
//!
//! ```yaml,invalid
//! type: Login
//! start: hello
//! texts:
//!   welcome: { en: Welcome }
//!   goodbye: { en: Goodbye }
//! steps:
//!   - id: hello
//!     message: { title: welcome }
//!     outcomes: { next: password }
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
//! Remove it, or show it.

use std::collections::BTreeSet;

use crate::diagnostic::{Finding, Rule, Severity, token};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unused-text",
    severity: Severity::Warning,
    why: "Translators work on it for nothing",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let steps = &cx.graph().steps;
    if !cx.is_known() {
        return Vec::new();
    }
    let used: BTreeSet<&str> = steps.iter().flat_map(|step| &step.facts.texts).map(|text| text.key.as_str()).collect();
    let own = cx.part.flow.into_iter().flat_map(|flow| flow.spec.texts.keys());
    let unused = own.filter(|key| !used.contains(key.as_str()));
    unused
        .map(|key| {
            let place = cx.at_key(format!("/spec/texts/{}", token(key)));
            RULE.at(place, format!("no step shows the text {key}"), "remove it, or show it")
        })
        .collect()
}
