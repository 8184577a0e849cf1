//! Signs a browser out: at once, by asking, or through the Logout flow of the application or the tenant.
//!
//! ```text
//!   POST of an application ── 303 ──▶ the same as GET: only so does the browser send its cookie along
//!   nobody signed in ───────────────▶ onward
//!   ID token of this session, or the visitor's yes ──▶ the Logout flow, or the end ──▶ onward
//!   anything else ──────────────────▶ a page that asks, or the Logout flow, whose step asks
//! ```
//!
//! What came from a session that is over ends by a hint alone: there is nobody to be signed out by it.
//!
//! Signing out waits for nobody: what the Logout flow cannot do now is done here, and what is wrong with an application's
//! request keeps nobody from signing out; only the way back to it is left out.

use axum::response::Response;
use idflow_core::audit::AuditEvent;
use idflow_core::block::BlockTarget;
use idflow_core::digest::Digest;
use idflow_core::id::SessionId;
use idflow_core::journey::{Channel, Ending, Phase, Purpose};
use idflow_core::secret::SecretText;
use idflow_core::session::EndSessionRequest;
use idflow_core::view::View;
use idflow_engine::turn::EndSessions;
use idflow_oidc::endpoint::{Leaving, end_session};
use idflow_oidc::http::Method;
use idflow_pages::Notice;
use idflow_store::{Commit, CommitError, ReadSet};

use crate::app::{App, Unavailable};
use crate::configuration::{Configuration, ServedFlow};
use crate::drive::{self, Driven};
use crate::http::goodbye::farewell;
use crate::http::respond::Form;
use crate::http::{journeys, respond};
use crate::leaving::{self, SignOut};
use crate::own_session;
use crate::visitor::Visitor;

/// Performs a request to sign out; nothing when the session changed since it was loaded.
pub(super) async fn leave(
    app: &App,
    visitor: &Visitor,
    reads: ReadSet,
    leaving: Leaving<'_>,
) -> Result<Option<Response>, Unavailable> {
    let Leaving { method, mut request, session, hinted, confirmation, by_flow: is_by_flow, refusal: _ } =
        leaving;
    let is_posted = method == Method::Post;
    if let Some(hinted) = hinted.filter(|hinted| session.is_none_or(|session| session.id != *hinted)) {
        end_what_is_left_of(app, hinted, request.client_id.as_deref()).await?;
    }
    match &confirmation {
        None if is_posted => return Ok(Some(again(app, &request, hinted))),
        Some(_) if is_posted && !journeys::is_same_origin(app, &visitor.headers) => {
            return Ok(Some(respond::notice(app, visitor, Notice::Refused)));
        }
        _ => {}
    }
    let Some(session) = session else { return Ok(Some(farewell(app, visitor, &request, is_posted))) };
    let token = token(app, session.id, &request);
    request.confirmed =
        hinted == Some(session.id) || confirmation.is_some_and(|shown| is_same(&shown, &token));
    let configuration = app.configuration.load_full();
    if is_by_flow
        && let Some(flow) = flow(app, &configuration, &request)
        && let Some(begun) = by_flow(app, visitor, flow, &request).await
    {
        return Ok(Some(begun));
    }
    if !request.confirmed {
        let asks = View::sign_out(own_session::identifier(app, session, &reads)?);
        return Ok(Some(ask(app, visitor, &request, &asks, &token, is_by_flow)));
    }
    end(app, visitor, reads, &request, is_posted).await
}

/// The Logout flow that takes new journeys: the application's, else the tenant's.
fn flow<'c>(
    app: &App,
    configuration: &'c Configuration,
    request: &EndSessionRequest,
) -> Option<&'c ServedFlow> {
    let client = request.client_id.as_deref().and_then(|id| app.client(id));
    let named = client.as_deref().and_then(|client| client.flows.get("Logout"));
    let found = named.and_then(|named| configuration.flow_of_type("Logout", Some(named)));
    if let (Some(named), None) = (named, found) {
        tracing::error!(
            client = request.client_id,
            flow = named,
            "the application's Logout flow is not served"
        );
    }
    let (_, flow) = found.or_else(|| configuration.flow_of_type("Logout", None))?;
    (!app.is_out_of_service(flow)).then_some(flow)
}

/// The first answer of a Logout flow. Nothing where the flow cannot give one now, whatever the reason: it may not begin
/// or run, has met an error, or is done without having asked who must be asked. Then this page does it.
async fn by_flow(
    app: &App,
    visitor: &Visitor,
    flow: &ServedFlow,
    request: &EndSessionRequest,
) -> Option<Response> {
    app.may_begin(visitor.address.as_deref()).ok()?;
    let purpose = Purpose::EndSession(Box::new(request.clone()));
    let started = drive::start(app, visitor, flow, purpose, Channel::Browser).await;
    let Ok(Driven::Moved(moved)) = started else { return None };
    let answers = match &moved.journey.phase {
        Phase::ExpectSubmission(_) => true,
        Phase::Ended(Ending::Completed { .. }) => request.confirmed,
        // A flow that fails before it has shown anything keeps nobody whose wish is confirmed.
        Phase::Ended(Ending::Failed { .. }) if request.confirmed => !leaving::has_failed(&moved.journey),
        Phase::Ended(Ending::Failed { .. }) => !leaving::has_broken_off(&moved.journey),
    };
    answers.then(|| journeys::see_other(app, visitor, &moved))
}

async fn end(
    app: &App,
    visitor: &Visitor,
    mut reads: ReadSet,
    request: &EndSessionRequest,
    is_posted: bool,
) -> Result<Option<Response>, Unavailable> {
    let ends = SignOut::by_step(app, visitor, EndSessions::Browser, None, &mut reads).await?;
    match sign_out(app, Commit::after(reads), &ends, request.client_id.as_deref()).await {
        Ok(()) => Ok(Some(farewell(app, visitor, request, is_posted))),
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

async fn sign_out(
    app: &App,
    mut commit: Commit,
    ends: &[SignOut],
    client: Option<&str>,
) -> Result<(), CommitError> {
    let told: Vec<AuditEvent> = ends.iter().map(|end| end.event(app, client)).collect();
    for (end, told) in ends.iter().zip(&told) {
        commit = end.add_to(app, commit, told);
    }
    app.store.commit(commit).await?;
    for told in &told {
        app.observer.audit(told);
    }
    Ok(())
}

/// Ends the grants of a session that is over; of one that lives, in another browser for example, nothing. Whatever was
/// written meanwhile has told what there is to tell.
async fn end_what_is_left_of(app: &App, session: SessionId, client: Option<&str>) -> Result<(), Unavailable> {
    let mut reads = app.store.reads(app.clock.now());
    let is_there = reads.session_to_end(&session).await?.is_some();
    if is_there || reads.is_blocked(&BlockTarget::Session(session))? {
        return Ok(());
    }
    match sign_out(app, Commit::after(reads), &[SignOut::of_what_is_left(session)], client).await {
        Err(CommitError::Unavailable(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// The page that asks. It posts to this endpoint, with the request in the address and a token that only it has.
fn ask(
    app: &App,
    visitor: &Visitor,
    request: &EndSessionRequest,
    asks: &View,
    token: &str,
    by_flow: bool,
) -> Response {
    let form = Form {
        action: end_session::path(request, None, by_flow),
        token: token.to_owned(),
        can_go_back: false,
    };
    respond::journey(app, visitor, asks, &form)
}

/// An application's post once more as a GET. Browsers send the session's cookie along with no post of another site. In
/// the place of the ID token, which belongs in no address, stands what proves that it was shown.
fn again(app: &App, request: &EndSessionRequest, hinted: Option<SessionId>) -> Response {
    let token = hinted.map(|session| token(app, session, request));
    respond::see_other(app, &end_session::path(request, token.as_deref(), true), &[])
}

/// Proves that somebody who may end this session wants to. It says so for this one request and this one session.
fn token(app: &App, session: SessionId, request: &EndSessionRequest) -> String {
    let part = |text: &Option<String>| Digest::of(text.as_deref().unwrap_or_default());
    let EndSessionRequest { client_id, redirect_uri, state, confirmed: _ } = request;
    let parts = [part(client_id), part(redirect_uri), part(state)];
    app.end_session_token(session, &parts)
}

fn is_same(shown: &SecretText, token: &str) -> bool {
    Digest::of(shown.expose_for("comparing a form token")).matches(&Digest::of(token))
}
