//! What an application asked for and holds: the authorization request, the code, the refresh token family.

use serde::{Deserialize, Serialize};

use crate::Data;
use crate::digest::Digest;
use crate::evidence::Evidence;
use crate::id::{GrantId, SessionId, UserId};
use crate::time::Timestamp;

/// A validated authorization request (RFC 6749 section 4.1.1, OpenID Connect Core 3.1.2.1), fixed at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationRequest {
    /// The client's identifier.
    pub client_id: String,
    /// The redirect URI exactly as registered and requested.
    pub redirect_uri: String,
    /// Granted scopes, in the order requested.
    pub scopes: Vec<String>,
    /// The client's opaque value, returned unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Goes into the ID token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The S256 challenge (RFC 7636 section 4.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_challenge: Option<String>,
    /// The longest acceptable age of the authentication, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
    /// Whether the client demanded a fresh sign-in (`prompt=login`), or named by its hint somebody whom we do not know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// Whether the visitor is to create an account (`prompt=create`, Initiating User Registration via OpenID Connect).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub registration: bool,
    /// Wanted authentication context classes, best first (`acr_values`). Voluntary: they decide whether a session
    /// is strong enough and which flow runs, not whether an answer is given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The preferred locales (`ui_locales`), best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
    /// A hint for the identifier field; never authenticates (checklist O-28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// The person of whom the client has shown an ID token: nobody else's sign-in answers the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hinted: Option<UserId>,
    /// Whether the answer is posted instead of standing in an address (`response_mode=form_post`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub form_post: bool,
}

/// What an application holds after a sign-in. One record from the code to the last refresh token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Its identity; part of code and refresh token.
    pub id: GrantId,
    /// The request it answers.
    pub request: AuthorizationRequest,
    /// For whom.
    pub user: UserId,
    /// From which session.
    pub session: SessionId,
    /// The flow that it was signed in by, or that a session was used instead of: in its grace, what was proven may be
    /// less than a policy demands. Nothing in records of the first versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// What was proven.
    pub evidence: Vec<Evidence>,
    /// The attributes of that session when it was used, which it may not outlive.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub attributes: Data,
    /// `auth_time`.
    pub authenticated: Timestamp,
    /// Where it stands.
    pub stage: GrantStage,
    /// When it ends whatever happens.
    pub expires: Timestamp,
}

/// Where a grant stands. The stage is part of every write's condition, so that a code or a refresh token works
/// once (checklist O-6, O-19).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GrantStage {
    /// A code was issued and not yet exchanged.
    Code {
        /// The digest of the code's secret.
        secret: Digest,
        /// At most 60 seconds after issue (checklist O-7).
        expires: Timestamp,
    },
    /// The code was exchanged; refresh tokens rotate.
    Refresh {
        /// The digest of the exchanged code's secret. Refresh tokens carry that secret too, so that only who really
        /// held a code or refresh token can end the family by showing an old one.
        code: Digest,
        /// The digest of the current refresh token's secret, if one was issued.
        secret: Option<Digest>,
        /// How many refresh tokens were issued; part of the token, so that an old one is told from a forged one.
        generation: u32,
        /// What the current refresh token came from. Nothing for the first one, and in records of the first versions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<Rotation>,
    },
    /// A code or refresh token was used twice: everything from this grant is dead.
    Revoked,
}

/// A refresh token that was exchanged for its successor. For a short grace it gives the same successor again: of two
/// refreshes at the same moment, or after a lost answer, the client has no other way to get it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rotation {
    /// The digest of its secret.
    pub secret: Digest,
    /// When it was exchanged first.
    pub at: Timestamp,
    /// How often it gave the same successor again.
    pub repeats: u32,
}
