//! What surrounds every request: sizes, panics, limits, methods, and addresses that people try by themselves.

use axum::body::Body;
use http::{Method, StatusCode};
use idflow_core::time::Span;

use crate::faults::Kind;
use crate::no_double_effect::to_the_code;
use crate::person::{Calm, Person};
use crate::visitor::{Browser, authorize_path};
use crate::world::World;

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn bodies_over_the_cap_are_refused_in_the_callers_language() {
    let world = World::new(1).await;
    let mut browser = Browser::new();
    let path = browser.authorize(&world, "").await;
    let large = "x".repeat(70_000);
    let page = browser.post(&world, &path, &large).await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(page.body.contains("<html"), "{}", page.body);
    for path in ["/oauth2/token", "/oauth2/userinfo"] {
        let answer = browser.post(&world, path, &large).await;
        assert_eq!(
            (answer.status, answer.json()["error"].as_str()),
            (StatusCode::PAYLOAD_TOO_LARGE, Some("invalid_request"))
        );
    }
}

#[tokio::test]
async fn j_20_a_panic_costs_one_request_and_shows_a_reference() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    let body = person.filling(&world, &path).await;
    world.events.panics_once.store(true, std::sync::atomic::Ordering::SeqCst);
    let answer = person.browser.post(&world, &path, &body).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains("Reference:") && !answer.body.contains("the simulation"), "{}", answer.body);
    assert_eq!(person.browser.post(&world, &path, &body).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_flood_of_starts_from_one_address_is_told_to_wait_and_others_are_not() {
    let world = World::new(1).await;
    for path in ["/flows/sign-in".to_owned(), authorize_path("")] {
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(Browser::new().get(&world, &path).await.status);
        }
        assert_eq!(statuses.iter().filter(|status| **status == StatusCode::SEE_OTHER).count(), 50);
        let refused = Browser::new().get(&world, &path).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers.contains_key("retry-after"));
        let mut other = Browser { peer: ([192, 0, 2, 7], 1).into(), ..Browser::new() };
        assert_eq!(other.get(&world, &path).await.status, StatusCode::SEE_OTHER);
        world.pass(Span::minutes(1));
    }
}

#[tokio::test]
async fn j_11_head_shows_that_an_address_works_and_begins_nothing() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let journeys = world.count(Kind::Journey).await;
    let paths = ["/flows/sign-in".to_owned(), authorize_path(""), path.clone(), "/".to_owned()];
    for path in &paths {
        let request = person.browser.request(Method::HEAD, path).body(Body::empty()).unwrap();
        let answer = world.send(request).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""), "{path}");
    }
    assert_eq!(world.count(Kind::Journey).await, journeys);
    let signed_in = person.walk(&mut world, "", &mut Calm).await;
    let grants = world.count(Kind::Grant).await;
    let request = person.browser.request(Method::HEAD, &authorize_path("")).body(Body::empty()).unwrap();
    world.send(request).await;
    assert_eq!(world.count(Kind::Grant).await, grants, "no code either: {}", signed_in.path);
}

#[tokio::test]
async fn the_front_door_says_whether_the_browser_is_signed_in() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let page = Browser::new().get(&world, "/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("/flows/sign-in"), "{}", page.body);
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await;
    assert!(person.browser.get(&world, "/").await.body.contains("You are signed in"));
}

#[tokio::test]
async fn password_managers_find_the_flow_that_changes_a_password() {
    let mut world = World::new(1).await;
    let answer = Browser::new().get(&world, "/.well-known/change-password").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    let mut next = world.snapshot.clone();
    let mut flow = next.flows[0].clone();
    (flow.flow, flow.type_) = ("reset".to_owned(), idflow_api::flow::FlowType::ResetPassword);
    next.flows.push(flow);
    world.install(next);
    let answer = Browser::new().get(&world, "/.well-known/change-password").await;
    assert_eq!(answer.location(), Some("/flows/reset"));
}
