//! A read of a step that does not exist, or of an output that it does not have.
//!
//! `steps.<id>.<output>` reads what a step put out. A node kind declares its outputs; a library flow hands out those of
//! its `exit` steps.
//!
//! ```yaml,invalid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /customers }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { status: "steps.ask.stauts" } }
//!     outcomes: { next: password }
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     http: { connection: crm, path: /customers }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { status: "steps.ask.status" } }
//!     outcomes: { next: password }
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Correct the name.

use std::collections::BTreeSet;

use idflow_sandbox::Reference;

use crate::diagnostic::{Finding, Place, Rule, Severity, nearest};
use crate::facts::{Member, Outside, ValueType};
use crate::lint::{Subject, undeclared_answer};

pub(super) const RULE: Rule = Rule {
    code: "unknown-output",
    severity: Severity::Error,
    why: "Nothing ever writes it, so the expression fails whenever it is evaluated",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for used in cx.uses() {
        for read in used.reads.iter().filter(|read| read.root() == "steps") {
            let (step, output) = (read.path.get(1), read.path.get(2));
            let place = || cx.at(&used.pointer).narrowed(read.to_string());
            findings.extend(step.and_then(|step| unknown(cx, place(), step, output.map(String::as_str))));
            findings.extend(unknown_member(cx, place(), read));
        }
    }
    findings
}

/// A member that the step does not expect in an answer.
fn unknown_member(cx: &Subject<'_, '_>, place: Place, read: &Reference) -> Option<Finding> {
    let Some(Outside::Described(members)) = &undeclared_answer::output(cx, read)?.outside else { return None };
    let below = read.path.get(3..).filter(|below| !below.is_empty())?;
    let is_part = |member: &Member| {
        member.path.starts_with(below) || (below.starts_with(&member.path) && member.value_type == ValueType::Object)
    };
    if members.iter().any(is_part) {
        return None;
    }
    let names: Vec<String> = members.iter().map(|member| member.path.join(".")).collect();
    let name = below.join(".");
    let help = match nearest(&name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("add it to the answer of the step, which has {}", names.join(", ")),
    };
    Some(RULE.at(place, format!("the step {} expects no {name} in the answer", read.path.get(1)?), help))
}

fn unknown(cx: &Subject<'_, '_>, place: Place, id: &str, output: Option<&str>) -> Option<Finding> {
    let Some(step) = cx.steps().map(|(_, step)| step).find(|step| step.id == id) else {
        let help = match nearest(id, cx.steps().map(|(_, step)| step.id)) {
            Some(near) => format!("did you mean {near}?"),
            None => "correct the id".to_owned(),
        };
        return Some(RULE.at(place, format!("there is no step {id} to read from"), help));
    };
    let output = output.filter(|output| step.is_known && !step.facts.outputs.iter().any(|known| known.name == *output))?;
    let names: BTreeSet<&str> = step.facts.outputs.iter().map(|known| known.name.as_str()).collect();
    let names = || names.iter().copied();
    let help = match nearest(output, names()) {
        Some(near) => format!("did you mean {near}?"),
        None if names().next().is_none() => "remove it; the step puts nothing out".to_owned(),
        None => format!("its outputs are {}", names().collect::<Vec<_>>().join(", ")),
    };
    Some(RULE.at(place, format!("the step {id} puts out no {output}"), help))
}
