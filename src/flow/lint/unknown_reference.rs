//! A name of an object that does not exist (yet).
//!
//! References are by name, within the namespace. Objects may be applied in any order, so a missing one is waited
//! for: the flow's condition `ResolvedRefs` is false until it exists.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true, directory: nobody }
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
//!     password: { identify: true, directory: people }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Correct the name, or apply the object.

use crate::diagnostic::{Finding, ObjectId, Rule, Severity, nearest};
use crate::kustomize::renamed;
use crate::lint::Subject;
use crate::objects::Objects;
use crate::resolve::DEFAULT;

pub(super) const RULE: Rule = Rule {
    code: "unknown-reference",
    severity: Severity::Warning,
    why: "The flow waits until the object exists",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.part.missing.iter().map(|(pointer, object)| {
        let ObjectId { kind, name } = object;
        if name == DEFAULT {
            let help = format!("set default: true in one {kind}, or name one in the step");
            return RULE.at(cx.at(pointer), format!("no {kind} is the default one"), help).of_absence();
        }
        let names = || names(cx.resolved.objects, kind);
        let help = renamed(name, names()).or_else(|| Some(format!("did you mean {}?", nearest(name, names())?)));
        let help = help.unwrap_or_else(|| format!("apply the {kind} too, or correct the name"));
        RULE.at(cx.at(pointer), format!("there is no {kind} {name} in this namespace"), help).of_absence()
    });
    found.collect()
}

fn names<'a>(objects: &'a Objects, kind: &str) -> Vec<&'a str> {
    match kind {
        "Flow" => objects.flows.keys().map(String::as_str).collect(),
        "FlowNode" => objects.nodes.keys().map(String::as_str).collect(),
        "Directory" => objects.directories.keys().map(String::as_str).collect(),
        "Connection" => objects.connections.keys().map(String::as_str).collect(),
        "ConfigMap" => objects.config_maps.keys().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}
