//! The public port: hosted pages and the OpenID Provider.

pub mod admin;
mod cross_origin;
mod dead_end;
mod end_session;
pub mod flows;
mod goodbye;
mod guard;
mod home;
mod issuer;
pub mod journeys;
mod provider;
mod refusals;
pub mod respond;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::{MethodRouter, any, get};
use bytes::Bytes;
use http::{Method, Uri};
use idflow_oidc::endpoint::{ENDPOINTS, Endpoint};

use crate::app::Shared;
use crate::visitor::Visitor;
use provider::Asked;
use respond::{Reader, Trouble};

/// How long a body may take (checklist H-4). What is read here is small; only who stalls on purpose needs longer.
pub const BODY_TIME: Duration = Duration::from_secs(10);

/// The pages of the public port.
fn pages() -> [(&'static str, MethodRouter<Shared>); 4] {
    [
        ("/", get(home::home)),
        ("/.well-known/change-password", get(home::change_password)),
        ("/flows/{name}", get(flows::start)),
        ("/journeys/{id}", get(journeys::show).post(journeys::post)),
    ]
}

/// Every address that something is at, as patterns.
pub fn addresses() -> impl Iterator<Item = &'static str> {
    let endpoints = ENDPOINTS.iter().flat_map(|endpoint| endpoint.paths.iter().copied());
    pages().into_iter().map(|(path, _)| path).chain(endpoints)
}

/// The routes of the public port: the pages and these endpoints, with the time that a body may take.
pub fn routes(app: Shared, endpoints: &[&'static Endpoint], body_time: Duration) -> Router {
    let mut router = Router::new();
    for (path, page) in pages() {
        router = router.route(path, page);
    }
    for endpoint in endpoints {
        for path in endpoint.paths {
            router = router.route(path, served(endpoint));
        }
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // The guard has read and measured the body already.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state((Arc::clone(&app), body_time), guard::guard))
        .with_state(app)
}

/// All methods of an endpoint: its row says which it takes.
fn served(endpoint: &'static Endpoint) -> MethodRouter<Shared> {
    any(async move |State(app): State<Shared>, visitor: Visitor, method: Method, uri: Uri, body: Bytes| {
        provider::serve(&app, endpoint, &visitor, &Asked { method, uri, body }).await
    })
}

async fn not_found(State(app): State<Shared>, visitor: Visitor, uri: Uri) -> Response {
    respond::trouble(&app, &visitor, Reader::at(uri.path()), Trouble::NotFound)
}

async fn method_not_allowed(State(app): State<Shared>, visitor: Visitor) -> Response {
    respond::trouble(&app, &visitor, Reader::Person, Trouble::MethodNotAllowed)
}
