//! Around every request of the public port: the body's size and time, panics, one line in the log.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequestParts as _, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt as _;
use http::Method;
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use crate::app::Shared;
use crate::cookies::Cookies;
use crate::http::respond::{Reader, Trouble};
use crate::http::{cross_origin, issuer, respond};
use crate::visitor::Visitor;
use idflow_net::listen::UnclearHost;

/// The longest body that is read: forms and token requests are far shorter.
const LONGEST_BODY: usize = 64 * 1024;

/// Reads the body, runs the handler, logs the answer. The log has neither the address nor anything a visitor sent,
/// only the route's pattern (checklist L-1).
pub(super) async fn guard(
    State((app, body_time)): State<(Shared, Duration)>,
    request: Request,
    next: Next,
) -> Response {
    let begun = app.clock.now();
    let (mut parts, body) = request.into_parts();
    let was_sent = issuer::take_mark(&mut parts);
    let route = parts.extensions.get::<MatchedPath>().cloned();
    let kept = parts.clone();
    let renamed = was_sent && !issuer::is_called(&app, &kept.uri, &kept.headers);
    let answered = match read(body, body_time).await {
        _ if kept.extensions.get::<UnclearHost>().is_some() => Err(Trouble::Broken),
        Ok(_) if Cookies::are_too_many(&kept.headers) => Err(Trouble::TooManyCookies),
        Ok(body) => match issuer::elsewhere(&app, &kept, was_sent) {
            Some(sent) => Ok(of_the_way(kept.uri.path(), sent)),
            None => run(next, Request::from_parts(parts, Body::from(body))).await,
        },
        Err(trouble) => Err(trouble),
    };
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let method = known(&kept.method);
    let (path, headers) = (kept.uri.path().to_owned(), kept.headers.clone());
    let mut response = match answered {
        Ok(response) => response,
        Err(trouble) => of_the_way(&path, refuse(&app, kept, trouble).await),
    };
    if renamed {
        issuer::remember(&app, &mut response);
    }
    cross_origin::mark(&app, &path, &headers, &mut response);
    let (status, millis) = (response.status().as_u16(), app.clock.now().since(begun).0);
    tracing::debug!(target: "idflow::http", method, route, status, millis, "answered");
    response
}

/// An answer that none of the handlers gave: nobody has looked whose it is.
fn of_the_way(path: &str, response: Response) -> Response {
    if respond::may_be_opened_by_application(path) {
        respond::opened_by_application(response)
    } else {
        response
    }
}

/// The method's name, unless the visitor made it up.
fn known(method: &Method) -> &'static str {
    const METHODS: [&str; 8] = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "CONNECT"];
    METHODS.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

async fn read(body: Body, time: Duration) -> Result<Bytes, Trouble> {
    let whole = Limited::new(body, LONGEST_BODY).collect();
    match tokio::time::timeout(time, whole).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Trouble::TooLarge),
        Ok(Err(_)) => Err(Trouble::Broken),
        Err(_elapsed) => Err(Trouble::TooSlow),
    }
}

/// A defect costs the one request that met it (checklist J-20).
async fn run(next: Next, request: Request) -> Result<Response, Trouble> {
    AssertUnwindSafe(next.run(request)).catch_unwind().await.map_err(|_panic| Trouble::Failed)
}

async fn refuse(app: &Shared, mut parts: Parts, trouble: Trouble) -> Response {
    let reader = Reader::at(parts.uri.path());
    let Ok(visitor) = Visitor::from_request_parts(&mut parts, app).await;
    respond::trouble(app, &visitor, reader, trouble)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::BODY_TIME;

    #[tokio::test]
    async fn h_4_a_body_that_never_ends_is_given_up() {
        let never = Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert!(matches!(read(never, Duration::from_millis(20)).await, Err(Trouble::TooSlow)));
    }

    #[tokio::test]
    async fn h_4_a_body_is_capped_while_it_comes() {
        let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[0; 1024]));
        let endless = Body::from_stream(futures_util::stream::repeat_with(chunk));
        assert!(matches!(read(endless, BODY_TIME).await, Err(Trouble::TooLarge)));
        assert_eq!(read(Body::from("a=b"), BODY_TIME).await.unwrap(), "a=b");
    }
}
