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

use idflow_api::claim::Claim;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::objects::{Objects, Rival};

pub(super) const RULE: Rule = Rule {
    code: "rival-default",
    severity: Severity::Error,
    why: "Only one can be the default, and the older one keeps it",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let rivals = objects.rivals().into_iter();
    let defaults = rivals.filter_map(|rival| match &rival.claim {
        Claim::Default(_) => Some((String::new(), rival)),
        Claim::DefaultFlow(type_) => Some((format!(" of type {type_}"), rival)),
        Claim::Namespace(_) | Claim::Issuer(_) | Claim::ClientId(_) => None,
    });
    defaults
        .map(|(what, Rival { claim, object, holder })| {
            let title = format!(
                "{} and {} both want to be the default {}{what}",
                holder.name, object.name, object.kind
            );
            let finding = RULE.at(object.at(claim.field()), title, "leave default: true on one of them");
            finding.with(holder.at(claim.field()), "the other claim")
        })
        .collect()
}
