//! A read of a value that nothing has written yet.
//!
//! `form.<field>` is written by a form that asks for it, `vars.<name>` by `set`, `input.<name>` by the caller, and
//! `steps.<id>.<output>` by the step itself: all of them before they are read.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { copy: "form.nickname" } }
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
//!     form: { fields: [{ name: nickname, type: String }] }
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
//! Write the value before, or correct the name.

use idflow_sandbox::Reference;

use crate::dataflow::{Written, written_place};
use crate::diagnostic::{Finding, Rule, Severity, nearest};
use crate::facts::Use;
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unwritten-value",
    severity: Severity::Error,
    why: "The expression fails whenever it is evaluated",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, used) in cx.uses_at() {
        for read in &used.reads {
            findings.extend(unwritten(cx, index, used, read));
        }
    }
    findings
}

fn unwritten(cx: &Subject<'_, '_>, index: usize, used: &Use, read: &Reference) -> Option<Finding> {
    let place = cx.at(&used.pointer).narrowed(read.to_string());
    if read.root() == "input" {
        let name = read.path.get(1).filter(|name| !cx.graph().inputs.contains_key(*name))?;
        let names = cx.graph().inputs.keys().map(String::as_str);
        let help = suggestion(name, names, "declare it, or correct the name");
        return Some(RULE.at(place, format!("no input {name} is declared"), help));
    }
    let value = written_place(read)?;
    match cx.dataflow().written(index, &value) {
        // What a step puts out is the business of unknown-output.
        Written::Never if read.root() == "steps" => None,
        // A session that the browser has may have it from another flow.
        Written::Never | Written::NotYet if read.root() == "session" => None,
        Written::Never => {
            let help = suggestion(&value, cx.dataflow().places(), "write it before, or correct the name");
            let finding = RULE.at(place, format!("nothing writes {value}"), help);
            Some(if read.guarded { finding.graded(Severity::Warning) } else { finding })
        }
        Written::NotYet if !read.guarded => {
            let title = format!("{value} is not written on any path that leads here");
            Some(RULE.at(place, title, "move the step that writes it before this one"))
        }
        _ => None,
    }
}

fn suggestion<'n>(name: &str, names: impl Iterator<Item = &'n str>, otherwise: &str) -> String {
    nearest(name, names).map_or_else(|| otherwise.to_owned(), |near| format!("did you mean {near}?"))
}
