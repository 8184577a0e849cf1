//! A journey that may last too long or no time at all.
//!
//! A journey's lifetime includes waits and is at most 2160h (90 days).
//!
//! ```yaml,invalid
//! type: Login
//! lifetime: 3000h
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! lifetime: 20m
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Write a duration between 1m and 2160h.

use idflow_core::time::Span;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

const SHORTEST: Span = Span::seconds(1);
const LONGEST: Span = Span::hours(2160);

pub(super) const RULE: Rule = Rule {
    code: "invalid-lifetime",
    severity: Severity::Error,
    why: "Journeys keep their revision and their data for as long",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let lifetime = cx.part.flow.and_then(|flow| flow.spec.lifetime);
    let outside = lifetime.filter(|lifetime| *lifetime < SHORTEST || *lifetime > LONGEST);
    outside
        .map(|lifetime| {
            let title = format!("a journey cannot last {lifetime}");
            RULE.at(cx.at("/spec/lifetime"), title, "write at least 1s and at most 2160h, for example 20m")
        })
        .into_iter()
        .collect()
}
