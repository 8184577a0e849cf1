//! A Secret that is not there, not shared, or not for this host.
//!
//! A Secret is used only if its owner says so by the label `idflow.dev/usable: "true"`, and sent only to hosts in its
//! annotation `idflow.dev/hosts`.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: billing }
//! spec:
//!   http:
//!     url: https://billing.example.com
//!     authentication: { scheme: Bearer, secretRef: { name: billing } }
//! ---
//! apiVersion: v1
//! kind: Secret
//! metadata: { name: billing }
//! stringData: { token: example }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Connection
//! metadata: { name: billing }
//! spec:
//!   http:
//!     url: https://billing.example.com
//!     authentication: { scheme: Bearer, secretRef: { name: billing } }
//! ---
//! apiVersion: v1
//! kind: Secret
//! metadata:
//!   name: billing
//!   labels: { idflow.dev/usable: "true" }
//!   annotations: { idflow.dev/hosts: "*.example.com" }
//! stringData: { token: example }
//! ```
//!
//! Share the Secret, and list the host.

use crate::diagnostic::{Finding, ObjectId, Rule, Severity, nearest};
use crate::kustomize::renamed;
use crate::objects::Objects;
use crate::secret::SecretUse;

pub(super) const RULE: Rule = Rule {
    code: "unshared-secret",
    severity: Severity::Error,
    why: "Without its owner's word a Secret is never used",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    uses(objects).flat_map(|(id, wanted)| of_use(objects, &id, &wanted)).collect()
}

/// Every use of a Secret.
pub(super) fn uses(objects: &Objects) -> impl Iterator<Item = (ObjectId, SecretUse<'_>)> {
    let connections = objects
        .connections
        .iter()
        .map(|(name, object)| (ObjectId::new("Connection", name), SecretUse::of_connection(&object.spec)));
    let clients = objects
        .clients
        .iter()
        .map(|(name, object)| (ObjectId::new("OIDCClient", name), SecretUse::of_client(&object.spec)));
    connections.chain(clients).filter_map(|(id, wanted)| Some((id, wanted?)))
}

fn of_use(objects: &Objects, id: &ObjectId, wanted: &SecretUse<'_>) -> Vec<Finding> {
    let (name, place) = (wanted.name, id.at(wanted.field));
    let Some(facts) = objects.secrets.get(name) else {
        let names = || objects.secrets.keys().map(String::as_str);
        let help = renamed(name, names()).or_else(|| Some(format!("did you mean {}?", nearest(name, names())?)));
        let help = help.unwrap_or_else(|| "apply the Secret too; a folder need not hold it".to_owned());
        let finding = RULE.at(place, format!("there is no Secret {name} here"), help);
        return vec![finding.graded(Severity::Warning).of_absence()];
    };
    let problems = facts.problems(wanted);
    problems.into_iter().map(|problem| RULE.at(place.clone(), problem.to_string(), problem.help())).collect()
}
