//! A session that may stay unused for longer than it lasts.
//!
//! It ends when its lifetime is over, so that the longer time has no effect.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: { sessionLifetime: 2h, sessionIdle: 10h }
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
//!     complete: { sessionLifetime: 10h, sessionIdle: 2h }
//! ```
//!
//! Shorten the idle time, or lengthen the session.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unreached-idle",
    severity: Severity::Warning,
    why: "The session ends before, so that the idle time means nothing",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.steps().filter_map(|(_, step)| match step.facts.end {
        Some(End::Complete { lifetime, idle: Some(idle), .. }) if idle > lifetime => {
            let place = cx.at_key(step.node_pointer("/sessionIdle"));
            let title = format!("a session of {lifetime} is never unused for {idle}");
            Some(RULE.at(place, title, "write a shorter sessionIdle, or a longer sessionLifetime"))
        }
        _ => None,
    });
    found.collect()
}
