//! A signed-in browser.

use serde::{Deserialize, Serialize};

use crate::Data;
use crate::evidence::Evidence;
use crate::id::{SessionId, UserId};
use crate::time::{Span, Timestamp};

/// A session of the OpenID Provider (single sign-on).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// The `sid` of tokens. It stays when the same person signs in once more in the same browser: what applications
    /// got before belongs to the session as it is now, and ends with it.
    pub id: SessionId,
    /// The digest of the secret in the browser's cookie. Every sign-in draws another, so that the cookie before is void
    /// (checklist J-8).
    pub secret: crate::digest::Digest,
    /// Who is signed in; nothing for a guest.
    pub user: Option<UserId>,
    /// What was proven when, by which `acr` and `amr` are judged.
    pub evidence: Vec<Evidence>,
    /// What the flow that opened it keeps with it: `session.…` in expressions. Never a secret.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub attributes: Data,
    /// When a factor was last shown (`auth_time`).
    pub authenticated: Timestamp,
    /// When the session ends whatever happens.
    pub expires: Timestamp,
    /// When it was last used; moves at most once in five minutes.
    pub used: Timestamp,
    /// How long it may stay unused.
    pub idle: Span,
}

impl Session {
    /// Whether the session may still be used at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires && now < self.used.plus(self.idle)
    }
}

/// A request to sign out, fixed at its start (OpenID Connect RP-Initiated Logout 1.0 section 2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndSessionRequest {
    /// The application that asks, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Where the browser goes afterwards: an address that this application has registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// The application's opaque value, returned unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Whether nobody need be asked any more: the application has shown an ID token of this very session, or the
    /// visitor has said yes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirmed: bool,
}
