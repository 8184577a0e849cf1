//! UserInfo (OpenID Connect Core 5.3): the claims that the access token's scopes give.
//!
//! Facts to load after [`verify`]: the grant of [`AccessToken::id`] with its user, the client `client_id`.

use idflow_core::counter::Rate;
use idflow_core::{Data, Value};
use serde_json::json;

use crate::claims;
use crate::endpoint::{Cors, Decision, Endpoint, Errors, Facts, Request, Surroundings, Wanted};
use crate::http::{Cache, Incoming, Response};
use crate::keys::SigningFailed;
use crate::refusal::Refusal;
use crate::scope::{OPENID, has};
use crate::tokens::{AccessToken, verify_access_token};

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "userinfo",
    paths: &["/oauth2/userinfo"],
    methods: &["GET", "POST"],
    errors: Errors::Json(refuse),
    cors: Cors::RegisteredOrigins,
    // As at the token endpoint: many people share the one address of an application's servers.
    calls: Rate { burst: 2000, per_second: 1000 },
    metadata: |address| json!({ "userinfo_endpoint": address }),
    read: |incoming, around| Ok(Box::new(verify(incoming, around)?)),
};

impl Request for AccessToken {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { client: Some(&self.client_id), grant: self.id().map(|id| id.grant), ..Wanted::default() }
    }

    fn decide<'a>(&self, _: &Surroundings<'a>, facts: &Facts<'a>) -> Result<Decision<'a>, SigningFailed> {
        Ok(match decide(self, facts) {
            Ok(claims) => Decision::Answer(respond(claims)),
            Err(refusal) => Decision::Refuse(refusal),
        })
    }
}

/// The one parameter that counts here.
const KNOWN: &[&str] = &["access_token"];

/// A request with a token that is ours and alive: in the header or in the body of a post, and only once (RFC 6750
/// section 2). Never in an address, because addresses end in logs (section 5.3).
pub fn verify(incoming: &Incoming<'_>, around: &Surroundings<'_>) -> Result<AccessToken, Refusal> {
    let parameters = incoming.parameters(KNOWN)?.checked()?;
    let posted = incoming.posted(KNOWN)?.text("access_token");
    if posted.is_none() && parameters.get("access_token").is_some() {
        return Err(Refusal::TokenInAddress);
    }
    let token = match (incoming.authorization, posted.as_deref()) {
        ([], None) => return Err(Refusal::MissingToken),
        ([], Some(posted)) => posted,
        ([header], None) => bearer(header)?,
        ([_], Some(_)) => return Err(Refusal::SeveralTokens),
        _ => return Err(Refusal::InvalidToken),
    };
    verify_access_token(around.provider, around.keys, token, around.now).ok_or(Refusal::InvalidToken)
}

fn bearer(header: &str) -> Result<&str, Refusal> {
    let (scheme, token) = header.split_once(' ').ok_or(Refusal::InvalidToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token) } else { Err(Refusal::MissingToken) }
}

/// What the token's holder may know.
pub fn decide(token: &AccessToken, facts: &Facts<'_>) -> Result<Data, Refusal> {
    let (grant, user) = token.holder(facts).ok_or(Refusal::InvalidToken)?;
    let scopes = token.scopes();
    if !has(&scopes, OPENID) {
        return Err(Refusal::InsufficientScope);
    }
    let mut claims = claims::of(user, &scopes, facts.claims.map(|own| own.about(user, &grant.attributes)));
    claims.insert("sub".to_owned(), token.sub.clone().into());
    Ok(claims)
}

/// The answer.
pub fn respond(claims: Data) -> Response {
    Response::json(200, Cache::Never, &Value::Object(claims))
}

/// The answer to a refused request, with its challenge (RFC 6750 section 3).
pub fn refuse(refusal: Refusal) -> Response {
    let mut response = Response::refusal(refusal);
    let scope = if refusal == Refusal::InsufficientScope { r#", scope="openid""# } else { "" };
    let (code, description) = (refusal.code(), refusal.description());
    let challenge = if refusal == Refusal::MissingToken {
        // Nothing was tried, so nothing is wrong (RFC 6750 section 3.1).
        response.body.clear();
        "Bearer".to_owned()
    } else {
        format!(r#"Bearer error="{code}", error_description="{description}"{scope}"#)
    };
    response.headers.push(("www-authenticate", challenge));
    response
}
