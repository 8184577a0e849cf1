//! Revocation (RFC 7009): a client gives back what it holds.
//!
//! Access and refresh tokens of one sign-in live and die together, so either ends the whole family. The answer to a
//! token that nobody knows is the same as to one that was revoked: in both cases it opens nothing any more.

use idflow_core::counter::Rate;
use idflow_core::grant::{Grant, GrantStage};
use serde_json::json;

use crate::client::Credentials;
use crate::endpoint::{self, Cors, Decision, Endpoint, Errors, Facts, Surroundings, Wanted, Written, token};
use crate::http::{Cache, Incoming, Response};
use crate::keys::SigningFailed;
use crate::refusal::Refusal;
use crate::shown::ShownBy;

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "revocation",
    paths: &["/oauth2/revoke"],
    methods: &["POST"],
    errors: Errors::Json(token::refuse),
    // Applications that run in a browser sign out too, and hold tokens to give back.
    cors: Cors::RegisteredOrigins,
    calls: Rate { burst: 2000, per_second: 1000 },
    metadata: |address| {
        json!({
            "revocation_endpoint": address,
            "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        })
    },
    read: |incoming, around| Ok(Box::new(parse(incoming, around)?)),
};

/// A revocation request as sent.
#[derive(Debug, Clone)]
pub struct Request(ShownBy);

impl endpoint::Request for Request {
    fn wanted(&self) -> Wanted<'_> {
        let client = Some(self.0.credentials.client_id.as_str());
        Wanted { client, grant: self.0.token.grant_id(), ..Wanted::default() }
    }

    fn credentials(&self) -> Option<&Credentials> {
        Some(&self.0.credentials)
    }

    fn decide<'a>(&self, _: &Surroundings<'a>, facts: &Facts<'a>) -> Result<Decision<'a>, SigningFailed> {
        Ok(match decide(self, facts) {
            Ok(None) => Decision::Answer(done()),
            Ok(Some(grant)) => Decision::Write(Box::new(Written {
                grant,
                event: "token.revoked",
                refusal: None,
                answer: done(),
                left_out: None,
            })),
            Err(refusal) => Decision::Refuse(refusal),
        })
    }
}

/// Reads a request.
pub fn parse(incoming: &Incoming<'_>, around: &Surroundings<'_>) -> Result<Request, Refusal> {
    ShownBy::parse(incoming, around).map(Request)
}

/// The grant as it is to be written; nothing where nothing is left to revoke. Of another client's token the caller is
/// told (RFC 7009 section 2.1): it would else believe it dead.
pub fn decide(request: &Request, facts: &Facts<'_>) -> Result<Option<Grant>, Refusal> {
    let client = facts.authenticated(&request.0.credentials)?;
    if request.0.token.is_own_of(client) {
        return Err(Refusal::IrrevocableToken);
    }
    let Some(grant) = request.0.token.grant(facts) else { return Ok(None) };
    if grant.request.client_id != client.id {
        return Err(Refusal::ForeignToken);
    }
    Ok(Some(Grant { stage: GrantStage::Revoked, ..grant.clone() }))
}

fn done() -> Response {
    Response::json(200, Cache::Never, &json!({}))
}
