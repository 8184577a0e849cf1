//! Pages are shown at the issuer's own name and nowhere else. Whoever comes by another one (`localhost` for
//! `127.0.0.1`, a port-forward, an old name) is sent there before anything is asked: cookies belong to a name, and a
//! password manager knows a page by it. Programs are answered at every name, and told the issuer only.
//!
//! Behind a proxy that changes the name everybody comes by another one, the issuer's own visitors too. Whoever arrives so
//! at an address that they were sent to, which a mark in it says, is not sent again: better that than a circle. The browser
//! remembers by a cookie that there was one, so that it is spared the next turn. Nobody else has that cookie: whoever
//! types the wrong name is sent to the issuer each time.

use axum::response::Response;
use http::header::{ACCEPT, HOST, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri};

use crate::app::App;
use crate::cookies::Cookies;
use crate::http::respond::{self, HOME, Reader};

/// Stands in the query of an address that somebody was sent to. Nothing else ever sees it.
const MARK: &str = "idflow-sent-here";

/// Takes the mark out of a request's address, and says whether it was there.
pub(super) fn take_mark(request: &mut Parts) -> bool {
    let Some(query) = request.uri.query().filter(|query| query.contains(MARK)) else { return false };
    let rest: Vec<&str> = query.split('&').filter(|pair| *pair != MARK).collect();
    let joint = if rest.is_empty() { "" } else { "?" };
    let unmarked = format!("{}{joint}{}", request.uri.path(), rest.join("&"));
    let was_there = rest.len() < query.split('&').count();
    let mut parts = request.uri.clone().into_parts();
    parts.path_and_query = unmarked.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.uri = uri;
    }
    was_there
}

/// The answer to a page navigation that came by another name; nothing when it may go on, as whoever was sent here may.
pub(super) fn elsewhere(app: &App, request: &Parts, was_sent: bool) -> Option<Response> {
    let is_navigation = request.method == Method::GET || request.method == Method::HEAD;
    if !is_navigation || Reader::at(request.uri.path()) == Reader::Program || is_probe(request) {
        return None;
    }
    let issuer = app.configuration.load().issuer.clone();
    if is_called(app, &request.uri, &request.headers) || was_sent || Cookies::is_renamed(&request.headers) {
        return None;
    }
    let rest = request.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let joint = if request.uri.query().is_some() { '&' } else { '?' };
    Some(respond::found(app, &format!("{issuer}{rest}{joint}{MARK}"), &[]))
}

/// Remembers in the browser that the issuer's own visitors come by another name.
pub(super) fn remember(app: &App, response: &mut Response) {
    if let Ok(cookie) = HeaderValue::from_str(&app.cookies().set_renamed()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// Whether a request came by the issuer's own name. One without a name came by no other.
pub(super) fn is_called(app: &App, uri: &Uri, headers: &HeaderMap) -> bool {
    called(uri, headers).is_none_or(|called| is_name_of(&app.configuration.load().issuer, called))
}

/// Whether a load balancer wants to know if we are there: it asks for `/` by the pod's address, for no page, and takes
/// anything but 200 for a no.
fn is_probe(request: &Parts) -> bool {
    let wants_page = |accepted: &HeaderValue| accepted.to_str().is_ok_and(|text| text.contains("text/html"));
    request.uri.path() == HOME && !request.headers.get_all(ACCEPT).iter().any(wants_page)
}

/// The name that a request came by.
fn called<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let authority = uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(|| headers.get(HOST)?.to_str().ok())
}

/// Whether a name is the issuer's, however its own port is written.
fn is_name_of(issuer: &str, called: &str) -> bool {
    let Some((scheme, name)) = issuer.split_once("://") else { return true };
    let own_port = if scheme == "https" { ":443" } else { ":80" };
    called.strip_suffix(own_port).unwrap_or(called).eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::is_name_of;

    #[test]
    fn a_name_is_the_issuers_in_capitals_and_with_its_own_port_too() {
        let issuer = "https://login.acme.example";
        for same in ["login.acme.example", "LOGIN.acme.example", "login.acme.example:443"] {
            assert!(is_name_of(issuer, same), "{same}");
        }
        for other in ["login.acme.example:8443", "login.acme.example.", "acme.example", "10.0.0.7:8080", ""] {
            assert!(!is_name_of(issuer, other), "{other}");
        }
        assert!(is_name_of("http://127.0.0.1:8080", "127.0.0.1:8080"));
        assert!(!is_name_of("http://127.0.0.1:8080", "localhost:8080"));
        assert!(!is_name_of("http://127.0.0.1:8080", "127.0.0.1"));
    }
}
