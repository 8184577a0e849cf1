//! A sign-in that can complete although nobody has shown to be the user.
//!
//! Naming an account identifies a user and proves nothing. On every path to `complete` some factor of the user must
//! have been shown. The engine refuses to open a session without; the compiler says so before anybody stands before
//! it.
//!
//! ```yaml,invalid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: account }
//!   - id: account
//!     findUser: { by: form.email }
//!     outcomes: { next: done, notFound: ask }
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
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Ask for a factor on that path.

use crate::assurance::factors;
use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unauthenticated-complete",
    severity: Severity::Error,
    why: "Anybody who knows the name of an account would be signed in to it",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if !cx.is_login() {
        return Vec::new();
    }
    let ends = cx.steps().filter(|(_, step)| matches!(step.facts.end, Some(End::Complete { guest: false, .. })));
    let ends = ends.filter(|(index, _)| cx.dataflow().entry(*index).is_some_and(|state| state.proofs.identified()));
    let found = ends.filter_map(|(index, step)| {
        // Paths without a user at all are the business of unidentified-complete.
        let way = cx.path_where(index, |proofs| factors(proofs).is_empty())?;
        let title = format!("the path {way} signs a user in without asking for any factor");
        Some(RULE.at(cx.at(&step.pointer), title, "ask for a factor on it, for example password or oneTimeCode"))
    });
    found.collect()
}
