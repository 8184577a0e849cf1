//! `/flows/{name}` begins a journey; so does an authorization request.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{Method, StatusCode, Uri};
use idflow_core::dead_end::DeadEnd;
use idflow_core::grant::AuthorizationRequest;
use idflow_core::journey::{Channel, Purpose};
use idflow_oidc::endpoint::{authorize, end_session};
use idflow_oidc::http::Returned;
use idflow_oidc::refusal::Refusal;

use crate::app::{App, Shared, Unavailable};
use crate::configuration::{Configuration, ServedFlow};
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
    let served = configuration.flows.get(&name);
    let served = served.filter(|flow| flow.takes_journeys() && flow.flow_type != "Library");
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
        Ok(Ok(response)) => response,
        Ok(Err(Pageless)) | Err(Unavailable) => respond::unavailable(&app, &visitor),
    }
}

/// A flow that opens a session by a link alone: no later try does better.
struct Pageless;

/// Begins a journey, unless too many were begun of late.
async fn begin(
    app: &App,
    visitor: &Visitor,
    flow: &ServedFlow,
    purpose: Purpose,
) -> Result<Result<Response, Pageless>, Unavailable> {
    if let Err(wait) = app.may_begin(visitor.address.as_deref()) {
        return Ok(Ok(respond::trouble(app, visitor, Reader::Person, Trouble::TooMany(wait))));
    }
    let begun = match drive::start(app, visitor, flow, purpose, Channel::Browser).await? {
        // Whoever only followed a link is asked before they are told that they are signed out.
        Driven::Moved(moved) if flow.flow_type == "Logout" && moved.has_completed() => {
            respond::see_other(app, end_session::PATH, &[])
        }
        Driven::Moved(moved) => journeys::see_other(app, visitor, &moved),
        Driven::Pageless => return Ok(Err(Pageless)),
        Driven::Refused(_) | Driven::Withdrawn => return Err(Unavailable),
    };
    Ok(Ok(begun))
}

/// Begins the sign-in or registration that an application asked for; gives the error for it where there is none.
pub(super) async fn start_for_application(
    app: &App,
    visitor: &Visitor,
    request: AuthorizationRequest,
    flow_type: &str,
    flow: Option<&str>,
) -> Result<Result<Response, Returned>, Unavailable> {
    let configuration = app.configuration.load_full();
    let out_of_service = |why: &str| {
        let (client, flow) = (&request.client_id, flow.unwrap_or("the default one"));
        tracing::error!(client, flow_type, flow, why, "an application cannot sign anybody in");
        Ok(Err(authorize::refuse(&app.provider(), &request, Refusal::OutOfService)))
    };
    let served = match find(&configuration, flow_type, flow) {
        Ok(served) => served,
        Err(why) => return out_of_service(&why),
    };
    if app.is_out_of_service(served) {
        return out_of_service("no revision of the flow takes new journeys");
    }
    match begin(app, visitor, served, Purpose::Authorize(Box::new(request.clone()))).await? {
        Ok(begun) => Ok(Ok(begun)),
        Err(Pageless) => out_of_service("it shows no page before it opens a session for a guest"),
    }
}

/// The flow that an application's people run through, or why there is none.
fn find<'c>(
    configuration: &'c Configuration,
    flow_type: &str,
    named: Option<&str>,
) -> Result<&'c ServedFlow, String> {
    if let Some((_, flow)) = configuration.flow_of_type(flow_type, named) {
        return Ok(flow);
    }
    Err(match named.map(|named| configuration.flows.get(named)) {
        Some(None) => "the flow that the application names is not served".to_owned(),
        Some(Some(flow)) if flow.flow_type != flow_type => {
            format!("the flow that the application names is of type {}", flow.flow_type)
        }
        Some(Some(_)) => "the flow that the application names is suspended".to_owned(),
        None => "no flow of this type is the default: mark one with default: true".to_owned(),
    })
}
