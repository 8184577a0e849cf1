//! Relying parties: what is registered, and how they prove who they are.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use idflow_core::time::Span;

use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::scope::OFFLINE_ACCESS;

/// The parameters by which a client shows who it is. An assertion is known to be refused.
pub(crate) const ID: &str = "client_id";
pub(crate) const SECRET: &str = "client_secret";
pub(crate) const ASSERTION: &str = "client_assertion";
pub(crate) const ASSERTION_TYPE: &str = "client_assertion_type";

/// A registered relying party, built by the executor from an `OIDCClient` and its Secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// `client_id`.
    pub id: String,
    /// What visitors see.
    pub name: String,
    /// Where answers may go, each compared as an exact string (checklist O-1).
    pub redirect_uris: Vec<String>,
    /// Where a browser may go after signing out, each compared as an exact string (checklist O-37).
    pub post_logout_redirect_uris: Vec<String>,
    /// How it authenticates at the token endpoint.
    pub authentication: ClientAuthentication,
    /// Digests of the accepted secrets: the current one and, while it is being changed, the previous one.
    pub secrets: Vec<Digest>,
    /// Whether one of these secrets is so short that it can be guessed.
    pub guessable: bool,
    /// The grants it may use.
    pub grants: Vec<GrantType>,
    /// The scopes it may get; others are dropped from its requests.
    pub scopes: Vec<String>,
    /// Whether it may go without PKCE.
    pub pkce: PkcePolicy,
    /// How long an exchanged refresh token gives its successor once more.
    pub refresh_grace: Span,
    /// What signs its ID tokens.
    pub id_token_algorithm: Algorithm,
    /// Origins of its pages that may call token endpoint, UserInfo, JWKS and discovery.
    pub allowed_origins: Vec<String>,
    /// Which flow runs for it, by flow type (`Login`); absent means the tenant's default of that type.
    pub flows: BTreeMap<String, String>,
    /// Whether it was switched off: then it is treated as unknown everywhere.
    pub disabled: bool,
}

/// How a client authenticates at the token endpoint (OpenID Connect Core 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// A public client, which has no secret.
    None,
    /// Name and secret in a header or in the body: the two carry the same proof, and libraries choose by themselves.
    Secret,
    /// Name and secret in an `Authorization: Basic` header.
    SecretBasic,
    /// Name and secret in the body.
    SecretPost,
}

/// A grant type that a client may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantType {
    /// `authorization_code`.
    AuthorizationCode,
    /// `refresh_token`.
    RefreshToken,
    /// `client_credentials`.
    ClientCredentials,
}

/// Whether a client may go without PKCE (checklist O-4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PkcePolicy {
    /// It may not.
    #[default]
    Required,
    /// It may, if it sends a nonce and is confidential; a public client with this policy is held to `Required`.
    OptionalWithNonce,
}

/// A signature algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: the one every relying party must know (OpenID Connect Core 15.1).
    Rs256,
}

impl Algorithm {
    /// Its JOSE name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

impl Client {
    /// Whether it has no way to keep a secret.
    pub fn is_public(&self) -> bool {
        self.authentication == ClientAuthentication::None
    }

    /// Whether answers may go to `uri`: a registered string exactly, or a public client's loopback address with
    /// any port where the registered one has none (RFC 8252 section 7.3). Nothing is parsed or normalized, so two
    /// parsers cannot disagree about it (checklist O-1).
    pub fn accepts_redirect(&self, uri: &str) -> bool {
        let printable = uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b'\\');
        let registered = |known: &String| known == uri || (self.is_public() && differs_in_port(known, uri));
        printable && self.redirect_uris.iter().any(registered)
    }

    /// Whether a browser may go to `uri` after signing out: a registered string exactly.
    pub fn accepts_post_logout_redirect(&self, uri: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|known| known == uri)
    }

    /// What it gets of the scopes it asks for: those that its registration does not list are dropped, never passed
    /// on (checklist O-42), and the token response names the rest. `offline_access` also needs the refresh grant.
    pub fn granted(&self, asked: &[String]) -> Vec<String> {
        let refreshes = self.grants.contains(&GrantType::RefreshToken);
        let listed = asked.iter().filter(|scope| self.scopes.contains(scope));
        listed.filter(|scope| refreshes || *scope != OFFLINE_ACCESS).cloned().collect()
    }

    /// Judges the presented credentials. Every stored digest is compared with every reading, each in constant time
    /// (checklist O-25). A secret without content is none (RFC 6749 section 2.3.1).
    pub fn authenticate(&self, credentials: &Credentials) -> Result<(), Refusal> {
        if self.id != credentials.client_id {
            return Err(Refusal::UnregisteredClient);
        }
        if self.disabled {
            return Err(Refusal::DisabledClient);
        }
        let readings = match (self.authentication, &credentials.presented) {
            (ClientAuthentication::None, Presented::Nothing) => return Ok(()),
            (ClientAuthentication::None, _) => return Err(Refusal::UnexpectedSecret),
            (_, Presented::Nothing) => return Err(Refusal::MissingSecret),
            (
                ClientAuthentication::Secret | ClientAuthentication::SecretBasic,
                Presented::Basic(readings),
            ) => readings.as_slice(),
            (ClientAuthentication::Secret | ClientAuthentication::SecretPost, Presented::Post(secret)) => {
                std::slice::from_ref(secret)
            }
            _ => return Err(Refusal::UnregisteredMethod),
        };
        if self.knows_any(readings) { Ok(()) } else { Err(Refusal::WrongSecret) }
    }

    fn knows_any(&self, readings: &[SecretText]) -> bool {
        let digests = readings.iter().map(|secret| Digest::of(secret.expose_for("comparing its digest")));
        digests.fold(false, |known, shown| {
            self.secrets.iter().fold(known, |known, stored| known | stored.matches(&shown))
        })
    }
}

fn differs_in_port(registered: &str, uri: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]"].iter().any(|host| {
        let (Some(path), Some(rest)) = (registered.strip_prefix(host), uri.strip_prefix(host)) else {
            return false;
        };
        let Some(port) = rest.strip_prefix(':').and_then(|rest| rest.strip_suffix(path)) else {
            return false;
        };
        path.starts_with('/') && is_port(port)
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0') && text.parse::<u16>().is_ok()
}

/// Who a client says it is, and how it proves that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `client_id`.
    pub client_id: String,
    /// The proof.
    pub presented: Presented,
}

/// What a client showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// Only its name.
    Nothing,
    /// A secret in the header. RFC 6749 section 2.3.1 wants it form-encoded before it is joined to the name, and half of
    /// all libraries do not: it is what was sent, or what that decodes to.
    Basic([SecretText; 2]),
    /// A secret in the body.
    Post(SecretText),
}

impl Credentials {
    /// Reads header and body. One method at a time (RFC 6749 section 2.3, checklist O-25); the same `client_id`
    /// beside a header is no second method.
    pub fn parse(authorization: &[&str], form: &Parameters) -> Result<Self, Refusal> {
        let named = form.text(ID);
        let posted = form.get(SECRET).map(SecretText::new);
        if form.get(ASSERTION).is_some() || form.get(ASSERTION_TYPE).is_some() {
            return Err(Refusal::UnsupportedAssertion);
        }
        match (authorization, posted) {
            ([], posted) => Ok(Self {
                client_id: named.ok_or(Refusal::MissingCredentials)?,
                presented: posted.map_or(Presented::Nothing, Presented::Post),
            }),
            ([header], None) => {
                let credentials = Self::basic(header).ok_or(Refusal::MalformedAuthorization)?;
                if named.is_some_and(|named| named != credentials.client_id) {
                    return Err(Refusal::SeveralAuthentications);
                }
                Ok(credentials)
            }
            _ => Err(Refusal::SeveralAuthentications),
        }
    }

    /// Name and secret of a Basic header. A registered name means the same in both readings.
    fn basic(header: &str) -> Option<Self> {
        let (scheme, encoded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") || header.len() > 4096 {
            return None;
        }
        let joined = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, secret) = joined.split_once(':')?;
        let client_id = form_decoded(name).filter(|name| !name.is_empty())?;
        let decoded = form_decoded(secret).unwrap_or_else(|| secret.to_owned());
        let presented = match secret {
            "" => Presented::Nothing,
            sent => Presented::Basic([SecretText::new(sent), SecretText::new(decoded)]),
        };
        Some(Self { client_id, presented })
    }
}

fn form_decoded(text: &str) -> Option<String> {
    // The two separators cannot occur in what was form-encoded; from a client that forgot to, they mean themselves.
    let guarded = text.replace('&', "%26").replace('=', "%3D");
    let decoded =
        url::form_urlencoded::parse(guarded.as_bytes()).next().map_or_else(Default::default, |pair| pair.0);
    (!decoded.contains('\u{FFFD}')).then(|| decoded.into_owned())
}
