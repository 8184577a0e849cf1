//! Every reason for which a request is refused, with the error code that its specification prescribes.

macro_rules! refusals {
    ($($($name:ident)|+ => $status:literal $code:literal, $description:literal;)+) => {
        /// Why a request is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
        pub enum Refusal {$($(
            #[doc = concat!("`", $code, "`: ", $description, ".")]
            #[error($description)]
            $name,
        )+)+}

        impl Refusal {
            /// All of them, in the order of this file.
            pub const ALL: &[Self] = &[$($(Self::$name),+),+];

            /// The `error` value of the answer; empty where the specification wants none (RFC 6750 section 3.1).
            pub const fn code(self) -> &'static str {
                match self {$($(Self::$name)|+ => $code,)+}
            }

            /// What was wrong and what to do, for `error_description` and logs. Never repeats what was sent.
            pub const fn description(self) -> &'static str {
                match self {$($(Self::$name)|+ => $description,)+}
            }

            /// The HTTP status, where the refusal is not a redirect.
            pub const fn status(self) -> u16 {
                match self {$($(Self::$name)|+ => $status,)+}
            }

            /// The field of the `OIDCClient` that decides it, where one does: what its owner looks at first.
            pub const fn field(self) -> Option<&'static str> {
                match self {
                    Self::UnregisteredRedirectUri => Some("spec.redirectURIs"),
                    Self::GrantNotAllowed => Some("spec.grants"),
                    Self::NoScope => Some("spec.scopes"),
                    Self::MissingChallenge | Self::MissingNonce => Some("spec.pkce"),
                    Self::MissingSecret | Self::UnexpectedSecret | Self::UnregisteredMethod => {
                        Some("spec.authentication")
                    }
                    Self::WrongSecret => Some("spec.secretRef"),
                    Self::AmbiguousSubject => Some("spec.clientId"),
                    _ => None,
                }
            }

            /// Whether it is for want of proof that the client is the one it says it is.
            pub fn is_of_authentication(self) -> bool {
                self.status() == 401 && self.code() == "invalid_client"
            }

            /// A stable name for logs, metrics and audit.
            pub const fn name(self) -> &'static str {
                match self {$($(Self::$name => stringify!($name),)+)+}
            }
        }
    };
}

// Descriptions are ASCII without quote and backslash: RFC 6749 section 5.2 allows nothing else.
refusals! {
    // Any endpoint.
    RepeatedParameter => 400 "invalid_request", "a parameter is given more than once; send each at most once";
    NotText => 400 "invalid_request", "a parameter is not UTF-8 text";
    NotAForm => 400 "invalid_request", "the body must be application/x-www-form-urlencoded";
    ParametersInQuery => 400 "invalid_request", "parameters belong in the body, not in the address";

    // Authorization endpoint, shown and never redirected (RFC 6749 section 4.1.2.1, checklist O-2).
    MissingClientId => 400 "invalid_request", "client_id is missing";
    UnknownClient => 400 "invalid_client", "no application with this client_id is registered and enabled";
    MissingRedirectUri => 400 "invalid_request", "redirect_uri is missing";
    UnregisteredRedirectUri => 400 "invalid_request", "redirect_uri is not, character for character, a registered one";

    // Authorization endpoint, by redirect.
    RequestObject => 400 "request_not_supported", "request objects are not supported; send plain parameters";
    RequestUri => 400 "request_uri_not_supported", "request_uri is not supported; send plain parameters";
    Registration => 400 "registration_not_supported", "the registration parameter is not supported";
    MissingResponseType => 400 "invalid_request", "response_type is missing; send code";
    UnsupportedResponseType => 400 "unsupported_response_type", "only response_type code is supported";
    UnsupportedResponseMode => 400 "invalid_request", "only response_mode query and form_post are supported, and form_post only to an http address";
    GrantNotAllowed => 400 "unauthorized_client", "the client is not registered for this grant type";
    NoScope => 400 "invalid_scope", "none of the requested scopes is registered for the client";
    MissingChallenge => 400 "invalid_request", "code_challenge is missing; use PKCE with S256, or let a client with a secret go without by spec.pkce: OptionalWithNonce";
    UnsupportedChallengeMethod => 400 "invalid_request", "code_challenge_method must be S256";
    MalformedChallenge => 400 "invalid_request", "code_challenge must be 43 characters of base64url";
    MissingNonce => 400 "invalid_request", "without PKCE, scope openid and a nonce are required";
    UnknownPrompt => 400 "invalid_request", "prompt knows none, login, select_account, consent and create";
    ContradictoryPrompt => 400 "invalid_request", "prompt none cannot be combined with other values";
    MalformedMaxAge => 400 "invalid_request", "max_age must be a number of seconds";
    LoginRequired => 400 "login_required", "the person must sign in";
    AnotherPerson => 400 "login_required", "somebody else signed in than id_token_hint names";
    AccessDenied => 400 "access_denied", "the person or the provider ended the sign-in";
    OutOfService => 503 "temporarily_unavailable", "this sign-in is out of service; try again later";

    // Token endpoint (RFC 6749 section 5.2).
    MissingGrantType => 400 "invalid_request", "grant_type is missing";
    UnsupportedGrantType => 400 "unsupported_grant_type", "only authorization_code, refresh_token and client_credentials are supported";
    SeveralAuthentications => 400 "invalid_request", "the client authenticates in more than one way; use the registered one";
    MalformedAuthorization => 401 "invalid_client", "the Authorization header is not a Basic header";
    // The log says which it was, the answer does not: it would tell a guesser how far they are.
    MissingCredentials | UnregisteredClient | DisabledClient | MissingSecret | UnexpectedSecret | WrongSecret
        | UnregisteredMethod | UnsupportedAssertion => 401 "invalid_client",
        "unknown client, wrong secret, or not the registered authentication method";
    AmbiguousSubject => 400 "unauthorized_client", "the client_id looks like the identifier of a person; register another one";
    MissingCode => 400 "invalid_request", "code is missing";
    InvalidCode => 400 "invalid_grant", "the code is unknown, expired, used or not for this client";
    ReusedCode => 400 "invalid_grant", "the code was used before; everything issued for it is revoked";
    WrongRedirectUri => 400 "invalid_grant", "redirect_uri differs from the authorization request";
    MissingVerifier => 400 "invalid_grant", "code_verifier is missing; the request had a code_challenge";
    UnexpectedVerifier => 400 "invalid_grant", "code_verifier was sent, but the request had no code_challenge";
    MalformedVerifier => 400 "invalid_request", "code_verifier must be 43 to 128 unreserved characters";
    WrongVerifier => 400 "invalid_grant", "code_verifier does not match the code_challenge";
    MissingRefreshToken => 400 "invalid_request", "refresh_token is missing";
    InvalidRefreshToken => 400 "invalid_grant", "the refresh token is unknown, expired, revoked or not for this client";
    ReusedRefreshToken => 400 "invalid_grant", "the refresh token was used before; the whole family is revoked";
    WithdrawnScope => 400 "invalid_grant", "the client may no longer refresh; start a new sign-in";
    WidenedScope => 400 "invalid_scope", "scope asks for more than was granted";
    TooLittleShown => 400 "invalid_grant", "the sign-in has shown less than is demanded now; start a new sign-in";
    InactiveUser => 400 "invalid_grant", "the user may not sign in any more";

    // Revocation and introspection (RFC 7009 section 2.2.1, RFC 7662 section 2.1).
    MissingTokenParameter => 400 "invalid_request", "token is missing";
    ForeignToken => 400 "unauthorized_client", "the token was issued to another client; nothing was revoked";
    IrrevocableToken => 400 "unsupported_token_type", "the token of a client that acts for itself cannot be revoked; it expires within minutes";
    PublicClient => 400 "unauthorized_client", "only a client that has a secret may ask about tokens";

    // Signing out, shown and never redirected.
    ForeignIdTokenHint => 400 "invalid_request", "id_token_hint was issued to another client than client_id";
    UnregisteredPostLogoutRedirectUri => 400 "invalid_request", "post_logout_redirect_uri is not, character for character, a registered one";

    // UserInfo endpoint (RFC 6750 section 3).
    MissingToken => 401 "", "an access token in the Authorization header or in the body is required";
    TokenInAddress => 400 "invalid_request", "send the access token in the Authorization header; addresses end in logs";
    SeveralTokens => 400 "invalid_request", "send the access token once, in the header or in the body";
    InvalidToken => 401 "invalid_token", "the access token is malformed, expired, revoked or not ours";
    InsufficientScope => 403 "insufficient_scope", "the access token lacks the scope openid";
}
