//! Two objects that both want to be the default one.
//!
//! The older keeps it. In a folder nothing is older, so which one counts would be chance.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Directory
//! metadata: { name: partners }
//! spec:
//!   default: true
//!   identifiers: [email]
//!   attributes: [{ name: email, type: Email, unique: true }]
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Directory
//! metadata: { name: partners }
//! spec:
//!   identifiers: [email]
//!   attributes: [{ name: email, type: Email, unique: true }]
//! ```
//!
//! Leave `default: true` on one of them.

use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::objects::Objects;

pub(super) const RULE: Rule = Rule {
    code: "rival-default",
    severity: Severity::Error,
    why: "Only one can be the default, and the older one keeps it",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let directories = objects.directories.iter().filter(|(_, directory)| directory.spec.default);
    let themes = objects.themes.iter().filter(|(_, theme)| theme.spec.default);
    let mut findings = rivals("Directory", directories.map(|(name, _)| (name.as_str(), String::new())));
    findings.extend(rivals("Theme", themes.map(|(name, _)| (name.as_str(), String::new()))));
    let flows = objects.flows.iter().filter(|(_, flow)| flow.spec.default);
    findings.extend(rivals("Flow", flows.map(|(name, flow)| (name.as_str(), format!(" of type {}", flow.spec.type_)))));
    findings
}

fn rivals<'n>(kind: &str, claims: impl Iterator<Item = (&'n str, String)>) -> Vec<Finding> {
    let claims: Vec<(&str, String)> = claims.collect();
    let mut findings = Vec::new();
    for (index, (name, what)) in claims.iter().enumerate() {
        if let Some((first, _)) = claims.iter().take(index).find(|(_, other)| other == what) {
            let title = format!("{first} and {name} both want to be the default {kind}{what}");
            let place = ObjectId::new(kind, *name).at("/spec/default");
            let finding = RULE.at(place, title, "leave default: true on one of them");
            findings.push(finding.with(ObjectId::new(kind, *first).at("/spec/default"), "the other claim"));
        }
    }
    findings
}
