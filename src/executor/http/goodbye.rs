//! Where a browser goes that has signed out.

use axum::response::Response;
use http::HeaderValue;
use http::header::SET_COOKIE;
use idflow_core::block::BlockTarget;
use idflow_core::session::EndSessionRequest;
use idflow_oidc::endpoint::end_session::goodbye_url;
use idflow_oidc::http::Response as Decided;
use idflow_pages::Notice;
use idflow_store::{ReadSet, Wanted};

use crate::app::{App, Unavailable};
use crate::http::{home, respond};
use crate::visitor::Visitor;

/// The answer when nobody is signed in any more: back to the application, or a page that says so. After a post it is a
/// page that goes on, because a redirect would be stopped by the page before.
pub(super) fn farewell(
    app: &App,
    visitor: &Visitor,
    request: &EndSessionRequest,
    is_posted: bool,
) -> Response {
    let mut response = match goodbye_url(request) {
        Some(url) if is_posted => respond::onward(app, visitor, &url),
        Some(url) => respond::decided(app, Decided::redirect(&url)),
        None => signed_out(app, visitor),
    };
    if let Ok(cookie) = HeaderValue::from_str(&app.cookies().forget_session()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The last page of a Logout journey whose application wants the browser back, is still registered with the address, and
/// was not switched off meanwhile.
pub(super) async fn goodbye(
    app: &App,
    visitor: &Visitor,
    request: &EndSessionRequest,
    reads: &mut ReadSet,
) -> Result<Response, Unavailable> {
    let client = request.client_id.as_deref().and_then(|id| app.client(id));
    let is_registered = |url: &String| {
        let client = client.as_deref().filter(|client| !client.disabled);
        client.is_some_and(|client| client.accepts_post_logout_redirect(url))
    };
    let registered =
        goodbye_url(request).filter(|_| request.redirect_uri.as_ref().is_some_and(is_registered));
    let Some(url) = registered else { return Ok(signed_out(app, visitor)) };
    let switch = request.client_id.clone().map(BlockTarget::Client);
    reads.more(&switch.iter().map(Wanted::block).collect::<Vec<_>>()).await?;
    let is_off = switch.map_or(Ok(false), |switch| reads.is_blocked(&switch))?;
    Ok(if is_off { signed_out(app, visitor) } else { respond::onward(app, visitor, &url) })
}

fn signed_out(app: &App, visitor: &Visitor) -> Response {
    respond::notice_with_way_on(app, visitor, Notice::SignedOut, home::sign_in(app).as_deref())
}
