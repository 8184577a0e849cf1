//! A new user without an attribute that every user must have.
//!
//! `createUser` fails where an attribute is missing that the Directory says is `required`: every sign-up would end there,
//! after all that the visitor has typed and proven.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Directory
//! metadata: { name: customers }
//! spec:
//!   identifiers: [email]
//!   attributes:
//!     - { name: email, type: Email, unique: true, required: true }
//!     - { name: name, type: String, required: true }
//! ---
//! apiVersion: idflow.dev/v1alpha1
//! kind: Flow
//! metadata: { name: sign-up }
//! spec:
//!   type: Registration
//!   start: ask
//!   steps:
//!     - id: ask
//!       form: { fields: [{ name: email, type: Email }] }
//!       outcomes: { next: code }
//!     - id: code
//!       oneTimeCode: { email: { connection: mail, to: form.email } }
//!       outcomes: { next: account }
//!     - id: account
//!       createUser: { directory: customers, attributes: { email: form.email } }
//!       outcomes: { next: done, exists: ask }
//!     - id: done
//!       complete: {}
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Directory
//! metadata: { name: customers }
//! spec:
//!   identifiers: [email]
//!   attributes:
//!     - { name: email, type: Email, unique: true, required: true }
//!     - { name: name, type: String, required: true }
//! ---
//! apiVersion: idflow.dev/v1alpha1
//! kind: Flow
//! metadata: { name: sign-up }
//! spec:
//!   type: Registration
//!   start: ask
//!   steps:
//!     - id: ask
//!       form: { fields: [{ name: email, type: Email }, { name: name, type: String }] }
//!       outcomes: { next: code }
//!     - id: code
//!       oneTimeCode: { email: { connection: mail, to: form.email } }
//!       outcomes: { next: account }
//!     - id: account
//!       createUser: { directory: customers, attributes: { email: form.email, name: form.name } }
//!       outcomes: { next: done, exists: ask }
//!     - id: done
//!       complete: {}
//! ```
//!
//! Ask for the attribute and give it, or let the Directory do without.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "missing-attribute",
    severity: Severity::Error,
    why: "No user could be created: every journey that comes here fails",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let missing =
        cx.steps().flat_map(|(_, step)| step.facts.missing_attributes.iter().map(move |name| (step, name)));
    let found = missing.map(|(step, name)| {
        let node = step.nodes.first().copied().unwrap_or_default();
        let title = format!("the new user gets no {name}, which the Directory requires");
        let help = format!("add {name} to attributes, or let it not be required in the Directory");
        RULE.at(cx.at(format!("{}/{node}/attributes", step.pointer)), title, help)
    });
    found.collect()
}
