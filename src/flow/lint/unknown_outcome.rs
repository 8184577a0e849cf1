//! A wire for an outcome that the step does not have.
//!
//! A node kind declares its outcomes; a library flow or node that is entered brings its own. A wire for any other
//! is never taken.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done, succeeded: done }
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
//! Remove the wire, or name one of the step's outcomes.

use crate::diagnostic::{Finding, Rule, Severity, nearest, token};
use crate::graph::{SAFE_OUTCOMES, Step};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unknown-outcome",
    severity: Severity::Error,
    why: "The wire is never taken, so what it is meant for does not happen",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let own = cx.steps().filter(|(_, step)| step.is_known).flat_map(|(_, step)| {
        let unknown = step.wires.keys().filter(|outcome| !step.can_end_by(outcome));
        unknown.map(move |outcome| {
            let place = cx.at_key(format!("{}/outcomes/{}", step.pointer, token(outcome)));
            let title = format!("the step {} never ends by {outcome}", step.id);
            RULE.at(place, title, help(step, outcome))
        })
    });
    own.chain(inherited(cx)).collect()
}

/// Wires of the flow itself that no step can take.
fn inherited(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let graph = cx.graph();
    if !cx.is_known() {
        return Vec::new();
    }
    let is_taken = |outcome: &str| graph.steps.iter().any(|step| step.can_end_by(outcome));
    let unknown = graph.shared.keys().filter(|outcome| !is_taken(outcome));
    unknown
        .map(|outcome| {
            let place = cx.at_key(format!("{}/outcomes/{}", graph.base, token(outcome)));
            let finding = RULE.at(place, format!("no step ever ends by {outcome}"), "remove the wire");
            finding.graded(Severity::Warning)
        })
        .collect()
}

fn help(step: &Step<'_>, outcome: &str) -> String {
    let names: Vec<&str> = step.facts.outcomes.iter().map(|known| known.name.as_str()).collect();
    let safe = SAFE_OUTCOMES.into_iter().filter(|outcome| step.can_end_by(outcome));
    match nearest(outcome, names.iter().copied().chain(safe)) {
        Some(near) => format!("did you mean {near}?"),
        None if step.facts.end.is_some() => "remove the wire: the journey ends here".to_owned(),
        None => format!("remove the wire; the step's outcomes are {}", names.join(", ")),
    }
}
