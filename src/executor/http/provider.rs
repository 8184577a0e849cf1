//! The OpenID Provider's endpoints: load the facts an endpoint declares, let it decide, write, answer.
//!
//! No decision is made here; see `idflow_oidc::endpoint`.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use idflow_core::grant::{AuthorizationRequest, Grant};
use idflow_core::id::GrantId;
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::user::User;
use idflow_oidc::client::Client;
use idflow_oidc::endpoint::authorize::{self, Answer};
use idflow_oidc::endpoint::{Endpoint, discovery, jwks, token as token_endpoint, userinfo};
use idflow_oidc::http::{Incoming, Response as Decided};
use idflow_store::{Commit, CommitError, Stored};

use crate::app::{App, Shared, Unavailable};
use crate::http::visitor::Visitor;
use crate::http::{flows, respond};

/// How often a token request is decided again when somebody else was first.
const TRIES: u32 = 8;

/// How long a session's use goes unrecorded, so that reading does not become writing (design 10).
const USE_INTERVAL: idflow_core::time::Span = idflow_core::time::Span::minutes(5);

/// A request as the endpoints see it.
struct Parts<'a> {
    authorization: Vec<&'a str>,
    content_type: Option<&'a str>,
    query: &'a str,
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn new(uri: &'a Uri, headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self {
            // A header that is not text is kept as an empty one, so that it is refused and not overlooked.
            authorization: headers
                .get_all(AUTHORIZATION)
                .iter()
                .map(|v| v.to_str().unwrap_or_default())
                .collect(),
            content_type: headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()),
            query: uri.query().unwrap_or_default(),
            body,
        }
    }

    fn incoming(&self) -> Incoming<'_> {
        Incoming {
            query: self.query,
            authorization: &self.authorization,
            content_type: self.content_type,
            body: self.body,
        }
    }
}

/// `/.well-known/openid-configuration`
pub async fn discovery(State(app): State<Shared>, headers: HeaderMap) -> Response {
    public(&app, "discovery", &headers, discovery::respond(&app.provider()))
}

/// `/oauth2/jwks`
pub async fn jwks(State(app): State<Shared>, headers: HeaderMap) -> Response {
    public(&app, "jwks", &headers, jwks::respond(&app.keys))
}

/// An allowed preflight request of a page of another origin; anything else is 405.
pub async fn preflight(State(app): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path();
    let endpoint = idflow_oidc::endpoint::ENDPOINTS.iter().find(|endpoint| endpoint.paths.contains(&path));
    let configuration = app.configuration.load();
    let clients = configuration.clients.values().map(AsRef::as_ref);
    let mut allowed = endpoint
        .zip(origin(&headers))
        .map(|(endpoint, origin)| (endpoint, endpoint.cors(origin, clients)))
        .filter(|(_, headers)| !headers.is_empty());
    match allowed.take() {
        Some((endpoint, mut headers)) => {
            headers.extend(endpoint.preflight());
            answer(Decided { status: 204, headers, body: String::new() })
        }
        None => respond::status(StatusCode::METHOD_NOT_ALLOWED),
    }
}

/// `/oauth2/token`
pub async fn token(State(app): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let parts = Parts::new(&uri, &headers, &body);
    let (client, decided) = match exchange(&app, &parts).await {
        Ok(done) => done,
        Err(Unavailable) => return respond::unavailable_json(),
    };
    with_cors(Endpoint::named("token"), &headers, client.as_deref(), decided)
}

async fn exchange(app: &App, parts: &Parts<'_>) -> Result<(Option<Arc<Client>>, Decided), Unavailable> {
    let request = match token_endpoint::parse(&parts.incoming()) {
        Ok(request) => request,
        Err(refusal) => return Ok((None, token_endpoint::refuse(refusal))),
    };
    let client = app.client(request.client_id());
    // Whoever lost a race for the same code or token decides again, and sees it used (checklist O-6, O-19).
    for _ in 0..TRIES {
        if let Some(decided) = exchange_once(app, &request, client.as_deref()).await? {
            return Ok((client, decided));
        }
    }
    Err(Unavailable)
}

/// The answer, or nothing when the grant changed since it was loaded.
async fn exchange_once(
    app: &App,
    request: &token_endpoint::Request,
    client: Option<&Client>,
) -> Result<Option<Decided>, Unavailable> {
    let stored = match request.grant_id() {
        Some(id) => app.store.grant(&id, app.clock.now()).await?,
        None => None,
    };
    let user = match &stored {
        Some(stored) => app.store.user(&stored.value.user).await?.map(|user| user.value),
        None => None,
    };
    let provider = app.provider();
    let facts = token_endpoint::Facts {
        provider: &provider,
        keys: &app.keys,
        client,
        grant: stored.as_ref().map(|stored| &stored.value),
        user: user.as_ref(),
    };
    let decided = match token_endpoint::decide(request, &facts, app.clock.now(), app.chance.as_ref()) {
        Err(_) => return Err(Unavailable),
        Ok(token_endpoint::Decision::Refuse(refusal)) => token_endpoint::refuse(refusal),
        Ok(token_endpoint::Decision::Revoke { grant, refusal }) => {
            if !write_grant(app, grant.clone(), stored.as_ref()).await? {
                return Ok(None);
            }
            app.audit_grant("grant.revoked", &grant, Some(refusal.name()));
            token_endpoint::refuse(refusal)
        }
        Ok(token_endpoint::Decision::Exchange { grant, tokens }) => {
            if !write_grant(app, grant.clone(), stored.as_ref()).await? {
                return Ok(None);
            }
            app.audit_grant("token.issued", &grant, None);
            app.metrics.tokens.inc();
            token_endpoint::respond(&tokens)
        }
    };
    Ok(Some(decided))
}

/// Whether the grant was written; false when it changed since it was loaded.
async fn write_grant(app: &App, grant: Grant, stored: Option<&Stored<Grant>>) -> Result<bool, Unavailable> {
    let commit = Commit::new(app.clock.now()).put_grant(grant, stored.map(|stored| stored.version));
    match app.store.commit(commit).await {
        Ok(()) => Ok(true),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// `/oauth2/userinfo`
pub async fn userinfo(State(app): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let parts = Parts::new(&uri, &headers, &body);
    match user_claims(&app, &parts).await {
        Ok((client, decided)) => with_cors(Endpoint::named("userinfo"), &headers, client.as_deref(), decided),
        Err(Unavailable) => respond::unavailable_json(),
    }
}

async fn user_claims(app: &App, parts: &Parts<'_>) -> Result<(Option<Arc<Client>>, Decided), Unavailable> {
    let now = app.clock.now();
    let access = match userinfo::verify(&parts.incoming(), &app.provider(), &app.keys, now) {
        Ok(token) => token,
        Err(refusal) => return Ok((None, userinfo::refuse(refusal))),
    };
    let grant = match access.id() {
        Some(id) => app.store.grant(&id.grant, now).await?.map(|stored| stored.value),
        None => None,
    };
    let user = match &grant {
        Some(grant) => app.store.user(&grant.user).await?.map(|stored| stored.value),
        None => None,
    };
    let client = app.client(&access.client_id);
    let decided = userinfo::decide(&access, grant.as_ref(), client.as_deref(), user.as_ref());
    Ok((client, decided.map_or_else(userinfo::refuse, userinfo::respond)))
}

/// `/oauth2/authorize`
pub async fn authorize(
    State(app): State<Shared>,
    visitor: Visitor,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::HEAD {
        // Neither a code nor a journey for who only wants to know whether the address works (checklist J-11).
        return respond::status(StatusCode::OK);
    }
    let body: &[u8] = if method == Method::POST { &body } else { &[] };
    let parts = Parts::new(&uri, &headers, body);
    match authorized(&app, &visitor, &parts).await {
        Ok(response) => response,
        Err(Unavailable) => respond::unavailable(&app, &visitor),
    }
}

async fn authorized(app: &App, visitor: &Visitor, parts: &Parts<'_>) -> Result<Response, Unavailable> {
    let request = match authorize::parse(&parts.incoming()) {
        Ok(request) => request,
        Err(refusal) => return Ok(respond::refused_request(app, visitor, refusal)),
    };
    let client = request.client_id().and_then(|id| app.client(id));
    let signed_in = signed_in(app, visitor).await?;
    let provider = app.provider();
    let facts = authorize::Facts {
        provider: &provider,
        keys: &app.keys,
        client: client.as_deref(),
        signed_in: signed_in.as_ref().map(|(session, user)| (&session.value, user)),
    };
    match authorize::decide(&request, &facts, app.clock.now()) {
        authorize::Decision::ShowError(refusal) => Ok(respond::refused_request(app, visitor, refusal)),
        authorize::Decision::RedirectError { url, .. } => Ok(answer(Decided::redirect(&url))),
        authorize::Decision::StartJourney(request) => {
            let flow_type = if request.registration { "Registration" } else { "Login" };
            let flow = client.as_deref().and_then(|client| client.flows.get(flow_type)).cloned();
            flows::start_for_application(app, visitor, request, flow_type, flow.as_deref()).await
        }
        authorize::Decision::IssueCode { request, user, .. } => match &signed_in {
            Some((session, _)) => single_sign_on(app, visitor, &request, session, user).await,
            None => Err(Unavailable),
        },
    }
}

/// The browser's session with its user, when the cookie proves it and both are alive.
pub async fn signed_in(app: &App, visitor: &Visitor) -> Result<Option<(Stored<Session>, User)>, Unavailable> {
    let Some((id, secret)) = app.session_cookie(&visitor.headers) else { return Ok(None) };
    let now = app.clock.now();
    let Some(session) = app.store.session(&id, now).await? else { return Ok(None) };
    let proven = session.value.secret.matches(&idflow_core::digest::Digest::of(&secret));
    let Some(user) = session.value.user.filter(|_| proven && session.value.is_alive(now)) else {
        return Ok(None);
    };
    Ok(app.store.user(&user).await?.map(|user| (session, user.value)))
}

async fn single_sign_on(
    app: &App,
    visitor: &Visitor,
    request: &AuthorizationRequest,
    session: &Stored<Session>,
    user: &User,
) -> Result<Response, Unavailable> {
    let now = app.clock.now();
    let secret = SecretText::new(idflow_core::chance::token(app.chance.as_ref()));
    let answered = Answer {
        request,
        session: &session.value,
        user,
        asked: now,
        grant: GrantId::random(app.chance.as_ref()),
        secret: &secret,
    };
    let issued = match authorize::issue(&app.provider(), &answered, now) {
        Ok(issued) => issued,
        Err(refusal) => return Ok(respond::refused_request(app, visitor, refusal)),
    };
    let mut commit = Commit::new(now).put_grant(issued.grant.clone(), None);
    if now.since(session.value.used) >= USE_INTERVAL {
        commit = commit.put_session(Session { used: now, ..session.value.clone() }, Some(session.version));
    }
    match app.store.commit(commit).await {
        Ok(()) => {
            app.audit_grant("code.issued", &issued.grant, None);
            Ok(answer(Decided::redirect(&issued.redirect)))
        }
        Err(_) => Err(Unavailable),
    }
}

fn public(app: &App, endpoint: &str, headers: &HeaderMap, mut decided: Decided) -> Response {
    let configuration = app.configuration.load();
    let clients = configuration.clients.values().map(AsRef::as_ref);
    if let (Some(endpoint), Some(origin)) = (Endpoint::named(endpoint), origin(headers)) {
        decided.headers.extend(endpoint.cors(origin, clients));
    }
    answer(decided)
}

fn with_cors(
    endpoint: Option<&Endpoint>,
    headers: &HeaderMap,
    client: Option<&Client>,
    mut decided: Decided,
) -> Response {
    if let (Some(endpoint), Some(origin)) = (endpoint, origin(headers)) {
        decided.headers.extend(endpoint.cors(origin, client));
    }
    answer(decided)
}

fn origin(headers: &HeaderMap) -> Option<&str> {
    headers.get(ORIGIN).and_then(|value| value.to_str().ok())
}

/// A decided answer as an HTTP response. Headers that cannot be one are a defect and left out.
pub fn answer(decided: Decided) -> Response {
    let mut response = Response::new(decided.body.into());
    *response.status_mut() =
        StatusCode::from_u16(decided.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in decided.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
    response
}
