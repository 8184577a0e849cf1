//! Which facts about a person each scope gives to an application (OpenID Connect Core 5.4).
//!
//! | Scope | Claim | From |
//! |---|---|---|
//! | `openid` | `sub` | the user's id, never reused (Core 2, checklist O-22) |
//! | `profile`, `email` | see [`TABLE`] | the attribute of that name, if the user has it with a suitable type |
//! | `profile` | `updated_at` | when attributes or state last changed, in seconds |
//! | `email` | `email_verified` | whether the address was proven; only together with `email` |
//! | `groups` | `groups` | the groups of the user, a list of names, empty too |
//! | `offline_access` | none | gives refresh tokens |
//!
//! Beside these stand the claims that a client's own registration computes, whatever the scopes. They may replace those
//! of the table, but none of [`RESERVED`].
//!
//! The same claims stand in the ID token and in UserInfo: many applications read only one of them, and in the code
//! flow the ID token never passes through the browser.

use std::fmt::Debug;

use idflow_core::user::User;
use idflow_core::{Data, Value};

use crate::scope::{EMAIL, GROUPS, PROFILE, has};

/// Scope, claim, and the Directory attribute it is taken from.
pub const TABLE: &[(&str, &str, &str)] = &[
    (PROFILE, "name", "name"),
    (PROFILE, "given_name", "givenName"),
    (PROFILE, "family_name", "familyName"),
    (PROFILE, "middle_name", "middleName"),
    (PROFILE, "nickname", "nickname"),
    (PROFILE, "preferred_username", "username"),
    (PROFILE, "profile", "profile"),
    (PROFILE, "picture", "picture"),
    (PROFILE, "website", "website"),
    (PROFILE, "gender", "gender"),
    (PROFILE, "birthdate", "birthdate"),
    (PROFILE, "zoneinfo", "zoneinfo"),
    (PROFILE, "locale", "locale"),
    (EMAIL, "email", "email"),
];

/// Claims by which tokens are judged and people told apart: no registration computes them, in any case (checklist O-41).
pub use idflow_core::claim::{RESERVED, is_reserved};

/// All claims that tokens or UserInfo may carry: `claims_supported`.
pub fn supported() -> Vec<&'static str> {
    let own =
        ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid"];
    let listed = TABLE.iter().map(|(_, claim, _)| *claim);
    own.into_iter().chain(listed).chain(["updated_at", "email_verified", GROUPS]).collect()
}

/// Claims that a client's registration computes. They cost what their author likes, so they are computed where they are
/// told and nowhere else.
pub trait OwnClaims: Debug + Sync {
    /// The claims about a user, whose session has these attributes; null for one that is not told.
    fn about(&self, user: &User, session: &Data) -> Data;
}

/// The claims about `user` that these scopes give, without `sub`, and those that the client's registration computed.
pub fn of(user: &User, scopes: &[String], own: Option<Data>) -> Data {
    let mut claims = Data::new();
    for (scope, claim, attribute) in TABLE {
        // All claims of the table are strings by specification; anything else would confuse strict clients.
        if let (true, Some(text)) = (has(scopes, scope), user.text(attribute)) {
            claims.insert((*claim).to_owned(), text.into());
        }
    }
    if has(scopes, PROFILE) {
        claims.insert("updated_at".to_owned(), user.updated.seconds().into());
    }
    if claims.contains_key("email") {
        let verified = user.verified.iter().any(|attribute| attribute == "email");
        claims.insert("email_verified".to_owned(), Value::Bool(verified));
    }
    if has(scopes, GROUPS) {
        claims.insert(GROUPS.to_owned(), user.groups.clone().into());
    }
    for (name, value) in own.into_iter().flatten().filter(|(name, _)| !is_reserved(name)) {
        // What takes the place of a scope's claim and is null, or could not be computed, is not told by the scope.
        match value {
            Value::Null => drop(claims.remove(&name)),
            value => drop(claims.insert(name, value)),
        }
    }
    claims
}
