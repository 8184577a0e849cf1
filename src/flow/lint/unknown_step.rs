//! A wire to a step that does not exist.
//!
//! `start` and `outcomes` name steps by id.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: doen }
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
//! Correct the id, or add the step.

use crate::diagnostic::{Finding, Place, Rule, Severity, nearest, token};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unknown-step",
    severity: Severity::Error,
    why: "A journey that takes this way would lead nowhere",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let graph = cx.graph();
    let mut named: Vec<(Place, &str)> = vec![(cx.at(format!("{}/start", graph.base)), graph.start)];
    for (outcome, target) in graph.shared {
        named.push((cx.at(format!("{}/outcomes/{}", graph.base, token(outcome))), target));
    }
    for (_, step) in cx.steps() {
        for (outcome, target) in step.wires.iter() {
            named.push((cx.at(format!("{}/outcomes/{}", step.pointer, token(outcome))), target));
        }
    }
    named.into_iter().filter_map(|(place, target)| unknown(cx, place, target)).collect()
}

fn unknown(cx: &Subject<'_, '_>, place: Place, target: &str) -> Option<Finding> {
    if cx.graph().find(target).is_some() {
        return None;
    }
    let help = match nearest(target, cx.steps().map(|(_, step)| step.id)) {
        Some(near) => format!("did you mean {near}?"),
        None => "correct the id, or add the step".to_owned(),
    };
    Some(RULE.at(place, format!("there is no step {target}"), help))
}
