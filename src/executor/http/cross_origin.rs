//! Which answers a page of another origin may read: those of the endpoints whose row says so, for origins that some
//! client registered, and then all of them, errors included (checklist O-36). A page that cannot read an error can
//! only guess.

use axum::response::Response;
use http::header::ORIGIN;
use http::{HeaderMap, HeaderName, HeaderValue};
use idflow_oidc::endpoint::Endpoint;
use idflow_oidc::http::Response as Decided;

use crate::app::App;
use crate::http::respond;

/// Marks an answer for whatever lies at or below an endpoint's address.
pub(super) fn mark(app: &App, path: &str, headers: &HeaderMap, response: &mut Response) {
    let Some(endpoint) = Endpoint::governing(path) else { return };
    let (origin, registered) = origin(app, headers);
    for (name, value) in endpoint.cors(origin, registered) {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
    }
}

/// The answer to a preflight request of a page that may call; nothing when it may not.
pub(super) fn preflight(app: &App, endpoint: &Endpoint, headers: &HeaderMap) -> Option<Response> {
    let (origin, registered) = origin(app, headers);
    let allowed =
        endpoint.cors(origin, registered).iter().any(|(name, _)| *name == "access-control-allow-origin");
    let answer = Decided { status: 204, headers: endpoint.preflight(), body: String::new() };
    allowed.then(|| respond::decided(app, answer))
}

/// The page's origin, and whether some client registered it.
fn origin<'a>(app: &App, headers: &'a HeaderMap) -> (Option<&'a str>, bool) {
    let origin = headers.get(ORIGIN).and_then(|value| value.to_str().ok());
    (origin, origin.is_some_and(|origin| app.configuration.load().origins.contains(origin)))
}
