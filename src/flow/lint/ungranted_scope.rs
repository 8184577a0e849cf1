//! Scopes and grants of an application that do not go together.
//!
//! What an application asks for beyond its registration is dropped in silence, as the protocol has it. Without the scope
//! `openid` it gets no ID token, and its access token opens no UserInfo. For refresh tokens it needs both the grant
//! `RefreshToken` and the scope `offline_access`.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//!   grants: [AuthorizationCode, RefreshToken]
//!   scopes: [profile]
//! ```
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//!   scopes: [openid, offline_access]
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: OIDCClient
//! metadata: { name: shop }
//! spec:
//!   authentication: None
//!   redirectURIs: ["https://shop.example.com/callback"]
//!   grants: [AuthorizationCode, RefreshToken]
//!   scopes: [openid, profile, offline_access]
//! ```
//!
//! Name both, or neither.

use idflow_api::OIDCClientSpec;
use idflow_api::oidc_client::{Grant, Scope};

use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::objects::Objects;

pub(super) const RULE: Rule = Rule {
    code: "ungranted-scope",
    severity: Severity::Warning,
    why: "The application gets less than it asks for, and nobody tells it why",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let clients = objects.clients.iter();
    let found = clients.flat_map(|(name, client)| {
        let finding = move |(field, title, help)| {
            RULE.at(ObjectId::new("OIDCClient", name.as_str()).at(field), title, help)
        };
        of_client(&client.spec).map(finding)
    });
    found.collect()
}

/// The field, what is the matter, and what to do.
fn of_client(spec: &OIDCClientSpec) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let grants = spec.grants.as_deref().unwrap_or(&[Grant::AuthorizationCode]);
    let has_scope = |scope| spec.scopes.as_ref().is_some_and(|scopes| scopes.contains(&scope));
    let refreshes = grants.contains(&Grant::RefreshToken);
    let signs_in = grants.contains(&Grant::AuthorizationCode);
    let lacks_openid = signs_in && spec.scopes.is_some() && !has_scope(Scope::Openid);
    [
        lacks_openid.then_some((
            "/spec/scopes",
            "without the scope openid the application gets no ID token, and UserInfo refuses its access token",
            "add openid to scopes, unless only access tokens are wanted",
        )),
        (refreshes && !has_scope(Scope::OfflineAccess)).then_some((
            "/spec/grants",
            "without the scope offline_access the application gets no refresh token",
            "add offline_access to scopes, beside those that it asks for otherwise, or leave RefreshToken out",
        )),
        (!refreshes && has_scope(Scope::OfflineAccess)).then_some((
            "/spec/scopes",
            "without the grant RefreshToken the scope offline_access gives the application nothing",
            "write grants: [AuthorizationCode, RefreshToken], or leave offline_access out",
        )),
    ]
    .into_iter()
    .flatten()
}
