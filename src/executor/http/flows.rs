//! `/flows/{name}` begins a journey; so does an authorization request.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{Method, StatusCode, Uri};
use idflow_core::dead_end::DeadEnd;
use idflow_core::grant::AuthorizationRequest;
use idflow_core::journey::{Channel, Purpose};
use idflow_oidc::endpoint::authorize;
use idflow_oidc::http::Response as Decided;
use idflow_oidc::refusal::Refusal;

use crate::app::{App, Shared, Unavailable};
use crate::configuration::ServedFlow;
use crate::drive::{self, Driven};
use crate::http::respond::{Reader, Trouble};
use crate::http::{dead_end, journeys, respond};
use crate::visitor::Visitor;

/// The longest query that `flow.query` takes, in pairs.
const MOST_PARAMETERS: usize = 32;

/// Begins a journey through the flow of this name.
pub async fn start(
    State(app): State<Shared>,
    Path(name): Path<String>,
    visitor: Visitor,
    method: Method,
    uri: Uri,
) -> Response {
    if method == Method::HEAD {
        // Who only wants to know whether the address works begins nothing (checklist J-11).
        return respond::status(&app, StatusCode::OK);
    }
    let configuration = app.configuration.load_full();
    let served = configuration.flows.get(&name).filter(|flow| !flow.suspended && flow.flow_type != "Library");
    // A Login flow answers an application; on its own it signs the browser in, like any other flow.
    let Some(flow) = served else {
        return respond::trouble(&app, &visitor, Reader::Person, Trouble::NotFound);
    };
    let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let pairs = pairs.take(MOST_PARAMETERS).map(|(name, value)| (name.into_owned(), value.into_owned()));
    let query: BTreeMap<String, String> = pairs.collect();
    if query.iter().any(|(name, value)| name.chars().chain(value.chars()).any(char::is_control)) {
        return dead_end::refused(&app, &visitor, DeadEnd::Unreadable, respond::HOME);
    }
    match begin(&app, &visitor, flow, Purpose::Standalone { query }).await {
        Ok(response) => response,
        Err(Unavailable) => respond::unavailable(&app, &visitor),
    }
}

/// Begins a journey, unless too many were begun of late.
async fn begin(
    app: &App,
    visitor: &Visitor,
    flow: &ServedFlow,
    purpose: Purpose,
) -> Result<Response, Unavailable> {
    if let Err(wait) = app.may_begin(visitor.address.as_deref()) {
        return Ok(respond::trouble(app, visitor, Reader::Person, Trouble::TooMany(wait)));
    }
    match drive::start(app, visitor, flow, purpose, Channel::Browser).await? {
        Driven::Moved(moved) => Ok(journeys::see_other(app, visitor, &moved)),
        Driven::Refused(_) | Driven::Withdrawn => Err(Unavailable),
    }
}

/// Begins the sign-in or registration that an application asked for.
pub async fn start_for_application(
    app: &App,
    visitor: &Visitor,
    request: AuthorizationRequest,
    flow_type: &str,
    flow: Option<&str>,
) -> Result<Response, Unavailable> {
    let configuration = app.configuration.load_full();
    let Some((name, flow)) = configuration.flow_of_type(flow_type, flow) else {
        tracing::error!(
            client = request.client_id,
            flow_type,
            "no flow of this type is served: mark one with default: true"
        );
        return Err(Unavailable);
    };
    if app.is_out_of_service(flow) {
        tracing::error!(
            client = request.client_id,
            flow = name,
            "no revision of the flow takes new journeys"
        );
        let url = authorize::refuse(&app.provider(), &request, Refusal::OutOfService);
        return Ok(respond::decided(app, Decided::redirect(&url)));
    }
    begin(app, visitor, flow, Purpose::Authorize(Box::new(request))).await
}
