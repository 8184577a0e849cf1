//! Addresses that people and password managers try by themselves.

use axum::extract::State;
use axum::response::Response;
use idflow_oidc::endpoint::end_session;
use idflow_pages::{Aftermath, Notice};

use crate::app::{App, Shared, Unavailable};
use crate::http::respond::{self, Reader, Trouble};
use crate::own_session;
use crate::visitor::Visitor;

/// `/`: says whether the browser is signed in. Nothing else is here: applications are elsewhere.
pub(super) async fn home(State(app): State<Shared>, visitor: Visitor) -> Response {
    let mut reads = app.store.reads(app.clock.now());
    match own_session::session(&app, &visitor, &mut reads).await {
        Ok(Some(session)) => match own_session::identifier(&app, &session, &reads) {
            Ok(account) => {
                let after = Aftermath {
                    onward: Some(end_session::PATH),
                    account: account.as_deref(),
                    ..Aftermath::default()
                };
                respond::notice_with(&app, &visitor, Notice::SignedIn, after)
            }
            Err(Unavailable) => respond::unavailable(&app, &visitor),
        },
        Ok(None) => {
            respond::notice_with_way_on(&app, &visitor, Notice::NotSignedIn, sign_in(&app).as_deref())
        }
        Err(Unavailable) => respond::unavailable(&app, &visitor),
    }
}

/// Where somebody signs in whom no application sent.
pub(super) fn sign_in(app: &App) -> Option<String> {
    app.configuration.load().flow_of_type("Login", None).map(|(name, _)| format!("/flows/{name}"))
}

/// `/.well-known/change-password`, where password managers send people (W3C, A Well-Known URL for Changing
/// Passwords): the flow that changes a password, or else the one that resets it.
pub(super) async fn change_password(State(app): State<Shared>, visitor: Visitor) -> Response {
    let configuration = app.configuration.load();
    let flow = ["UpdatePassword", "ResetPassword"]
        .iter()
        .find_map(|flow_type| configuration.flow_of_type(flow_type, None));
    match flow {
        Some((name, _)) => respond::see_other(&app, &format!("/flows/{name}"), &[]),
        None => respond::trouble(&app, &visitor, Reader::Person, Trouble::NotFound),
    }
}
