//! The header of our own tokens: it follows from the type of the token and the key that signs it, and from nothing
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::client::Algorithm;

/// What a token is for. Pinned in verification, so that no kind passes for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// An ID token: `JWT`.
    IdToken,
    /// An access token: `at+jwt` (RFC 9068 section 2.1).
    AccessToken,
}

impl Type {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::IdToken, Self::AccessToken];

    /// The header's `typ`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IdToken => "JWT",
            Self::AccessToken => "at+jwt",
        }
    }

    /// The encoded header. Never change its form: tokens issued before an upgrade must be recognized after it.
    pub(crate) fn header(self, algorithm: Algorithm, kid: &str) -> String {
        let (alg, typ) = (algorithm.name(), self.name());
        URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","typ":"{typ}","kid":"{kid}"}}"#))
    }
}
