//! Compact JWS (RFC 7515) as far as we need it: our own tokens, signed and verified.
//!
//! A header is never interpreted. The header of our tokens follows from key and type alone, so a token is ours only
//! when its first part equals, byte for byte, what one of our keys writes for the expected type. Algorithm, `typ` and
//! key are thereby pinned, and `jku`, `jwk`, `x5u`, `crit`, `zip`, `none` cannot occur (RFC 8725 section 3.1 and
//! 3.11, checklist O-23, O-24).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use crate::header::Type;
use crate::keys::{Key, Keys, SigningFailed};

/// The longest token that is read, and that is made: what we sign we can be shown again.
pub const LONGEST: usize = 32 * 1024;

/// Signs claims.
pub fn sign(key: &Key, kind: Type, claims: &impl Serialize) -> Result<String, SigningFailed> {
    let payload = serde_json::to_vec(claims).map_err(|_| SigningFailed)?;
    let mut token = String::with_capacity(1024);
    token.push_str(key.header(kind));
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token)
}

/// The claims of a token of this type that one of our published keys signed; nothing about any other text. Issuer,
/// audience and times are the caller's to judge. Repeated members are refused where `T` is a struct.
pub fn verify<T: DeserializeOwned>(keys: &Keys, kind: Type, token: &str) -> Option<T> {
    if token.len() > LONGEST {
        return None;
    }
    let (message, signature) = token.rsplit_once('.')?;
    let (header, payload) = message.split_once('.')?;
    let key = keys.published().find(|key| key.header(kind) == header)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !key.verifies(message.as_bytes(), &signature) {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
