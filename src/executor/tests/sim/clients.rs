//! Applications that show who they are: by whichever way their library takes, never by guessing, and never at the cost
//! of whoever is guessed at (checklist O-25).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, StatusCode};
use idflow_core::block::BlockTarget;
use idflow_core::time::Span;

use crate::visitor::{Answer, Browser};
use crate::world::{TENANT, World, snapshot};

const SECRET: &str = "s3cret with + and %";

const MACHINE: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: machine }
spec:
  grants: [ClientCredentials]
  authentication: ClientSecret
  secretRef: { name: machine }
---
apiVersion: v1
kind: Secret
metadata: { name: machine, labels: { idflow.dev/usable: \"true\" } }
stringData: { current: \"s3cret with + and %\" }
";

async fn world() -> World {
    World::serving(5, snapshot(&format!("{TENANT}{MACHINE}"))).await
}

/// A request for the client's own token from a host of the network, with what its header and its body carry.
async fn token(world: &World, host: u8, header: Option<&str>, form: &str) -> Answer {
    let browser = Browser { peer: ([192, 0, 2, host], 1).into(), ..Browser::new() };
    let mut request = browser.request(Method::POST, "/oauth2/token");
    request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some(pair) = header {
        request = request.header(AUTHORIZATION, format!("Basic {}", STANDARD.encode(pair)));
    }
    let body = format!("grant_type=client_credentials{form}");
    world.send(request.body(body.into()).unwrap()).await
}

async fn guess(world: &World, host: u8) -> Answer {
    token(world, host, Some("machine:wrong"), "").await
}

async fn right(world: &World, host: u8) -> StatusCode {
    token(world, host, Some(&format!("machine:{SECRET}")), "").await.status
}

#[tokio::test]
async fn a_secret_is_taken_from_the_header_raw_or_encoded_and_from_the_body() {
    let world = world().await;
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let posted = format!("&client_id=machine&client_secret={encoded}");
    let ways =
        [(Some(format!("machine:{SECRET}")), ""), (Some(format!("machine:{encoded}")), ""), (None, &posted)];
    for (header, form) in ways {
        let answer = token(&world, 1, header.as_deref(), form).await;
        assert_eq!(answer.status, StatusCode::OK, "{header:?} {form}: {}", answer.body);
        assert!(answer.json()["access_token"].is_string() && answer.json()["refresh_token"].is_null());
    }
}

#[tokio::test]
async fn o_25_a_refused_client_is_audited_with_the_reason_that_the_answer_keeps() {
    let world = world().await;
    let rows = [
        (Some("machine:wrong"), "", "WrongSecret", Some("machine")),
        (Some("nobody:wrong"), "", "UnregisteredClient", None),
        (None, "&client_id=machine", "MissingSecret", Some("machine")),
        (None, "", "MissingCredentials", None),
        (Some("app:wrong"), "", "UnexpectedSecret", Some("app")),
    ];
    let mut bodies = Vec::new();
    for (header, form, reason, client) in rows {
        world.events.all.lock().unwrap().clear();
        let answer = token(&world, 1, header, form).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{reason}");
        bodies.push(answer.body);
        let events = world.events.all.lock().unwrap();
        let told: Vec<_> = events
            .iter()
            .map(|event| (event.name.as_str(), event.outcome.as_deref(), event.client.as_deref()))
            .collect();
        assert_eq!(told, [("client.refused", Some(reason), client)]);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
}

#[tokio::test]
async fn o_25_guessing_is_slowed_down_and_keeps_nobody_out() {
    let world = world().await;
    for number in 0..20 {
        assert_eq!(guess(&world, 1).await.status, StatusCode::UNAUTHORIZED, "guess {number}");
    }
    let events = || world.events.all.lock().unwrap().len();
    let told = events();
    let slowed = guess(&world, 1).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(slowed.headers.contains_key(RETRY_AFTER));
    assert_eq!(events(), told, "a flood does not flood the log");
    assert_eq!(right(&world, 1).await, StatusCode::TOO_MANY_REQUESTS, "the right one is not told either");
    assert_eq!(right(&world, 2).await, StatusCode::OK, "the client works from its own network");
    for _ in 0..100 {
        guess(&world, 2).await;
    }
    assert_eq!(guess(&world, 2).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(right(&world, 2).await, StatusCode::OK, "where somebody guesses beside it, too");
    world.pass(Span::seconds(30));
    assert_eq!(right(&world, 1).await, StatusCode::OK, "and from elsewhere once it is quiet again");
}

#[tokio::test]
async fn j_15_a_client_that_is_switched_off_gets_no_token_of_its_own() {
    let world = world().await;
    assert_eq!(right(&world, 1).await, StatusCode::OK);
    let (store, target) = (world.app().store.clone(), BlockTarget::Client("machine".to_owned()));
    store.commit(world.nothing_read().block(target.clone())).await.unwrap();
    assert_eq!(right(&world, 1).await, StatusCode::UNAUTHORIZED);
    store.commit(world.nothing_read().unblock(&target)).await.unwrap();
    assert_eq!(right(&world, 1).await, StatusCode::OK);
}
