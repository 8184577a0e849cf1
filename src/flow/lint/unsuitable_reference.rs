//! A name of an object that exists and does not fit.
//!
//! A mail needs a Connection of kind smtp, `call` a flow of type Library, and an attribute must be one of the
//! Directory's, unique where it is to find a user.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: crm } }
//!     outcomes: { next: done }
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
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Name an object of the right kind.

use std::collections::BTreeSet;

use idflow_api::Directory;
use idflow_core::user::GROUPS;

use crate::diagnostic::{Finding, Rule, Severity, nearest};
use crate::graph::{Entered, Step};
use crate::facts::{AttributeUse, Reference, ReferenceKind};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unsuitable-reference",
    severity: Severity::Error,
    why: "The step could not do with it what it is for",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (_, step) in cx.steps() {
        for reference in &step.facts.references {
            match reference.kind {
                ReferenceKind::Directory => findings.extend(attributes(cx, step, reference)),
                ReferenceKind::SmtpConnection => findings.extend(connection(cx, step, reference, "smtp")),
                ReferenceKind::HttpConnection => findings.extend(connection(cx, step, reference, "http")),
            }
        }
        findings.extend(callee(cx, step));
        findings.extend(arguments(cx, step));
    }
    findings.extend(user_attributes(cx));
    findings
}

fn connection(cx: &Subject<'_, '_>, step: &Step<'_>, reference: &Reference, wanted: &str) -> Option<Finding> {
    let name = reference.name.as_deref()?;
    let spec = &cx.resolved.objects.connections.get(name)?.spec;
    let fits = if wanted == "smtp" { spec.smtp.is_some() } else { spec.http.is_some() };
    let place = cx.at(step.node_pointer(&reference.pointer));
    let title = format!("the Connection {name} is not of kind {wanted}");
    (!fits).then(|| RULE.at(place, title, format!("name a Connection that has {wanted}")))
}

fn attributes(cx: &Subject<'_, '_>, step: &Step<'_>, reference: &Reference) -> Vec<Finding> {
    let Some(directory) = cx.resolved.directory(reference.name.as_deref()) else { return Vec::new() };
    let found = reference.attributes.iter().filter_map(|used| attribute(cx, step, directory, used));
    found.collect()
}

fn attribute(cx: &Subject<'_, '_>, step: &Step<'_>, directory: &Directory, used: &AttributeUse) -> Option<Finding> {
    let name = directory.metadata.name.as_deref().unwrap_or_default();
    let place = cx.at(step.node_pointer(&used.pointer));
    match directory.spec.attributes.iter().find(|attribute| attribute.name == used.name) {
        None => {
            let title = format!("the Directory {name} has no attribute {}", used.name);
            Some(RULE.at(place, title, suggestion(&used.name, directory)))
        }
        Some(attribute) if used.identifies && !attribute.unique => {
            let title = format!("the attribute {} of the Directory {name} is not unique", used.name);
            Some(RULE.at(place, title, "name an attribute with unique: true, or two users could be meant"))
        }
        Some(_) => None,
    }
}

fn suggestion(name: &str, directory: &Directory) -> String {
    let names = || directory.spec.attributes.iter().map(|attribute| attribute.name.as_str());
    match nearest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("its attributes are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

fn callee(cx: &Subject<'_, '_>, step: &Step<'_>) -> Option<Finding> {
    let Some(Entered::NotLibrary(flow_type)) = &step.entered else { return None };
    let call = step.facts.call.as_ref()?;
    let place = cx.at(step.node_pointer(&call.pointer));
    let title = format!("the flow is of type {flow_type}, and only a flow of type Library can be called");
    Some(RULE.at(place, title, "move what both need into a flow of type Library"))
}

/// Arguments against the inputs that are declared.
fn arguments(cx: &Subject<'_, '_>, step: &Step<'_>) -> Vec<Finding> {
    let (Some(Entered::Graph(index)), Some(call)) = (&step.entered, &step.facts.call) else { return Vec::new() };
    let Some(callee) = cx.resolved.parts.get(*index) else { return Vec::new() };
    let inputs = &callee.graph.inputs;
    let passed: BTreeSet<&str> = call.arguments.iter().map(|(name, _)| name.as_str()).collect();
    let place = || cx.at(step.node_pointer("/with"));
    let unknown = passed.iter().filter(|name| !inputs.contains_key(**name)).map(|name| {
        let help = match nearest(name, inputs.keys().map(String::as_str)) {
            Some(near) => format!("did you mean {near}?"),
            None => "remove it, or declare it there".to_owned(),
        };
        RULE.at(cx.at_key(step.node_pointer(&format!("/with/{name}"))), format!("{} takes no {name}", callee.graph.object), help)
    });
    let missing = inputs.iter().filter(|(name, input)| input.required && !passed.contains(name.as_str()));
    let missing = missing.map(|(name, _)| {
        let title = format!("{} needs {name}, and the step passes none", callee.graph.object);
        RULE.at(place(), title, format!("add with: {{ {name}: <expression> }}"))
    });
    unknown.chain(missing).collect()
}

/// `user.<attribute>` against the Directories that users of the flow may live in.
fn user_attributes(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let directories = cx.resolved.directories();
    let has = |name: &str| name == GROUPS || directories.iter().any(|d| d.spec.attributes.iter().any(|a| a.name == name));
    let Some(first) = directories.first() else { return Vec::new() };
    let mut findings = Vec::new();
    for used in cx.uses() {
        let reads = used.reads.iter().filter(|read| read.root() == "user");
        for name in reads.filter_map(|read| read.path.get(1)).filter(|name| !has(name)) {
            let title = format!("users have no attribute {name}");
            let place = cx.at(&used.pointer).narrowed(format!("user.{name}"));
            findings.push(RULE.at(place, title, suggestion(name, first)));
        }
    }
    findings
}
