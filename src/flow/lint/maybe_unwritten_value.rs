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

use idflow_sandbox::Reference;

use super::unwritten_value::written_place;
use crate::dataflow::{Written, path};
use crate::diagnostic::{Finding, Rule, Severity};
use crate::edge::{is_written, writes};
use crate::facts::Use;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "maybe-unwritten-value",
    severity: Severity::Error,
    why: "On a path that does not write it the expression fails and the journey with it",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, used) in cx.uses_at() {
        for read in used.reads.iter().filter(|read| !read.guarded) {
            findings.extend(unwritten(cx, index, used, read).or_else(|| absent(cx, index, used, read)));
        }
    }
    findings
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
        None => format!("{value} is read here, and may be left out where it is asked for"),
    };
    Some(RULE.at(cx.at(&used.pointer).narrowed(value.as_str()), title, help(&value)))
}

/// Values that come from outside the graph and may be missing.
fn absent(cx: &Subject<'_, '_>, index: usize, used: &Use, read: &Reference) -> Option<Finding> {
    let name = read.path.get(1)?;
    let value = read.to_string();
    let place = cx.at(&used.pointer).narrowed(value.as_str());
    match read.root() {
        "input" if cx.graph().inputs.get(name).is_some_and(|input| !input.required) => {
            let title = format!("{value} is read here, and a caller need not pass it");
            Some(RULE.at(place, title, help(&value)))
        }
        "flow" if (name == "query" && read.path.len() > 2) || name == "error" => {
            let title = format!("{value} is read here, and not every journey has it");
            Some(RULE.at(place, title, help(&value)))
        }
        "session" if cx.dataflow().written(index, &value) != Written::Always => {
            let title = format!("{value} is read here, and not every session has it");
            Some(RULE.at(place, title, help(&value)))
        }
        "user" if is_optional_attribute(cx, name) => {
            let title = format!("{value} is read here, and not every user has it");
            Some(RULE.at(place, title, help(&value)).graded(Severity::Warning))
        }
        _ => None,
    }
}

fn is_optional_attribute(cx: &Subject<'_, '_>, name: &str) -> bool {
    let attributes = cx.resolved.directories().into_iter().flat_map(|directory| &directory.spec.attributes);
    attributes.filter(|attribute| attribute.name == name).any(|attribute| !attribute.required)
}

fn help(value: &str) -> String {
    format!("say what happens without it, for example has({value}) ? {value} : ''")
}
