//! A sign-in that can complete without a user.
//!
//! A session belongs to somebody. A flow of type Login that reaches `complete` must have identified a user on every
//! path, unless the session is meant for a guest.
//!
//! ```yaml,invalid
//! type: Login
//! start: hello
//! steps:
//!   - id: hello
//!     message: {}
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
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Identify a user on that path, lead it to another end, or write `complete: { subject: Guest }`.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::{End, ProofFact};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unidentified-complete",
    severity: Severity::Error,
    why: "A session would be opened for nobody",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if !cx.is_login() {
        return Vec::new();
    }
    let ends = cx.steps().filter(|(_, step)| matches!(step.facts.end, Some(End::Complete { guest: false, .. })));
    let found = ends.filter_map(|(index, step)| {
        let way = cx.path_where(index, |proofs| !proofs.contains(&ProofFact::Identified))?;
        let title = format!("the path {way} completes without an identified user");
        let help = "identify a user on it (password, findUser, createUser), or lead it to another end";
        Some(RULE.at(cx.at(&step.pointer), title, help))
    });
    found.collect()
}
