//! A text that does not exist.
//!
//! Steps show texts by key. The keys stand in `texts`, or in a `ConfigMap` that `textsFrom` names.
//!
//! ```yaml,invalid
//! type: Login
//! start: hello
//! texts:
//!   welcome: { en: Welcome }
//! steps:
//!   - id: hello
//!     message: { title: welcom }
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
//! start: hello
//! texts:
//!   welcome: { en: Welcome }
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
//! Correct the key, or add the text.

use crate::diagnostic::{Finding, Rule, Severity, nearest};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "missing-text",
    severity: Severity::Error,
    why: "The page would have nothing to say",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let texts = &cx.graph().texts;
    if !cx.has_all_texts() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (_, step) in cx.steps() {
        for used in step.facts.texts.iter().filter(|used| !texts.contains_key(&used.key)) {
            let help = match nearest(&used.key, texts.keys().map(String::as_str)) {
                Some(near) => format!("did you mean {near}?"),
                None if cx.part.flow.is_none() => "a FlowNode has no texts of its own; leave the built-in one".to_owned(),
                None => format!("add texts: {{ {}: {{ en: … }} }}", used.key),
            };
            let place = cx.at(step.node_pointer(&used.pointer));
            findings.push(RULE.at(place, format!("there is no text {}", used.key), help));
        }
    }
    findings
}
