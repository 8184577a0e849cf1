//! Whoever cannot go on is told so in few words, with a reference for support and a way on: the same request anew, back
//! to the application, or the tenant's own page. Why it is so stands in the audit record under the reference.

use axum::response::Response;
use http::header::COOKIE;
use http::{HeaderMap, Uri};
use idflow_core::dead_end::DeadEnd;
use idflow_core::grant::AuthorizationRequest;
use idflow_core::journey::{Journey, Purpose};
use idflow_core::session::EndSessionRequest;
use idflow_oidc::again;
use idflow_oidc::endpoint::{authorize, end_session};
use idflow_oidc::refusal::Refusal;
use idflow_pages::{Aftermath, Application, Notice};

use crate::app::App;
use crate::configuration::ServedFlow;
use crate::http::issuer;
use crate::http::respond::{self, HOME};
use crate::leaving;
use crate::visitor::Visitor;

/// The page of a visitor who cannot go on, with what is known of their journey. Only who has its cookie may be told
/// where it began.
pub(super) fn page(app: &App, visitor: &Visitor, end: DeadEnd, journey: Option<&Journey>) -> Response {
    let reference = app.stopped(end, journey);
    let way = journey.map_or_else(Way::home, |journey| Way::out_of(app, journey));
    let after = Aftermath { reference: Some(&reference), ..way.after() };
    respond::notice_with(app, visitor, notice(end), after)
}

/// The page of a request at a journey that was not even looked at.
pub(super) fn refused(app: &App, visitor: &Visitor, end: DeadEnd, path: &str) -> Response {
    let reference = app.stopped(end, None);
    let after = Aftermath { reference: Some(&reference), onward: Some(path), ..Aftermath::default() };
    respond::notice_with(app, visitor, notice(end), after)
}

/// The page of a post that no page at the issuer's own name has sent. One at another name of ours is told so, and led to
/// the issuer: at its own name the same form would be refused for ever.
pub(super) fn foreign(app: &App, visitor: &Visitor, uri: &Uri) -> Response {
    if issuer::is_called(app, uri, &visitor.headers) {
        return refused(app, visitor, DeadEnd::AnotherOrigin, uri.path());
    }
    let (reference, issuer) = (app.stopped(DeadEnd::AnotherName, None), &app.configuration.load().issuer);
    let after = Aftermath {
        reference: Some(&reference),
        onward: Some(HOME),
        issuer: Some(issuer),
        ..Aftermath::default()
    };
    respond::notice_with(app, visitor, notice(DeadEnd::AnotherName), after)
}

/// Why nothing is known of the journey that a browser asks for.
pub(super) fn unknown(headers: &HeaderMap) -> DeadEnd {
    if headers.contains_key(COOKIE) { DeadEnd::NothingKnown } else { DeadEnd::NoCookies }
}

/// Why a journey may not go on.
pub(super) fn barred(app: &App, journey: &Journey) -> DeadEnd {
    if app.still_wanted(&journey.purpose) { DeadEnd::Withdrawn } else { DeadEnd::ApplicationGone }
}

/// Why a journey has failed, by the code that it ended with.
pub(super) fn failed(code: &str) -> DeadEnd {
    if code == "taken" { DeadEnd::Taken } else { DeadEnd::Failed }
}

const fn notice(end: DeadEnd) -> Notice {
    match end {
        DeadEnd::Expired => Notice::Expired,
        DeadEnd::Withdrawn | DeadEnd::OldCookie | DeadEnd::Taken => Notice::StartAgain,
        DeadEnd::ApplicationGone => Notice::ApplicationGone,
        DeadEnd::NothingKnown => Notice::AnotherBrowser,
        DeadEnd::NoCookies => Notice::NoCookies,
        DeadEnd::AnotherOrigin => Notice::Refused,
        DeadEnd::AnotherName => Notice::AnotherName,
        DeadEnd::TooManyCookies => Notice::TooManyCookies,
        DeadEnd::Unreadable => Notice::BadRequest,
        DeadEnd::Unavailable => Notice::Unavailable,
        DeadEnd::Failed | DeadEnd::Defect => Notice::Failed,
    }
}

/// Where a visitor can go.
pub(super) struct Way {
    onward: Option<String>,
    /// Name and address.
    application: Option<(String, String)>,
}

impl Way {
    fn home() -> Self {
        Self { onward: Some(HOME.to_owned()), application: None }
    }

    /// The way out of a journey that does not go on: its request anew, and back to the application.
    fn out_of(app: &App, journey: &Journey) -> Self {
        match &journey.purpose {
            Purpose::Authorize(request) if app.still_wanted(&journey.purpose) => {
                Self { onward: again::path(request, app), ..Self::back(app, request) }
            }
            Purpose::Standalone { .. }
                if leaving::has_failed(journey) && leaving::is_logout(app, journey) =>
            {
                Self {
                    onward: Some(end_session::path(&EndSessionRequest::default(), None, false)),
                    application: None,
                }
            }
            Purpose::Standalone { query } if is_offered(app, &journey.flow) => {
                let pairs = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
                let joint = if pairs.is_empty() { "" } else { "?" };
                Self { onward: Some(format!("/flows/{}{joint}{pairs}", journey.flow)), application: None }
            }
            Purpose::EndSession(request) => {
                let by_flow = !leaving::has_failed(journey);
                Self { onward: Some(end_session::path(request, None, by_flow)), application: None }
            }
            _ => Self::home(),
        }
    }

    /// The way from the last page of a journey that failed: back to who sent the visitor.
    pub(super) fn after_failure(app: &App, journey: &Journey) -> Self {
        match &journey.purpose {
            Purpose::Authorize(request) if app.still_wanted(&journey.purpose) => Self::back(app, request),
            _ => Self::out_of(app, journey),
        }
    }

    /// The way from the last page of a journey that ended well and answers no application: back to the one that waits all
    /// the same, else to the tenant's own page.
    pub(super) fn after_page(app: &App, journey: &Journey) -> Self {
        match &journey.purpose {
            Purpose::Authorize(request) if app.still_wanted(&journey.purpose) => Self::back(app, request),
            _ => Self::home(),
        }
    }

    /// Back to the application, which learns that nothing came of it.
    fn back(app: &App, request: &AuthorizationRequest) -> Self {
        let target = authorize::refuse_by_link(&app.provider(), request, Refusal::AccessDenied);
        let name = app.client(&request.client_id).map(|client| client.name.clone());
        Self { onward: None, application: name.map(|name| (name, target)) }
    }

    /// The way from a journey that is done and whose code was used: the application's own first page. Where it is no
    /// website there is none.
    pub(super) fn after_success(app: &App, request: &AuthorizationRequest) -> Self {
        let origin = url::Url::parse(&request.redirect_uri).ok().map(|uri| uri.origin());
        let origin = origin.filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization());
        let name = app.client(&request.client_id).map(|client| client.name.clone());
        Self { onward: None, application: name.zip(origin) }
    }

    /// As pages take it.
    pub(super) fn after(&self) -> Aftermath<'_> {
        let application = self.application.as_ref();
        Aftermath {
            onward: self.onward.as_deref(),
            application: application.map(|(name, target)| Application { name, target }),
            ..Aftermath::default()
        }
    }
}

fn is_offered(app: &App, flow: &str) -> bool {
    app.configuration.load().flows.get(flow).is_some_and(ServedFlow::takes_journeys)
}
