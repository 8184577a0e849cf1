//! Identifiers: 128 random bits each, written as 22 characters of base64url, never reused.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::chance::Chance;

/// The text was not an identifier: 22 characters of base64url were expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: expected 22 characters of base64url")]
pub struct InvalidId;

/// How many characters an identifier has.
const LENGTH: usize = 22;

/// The characters of an identifier.
fn text<'a>(characters: &'a mut [u8; LENGTH], bytes: &[u8; 16]) -> &'a str {
    let length = URL_SAFE_NO_PAD.encode_slice(bytes, characters).unwrap_or_default();
    characters.get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Draws a new identifier.
            pub fn random(chance: &dyn Chance) -> Self {
                let mut bytes = [0; 16];
                chance.fill(&mut bytes);
                Self(bytes)
            }

            /// The identifier with exactly these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes, for use in keys and key derivation.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(text(&mut [0; LENGTH], &self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let mut bytes = [0; 16];
                match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
                    Ok(16) => Ok(Self(bytes)),
                    _ => Err(InvalidId),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(text(&mut [0; LENGTH], &self.0))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::text::parsed(deserializer)
            }
        }
    )+};
}

ids! {
    /// One run through a flow.
    JourneyId,
    /// A person. Also the token subject (`sub`, OpenID Connect Core 2).
    UserId,
    /// A signed-in browser (`sid`).
    SessionId,
    /// What an application holds after a sign-in: a code, then a family of refresh tokens.
    GrantId,
}

/// Which visit of which step within one journey: counted from 1, never reused inside the journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepInstance(pub u32);

/// Which showing of one step instance's page: counted from 1. What happens before the first showing is attempt 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attempt(pub u32);

/// The stable id of one outside effect: equal in every repetition, so it serves as the idempotency key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EffectId {
    /// The journey that wants the effect.
    pub journey: JourneyId,
    /// The step instance that wants it.
    pub instance: StepInstance,
    /// The attempt it belongs to.
    pub attempt: Attempt,
    /// Its number within the attempt, from 0.
    pub number: u32,
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.journey, self.instance.0, self.attempt.0, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_survives_its_text_form() {
        let id = UserId::from_bytes([7; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in
            ["", "short", "AAAAAAAAAAAAAAAAAAAAAAA", "!!!!!!!!!!!!!!!!!!!!!!", "AAAAAAAAAAAAAAAAAAAAA="]
        {
            assert_eq!(text.parse::<UserId>(), Err(InvalidId), "{text:?}");
        }
    }
}
