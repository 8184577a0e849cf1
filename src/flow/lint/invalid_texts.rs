//! An entry of a `ConfigMap` that holds no texts.
//!
//! `textsFrom` names `ConfigMap`s whose keys are languages and whose values are YAML maps of texts.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! textsFrom: [broken]
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
//! textsFrom: [german]
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Write a map from text keys to texts.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "invalid-texts",
    severity: Severity::Error,
    why: "Texts that cannot be read are not shown",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.part.refused_texts.iter().map(|(pointer, map, entry)| {
        let title = format!("the entry {entry} of the ConfigMap {map} holds no texts");
        RULE.at(cx.at(pointer), title, "write a YAML map of keys to texts, for example: welcome: Willkommen")
    });
    found.collect()
}
