//! A body is read as what its content type says, and every address that takes one takes forms only (RFC 9110 section
//! 8.3: types by name, in any case, whatever their parameters).

use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, StatusCode};

use crate::person::Person;
use crate::visitor::{Answer, Browser};
use crate::world::World;

const ADA: &str = "ada@example.com";
const FORMS: [&str; 4] = [
    "application/x-www-form-urlencoded",
    "Application/X-WWW-Form-Urlencoded",
    "application/x-www-form-urlencoded; charset=UTF-8",
    "application/x-www-form-urlencoded;charset=iso-8859-1",
];
const OTHERS: [&str; 12] = [
    "",
    "text/plain",
    "text/plain; application/x-www-form-urlencoded",
    "application/x-www-form-urlencodedx",
    "application/x-www-form-urlencoded,text/plain",
    "application/json",
    "application/json; charset=utf-8",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/octet-stream",
    "application/merge-patch+json",
    "*/*",
];
/// Programs' addresses that take a body, with one that they can read.
const PROGRAMS: [(&str, &str); 3] = [
    ("/oauth2/token", "grant_type=refresh_token&client_id=app&refresh_token=x"),
    ("/oauth2/revoke", "client_id=app&token=x"),
    ("/oauth2/introspect", "client_id=app&token=x"),
];

async fn sent(world: &World, mut request: Request<Body>, kind: &str) -> Answer {
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
    world.send(request).await
}

#[tokio::test]
async fn x_15_programs_are_read_by_the_content_type_alone() {
    let world = World::new(1).await;
    for (path, body) in PROGRAMS {
        let request = || {
            let request = Browser::new().request(Method::POST, path);
            request.body(Body::from(body)).unwrap()
        };
        for kind in FORMS {
            let answer = sent(&world, request(), kind).await;
            let is_unread =
                answer.status == StatusCode::BAD_REQUEST && answer.json()["error"] == "invalid_request";
            assert!(!is_unread && answer.status != StatusCode::NOT_FOUND, "{path} {kind}: {answer:?}");
        }
        for kind in OTHERS {
            let answer = sent(&world, request(), kind).await;
            let told = (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned());
            assert_eq!(told, (StatusCode::BAD_REQUEST, "invalid_request".to_owned()), "{path} {kind:?}");
        }
    }
}

#[tokio::test]
async fn x_15_a_page_is_read_by_the_content_type_alone() {
    for kind in FORMS.into_iter().chain(OTHERS) {
        let world = World::new(1).await;
        world.user(ADA).await;
        let mut person = Person::new(ADA);
        let path = person.browser.authorize(&world, "").await;
        let body = person.filling(&world, &path).await;
        let answer = sent(&world, person.browser.post_request(&path, &body), kind).await;
        let is_read = answer.status == StatusCode::SEE_OTHER;
        assert_eq!(is_read, FORMS.contains(&kind), "{kind:?}: {answer:?}");
        let again = person.browser.post(&world, &path, &body).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "what is not read moves nothing: {kind:?}");
    }
}
