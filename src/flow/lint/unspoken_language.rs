//! A language that the flow promises and idflow's own texts do not exist in.
//!
//! Buttons, labels and messages that are not the flow's own appear in English then, marked as such for screen readers.
//! The flow's own texts are shown in the promised language.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! locales: [en, ar]
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
//! locales: [en, de-AT]
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Promise the language only if a page in two languages is better than one in English.

use idflow_pages::texts;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unspoken-language",
    severity: Severity::Warning,
    why: "Visitors would see two languages on one page",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
    let promised = cx.part.flow.into_iter().flat_map(|flow| flow.spec.locales.iter().enumerate());
    let unspoken = promised.filter(|(_, tag)| texts::tags().all(|known| language(known) != language(tag)));
    unspoken
        .map(|(index, tag)| {
            let known: Vec<&str> = texts::tags().collect();
            let title =
                format!("idflow's own texts do not exist in {tag}: buttons and messages appear in English");
            let help =
                format!("they exist in {}; remove {tag}, or accept pages in two languages", known.join(", "));
            RULE.at(cx.at(format!("/spec/locales/{index}")), title, help)
        })
        .collect()
}
