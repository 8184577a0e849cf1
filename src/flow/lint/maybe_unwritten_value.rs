//! A read of a value that not every path has written.
//!
//! Where only some paths write a value, or a field is optional, the author says what happens without it:
//! `form.?nickname`, `has(form.nickname)`, or a path that always writes it.
//!
//! ```yaml,invalid
//! type: Login
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: nickname, type: String, optional: true }] }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { copy: "form.nickname" } }
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
//!     form: { fields: [{ name: nickname, type: String, optional: true }] }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { copy: "has(form.nickname) ? form.nickname : 'nobody'" } }
//!     outcomes: { next: password }
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Test for it with has(…), read it with `?`, or write it on every path.

use std::collections::BTreeMap;

use idflow_sandbox::{Reference, Type};

use crate::dataflow::{Written, path, written_place};
use crate::diagnostic::{Finding, Rule, Severity};
use crate::edge::{is_written, writes};
use crate::facts::{End, Outside, Use};
use crate::graph::{Edge, Step};
use crate::lint::{Subject, undeclared_answer};
use crate::roots::field;
use crate::types::roots;

pub(super) const RULE: Rule = Rule {
    code: "maybe-unwritten-value",
    severity: Severity::Error,
    why: "On a path that does not write it the expression fails and the journey with it",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let (mut findings, mut needed) = (Vec::new(), Vec::new());
    for (index, used) in cx.uses_at() {
        for read in used.reads.iter().filter(|read| !read.guarded) {
            let found = unwritten(cx, index, used, read).or_else(|| absent(cx, index, used, read));
            let list = if is_needed(cx, index, used) { &mut needed } else { &mut findings };
            list.extend(found);
        }
    }
    if !findings.is_empty() {
        advise(&mut findings, &roots(cx.resolved, cx.part));
    }
    let ask = |finding: Finding| Finding { help: ASK.to_owned(), ..finding };
    findings.into_iter().chain(needed.into_iter().map(ask)).collect()
}

/// What helps where nothing may stand in the place of the value.
const ASK: &str = "ask for it always, or let the Directory do without the attribute";

/// Whether it is the value of an attribute that every user must have.
fn is_needed(cx: &Subject<'_, '_>, index: usize, used: &Use) -> bool {
    let Some(name) = used.pointer.rsplit_once("/attributes/").map(|(_, name)| name) else { return false };
    let Some(step) = cx.graph().steps.get(index) else { return false };
    cx.resolved.attribute(step, name).is_some_and(|attribute| attribute.required)
}

/// A read of a member within a member of an answer: what is around it may be absent too, and `has` looks at the last name
/// only.
fn deep(value: &str) -> Option<String> {
    let (step, below) = value.split_once(".body.").filter(|(step, below)| step.starts_with("steps.") && below.contains('.'))?;
    Some(format!("{step}.body.?{}", below.replace('.', ".?")))
}

/// Says what stands there otherwise: a value of the type that is read.
fn advise(findings: &mut [Finding], roots: &BTreeMap<String, Type>) {
    for finding in findings {
        let value = std::mem::take(&mut finding.help);
        let mut path = value.split('.').map(str::to_owned);
        let of = path.next().and_then(|root| roots.get(&root)).map(|of| of.below(&path.collect::<Vec<_>>()));
        let nothing = of.unwrap_or(Type::Unknown).neutral();
        let otherwise = match deep(&value) {
            Some(read) => format!("{read}.orValue({nothing})"),
            None => format!("has({value}) ? {value} : {nothing}"),
        };
        finding.help = format!("say what happens without it, for example `{otherwise}`");
    }
}

fn unwritten(cx: &Subject<'_, '_>, index: usize, used: &Use, read: &Reference) -> Option<Finding> {
    let value = written_place(read)?;
    if cx.dataflow().written(index, &value) != Written::Sometimes {
        return None;
    }
    let avoiding = path(cx.graph(), index, |step, edge| {
        writes(step).any(|(place, output)| place == value && is_written(output, &edge.outcome))
    });
    let title = match avoiding {
        Some(way) => format!("{value} is read here, and the path {} does not write it", way.join(" → ")),
        None => match without(cx, read) {
            Some(way) => format!("{value} is read here, and {way}"),
            None => format!("{value} is read here, and may be left out where it is asked for"),
        },
    };
    Some(RULE.at(cx.at(&used.pointer).narrowed(value.as_str()), title, value.clone()))
}

/// Of an output of a flow or node that is entered: a way out that does not write it.
fn without(cx: &Subject<'_, '_>, read: &Reference) -> Option<String> {
    let (id, name) = (read.path.get(1).filter(|_| read.root() == "steps")?, read.path.get(2)?);
    let (_, step) = cx.steps().find(|(_, step)| step.id == id)?;
    let part = cx.resolved.parts.get(step.graph_entered()?)?;
    let declared = part.graph.outputs.iter().find(|output| output.name == *name);
    part.graph.exits().find_map(|(index, outcome)| {
        let Some(End::Exit { outputs, .. }) = &part.graph.steps.get(index)?.facts.end else { return None };
        let is_there = match declared {
            Some(output) => part.dataflow.computable(index, &output.used) == Written::Always,
            None => outputs.iter().any(|(handed_out, _)| handed_out == name),
        };
        let reads = || declared.into_iter().flat_map(|output| &output.used.reads).filter_map(written_place);
        let is_blocked = |step: &Step<'_>, edge: &Edge| {
            writes(step).any(|(place, output)| reads().any(|read| read == place) && is_written(output, &edge.outcome))
        };
        let way = path(&part.graph, index, is_blocked).filter(|_| !is_there)?;
        Some(format!("{} leaves by {outcome} without it on the path {}", part.graph.object, way.join(" → ")))
    })
}

/// Values that come from outside the graph and may be missing.
fn absent(cx: &Subject<'_, '_>, index: usize, used: &Use, read: &Reference) -> Option<Finding> {
    let name = read.path.get(1)?;
    let value = read.to_string();
    let place = cx.at(&used.pointer).narrowed(value.as_str());
    match read.root() {
        "input" if cx.graph().inputs.get(name).is_some_and(|input| !input.required) => {
            let title = format!("{value} is read here, and a caller need not pass it");
            Some(RULE.at(place, title, value.clone()))
        }
        "flow" if name == "query" && read.path.len() > 2 => {
            let title = format!("{value} is read here, and not every journey has it");
            Some(RULE.at(place, title, value.clone()))
        }
        root if field(root, name).is_some_and(|field| !field.is_always) => {
            let title = format!("{value} is read here, and not every journey has it");
            let finding = RULE.at(place, title, value.clone());
            // Which journeys have these depends on how they are started.
            Some(if root == "flow" { finding } else { finding.graded(Severity::Warning) })
        }
        "session" if cx.dataflow().written(index, &value) != Written::Always => {
            let title = format!("{value} is read here, and not every session has it");
            Some(RULE.at(place, title, value.clone()))
        }
        "steps" => {
            let member = optional_member(cx, read)?;
            let title = format!("{value} is read here, and the answer may be without {member}");
            Some(RULE.at(place, title, value.clone()))
        }
        "user" if is_optional_attribute(cx, name) => {
            let title = format!("{value} is read here, and not every user has it");
            Some(RULE.at(place, title, value.clone()).graded(Severity::Warning))
        }
        _ => None,
    }
}

/// The member of an answer that may be missing where it, or something in it, is read. What only holds others is there.
fn optional_member(cx: &Subject<'_, '_>, read: &Reference) -> Option<String> {
    let Some(Outside::Described(members)) = &undeclared_answer::output(cx, read)?.outside else { return None };
    let below = read.path.get(3..)?;
    let missing = members.iter().find(|member| member.optional && below.starts_with(&member.path));
    missing.map(|member| member.path.join("."))
}

fn is_optional_attribute(cx: &Subject<'_, '_>, name: &str) -> bool {
    let attributes = cx.resolved.directories().into_iter().flat_map(|directory| &directory.spec.attributes);
    attributes.filter(|attribute| attribute.name == name).any(|attribute| !attribute.required)
}
