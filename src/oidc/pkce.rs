//! Proof Key for Code Exchange (RFC 7636): S256 and nothing else (checklist O-4, O-5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::digest::Digest;

use crate::refusal::Refusal;

/// Whether the text can be an S256 challenge: 32 bytes as base64url (RFC 7636 section 4.2).
pub fn is_challenge(text: &str) -> bool {
    text.len() == 43 && URL_SAFE_NO_PAD.decode(text).is_ok()
}

/// Whether the text is a verifier: 43 to 128 unreserved characters (RFC 7636 section 4.1).
pub fn is_verifier(text: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&text.len()) && text.bytes().all(unreserved)
}

/// The challenge of a verifier.
pub fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Digest::of(verifier).as_bytes())
}

/// Checks the verifier of an exchange against the challenge of the request.
///
/// A challenge makes the verifier compulsory; a verifier without a challenge is a stripped request (RFC 9700
/// section 4.8.2, checklist O-5).
pub fn check(challenge_sent: Option<&str>, verifier: Option<&str>) -> Result<(), Refusal> {
    match (challenge_sent, verifier) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::UnexpectedVerifier),
        (Some(_), None) => Err(Refusal::MissingVerifier),
        (Some(_), Some(verifier)) if !is_verifier(verifier) => Err(Refusal::MalformedVerifier),
        (Some(sent), Some(verifier)) if Digest::of(challenge(verifier)).matches(&Digest::of(sent)) => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::WrongVerifier),
    }
}
