//! A user changed although nobody has shown to be that user.
//!
//! Naming an account proves nothing. Before a journey sets a password or changes a user, some factor must have been
//! shown, the address verified by which the user was found, or the user created in this journey.
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
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail, to: form.email } }
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
use crate::proofs::is_authenticated;

pub(super) const RULE: Rule = Rule {
    code: "unauthenticated-change",
    severity: Severity::Error,
    why: "Anybody who knows the name of an account could take it over, so the step refuses to run",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    // What a caller must have proven before is checked at the caller.
    let Role::Journey(_) = &cx.graph().role else { return Vec::new() };
    let changes = cx.steps().flat_map(|(index, step)| step.changes().map(move |directory| (index, step, directory)));
    let found = changes.filter_map(|(index, step, directory)| {
        let way = cx.path_where(index, |proofs| !is_authenticated(proofs, directory))?;
        let title = format!("the path {way} changes a user whom the visitor has not shown to be");
        let help = "ask for a factor before, or find the user by the address that was verified";
        Some(RULE.at(cx.at(&step.pointer), title, help))
    });
    found.collect()
}
