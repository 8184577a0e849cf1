//! Two objects that claim something that only one can have: a client id, an issuer, a namespace.
//!
//! The older keeps it, and the younger is not accepted. In a folder nothing is older, so which one counts would be
//! chance.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop-next }
//! spec:
//!   clientId: shop
//!   authentication: None
//!   redirectURIs: ["https://next.shop.example.com/callback"]
//! ---
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop-next }
//! spec:
//!   clientId: shop-next
//!   authentication: None
//!   redirectURIs: ["https://next.shop.example.com/callback"]
//! ```
//!
//! Give one of them another.

use idflow_api::claim::Claim;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::objects::{Objects, Rival};

pub(super) const RULE: Rule = Rule {
    code: "rival-claim",
    severity: Severity::Error,
    why: "Only one can have it, and the older one keeps it",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let rivals = objects.rivals().into_iter();
    let claims = rivals.filter_map(|rival| match &rival.claim {
        Claim::Namespace(namespace) => Some((format!("the namespace {namespace}"), rival)),
        Claim::Issuer(issuer) => Some((format!("the issuer {issuer}"), rival)),
        Claim::ClientId(id) => Some((format!("the client id {id}"), rival)),
        Claim::Default(_) | Claim::DefaultFlow(_) => None,
    });
    claims
        .map(|(what, Rival { claim, object, holder })| {
            let title = format!("{} and {} both claim {what}", holder.name, object.name);
            let finding = RULE.at(object.at(claim.field()), title, "give one of them another");
            finding.with(holder.at(claim.field()), "the other claim")
        })
        .collect()
}
