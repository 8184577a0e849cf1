//! A value of a type that its place does not take.
//!
//! Values have types from where they come from: a form's fields, a Directory's attributes, what steps give. An expression
//! that compares a number with a text is false for everybody, and one that computes with both ends the journey.
//!
//! ```yaml,invalid
//! type: Custom
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: age, type: Integer }] }
//!     outcomes: { next: check }
//!   - id: check
//!     branch:
//!       cases: [{ when: "form.age >= '18'", outcome: grown }]
//!       otherwise: young
//!     outcomes: { grown: done, young: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Custom
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: age, type: Integer }] }
//!     outcomes: { next: check }
//!   - id: check
//!     branch:
//!       cases: [{ when: "form.age >= 18", outcome: grown }]
//!       otherwise: young
//!     outcomes: { grown: done, young: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Write what the finding says: without quotes, converted, or compared with something.

use idflow_sandbox::TypeMismatch;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::{Use, of_value};
use crate::graph::Step;
use crate::lint::Subject;
use crate::types::roots;

pub(super) const RULE: Rule = Rule {
    code: "mismatched-type",
    severity: Severity::Error,
    why: "Whoever comes there meets an error, or what is never true",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if !cx.is_known() {
        return Vec::new();
    }
    let roots = roots(cx.resolved, cx.part);
    let mut found: Vec<Finding> = Vec::new();
    let arguments = cx.steps().flat_map(|(_, step)| arguments(cx, step));
    for used in cx.uses().cloned().chain(arguments).filter(|used| used.refused.is_none()) {
        for computed in &used.computed {
            let source = computed.expression.source();
            for mismatch in computed.expression.check(&roots, &computed.wanted).mismatches {
                let place = cx.at(&used.pointer).narrowed(word(source, &mismatch));
                let finding = RULE.at(place, mismatch.message, mismatch.help);
                // A text has one in each language.
                if !found.contains(&finding) {
                    found.push(finding);
                }
            }
        }
    }
    found
}

/// What is passed to a flow or node, which says what it takes.
fn arguments(cx: &Subject<'_, '_>, step: &Step<'_>) -> Vec<Use> {
    let entered = step.graph_entered().and_then(|graph| cx.resolved.parts.get(graph));
    let input = |used: &Use| {
        let (_, name) = used.pointer.rsplit_once("/with/")?;
        Some(entered?.graph.inputs.get(name)?.value_type)
    };
    let passed = step.uses.iter().filter_map(|used| Some(used.clone().giving(&of_value(input(used)?))));
    passed.collect()
}

/// The part of the source that is meant, as far as its place in the manifest can be found by it.
fn word<'s>(source: &'s str, mismatch: &TypeMismatch) -> &'s str {
    let rest = source.get(mismatch.position.offset..).unwrap_or(source);
    let is_part = |letter: char| letter.is_alphanumeric() || "._?'".contains(letter);
    let end = rest.find(|letter| !is_part(letter)).filter(|end| *end > 0).unwrap_or(rest.len());
    rest.get(..end).unwrap_or(rest)
}
