//! The second port: probes for the kubelet, metrics for the scraper, the report for the operator.
//!
//! Everything but the probes needs the bearer token that the operator minted (design 8).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use idflow_core::digest::Digest;
use idflow_store::Names;
use prometheus_client::registry::Registry;
use serde::Deserialize;

use crate::app::Shared;
use crate::report::Reports;

/// How long a hanging report waits before it answers with the old one.
const HANG: Duration = Duration::from_secs(25);

/// What the second port serves.
#[derive(Clone)]
pub struct Admin {
    /// The latest report.
    pub reports: Reports,
    /// The metrics.
    pub registry: Arc<Registry>,
    /// The digest of the bearer token; nothing refuses everything but probes.
    pub token: Option<Digest>,
    /// Its records, without which no visitor can be served, and its configuration.
    pub app: Shared,
}

#[derive(Deserialize)]
struct After<T> {
    after: Option<T>,
}

impl Admin {
    /// The routes of the second port.
    pub fn routes(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok"))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .route("/revisions", get(revisions))
            .route("/users/duplicates", get(duplicates))
            .with_state(self)
    }

    fn permits(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer "));
        self.token.zip(token).is_some_and(|(known, token)| known.matches(&Digest::of(token)))
    }
}

/// Readiness opens once, when it is known of each revision with weight whether it runs here. No revision, policy or API
/// server closes it again, because that would take every flow away for the sake of one (design 7): only a store that
/// does not answer does, and the end of the pod.
async fn ready(State(admin): State<Admin>) -> Response {
    let unavailable = |why: &'static str| (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
    if !admin.reports.is_open() {
        return unavailable("the Catalog, or a revision that it gives weight, is not there yet");
    }
    if admin.reports.is_leaving() {
        return unavailable("this pod is about to go");
    }
    match admin.app.store.health().await {
        Ok(()) => "ok".into_response(),
        Err(error) => {
            tracing::error!(%error, "the store did not answer");
            unavailable("the store does not answer")
        }
    }
}

async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> Response {
    if !admin.permits(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &admin.registry) {
        Ok(()) => {
            let media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(CONTENT_TYPE, media_type)], text).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// One page of the names that somebody should look at, such as those that several users have.
async fn duplicates(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Query(query): Query<After<Digest>>,
) -> Response {
    if !admin.permits(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let (app, configuration) = (&admin.app, admin.app.configuration.load_full());
    let names = |directory: &str, attribute: &str| {
        let directory = configuration.directories.get(directory)?;
        let is_any = |names: &[String]| names.iter().any(|name| name == attribute);
        let beside = directory.addresses.iter().filter(|_| is_any(&directory.identifiers));
        let names = if is_any(&directory.addresses) {
            Names::Addresses
        } else {
            Names::Unique { beside: beside.cloned().collect() }
        };
        is_any(&directory.unique).then_some(names)
    };
    match app.store.doubtful_names(app.clock.now(), query.after, names).await {
        Ok(page) => Json(page).into_response(),
        Err(error) => {
            tracing::error!(%error, "the names of users could not be listed");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn revisions(
    State(admin): State<Admin>,
    headers: HeaderMap,
    Query(query): Query<After<u64>>,
) -> Response {
    if !admin.permits(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let report = match query.after {
        Some(after) => tokio::time::timeout(HANG, admin.reports.after(after))
            .await
            .unwrap_or_else(|_| admin.reports.latest()),
        None => admin.reports.latest(),
    };
    Json(report).into_response()
}
