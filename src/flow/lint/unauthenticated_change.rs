//! A user changed although nobody has shown to be that user.
//!
//! Naming an account proves nothing. Before a visitor's journey sets a password or changes a user, some factor or address
//! must have been shown, or the user created in this journey.
//!
//! ```yaml,invalid
//! type: ResetPassword
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: email, required: true }] }
//!     outcomes: { next: account }
//!   - id: account
//!     findUser: { by: form.email }
//!     outcomes: { next: renew, notFound: ask }
//!   - id: renew
//!     setPassword: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: ResetPassword
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: email, required: true }] }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { connection: mail, to: form.email }
//!     outcomes: { next: account }
//!   - id: account
//!     findUser: { by: form.email }
//!     outcomes: { next: renew, notFound: ask }
//!   - id: renew
//!     setPassword: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Ask for a factor, or verify the user's address, before.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::graph::Role;
use crate::lint::Subject;
use crate::summary::is_authenticated;

/// Types whose journeys are begun by somebody other than the user: an administrator or a program.
const BY_OTHERS: [&str; 4] = ["API", "InviteUser", "LockUser", "UnlockUser"];

pub(super) const RULE: Rule = Rule {
    code: "unauthenticated-change",
    severity: Severity::Error,
    why: "Anybody who knows the name of an account could take it over",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let is_visitors = match &cx.graph().role {
        Role::Journey(flow_type) => !BY_OTHERS.contains(&flow_type.as_str()),
        // What a caller must have proven before is checked at the caller.
        Role::Library | Role::Node => false,
    };
    let changes = cx.steps().filter(|(_, step)| is_visitors && step.needs_authentication());
    let found = changes.filter_map(|(index, step)| {
        let way = cx.path_where(index, |proofs| !is_authenticated(proofs))?;
        let title = format!("the path {way} changes a user without asking for any proof");
        let help = "ask for a factor, or verify the user's address, before";
        Some(RULE.at(cx.at(&step.pointer), title, help))
    });
    found.collect()
}
