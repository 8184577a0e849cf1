//! Signing out (OpenID Connect RP-Initiated Logout 1.0).
//!
//! The browser's session ends at once where the application shows an ID token of this very session, also an expired
//! one. Whatever else asks for it, a link on any page for example, only leads to a page of ours that asks the visitor.

use idflow_core::counter::Rate;
use idflow_core::secret::SecretText;
use idflow_core::session::EndSessionRequest;
use serde_json::json;

use crate::client::Client;
use crate::endpoint::{self, Cors, Decision, Endpoint, Errors, Facts, Leaving, Surroundings, Wanted};
use crate::http::{Incoming, Method};
use crate::keys::SigningFailed;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::tokens::Hint;

/// Where it is.
pub const PATH: &str = "/oauth2/logout";

/// The row of the table.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "end_session",
    paths: &[PATH],
    methods: &["GET", "POST"],
    errors: Errors::Page,
    cors: Cors::Never,
    calls: Rate { burst: 300, per_second: 100 },
    metadata: |address| json!({ "end_session_endpoint": address }),
    read: |incoming, around| Ok(Box::new(parse(incoming, around)?)),
};

/// The parameters that count here.
const KNOWN: &[&str] = &["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "token", WITHOUT_FLOW];

/// Says that no flow is to be asked: it has been, and could not answer.
const WITHOUT_FLOW: &str = "without_flow";

/// A request as sent, its hint verified.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    parameters: Parameters,
    hint: Option<Hint>,
    /// What cannot be used of the parameters.
    fault: Option<Refusal>,
}

impl endpoint::Request for Request {
    fn wanted(&self) -> Wanted<'_> {
        Wanted { client: self.client_id(), ending: true, switch: true, ..Wanted::default() }
    }

    fn decide<'a>(&self, _: &Surroundings<'a>, facts: &Facts<'a>) -> Result<Decision<'a>, SigningFailed> {
        Ok(Decision::EndSession(Box::new(decide(self, facts))))
    }
}

/// Reads a request. A hint that cannot be verified, because its key is long gone for example, is none: the visitor is
/// asked, and of the application counts only what it says by its `client_id`.
pub fn parse(incoming: &Incoming<'_>, around: &Surroundings<'_>) -> Result<Request, Refusal> {
    let parameters = incoming.parameters(KNOWN)?;
    let fault = parameters.check(KNOWN).err();
    let hint =
        parameters.get("id_token_hint").and_then(|hint| Hint::verify(around.provider, around.keys, hint));
    Ok(Request { method: incoming.method, parameters, hint, fault })
}

impl Request {
    fn client_id(&self) -> Option<&str> {
        self.parameters.get("client_id").or_else(|| self.hint.as_ref().map(|hint| hint.aud.as_str()))
    }
}

/// Judges a request. Of one that is wrong nothing counts but that somebody may want to sign out: the visitor is asked, and
/// the browser goes nowhere afterwards.
pub fn decide<'a>(request: &Request, facts: &Facts<'a>) -> Leaving<'a> {
    let Request { method, parameters, hint, fault } = request;
    let judged = fault
        .map_or(Ok(()), Err)
        .and_then(|()| client(request, facts))
        .and_then(|client| Ok((client, redirect_uri(parameters, client)?)))
        .map(|(client, redirect_uri)| EndSessionRequest {
            client_id: client.map(|client| client.id.clone()),
            state: parameters.text("state").filter(|_| redirect_uri.is_some()),
            redirect_uri,
            confirmed: false,
        });
    let refusal = judged.as_ref().err().copied();
    let hint = hint.as_ref().filter(|_| refusal.is_none());
    Leaving {
        method: *method,
        request: judged.unwrap_or_default(),
        session: facts.ending,
        hinted: hint.and_then(|hint| hint.sid.parse().ok()),
        confirmation: parameters.get("token").map(SecretText::new),
        by_flow: parameters.get(WITHOUT_FLOW).is_none(),
        refusal,
    }
}

/// The application that asks: the one it says it is, or the one that its hint was issued to, which must be the same. One
/// that is unknown or switched off vouches for nothing, by no hint either.
fn client<'a>(request: &Request, facts: &Facts<'a>) -> Result<Option<&'a Client>, Refusal> {
    let client = facts.client.filter(|client| request.client_id() == Some(&client.id) && !client.disabled);
    match (request.parameters.get("client_id"), &request.hint) {
        (Some(named), Some(hint)) if hint.aud != named => Err(Refusal::ForeignIdTokenHint),
        (None, None) => Ok(None),
        _ => client.map(Some).ok_or(Refusal::UnknownClient),
    }
}

/// Where the browser goes afterwards. Whose address it is must be known: without `client_id` and hint it is left out.
fn redirect_uri(parameters: &Parameters, client: Option<&Client>) -> Result<Option<String>, Refusal> {
    match (parameters.get("post_logout_redirect_uri"), client) {
        (Some(uri), Some(client)) if client.accepts_post_logout_redirect(uri) => Ok(Some(uri.to_owned())),
        (Some(_), Some(_)) => Err(Refusal::UnregisteredPostLogoutRedirectUri),
        _ => Ok(None),
    }
}

/// The address that the browser goes to, with the application's state.
pub fn goodbye_url(request: &EndSessionRequest) -> Option<String> {
    let uri = request.redirect_uri.as_deref()?;
    Some(endpoint::with_query(uri, &[("state", request.state.as_deref())]))
}

/// Where the request is made again: without its hint, for no token stands in an address (checklist O-34), and with what
/// proves that it may end the session at once, where there is such a proof; through the Logout flow, or past it.
pub fn path(request: &EndSessionRequest, proof: Option<&str>, by_flow: bool) -> String {
    let pairs = [
        ("client_id", request.client_id.as_deref()),
        ("post_logout_redirect_uri", request.redirect_uri.as_deref()),
        ("state", request.state.as_deref()),
        ("token", proof),
        (WITHOUT_FLOW, (!by_flow).then_some("true")),
    ];
    endpoint::with_query(PATH, &pairs)
}
