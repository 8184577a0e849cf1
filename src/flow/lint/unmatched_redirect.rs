//! A redirect URI that is meant for many addresses.
//!
//! The address that an application sends is compared whole, character by character (RFC 9700 2.1): a `*` stands for itself,
//! so that no real address is ever this one.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/*"]
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback", "https://shop.example.com/silent"]
//! ```
//!
//! List every address.

use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::objects::Objects;

pub(super) const RULE: Rule = Rule {
    code: "unmatched-redirect",
    severity: Severity::Warning,
    why: "Addresses are compared whole, so that nobody comes back to the application",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let clients = objects.clients.iter();
    let found = clients.flat_map(|(name, client)| {
        let spec = &client.spec;
        let lists = [("redirectURIs", &spec.redirect_uris), ("postLogoutRedirectURIs", &spec.post_logout_redirect_uris)];
        lists.into_iter().flat_map(move |(field, uris)| {
            let with_star = uris.iter().enumerate().filter(|(_, uri)| uri.contains('*'));
            with_star.map(move |(index, uri)| {
                let place = ObjectId::new("OIDCClient", name.as_str()).at(format!("/spec/{field}/{index}"));
                RULE.at(place, format!("{uri} matches no other address: `*` stands for itself"), "list every address that the application sends")
            })
        })
    });
    found.collect()
}
