//! A factor that rests on an attribute which users change themselves.
//!
//! A code to the user's own address is a factor because the address was known before. Where the Directory lets users
//! change the attribute, whoever has one factor could put an own address there, and have both.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { connection: mail, to: user.workEmail }
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
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { connection: mail, to: user.email }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Use an attribute that users cannot change, or take `User` out of the attribute's `editableBy`.

use idflow_api::directory::{Attribute, Role};

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unproven-factor",
    severity: Severity::Error,
    why: "Whoever has one factor of the user could give themselves the other",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for directory in cx.resolved.directories() {
        let name = directory.metadata.name.as_deref().unwrap_or_default();
        for attribute in directory.spec.attributes.iter().filter(|attribute| is_users(attribute)) {
            let rests = cx.steps().flat_map(|(_, step)| {
                let uses = step.facts.rests_on.iter().filter(|used| used.name == attribute.name);
                uses.map(move |used| step.node_pointer(&used.pointer))
            });
            findings.extend(rests.map(|pointer| {
                let title = format!(
                    "a factor rests on {}, which the Directory {name} lets users change",
                    attribute.name
                );
                RULE.at(cx.at(pointer), title, "use an attribute that users cannot change")
            }));
        }
    }
    findings
}

fn is_users(attribute: &Attribute) -> bool {
    attribute.editable_by.as_ref().is_some_and(|roles| roles.contains(&Role::User))
}
