//! The public port: hosted pages and the OpenID Provider.

pub mod admin;
pub mod cookies;
pub mod flows;
mod guard;
mod home;
pub mod journeys;
pub mod provider;
pub mod respond;
pub mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use idflow_pages::Notice;

use crate::app::Shared;
use visitor::Visitor;

/// The routes of the public port.
pub fn routes(app: Shared) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route("/.well-known/change-password", get(home::change_password))
        .route("/.well-known/openid-configuration", get(provider::discovery).options(provider::preflight))
        .route(
            "/.well-known/oauth-authorization-server",
            get(provider::discovery).options(provider::preflight),
        )
        .route("/oauth2/jwks", get(provider::jwks).options(provider::preflight))
        .route("/oauth2/authorize", get(provider::authorize).post(provider::authorize))
        .route("/oauth2/token", post(provider::token).options(provider::preflight))
        .route(
            "/oauth2/userinfo",
            get(provider::userinfo).post(provider::userinfo).options(provider::preflight),
        )
        .route("/flows/{name}", get(flows::start))
        .route("/journeys/{id}", get(journeys::show).post(journeys::post))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // The guard has read and measured the body already.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(Arc::clone(&app), guard::guard))
        .with_state(app)
}

async fn not_found(State(app): State<Shared>, visitor: Visitor) -> Response {
    respond::notice(&app, &visitor, Notice::NotFound)
}

async fn method_not_allowed(State(app): State<Shared>, visitor: Visitor) -> Response {
    respond::notice(&app, &visitor, Notice::MethodNotAllowed)
}
