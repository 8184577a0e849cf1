//! The three tokens of an answer: access token (RFC 9068), ID token (OpenID Connect Core 2), refresh token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use idflow_core::Data;
use idflow_core::digest::Digest;
use idflow_core::grant::{Grant, GrantStage};
use idflow_core::secret::SecretText;
use idflow_core::time::Timestamp;
use idflow_core::user::{User, UserState};
use serde::{Deserialize, Serialize};

use crate::acr::Strength;
use crate::claims::{self, OwnClaims};
use crate::client::{Algorithm, Client};
use crate::endpoint::{Facts, Surroundings};
use crate::handle::TokenId;
use crate::jws::{self, Type};
use crate::keys::{Keys, SigningFailed};
use crate::provider::Provider;
use crate::scope::{GROUPS, OPENID, has};

/// What a successful token request gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access_token: SecretText,
    /// Seconds until it expires.
    pub expires_in: i64,
    /// The ID token, with scope `openid`.
    pub id_token: Option<SecretText>,
    /// The refresh token, with scope `offline_access`.
    pub refresh_token: Option<SecretText>,
    /// The scopes of the access token.
    pub scopes: Vec<String>,
    /// What the ID token does not say although it should, because no token is as long.
    pub left_out: Option<&'static str>,
}

/// The claims of an access token. Its audience is the issuer itself: it opens UserInfo and whatever interfaces the
/// tenant's own services agree to accept it at, and can never pass for an ID token, whose audience is the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessToken {
    /// The issuer.
    pub iss: String,
    /// The user; a client that acts for nobody is its own subject (RFC 9068 section 2.2).
    pub sub: String,
    /// The issuer again.
    pub aud: String,
    /// The client that holds it.
    pub client_id: String,
    /// Space-separated scopes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// Grant and generation, see [`TokenId`]; a random text where there is no grant.
    pub jti: String,
    /// The session it came from, if a person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When it was issued, in seconds.
    pub iat: i64,
    /// When it expires, in seconds.
    pub exp: i64,
    /// When the person last showed a factor, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How strong that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By which methods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
}

impl AccessToken {
    /// The scopes as a list.
    pub fn scopes(&self) -> Vec<String> {
        crate::scope::parse(&self.scope)
    }

    /// Which grant and generation it was issued for.
    pub fn id(&self) -> Option<TokenId> {
        self.jti.parse().ok()
    }

    /// The grant it was issued for and the person it speaks of, in today's world: a revoked grant, a disabled client or a locked user ends a token
    /// before its time (checklist O-6, O-31), and so does a stricter policy.
    pub fn holder<'a>(&self, facts: &Facts<'a>) -> Option<(&'a Grant, &'a User)> {
        let id = self.id()?;
        let is_own = |grant: &&Grant| {
            grant.id == id.grant
                && grant.request.client_id == self.client_id
                && matches!(grant.stage, GrantStage::Refresh { .. })
                && !facts.falls_short
        };
        let grant = facts.grant.filter(is_own)?;
        facts.client.filter(|client| client.id == self.client_id && !client.disabled)?;
        let user =
            facts.user.filter(|user| user.id.to_string() == self.sub && user.state == UserState::Active)?;
        Some((grant, user))
    }
}

#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    azp: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    amr: &'a [String],
    at_hash: String,
    sid: String,
    // None of the above is among the names of `claims::of` (checklist O-41).
    #[serde(flatten)]
    about: &'a Data,
}

/// What tokens are made of.
pub(crate) struct Making<'a> {
    pub(crate) provider: &'a Provider,
    pub(crate) keys: &'a Keys,
    pub(crate) client: &'a Client,
    pub(crate) grant: &'a Grant,
    pub(crate) user: &'a User,
    pub(crate) claims: Option<&'a dyn OwnClaims>,
    pub(crate) id: TokenId,
    pub(crate) scopes: &'a [String],
    pub(crate) now: Timestamp,
}

impl Making<'_> {
    /// Signs an access token, and with scope `openid` an ID token. The nonce goes only into the first one
    /// (OpenID Connect Core 12.2).
    pub(crate) fn tokens(&self, refresh_token: Option<SecretText>) -> Result<Tokens, SigningFailed> {
        let claims = self.access_claims();
        let access_token = jws::sign(self.keys.signing(Algorithm::Es256), Type::AccessToken, &claims)?;
        let (id_token, left_out) = if has(self.scopes, OPENID) {
            let (id_token, left_out) = self.id_token(&claims, &access_token)?;
            (Some(SecretText::new(id_token)), left_out)
        } else {
            (None, None)
        };
        Ok(Tokens {
            access_token: SecretText::new(access_token),
            expires_in: claims.exp - claims.iat,
            id_token,
            refresh_token,
            scopes: self.scopes.to_vec(),
            left_out,
        })
    }

    fn access_claims(&self) -> AccessToken {
        let Strength { methods, class } = Strength::of(&self.grant.evidence, self.grant.user);
        let ends = self.now.plus(self.provider.lifetimes.access_token).min(self.grant.expires);
        AccessToken {
            iss: self.provider.issuer.clone(),
            sub: self.grant.user.to_string(),
            aud: self.provider.issuer.clone(),
            client_id: self.client.id.clone(),
            scope: self.scopes.join(" "),
            jti: self.id.to_string(),
            sid: Some(self.grant.session.to_string()),
            iat: self.now.seconds(),
            exp: ends.seconds(),
            auth_time: Some(self.grant.authenticated.seconds()),
            acr: class.map(str::to_owned),
            amr: methods,
        }
    }

    /// An ID token with all that it should say; of what no token can hold, UserInfo still tells. Groups go first: they are
    /// what grows without the application's doing.
    fn id_token(
        &self,
        access: &AccessToken,
        access_token: &str,
    ) -> Result<(String, Option<&'static str>), SigningFailed> {
        let own = self.claims.map(|own| own.about(self.user, &self.grant.attributes));
        let mut about = claims::of(self.user, self.scopes, own);
        let whole = self.id_token_with(access, access_token, &about)?;
        if whole.len() <= jws::LONGEST {
            return Ok((whole, None));
        }
        about.remove(GROUPS);
        let shorter = self.id_token_with(access, access_token, &about)?;
        if shorter.len() <= jws::LONGEST {
            return Ok((shorter, Some("the groups")));
        }
        let least = self.id_token_with(access, access_token, &Data::new())?;
        Ok((least, Some("all that is said of the person")))
    }

    fn id_token_with(
        &self,
        access: &AccessToken,
        access_token: &str,
        about: &Data,
    ) -> Result<String, SigningFailed> {
        let claims = IdToken {
            iss: &access.iss,
            sub: &access.sub,
            aud: &self.client.id,
            azp: &self.client.id,
            iat: access.iat,
            exp: self.now.plus(self.provider.lifetimes.id_token).seconds(),
            auth_time: self.grant.authenticated.seconds(),
            nonce: self.grant.request.nonce.as_deref().filter(|_| self.id.generation == 1),
            acr: access.acr.as_deref(),
            amr: &access.amr,
            at_hash: at_hash(access_token),
            sid: self.grant.session.to_string(),
            about,
        };
        jws::sign(self.keys.signing(self.client.id_token_algorithm), Type::IdToken, &claims)
    }
}

/// The access token of a client that acts for nobody. No grant stands behind it, so it cannot be refreshed, opens no
/// UserInfo, and ends by its time.
pub(crate) fn of_client(around: &Surroundings<'_>, client: &Client) -> Result<Tokens, SigningFailed> {
    let Surroundings { provider, keys, now, chance, .. } = *around;
    let claims = AccessToken {
        iss: provider.issuer.clone(),
        sub: client.id.clone(),
        aud: provider.issuer.clone(),
        client_id: client.id.clone(),
        scope: String::new(),
        jti: idflow_core::chance::token(chance),
        sid: None,
        iat: now.seconds(),
        exp: now.plus(provider.lifetimes.access_token).seconds(),
        auth_time: None,
        acr: None,
        amr: Vec::new(),
    };
    let access_token = jws::sign(keys.signing(Algorithm::Es256), Type::AccessToken, &claims)?;
    Ok(Tokens {
        access_token: SecretText::new(access_token),
        expires_in: claims.exp - claims.iat,
        id_token: None,
        refresh_token: None,
        scopes: Vec::new(),
        left_out: None,
    })
}

/// The left half of the access token's SHA-256 (OpenID Connect Core 3.1.3.6); both our algorithms use that hash.
fn at_hash(access_token: &str) -> String {
    let digest = Digest::of(access_token);
    URL_SAFE_NO_PAD.encode(digest.as_bytes().split_at(16).0)
}

/// Verifies an access token of ours: signature, type, issuer, audience, time.
pub fn verify_access_token(
    provider: &Provider,
    keys: &Keys,
    token: &str,
    now: Timestamp,
) -> Option<AccessToken> {
    let claims: AccessToken = jws::verify(keys, Type::AccessToken, token)?;
    let ours = claims.iss == provider.issuer && claims.aud == provider.issuer;
    (ours && now.seconds() < claims.exp).then_some(claims)
}

/// What an ID token that we issued at any time says as an `id_token_hint` (OpenID Connect Core 3.1.2.1, RP-Initiated
/// Logout 2). Expired ones are accepted, because a hint authenticates nobody (checklist O-28).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Hint {
    iss: String,
    /// The person.
    pub sub: String,
    /// The application that holds the token.
    pub aud: String,
    /// The session it came from.
    pub sid: String,
}

impl Hint {
    /// Verifies a hint: signature, type, issuer.
    pub fn verify(provider: &Provider, keys: &Keys, token: &str) -> Option<Self> {
        let hint: Self = jws::verify(keys, Type::IdToken, token)?;
        (hint.iss == provider.issuer).then_some(hint)
    }
}
