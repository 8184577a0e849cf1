//! An address that changes before anybody has shown to read the new one.
//!
//! People are found by it, and mails with codes go there. The step refuses an address that is not proven, so that such a
//! change never works.
//!
//! ```yaml,invalid
//! type: Custom
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: ask }
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: change }
//!   - id: change
//!     updateUser: { attributes: { email: form.email }, notice: { connection: mail } }
//!     outcomes: { next: done, exists: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Custom
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: ask }
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail, to: form.email } }
//!     outcomes: { next: change }
//!   - id: change
//!     updateUser: { attributes: { email: form.email }, notice: { connection: mail } }
//!     outcomes: { next: done, exists: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Let a `oneTimeCode` prove the new address before.

use idflow_api::value_type::ValueType;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::{NewValue, ProofFact};
use crate::graph::Step;
use crate::lint::Subject;
use crate::resolve::Resolved;

pub(super) const RULE: Rule = Rule {
    code: "unproven-change",
    severity: Severity::Error,
    why: "The step refuses an address that nobody has shown to read",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let changes = cx.steps().flat_map(|(index, step)| {
        let of_address = step.facts.changes.iter().filter(|change| is_of_address(cx.resolved, step, change));
        of_address.map(move |change| (index, step, change))
    });
    let found = changes.filter_map(|(index, step, change)| {
        let proof = ProofFact::Address(change.place.clone());
        let way = cx.path_where(index, |proofs| !proofs.contains(&proof))?;
        let NewValue { attribute, place, .. } = change;
        let title = format!("the path {way} gives {attribute} the address {place}, which is not proven yet");
        let help = format!("put a oneTimeCode with email: {{ to: {place} }} before");
        Some(RULE.at(cx.at(step.node_pointer(&change.pointer)), title, help))
    });
    found.collect()
}

/// Whether people are found by it, and it is an address.
pub(super) fn is_of_address(resolved: &Resolved<'_>, step: &Step<'_>, change: &NewValue) -> bool {
    let known = resolved.attribute(step, &change.attribute);
    known.is_some_and(|known| known.unique && known.type_ == ValueType::Email)
}
