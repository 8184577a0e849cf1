//! A session for nobody that the Tenant does not allow.
//!
//! `complete: { subject: Guest }` opens a session without a user. Whether there may be such sessions is the Tenant's
//! to say, by `spec.policy.guests`; without it there are none.
//!
//! ```yaml,invalid
//! type: Login
//! start: hello
//! steps:
//!   - id: hello
//!     message: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: { subject: Guest }
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
//! Identify a user on that path, or ask the cluster's administrator for `policy: { guests: Allowed }` in the Tenant.

use crate::assurance::session_ends;
use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::lint::Subject;
use crate::policy::allows_guests;

pub(super) const RULE: Rule = Rule {
    code: "forbidden-guest",
    severity: Severity::Error,
    why: "Whether a session may be nobody's is for the Tenant to say",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if cx.tenants().all(|tenant| allows_guests(tenant.spec.policy.as_ref())) {
        return Vec::new();
    }
    let ends = session_ends(cx.resolved, cx.part);
    let guests = cx.steps().filter(|(index, step)| {
        matches!(step.facts.end, Some(End::Complete { guest: true, .. })) && ends.contains(index)
    });
    let found = guests.map(|(_, step)| {
        let help = "write `policy: { guests: Allowed }` in the Tenant, or identify a user first";
        RULE.at(cx.at(&step.pointer), "the Tenant does not allow sessions for guests", help)
    });
    found.collect()
}
