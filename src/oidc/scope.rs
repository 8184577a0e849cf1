//! Scopes: which are ours, and which a client gets of those it asks for.

use crate::client::{Client, GrantType};

/// Makes the request an OpenID Connect request: an ID token, and `sub` from UserInfo.
pub const OPENID: &str = "openid";
/// Names and other facts about a person; see [`crate::claims::TABLE`].
pub const PROFILE: &str = "profile";
/// E-mail address and whether it was proven.
pub const EMAIL: &str = "email";
/// Refresh tokens (OpenID Connect Core 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes with a meaning of our own: `scopes_supported`.
pub const SCOPES: [&str; 4] = [OPENID, PROFILE, EMAIL, OFFLINE_ACCESS];

/// The distinct scopes of a space-separated list, in order.
pub fn parse(text: &str) -> Vec<String> {
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(' ').filter(|scope| !scope.is_empty()) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

/// What the client gets of what it asks for: scopes that its registration does not list are dropped, never passed
/// on (checklist O-42), and the token response names the rest. `offline_access` also needs the refresh grant.
pub fn granted(asked: &[String], client: &Client) -> Vec<String> {
    let refreshes = client.grants.contains(&GrantType::RefreshToken);
    let listed = asked.iter().filter(|scope| client.scopes.contains(scope));
    listed.filter(|scope| refreshes || *scope != OFFLINE_ACCESS).cloned().collect()
}

/// Whether a scope is in the list.
pub fn has(scopes: &[String], wanted: &str) -> bool {
    scopes.iter().any(|scope| scope == wanted)
}
