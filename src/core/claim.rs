//! What the claims of tokens may be called.

/// Claims by which tokens are judged and people told apart. Nothing that an author writes may give them (checklist
/// O-41): another program believes them because of who signed the token.
pub const RESERVED: [&str; 27] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "sid",
    "nonce",
    "acr",
    "amr",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "cnf",
    "act",
    "may_act",
    "client_id",
    "scope",
    "events",
    "sub_jwk",
    "email",
    "email_verified",
    "_claim_names",
    "_claim_sources",
];

/// Whether a name is one of them in any case: many programs (Go's for one) read the members of a JSON object without
/// regard to case, and would take `Aud` for `aud`. Such readers fold letters that are no ASCII too.
pub fn is_reserved(name: &str) -> bool {
    !name.is_ascii() || RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}
