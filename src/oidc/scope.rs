//! Scopes: which are ours, and how a list of them is written.

use std::collections::BTreeSet;

/// Makes the request an OpenID Connect request: an ID token, and `sub` from UserInfo.
pub const OPENID: &str = "openid";
/// Names and other facts about a person; see [`crate::claims::TABLE`].
pub const PROFILE: &str = "profile";
/// E-mail address and whether it was proven.
pub const EMAIL: &str = "email";
/// The groups a person is in.
pub const GROUPS: &str = "groups";
/// Refresh tokens (OpenID Connect Core 11).
pub const OFFLINE_ACCESS: &str = "offline_access";

/// The scopes with a meaning of our own: `scopes_supported`.
pub const SCOPES: [&str; 5] = [OPENID, PROFILE, EMAIL, GROUPS, OFFLINE_ACCESS];

/// The distinct scopes of a space-separated list, in order.
pub fn parse(text: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let scopes = text.split(' ').filter(|scope| !scope.is_empty() && seen.insert(*scope));
    scopes.map(str::to_owned).collect()
}

/// Whether a scope is in the list.
pub fn has(scopes: &[String], wanted: &str) -> bool {
    scopes.iter().any(|scope| scope == wanted)
}
