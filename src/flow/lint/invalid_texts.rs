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

use crate::diagnostic::{Finding, ObjectId, Rule, Severity, token};
use crate::lint::Subject;
use crate::objects::RefusedTexts;

pub(super) const RULE: Rule = Rule {
    code: "invalid-texts",
    severity: Severity::Error,
    why: "Texts that cannot be read are not shown",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.part.refused_texts.iter().map(|(pointer, refused)| {
        let RefusedTexts { config_map, entry, why } = refused;
        let title = format!("the entry {entry} of the ConfigMap {config_map} holds no texts: {why}");
        let help = "write a YAML map of keys to texts, for example: welcome: Willkommen";
        let place = ObjectId::new("ConfigMap", config_map).at(format!("/data/{}", token(entry)));
        RULE.at(cx.at(pointer), title, help).with(place, "the entry")
    });
    found.collect()
}
