//! A step that reads the answer of a service of which nothing is said.
//!
//! What a service answers is decided elsewhere: it may be a page of a proxy, or "no" as a text where false was meant.
//! A step that says what it expects ends by `error` when something else comes, and expressions know the types.
//!
//! ```yaml,invalid
//! type: Custom
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /listed }
//!     outcomes: { next: decide }
//!   - id: decide
//!     branch: { cases: [{ when: steps.ask.body.listed, outcome: refused }], otherwise: accepted }
//!     outcomes: { refused: refused, accepted: done }
//!   - id: refused
//!     message: {}
//!     outcomes: { next: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Custom
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /listed, answer: [{ name: listed, type: Boolean }] }
//!     outcomes: { next: decide, error: refused }
//!   - id: decide
//!     branch: { cases: [{ when: steps.ask.body.listed, outcome: refused }], otherwise: accepted }
//!     outcomes: { refused: refused, accepted: done }
//!   - id: refused
//!     message: {}
//!     outcomes: { next: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Declare the members that are read.

use idflow_sandbox::Reference;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::{Outside, Output, Use};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "undeclared-answer",
    severity: Severity::Error,
    why: "Whatever comes is taken for what was meant, and a journey may go on that should not",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let reads = cx.uses().flat_map(|used| used.reads.iter().map(move |read| (used, read)));
    reads.filter_map(|(used, read)| undeclared(cx, used, read)).collect()
}

fn undeclared(cx: &Subject<'_, '_>, used: &Use, read: &Reference) -> Option<Finding> {
    let Some(Outside::Undescribed(setting)) = output(cx, read)?.outside else { return None };
    let step = read.path.get(1)?;
    let member = read.path.get(3).map_or("name", String::as_str);
    let title = format!("{read} is read here, and the step {step} does not say what the answer must be");
    let help = format!(
        "add {setting}: [{{ name: {member}, type: … }}] to {step}, each member with its type: String, Integer, Number, Boolean, List or Object"
    );
    Some(RULE.at(cx.at(&used.pointer).narrowed(read.to_string()), title, help))
}

/// The output of a step that is read.
pub(super) fn output<'c>(cx: &Subject<'c, '_>, read: &Reference) -> Option<&'c Output> {
    let (step, name) = (read.path.get(1).filter(|_| read.root() == "steps")?, read.path.get(2)?);
    let step = cx.steps().map(|(_, step)| step).find(|known| known.id == step)?;
    step.facts.outputs.iter().find(|output| output.name == *name)
}
