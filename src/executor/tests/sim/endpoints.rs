//! The table of the provider's endpoints, walked: whatever goes wrong at an endpoint, its answer has the form that its
//! callers can read, and pages of registered origins can read it where the row says so (checklist O-36).

use std::collections::BTreeSet;
use std::fmt;

use axum::body::Body;
use futures_util::future::join_all;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER, VARY,
};
use http::{Method, Request, StatusCode};
use idflow_core::time::Span;
use idflow_oidc::endpoint::{Cors, ENDPOINTS, Endpoint, Errors};

use crate::faults::Fault;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser, authorize_path, exchange};
use crate::world::World;

const ADA: &str = "ada@example.com";
const REGISTERED: &str = "https://app.example.com";
const ORIGINS: [Option<&str>; 4] = [None, Some(REGISTERED), Some("https://evil.example"), Some("null")];
const FORM: &str = "application/x-www-form-urlencoded";

/// What is asked of an endpoint, from a page of some origin or from none.
#[derive(Clone, Copy)]
struct Call<'a> {
    endpoint: &'static Endpoint,
    origin: Option<&'a str>,
    /// An access token that is alive.
    token: &'a str,
}

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} from {:?}", self.endpoint.name, self.origin)
    }
}

impl Call<'_> {
    fn request(&self, method: Method, more: &str, body: Body) -> Request<Body> {
        let path = format!("{}{more}", self.endpoint.paths[0]);
        let mut request = Browser::new().request(method, &path).header(CONTENT_TYPE, FORM);
        if let Some(origin) = self.origin {
            request = request.header(ORIGIN, origin);
        }
        request.body(body).unwrap()
    }

    fn showing(&self, token: &str, body: Body) -> Request<Body> {
        let mut request = self.request(Method::POST, "", body);
        request.headers_mut().insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        request
    }

    /// A request that is right, as far as it can be made often: a line for every endpoint that wants more than a GET.
    fn usual(&self) -> Request<Body> {
        match self.endpoint.name {
            "authorize" => {
                let path = authorize_path("");
                self.request(Method::GET, path.strip_prefix("/oauth2/authorize").unwrap(), Body::empty())
            }
            // A code works once; this one is nobody's.
            "token" => {
                let code = format!("{}.{}", "A".repeat(22), "a".repeat(43));
                let form = format!(
                    "grant_type=authorization_code&client_id=app&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&code={code}"
                );
                self.request(Method::POST, "", Body::from(form))
            }
            // The public client may revoke, but not ask.
            "revocation" | "introspection" => {
                self.request(Method::POST, "", Body::from("client_id=app&token=x"))
            }
            "userinfo" => self.showing(self.token, Body::empty()),
            _ => self.request(Method::GET, "", Body::empty()),
        }
    }

    /// The answer has this status, the form of its reader, and the headers of its row and origin.
    fn check(&self, answer: &Answer, status: StatusCode) {
        assert_eq!(answer.status, status, "{self}: {answer:?}");
        let kind = answer.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let readable = match self.endpoint.errors {
            Errors::Page => kind.starts_with("text/html") && answer.body.contains("<html"),
            Errors::Json(_) => kind == "application/json" && answer.json()["error"].is_string(),
        };
        assert!(readable, "{self}: {answer:?}");
        self.check_origin(answer);
    }

    fn check_origin(&self, answer: &Answer) {
        let all = |name| answer.headers.get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
        let open = self.endpoint.cors == Cors::RegisteredOrigins;
        assert_eq!(all(VARY), if open { vec!["Origin"] } else { vec![] }, "{self}: {answer:?}");
        let allowed = if open && self.origin == Some(REGISTERED) { vec![REGISTERED] } else { vec![] };
        assert_eq!(all(ACCESS_CONTROL_ALLOW_ORIGIN), allowed, "{self}: {answer:?}");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{self}");
    }
}

/// A tenant, and a token of somebody who signed in.
async fn world() -> (World, String) {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let code = Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    let token = tokens["access_token"].as_str().unwrap().to_owned();
    (world, token)
}

fn calls_of<'a>(endpoint: &'static Endpoint, token: &'a str) -> [Call<'a>; 4] {
    ORIGINS.map(|origin| Call { endpoint, origin, token })
}

fn calls(token: &str) -> Vec<Call<'_>> {
    ENDPOINTS.iter().flat_map(|endpoint| calls_of(endpoint, token)).collect()
}

#[tokio::test]
async fn o_36_errors_before_an_endpoint_are_readable_by_whom_it_is_for() {
    let (world, token) = world().await;
    for call in calls(&token) {
        for method in [Method::GET, Method::POST] {
            let request = call.request(method, "/x", Body::empty());
            call.check(&world.send(request).await, StatusCode::NOT_FOUND);
        }
        let answer = world.send(call.request(Method::DELETE, "", Body::empty())).await;
        call.check(&answer, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers[ALLOW], call.endpoint.allow(), "{call}");
        let request = call.request(Method::POST, "", Body::from("x".repeat(70_000)));
        call.check(&world.send(request).await, StatusCode::PAYLOAD_TOO_LARGE);
        let gone = futures_util::stream::iter([Err::<bytes::Bytes, _>(std::io::Error::other("gone"))]);
        let request = call.request(Method::POST, "", Body::from_stream(gone));
        call.check(&world.send(request).await, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn o_36_so_is_a_body_that_never_ends() {
    let (world, token) = world().await;
    let calls = calls(&token);
    let never = || Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>());
    // All at once: the time that a body may take is real.
    let answers = calls.iter().map(|call| world.send(call.request(Method::POST, "", never())));
    for (call, answer) in calls.iter().zip(join_all(answers).await) {
        call.check(&answer, StatusCode::REQUEST_TIMEOUT);
    }
}

#[tokio::test]
async fn o_36_so_is_a_refused_caller() {
    let (world, token) = world().await;
    let is_for_callers =
        |call: &&Call<'_>| call.endpoint.takes("POST") && matches!(call.endpoint.errors, Errors::Json(_));
    for call in calls(&token).iter().filter(is_for_callers) {
        let form = Body::from("grant_type=authorization_code&client_id=x&redirect_uri=x&code=x");
        let answer = world.send(call.showing("not-ours", form)).await;
        call.check(&answer, StatusCode::UNAUTHORIZED);
        assert!(answer.headers.contains_key("www-authenticate"), "{call}");
    }
}

#[tokio::test]
async fn o_36_so_is_a_network_that_calls_too_often() {
    let (world, token) = world().await;
    for endpoint in ENDPOINTS {
        let calls = calls_of(endpoint, &token);
        // The store is not what is asked here, and most requests do not reach it.
        let any = Method::from_bytes(endpoint.methods[0].as_bytes()).unwrap();
        let mut sent = 0;
        while world.send(calls[0].request(any.clone(), "?x=%ff", Body::empty())).await.status
            != StatusCode::TOO_MANY_REQUESTS
        {
            sent += 1;
            assert!(sent <= endpoint.calls.burst, "{} is not limited", endpoint.name);
        }
        for call in calls {
            let answer = world.send(call.usual()).await;
            call.check(&answer, StatusCode::TOO_MANY_REQUESTS);
            assert!(answer.headers.contains_key(RETRY_AFTER), "{call}");
        }
    }
    world.pass(Span::minutes(1));
    let call = calls(&token)[0];
    assert_eq!(world.send(call.usual()).await.status, StatusCode::OK, "the limit is over");
}

#[tokio::test]
async fn o_36_so_is_a_store_that_does_not_answer() {
    let (world, token) = world().await;
    let mut refused = BTreeSet::new();
    for call in calls(&token) {
        world.storage.fail_at(0, Fault::Before);
        let answer = world.send(call.usual()).await;
        if world.storage.calls() == 0 {
            assert_eq!(answer.status, StatusCode::OK, "{call} rests on no record: {answer:?}");
            continue;
        }
        call.check(&answer, StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers.contains_key(RETRY_AFTER), "{call}");
        refused.insert(call.endpoint.name);
    }
    assert!(refused.len() >= 3, "only {refused:?} asked the store");
}

#[tokio::test]
async fn o_36_so_is_a_defect() {
    let (world, token) = world().await;
    for call in calls(&token) {
        // The guard reads the clock before the endpoint does.
        world.break_clock_at(2);
        let answer = world.send(call.usual()).await;
        call.check(&answer, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!answer.body.contains("simulation"), "{call}: {answer:?}");
    }
}

#[tokio::test]
async fn o_36_good_answers_and_preflights_are_marked_alike() {
    let (world, token) = world().await;
    for call in calls(&token) {
        let answer = world.send(call.usual()).await;
        let is_good = answer.status.is_success() || answer.status == StatusCode::SEE_OTHER;
        let usual =
            if call.endpoint.name == "introspection" { "unauthorized_client" } else { "invalid_grant" };
        assert!(is_good || answer.json()["error"] == usual, "{call}: {answer:?}");
        call.check_origin(&answer);
    }
    for call in calls(&token) {
        let mut request = call.request(Method::OPTIONS, "", Body::empty());
        request.headers_mut().insert("access-control-request-method", "POST".parse().unwrap());
        let answer = world.send(request).await;
        if call.endpoint.cors == Cors::RegisteredOrigins && call.origin == Some(REGISTERED) {
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""), "{call}");
            assert_eq!(answer.headers["access-control-allow-methods"], call.endpoint.allow(), "{call}");
            call.check_origin(&answer);
        } else {
            call.check(&answer, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
}

#[tokio::test]
async fn an_unknown_address_of_the_provider_is_told_in_json_and_any_other_as_a_page() {
    let (world, _) = world().await;
    for (path, kind) in [("/oauth2/nothing", "application/json"), ("/nothing", "text/html; charset=utf-8")] {
        let answer = Browser::new().get(&world, path).await;
        assert_eq!(
            (answer.status, answer.headers[CONTENT_TYPE].to_str().unwrap()),
            (StatusCode::NOT_FOUND, kind)
        );
    }
}
