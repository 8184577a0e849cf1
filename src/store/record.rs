//! The database in one folder: one file per record kind with its number, key, content and expiry.
//!
//! A key is the kind's number and the id; the value is sealed (see [`crate::seal`]) but for counters, which a
//! backend evaluates. Inside the seal stand a format byte and JSON. Numbers and formats are never reused.

pub(crate) mod audit;
pub(crate) mod credential;
pub(crate) mod grant;
pub(crate) mod journey;
pub(crate) mod session;
pub(crate) mod standing;
pub(crate) mod tenant;
pub(crate) mod user;
pub(crate) mod user_index;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::chance::Chance;
use idflow_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::{Key, Versioned};
use crate::seal::{Keyring, Unsealable};

/// The table of contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// One per counted thing and tenant. Id: digest of tenant and counter key. Expires with its window.
    Counter = 1,
    /// One per run through a flow. Id: the journey's. Expires at its deadline.
    Journey = 2,
    /// One per signed-in browser. Id: the session's. Expires with lifetime or idle time.
    Session = 3,
    /// One per person. Id: the user's. Never expires.
    User = 4,
    /// One per unique attribute value. Id: HMAC of directory, attribute and normalized value. Never expires.
    UserIndex = 5,
    /// At most one per user: the password hash. Id: the user's. Never expires.
    Credential = 6,
    /// At most one per user: whether sessions and grants still count. Id: the user's. Never expires.
    Standing = 7,
    /// One per sign-in of an application. Id: the grant's. Expires with the code, then with the grant.
    Grant = 8,
    /// One per security event. Id: time, then 64 random bits. Expires after the retention time.
    Audit = 9,
    /// One per store: proof that it belongs to this tenant and its keys. Id: empty. Never expires.
    Tenant = 10,
}

impl Kind {
    /// Every kind whose records are sealed.
    pub(crate) const SEALED: [Self; 9] = [
        Self::Journey,
        Self::Session,
        Self::User,
        Self::UserIndex,
        Self::Credential,
        Self::Standing,
        Self::Grant,
        Self::Audit,
        Self::Tenant,
    ];

    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    pub(crate) fn key(self, id: &[u8]) -> Key {
        let mut key = Vec::with_capacity(1 + id.len());
        key.push(self.number());
        key.extend(id);
        key
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Journey => "journey",
            Self::Session => "session",
            Self::User => "user",
            Self::UserIndex => "user index",
            Self::Credential => "credential",
            Self::Standing => "standing",
            Self::Grant => "grant",
            Self::Audit => "audit",
            Self::Tenant => "tenant",
        }
    }
}

/// What a sealed record kind says about itself.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Its number.
    const KIND: Kind;
    /// The format that this program writes.
    const FORMAT: u8;

    /// From when on it counts as absent, if it ever does. Not kept inside the seal.
    fn expires(&self) -> Option<Timestamp>;
}

/// A record that cannot be read. Whoever asked for it is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {kind} record {id} cannot be opened ({reason}): it is damaged, or sealed with a key that is not here"
)]
pub struct Corrupt {
    /// The record's kind.
    pub kind: &'static str,
    /// Its id, in base64url.
    pub id: String,
    /// What did not fit.
    pub reason: &'static str,
}

impl Corrupt {
    pub(crate) fn new(kind: Kind, id: &[u8], reason: &'static str) -> Self {
        Self { kind: kind.name(), id: URL_SAFE_NO_PAD.encode(id), reason }
    }
}

/// The sealed bytes of a record.
pub(crate) fn seal<R: Record>(
    keyring: &Keyring,
    chance: &dyn Chance,
    id: &[u8],
    record: &R,
) -> Result<Vec<u8>, Unsealable> {
    let mut plain = Vec::with_capacity(1024);
    plain.push(R::FORMAT);
    serde_json::to_writer(&mut plain, record).map_err(|_| Unsealable)?;
    keyring.seal(chance, R::KIND.number(), id, plain)
}

/// The record in sealed bytes.
pub(crate) fn open<R: Record>(keyring: &Keyring, id: &[u8], stored: &Versioned) -> Result<R, Corrupt> {
    let corrupt = |reason| Corrupt::new(R::KIND, id, reason);
    let plain =
        keyring.open(R::KIND.number(), id, &stored.bytes).ok_or_else(|| corrupt("the seal is broken"))?;
    match plain.split_first() {
        Some((&format, content)) if format == R::FORMAT => {
            serde_json::from_slice(content).map_err(|_| corrupt("the content has another shape"))
        }
        _ => Err(corrupt("the format is unknown")),
    }
}
