//! Codes and refresh tokens as texts: an id to find the grant, and secrets to prove that they were issued.
//!
//! ```text
//!   code           <grant id>.<code secret>
//!   refresh token  <grant id>.<generation>.<code secret>.<secret of this generation>
//! ```
//!
//! A grant stores digests only (checklist O-8). The code's secret stays in every refresh token of its family: it
//! opens nothing any more once the code was exchanged, but proves that an outdated token is genuine. So showing an
//! old token ends the family (checklist O-19), while somebody who merely knows a grant's id can end nothing.

use std::fmt;
use std::str::FromStr;

use idflow_core::digest::Digest;
use idflow_core::id::{GrantId, UserId};
use idflow_core::secret::SecretText;

/// The text was not a code or refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code or refresh token of this provider")]
pub struct InvalidHandle;

/// An authorization code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Which grant it belongs to.
    pub grant: GrantId,
    /// At least 128 random bits as base64url.
    pub secret: SecretText,
}

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Which grant it belongs to.
    pub grant: GrantId,
    /// Its number in the family, from 1.
    pub generation: u32,
    /// The secret of the code that began the family.
    pub code: SecretText,
    /// Its own secret.
    pub secret: SecretText,
}

impl Code {
    /// The text that travels.
    pub fn text(&self) -> SecretText {
        SecretText::new(format!("{}.{}", self.grant, exposed(&self.secret)))
    }
}

impl RefreshToken {
    /// The text that travels.
    pub fn text(&self) -> SecretText {
        let Self { grant, generation, code, secret } = self;
        SecretText::new(format!("{grant}.{generation}.{}.{}", exposed(code), exposed(secret)))
    }
}

/// The stored form of a secret.
pub fn digest(secret: &SecretText) -> Digest {
    Digest::of(exposed(secret))
}

fn exposed(secret: &SecretText) -> &str {
    secret.expose_for("writing or hashing a code or refresh token")
}

impl FromStr for Code {
    type Err = InvalidHandle;

    fn from_str(text: &str) -> Result<Self, InvalidHandle> {
        let (grant, secret) = text.split_once('.').ok_or(InvalidHandle)?;
        Ok(Self { grant: grant.parse().map_err(|_| InvalidHandle)?, secret: read(secret)? })
    }
}

impl FromStr for RefreshToken {
    type Err = InvalidHandle;

    fn from_str(text: &str) -> Result<Self, InvalidHandle> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(InvalidHandle);
        let (grant, generation, code, secret) = (next()?, next()?, next()?, next()?);
        if next().is_ok() || !generation.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidHandle);
        }
        Ok(Self {
            grant: grant.parse().map_err(|_| InvalidHandle)?,
            generation: generation.parse().map_err(|_| InvalidHandle)?,
            code: read(code)?,
            secret: read(secret)?,
        })
    }
}

/// 22 characters of base64url are the 128 bits that checklist O-8 demands.
fn read(secret: &str) -> Result<SecretText, InvalidHandle> {
    let plain = secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !plain || !(22..=128).contains(&secret.len()) {
        return Err(InvalidHandle);
    }
    Ok(SecretText::new(secret))
}

/// Derives secrets, so that none has to be stored: 128 bits or more as base64url, under every key that is still known, the
/// one for new secrets first.
pub trait Secrets: Send + Sync {
    /// Of the refresh token of this generation of a grant: an exchange can be answered again.
    fn refresh(&self, grant: GrantId, generation: u32) -> Vec<SecretText>;

    /// Of what this client says of a person in an address.
    fn hint(&self, client: &str, user: UserId) -> Vec<SecretText>;
}

/// What stands for an ID token in an address of ours, where no token belongs (checklist O-34): whom it names, and the proof
/// that this client has shown one of them.
pub fn stand_in(secrets: &dyn Secrets, client: &str, user: UserId) -> String {
    let proof = secrets.hint(client, user).into_iter().next();
    let proof = proof.as_ref().map_or("", |proof| proof.expose_for("standing for an ID token"));
    format!("{user}.{proof}")
}

/// Whom such a text means.
pub fn meant(secrets: &dyn Secrets, client: &str, text: &str) -> Option<UserId> {
    let (user, proof) = text.split_once('.')?;
    let (user, proof) = (user.parse().ok()?, digest(&read(proof).ok()?));
    secrets.hint(client, user).iter().any(|known| digest(known).matches(&proof)).then_some(user)
}

/// What an access token says about its origin: `jti` (RFC 9068 section 2.2), unique per exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenId {
    /// The grant it was issued for.
    pub grant: GrantId,
    /// The generation it was issued with.
    pub generation: u32,
    /// How often this generation had been issued before.
    pub repeat: u32,
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.grant, self.generation)?;
        if self.repeat > 0 { write!(f, ".{}", self.repeat) } else { Ok(()) }
    }
}

impl FromStr for TokenId {
    type Err = InvalidHandle;

    fn from_str(text: &str) -> Result<Self, InvalidHandle> {
        let (grant, number) = text.split_once('.').ok_or(InvalidHandle)?;
        let (generation, repeat) = number.split_once('.').unwrap_or((number, "0"));
        let number = |text: &str| text.parse().map_err(|_| InvalidHandle);
        let grant = grant.parse().map_err(|_| InvalidHandle)?;
        Ok(Self { grant, generation: number(generation)?, repeat: number(repeat)? })
    }
}
