//! Serves the table of the OpenID Provider's endpoints: load the facts that a request wants, let it decide, write,
//! answer. Nothing here knows one endpoint from another; no decision is made here. See `idflow_oidc::endpoint`.

use std::sync::Arc;

use axum::response::Response;
use bytes::Bytes;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode, Uri};
use idflow_core::block::BlockTarget;
use idflow_core::grant::{AuthorizationRequest, Grant};
use idflow_core::id::GrantId;
use idflow_core::secret::SecretText;
use idflow_core::session::Session;
use idflow_core::user::User;
use idflow_oidc::claims::OwnClaims;
use idflow_oidc::client::{Client, Credentials};
use idflow_oidc::endpoint::authorize::{self, Answer, Issued};
use idflow_oidc::endpoint::{Decision, Endpoint, Facts, Wanted, Written};
use idflow_oidc::http::{Incoming, Method as Sent};
use idflow_oidc::refusal::Refusal;
use idflow_store::{Commit, CommitError, ReadSet};

use crate::app::{App, Unavailable};
use crate::claims::Claims;
use crate::http::respond::{Reader, Trouble};
use crate::http::{cross_origin, end_session, flows, refusals, respond};
use crate::limiter::Claimant;
use crate::own_session;
use crate::visitor::Visitor;

/// How often a request is decided again when somebody else was first.
const TRIES: u32 = 32;

/// How long a session's use goes unrecorded, so that reading does not become writing (design 10).
const USE_INTERVAL: idflow_core::time::Span = idflow_core::time::Span::minutes(5);

/// What was sent, beside the headers that a [`Visitor`] has.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) body: Bytes,
}

/// Answers a request to an endpoint. An application may have opened whatever a person sees of it in a window.
pub(super) async fn serve(app: &App, endpoint: &Endpoint, visitor: &Visitor, asked: &Asked) -> Response {
    let response = served(app, endpoint, visitor, asked).await;
    match Reader::of(endpoint) {
        Reader::Person => respond::opened_by_application(response),
        Reader::Program => response,
    }
}

async fn served(app: &App, endpoint: &Endpoint, visitor: &Visitor, asked: &Asked) -> Response {
    if asked.method == Method::OPTIONS
        && let Some(allowed) = cross_origin::preflight(app, endpoint, &visitor.headers)
    {
        return allowed;
    }
    let reader = Reader::of(endpoint);
    if !endpoint.takes(asked.method.as_str()) {
        return not_allowed(app, endpoint, visitor);
    }
    if let Err(wait) = app.may_call(endpoint, visitor.address.as_deref()) {
        return respond::trouble(app, visitor, reader, Trouble::TooMany(wait));
    }
    if asked.method == Method::HEAD && reader == Reader::Person {
        // Neither a code nor a journey for who only wants to know whether the address works (checklist J-11).
        return respond::status(app, StatusCode::OK);
    }
    let answered = answered(app, endpoint, visitor, asked).await;
    answered.unwrap_or_else(|Unavailable| respond::trouble(app, visitor, reader, Trouble::Unavailable))
}

fn not_allowed(app: &App, endpoint: &Endpoint, visitor: &Visitor) -> Response {
    let mut response = respond::trouble(app, visitor, Reader::of(endpoint), Trouble::MethodNotAllowed);
    if let Ok(allow) = HeaderValue::from_str(&endpoint.allow()) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

async fn answered(
    app: &App,
    endpoint: &Endpoint,
    visitor: &Visitor,
    asked: &Asked,
) -> Result<Response, Unavailable> {
    let provider = app.provider();
    let address = visitor.address.as_deref();
    // A header that is not text is kept as an empty one, so that it is refused and not overlooked.
    let authorization: Vec<&str> = visitor
        .headers
        .get_all(AUTHORIZATION)
        .iter()
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    let is_posted = asked.method == Method::POST;
    let incoming = Incoming {
        method: if is_posted { Sent::Post } else { Sent::Get },
        query: asked.uri.query().unwrap_or_default(),
        authorization: &authorization,
        content_type: visitor.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()),
        body: if is_posted { &asked.body } else { &[] },
    };
    let request = match (endpoint.read)(&incoming, &app.surroundings(&provider)) {
        Ok(request) => request,
        Err(refusal) if refusal.is_of_authentication() => {
            return Ok(refusals::refused_client(
                app,
                endpoint,
                visitor,
                &Claimant::new("", address),
                refusal,
            )
            .await);
        }
        Err(refusal) => return Ok(refusals::refused(app, endpoint, visitor, None, refusal).await),
    };
    if let Some(shown) = request.credentials()
        && let Err(refused) = authenticate(app, endpoint, visitor, shown).await
    {
        return Ok(refused);
    }
    // Whoever lost a race for the same code or token decides again, and sees it used (checklist O-6, O-19).
    for _ in 0..TRIES {
        let loaded = Loaded::load(app, visitor, request.wanted()).await?;
        // What is stored decides too: whether the client is switched off.
        if let Some(shown) = request.credentials()
            && let Err(refusal) = loaded.facts().authenticated(shown)
        {
            let who = Claimant::new(&shown.client_id, address);
            return Ok(refusals::refused_client(app, endpoint, visitor, &who, refusal).await);
        }
        let decided = request.decide(&app.surroundings(&provider), &loaded.facts());
        let decision = decided.map_err(|failed| {
            tracing::error!(endpoint = endpoint.name, error = %failed, "no token: a signing key does not work");
            Unavailable
        })?;
        if let Some(response) = perform(app, endpoint, visitor, &loaded, decision).await? {
            return Ok(response);
        }
    }
    Err(Unavailable)
}

/// Judges what a client shows, before anything is looked up for it; gives the answer where it does not do.
async fn authenticate(
    app: &App,
    endpoint: &Endpoint,
    visitor: &Visitor,
    shown: &Credentials,
) -> Result<(), Response> {
    let client = app.client(&shown.client_id);
    // Names that nobody has count together, so that inventing them gains nothing.
    let id = client.as_ref().map_or("", |client| &client.id);
    let who = Claimant::new(id, visitor.address.as_deref());
    let client = client.as_deref().ok_or(Refusal::UnregisteredClient);
    match client.and_then(|client| client.authenticate(shown).map(|()| client)) {
        Err(refusal) => Err(refusals::refused_client(app, endpoint, visitor, &who, refusal).await),
        Ok(client) => app
            .admit(client, &who)
            .map_err(|wait| respond::trouble(app, visitor, Reader::of(endpoint), Trouble::TooMany(wait))),
    }
}

/// The facts of one request, and the reads they come from.
struct Loaded {
    reads: ReadSet,
    client: Option<Arc<Client>>,
    grant: Option<Grant>,
    falls_short: bool,
    user: Option<User>,
    /// What the client's registration computes as claims.
    claims: Option<Claims>,
    signed_in: Option<(Session, User)>,
    ending: Option<Session>,
    /// The flow that the session is used instead of.
    flow: Option<String>,
}

impl Loaded {
    async fn load(app: &App, visitor: &Visitor, wanted: Wanted<'_>) -> Result<Self, Unavailable> {
        let mut reads = app.store.reads(app.clock.now());
        let grant = match wanted.grant {
            Some(id) => reads.grant(&id).await?,
            None => None,
        };
        let user = match &grant {
            Some(grant) => reads.user(&grant.user)?,
            None => None,
        };
        let switch = wanted.client.map(|id| BlockTarget::Client(id.to_owned()));
        let signed_in = if wanted.session {
            own_session::person(app, visitor, &mut reads, switch.as_ref()).await?
        } else {
            None
        };
        let ending =
            if wanted.ending { own_session::to_end(app, visitor, &mut reads).await? } else { Vec::new() };
        let ending = ending.into_iter().next().map(|own| own.session);
        // Whoever begins a journey finds the switch there, and who shows a grant finds it at the grant.
        if wanted.switch {
            reads.more(&switch.iter().map(idflow_store::Wanted::block).collect::<Vec<_>>()).await?;
        }
        let is_blocked = match &switch {
            Some(switch) if signed_in.is_some() || wanted.switch => reads.is_blocked(switch)?,
            _ => false,
        };
        let client = wanted.client.filter(|_| !is_blocked).and_then(|id| app.client(id));
        // A session that has shown too little for this application is as good as none: a journey shows the rest.
        let flow = client.as_deref().and_then(|client| client.flows.get("Login")).map(String::as_str);
        let (configuration, now) = (app.configuration.load(), reads.now());
        let reused = signed_in.and_then(|(session, user)| {
            let flow = configuration.reused_for(flow, &session, &app.revisions, now)?;
            Some(((session, user), flow.to_owned()))
        });
        let (signed_in, flow) = reused.unzip();
        let falls_short = grant
            .as_ref()
            .is_some_and(|grant| configuration.grant_lacks(grant, &app.revisions, now).is_some());
        let claims = client.as_deref().and_then(|client| configuration.claims.get(&client.id)).cloned();
        Ok(Self { reads, client, grant, falls_short, user, claims, signed_in, ending, flow })
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            client: self.client.as_deref(),
            grant: self.grant.as_ref(),
            falls_short: self.falls_short,
            user: self.user.as_ref(),
            claims: self.claims.as_ref().map(|claims| claims as &dyn OwnClaims),
            signed_in: self.signed_in.as_ref().map(|(session, user)| (session, user)),
            ending: self.ending.as_ref(),
        }
    }
}

/// The answer, or nothing when a fact changed since it was loaded.
async fn perform(
    app: &App,
    endpoint: &Endpoint,
    visitor: &Visitor,
    loaded: &Loaded,
    decision: Decision<'_>,
) -> Result<Option<Response>, Unavailable> {
    let client = loaded.client.as_deref();
    match decision {
        Decision::Answer(decided) => Ok(Some(respond::decided(app, decided))),
        Decision::Refuse(refusal) => {
            Ok(Some(refusals::refused(app, endpoint, visitor, client, refusal).await))
        }
        Decision::RedirectError { to, refusal } => {
            Ok(Some(refusals::returned(app, endpoint, visitor, client, (refusal, &to)).await))
        }
        Decision::GoOn(path) => Ok(Some(respond::see_other(app, &path, &[]))),
        Decision::IssueToClient(decided) => {
            let client = loaded.client.as_deref().map(|client| client.id.clone());
            app.record(&app.event("token.issued", None, client)).await?;
            app.metrics.grant("token.issued");
            Ok(Some(respond::decided(app, decided)))
        }
        Decision::Write(written) => write(app, *written, loaded.reads.clone()).await,
        Decision::StartJourney(request) => {
            let flow_type = if request.registration { "Registration" } else { "Login" };
            let flow = client.and_then(|client| client.flows.get(flow_type)).map(String::as_str);
            match flows::start_for_application(app, visitor, request, flow_type, flow).await? {
                Ok(started) => Ok(Some(started)),
                Err(to) => {
                    let refusal = Refusal::OutOfService;
                    Ok(Some(refusals::returned(app, endpoint, visitor, client, (refusal, &to)).await))
                }
            }
        }
        Decision::IssueCode { request, session, user } => {
            let issued = match answer_from_session(app, &request, session, user, loaded) {
                Ok(issued) => issued,
                Err(refusal) => {
                    let to = authorize::refuse(&app.provider(), &request, refusal);
                    return Ok(Some(
                        refusals::returned(app, endpoint, visitor, client, (refusal, &to)).await,
                    ));
                }
            };
            single_sign_on(app, visitor, session, issued, loaded).await
        }
        Decision::EndSession(leaving) => {
            if let Some(refusal) = leaving.refusal {
                refusals::note(app, endpoint, visitor, client, refusal, None).await;
            }
            end_session::leave(app, visitor, loaded.reads.clone(), *leaving).await
        }
    }
}

/// Writes a grant and answers; nothing when the grant changed since it was loaded.
async fn write(app: &App, written: Written, reads: ReadSet) -> Result<Option<Response>, Unavailable> {
    let Written { grant, event, refusal, answer, left_out } = written;
    if let Some(left_out) = left_out {
        let (client, user) = (&grant.request.client_id, grant.user);
        tracing::warn!(client, %user, left_out, "an ID token would be too long: UserInfo tells what it leaves out");
    }
    let told = app.grant_event(event, &grant, refusal.map(Refusal::name));
    let commit = Commit::after(reads).put_grant(grant).audit([told.clone()]);
    match app.store.commit(commit).await {
        Ok(()) => {
            app.metrics.grant(event);
            app.observer.audit(&told);
            Ok(Some(respond::decided(app, answer)))
        }
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

/// The code that a session is answered with, and its grant.
fn answer_from_session(
    app: &App,
    request: &AuthorizationRequest,
    session: &Session,
    user: &User,
    loaded: &Loaded,
) -> Result<Issued, Refusal> {
    let secret = SecretText::new(idflow_core::chance::token(app.chance.as_ref()));
    let answered = Answer {
        request,
        session,
        user,
        flow: loaded.flow.as_deref().unwrap_or_default(),
        is_fresh: false,
        grant: GrantId::random(app.chance.as_ref()),
        secret: &secret,
    };
    authorize::issue(&app.provider(), &answered, loaded.reads.now())
}

/// Answers from the session; nothing when it changed since it was loaded.
async fn single_sign_on(
    app: &App,
    visitor: &Visitor,
    session: &Session,
    issued: Issued,
    loaded: &Loaded,
) -> Result<Option<Response>, Unavailable> {
    let now = loaded.reads.now();
    let told = app.grant_event("code.issued", &issued.grant, None);
    let mut commit = Commit::after(loaded.reads.clone()).put_grant(issued.grant).audit([told.clone()]);
    if now.since(session.used) >= USE_INTERVAL {
        commit = commit.put_session(Session { used: now, ..session.clone() });
    }
    match app.store.commit(commit).await {
        Ok(()) => {
            app.metrics.grant("code.issued");
            app.observer.audit(&told);
            Ok(Some(respond::returned(app, visitor, &issued.answer)))
        }
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}
