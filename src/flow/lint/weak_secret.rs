//! A client's secret that is easily guessed, or is not what it looks like.
//!
//! A secret of fewer than 16 characters can be guessed. One that ends in a line break is not the one that the application
//! sends. Ciphertext of SOPS is no secret at all: it stands in the repository.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: ClientSecret
//!   secretRef: { name: shop }
//!   redirectURIs: ["https://shop.example.com/callback"]
//! ---
//! apiVersion: v1
//! kind: Secret
//! metadata: { name: shop, labels: { idflow.dev/usable: "true" } }
//! stringData: { current: changeme }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: ClientSecret
//!   secretRef: { name: shop }
//!   redirectURIs: ["https://shop.example.com/callback"]
//! ---
//! apiVersion: v1
//! kind: Secret
//! metadata: { name: shop, labels: { idflow.dev/usable: "true" } }
//! stringData: { current: kP3vX9tQ2mZ7wL4rB8sN }
//! ```
//!
//! Take a random one, and write it without a line break.

use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::objects::Objects;
use crate::secret::{Flaw, SecretFacts, SecretUse};

pub(super) const RULE: Rule = Rule {
    code: "weak-secret",
    severity: Severity::Warning,
    why: "Whoever guesses a short one is the application; one that is not what it looks like never works",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let uses = super::unshared_secret::uses(objects);
    let known = uses.filter_map(|(id, wanted)| Some((id, objects.secrets.get(wanted.name)?, wanted)));
    known.flat_map(|(id, facts, wanted)| of_secret(&id, facts, &wanted)).collect()
}

/// What is doubtful about one use of a Secret.
pub(crate) fn of_secret(object: &ObjectId, facts: &SecretFacts, wanted: &SecretUse<'_>) -> Vec<Finding> {
    let doubts = facts.doubts(wanted).into_iter();
    let finding = doubts.map(|doubt| {
        let finding = RULE.at(object.at(wanted.field), doubt.to_string(), doubt.help());
        let finding = finding.with(doubt.place(), "the entry is here");
        if doubt.flaw == Flaw::Ciphertext { finding.graded(Severity::Info) } else { finding }
    });
    finding.collect()
}
