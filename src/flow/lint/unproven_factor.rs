//! A factor that rests on an attribute which users change themselves, or share.
//!
//! A code to the user's own address is a factor because the address was known before, and is nobody else's. Where the
//! Directory lets users change the attribute, whoever has one factor could put an own address there, and have both.
//! Where it is not unique, such as the address of a manager, others receive the code as well.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail, to: user.workEmail } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,invalid
//! type: ResetPassword
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: account }
//!   - id: account
//!     findUser: { by: form.email }
//!     outcomes: { next: code, notFound: ask }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail, to: user.manager } }
//!     outcomes: { next: renew }
//!   - id: renew
//!     setPassword: {}
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
//!     oneTimeCode: { email: { connection: mail, to: user.email } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Use an attribute that users neither change nor share: take `User` out of its `editableBy`, and set `unique: true`.

use idflow_api::directory::{Attribute, Role};

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unproven-factor",
    severity: Severity::Error,
    why: "Somebody other than the user could show the factor",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for directory in cx.resolved.directories() {
        let name = directory.metadata.name.as_deref().unwrap_or_default();
        for (attribute, doubt) in directory.spec.attributes.iter().filter_map(doubtful) {
            let rests = cx.steps().flat_map(|(_, step)| {
                let uses = step.facts.rests_on.iter().filter(|used| used.name == attribute.name);
                uses.map(move |used| step.node_pointer(&used.pointer))
            });
            findings.extend(rests.map(|pointer| {
                let title =
                    format!("a factor rests on {}, which the Directory {name} lets users {doubt}", attribute.name);
                RULE.at(cx.at(pointer), title, "use an attribute that users neither change nor share")
            }));
        }
    }
    findings
}

/// Why nothing is proven about a user by what goes to this attribute, if so.
fn doubtful(attribute: &Attribute) -> Option<(&Attribute, &'static str)> {
    let by_users = attribute.editable_by.as_ref().is_some_and(|roles| roles.contains(&Role::User));
    match (by_users, attribute.unique) {
        (true, _) => Some((attribute, "change")),
        (false, false) => Some((attribute, "share")),
        (false, true) => None,
    }
}
