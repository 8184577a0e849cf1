//! Introspection (RFC 7662): what a token is worth now.
//!
//! Only for clients that can show who they are, and only about their own tokens. Whatever else is asked about, garbage,
//! expired, revoked, somebody else's, the answer is the same and says nothing (checklist O-32).

use idflow_core::counter::Rate;
use idflow_core::grant::{Grant, GrantStage};
use idflow_core::user::UserState;
use serde_json::{Value, json};

use crate::client::{Client, Credentials};
use crate::endpoint::{self, Cors, Decision, Endpoint, Errors, Facts, Surroundings, Wanted, token};
use crate::handle::{self, RefreshToken};
use crate::http::{Cache, Incoming, Response};
use crate::keys::SigningFailed;
use crate::refusal::Refusal;
use crate::shown::{Shown, ShownBy};
use crate::tokens::AccessToken;

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "introspection",
    paths: &["/oauth2/introspect"],
    methods: &["POST"],
    errors: Errors::Json(token::refuse),
    cors: Cors::Never,
    calls: Rate { burst: 2000, per_second: 1000 },
    metadata: |address| {
        json!({
            "introspection_endpoint": address,
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        })
    },
    read: |incoming, around| Ok(Box::new(parse(incoming, around)?)),
};

/// An introspection request as sent.
#[derive(Debug, Clone)]
pub struct Request(ShownBy);

impl endpoint::Request for Request {
    fn wanted(&self) -> Wanted<'_> {
        let (client, grant) = (Some(self.0.credentials.client_id.as_str()), self.0.token.grant_id());
        Wanted { client, grant, switch: grant.is_none(), ..Wanted::default() }
    }

    fn credentials(&self) -> Option<&Credentials> {
        Some(&self.0.credentials)
    }

    fn decide<'a>(
        &self,
        around: &Surroundings<'a>,
        facts: &Facts<'a>,
    ) -> Result<Decision<'a>, SigningFailed> {
        Ok(match decide(self, around, facts) {
            Ok(body) => Decision::Answer(Response::json(200, Cache::Never, &body)),
            Err(refusal) => Decision::Refuse(refusal),
        })
    }
}

/// Reads a request.
pub fn parse(incoming: &Incoming<'_>, around: &Surroundings<'_>) -> Result<Request, Refusal> {
    ShownBy::parse(incoming, around).map(Request)
}

/// What is said of the token.
pub fn decide(request: &Request, around: &Surroundings<'_>, facts: &Facts<'_>) -> Result<Value, Refusal> {
    let client = facts.authenticated(&request.0.credentials)?;
    if client.is_public() {
        return Err(Refusal::PublicClient);
    }
    let told = match &request.0.token {
        Shown::Access(token) => access(token, client, &request.0.token, facts),
        Shown::Refresh(token) => {
            request.0.token.grant(facts).and_then(|grant| refresh(token, grant, client, around, facts))
        }
        Shown::Unknown => None,
    };
    Ok(told.unwrap_or_else(|| json!({ "active": false })))
}

fn access(token: &AccessToken, client: &Client, shown: &Shown, facts: &Facts<'_>) -> Option<Value> {
    let is_alive = shown.is_own_of(client) || (token.client_id == client.id && token.holder(facts).is_some());
    let mut told = serde_json::to_value(token).ok().filter(|_| is_alive)?;
    told["active"] = true.into();
    told["token_type"] = "Bearer".into();
    Some(told)
}

fn refresh(
    token: &RefreshToken,
    grant: &Grant,
    client: &Client,
    around: &Surroundings<'_>,
    facts: &Facts<'_>,
) -> Option<Value> {
    let is_own = grant.request.client_id == client.id && around.now < grant.expires && !facts.falls_short;
    let is_current = matches!(&grant.stage, GrantStage::Refresh { secret: Some(secret), generation, .. }
        if *generation == token.generation && secret.matches(&handle::digest(&token.secret)));
    let user = facts.user.filter(|user| user.id == grant.user && user.state == UserState::Active);
    user.filter(|_| is_own && is_current).map(|user| {
        json!({
            "active": true,
            "iss": around.provider.issuer,
            "client_id": client.id,
            "sub": user.id.to_string(),
            "scope": client.granted(&grant.request.scopes).join(" "),
            "exp": grant.expires.seconds(),
        })
    })
}
