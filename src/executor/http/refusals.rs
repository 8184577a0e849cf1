//! Refusals of the provider: in the words of whoever reads them, and never without a record.

use axum::response::Response;
use idflow_core::audit::AuditEvent;
use idflow_core::counter::Rate;
use idflow_oidc::client::Client;
use idflow_oidc::endpoint::{Endpoint, Errors};
use idflow_oidc::http::Returned;
use idflow_oidc::refusal::Refusal;

use crate::app::{App, reference};
use crate::http::respond::{self, Reader, Trouble};
use crate::limiter::Claimant;
use crate::visitor::Visitor;

/// How many refusals of one network are stored; more are only told. Whoever likes may be refused, and shall not fill
/// the store by it.
const STORED_REFUSALS: Rate = Rate { burst: 20, per_second: 1 };

/// Tells of a refusal: whoever keeps watch, and the owner of an application whose registration decides it. That
/// somebody is not signed in is none.
pub(super) async fn note(
    app: &App,
    endpoint: &Endpoint,
    visitor: &Visitor,
    client: Option<&Client>,
    refusal: Refusal,
    reference: Option<&str>,
) {
    if refusal == Refusal::LoginRequired {
        return;
    }
    if let Some(client) = client {
        app.note_refusal(client, refusal);
    }
    let event = app.refused_event(client.map(|client| &*client.id), refusal);
    let (detail, reference) = (Some(endpoint.name.to_owned()), reference.map(str::to_owned));
    tell(app, visitor, &AuditEvent { detail, reference, ..event }).await;
}

/// Stores the event of a refusal as long as its network is within bounds.
async fn tell(app: &App, visitor: &Visitor, event: &AuditEvent) {
    let address = visitor.address.as_deref();
    if app.limiter.call(&app.keyring, address, "refusals", STORED_REFUSALS, app.clock.now()).is_ok() {
        // It was refused either way, and the log has what is not stored.
        let _stored = app.record(event).await;
    } else {
        app.observer.audit(event);
    }
}

/// An error that goes back to the application: the one way in which it is answered so.
pub(super) async fn returned(
    app: &App,
    endpoint: &Endpoint,
    visitor: &Visitor,
    client: Option<&Client>,
    (refusal, to): (Refusal, &Returned),
) -> Response {
    note(app, endpoint, visitor, client, refusal, None).await;
    respond::returned(app, visitor, to)
}

/// A refusal in the words of whoever reads it: a person gets a reference under which the reason is told.
pub(super) async fn refused(
    app: &App,
    endpoint: &Endpoint,
    visitor: &Visitor,
    client: Option<&Client>,
    refusal: Refusal,
) -> Response {
    let (response, reference) = worded(app, endpoint, visitor, refusal);
    note(app, endpoint, visitor, client, refusal, reference.as_deref()).await;
    response
}

/// The same for somebody who is not the client they say to be. Whoever guesses fast is told to wait instead.
pub(super) async fn refused_client(
    app: &App,
    endpoint: &Endpoint,
    visitor: &Visitor,
    who: &Claimant,
    refusal: Refusal,
) -> Response {
    match app.note_refused_client(who, refusal) {
        Ok(event) => {
            let (response, reference) = worded(app, endpoint, visitor, refusal);
            tell(app, visitor, &AuditEvent { reference, ..event }).await;
            response
        }
        Err(wait) => respond::trouble(app, visitor, Reader::of(endpoint), Trouble::TooMany(wait)),
    }
}

/// The answer, with the reference that it names.
fn worded(app: &App, endpoint: &Endpoint, visitor: &Visitor, refusal: Refusal) -> (Response, Option<String>) {
    match endpoint.errors {
        Errors::Page => {
            let reference = reference(app.chance.as_ref());
            (respond::refused_request(app, visitor, &reference), Some(reference))
        }
        Errors::Json(word) => (respond::decided(app, word(refusal)), None),
    }
}
