//! A text that is missing in a language the flow promises.
//!
//! `locales` lists the languages the flow speaks. A text that is missing in one of them would appear in another
//! language in the middle of a page.
//!
//! ```yaml,invalid
//! type: Login
//! start: hello
//! locales: [en, de]
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
//! ```yaml,valid
//! type: Login
//! start: hello
//! locales: [en, de]
//! texts:
//!   welcome: { en: Welcome, de: Willkommen }
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
//! Add the text, or do not promise the language.

use std::collections::BTreeSet;

use crate::diagnostic::{Finding, Rule, Severity, token};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "missing-locale",
    severity: Severity::Error,
    why: "Visitors would see another language in the middle of a page",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if !cx.has_all_texts() {
        return Vec::new();
    }
    let graph = cx.graph();
    let used: BTreeSet<&str> =
        graph.steps.iter().flat_map(|step| &step.facts.texts).map(|text| text.key.as_str()).collect();
    let texts = graph.texts.iter().filter(|(key, _)| used.contains(key.as_str()));
    let found = texts.flat_map(|(key, known)| {
        let missing = graph.locales.iter().filter(|locale| !known.contains_key(*locale));
        missing.map(move |locale| {
            let place = cx.at(format!("{}/texts/{}", graph.base, token(key)));
            let title = format!("the text {key} is missing in {locale}");
            // A language that is not promised may be a promised one, misspelt.
            let other = known.keys().find(|known| !graph.locales.contains(*known));
            let help = match other {
                Some(other) => {
                    format!("it exists in {other}, which locales do not promise: is {locale} meant there?")
                }
                None => format!("add {locale}: … or remove {locale} from locales"),
            };
            RULE.at(place, title, help)
        })
    });
    found.collect()
}
