//! Applications that show who they are: by whichever way their library takes, never by guessing, and never at the cost
//! of whoever is guessed at (checklist O-25).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{Method, StatusCode};
use idflow_core::block::BlockTarget;
use idflow_core::time::Span;
use idflow_store::Wanted;
use serde_json::{Value, json};

use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser, authorize_path, exchange, redeem, refreshed, userinfo};
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";
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
async fn o_42_a_client_that_asks_for_scopes_is_told_that_it_has_none() {
    let world = world().await;
    let header = format!("machine:{SECRET}");
    for (asked, told) in [("", Value::Null), ("&scope=openid", "".into()), ("&scope=openid+email", "".into())]
    {
        let answer = token(&world, 1, Some(&header), asked).await.json();
        assert_eq!((&answer["scope"], answer["id_token"].is_null()), (&told, true), "{asked}: {answer}");
    }
}

#[tokio::test]
async fn o_25_whoever_invents_clients_fills_no_store() {
    let world = world().await;
    let mut waits = 0;
    for n in 0..200 {
        let answer = token(&world, 1, Some(&format!("invented-{n}:x")), "").await;
        waits += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    let told = world.events.all.lock().unwrap().iter().filter(|event| event.name == "client.refused").count();
    assert!((1..=25).contains(&told) && waits >= 175, "{told} told, {waits} told to wait");
    assert_eq!(right(&world, 1).await, StatusCode::OK, "a client that there is counts by itself");
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
    let mut world = world().await;
    assert_eq!(right(&world, 2).await, StatusCode::OK, "the client works from its own network");
    for number in 0..20 {
        assert_eq!(guess(&world, 1).await.status, StatusCode::UNAUTHORIZED, "guess {number}");
    }
    let cost = |world: &World| (world.events.all.lock().unwrap().len(), world.app().store.round_trips());
    let before = cost(&world);
    let slowed = guess(&world, 1).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(slowed.headers.contains_key(RETRY_AFTER));
    let same = token(&world, 1, Some(&format!("machine:{SECRET}")), "").await;
    assert_eq!(cost(&world), before, "a flood floods neither log nor store");
    assert_eq!((same.status, &same.body), (slowed.status, &slowed.body), "the right one is not told either");
    assert_eq!(same.headers, slowed.headers);
    assert_eq!(right(&world, 2).await, StatusCode::OK);
    for _ in 0..100 {
        guess(&world, 2).await;
    }
    assert_eq!(guess(&world, 2).await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(right(&world, 2).await, StatusCode::OK, "where somebody guesses beside it, too");
    world.restart().await;
    for _ in 0..100 {
        guess(&world, 2).await;
    }
    assert_eq!(right(&world, 2).await, StatusCode::OK, "also when the process is new and knows no networks");
    for _ in 0..100 {
        guess(&world, 1).await;
    }
    assert_eq!(right(&world, 1).await, StatusCode::TOO_MANY_REQUESTS, "which it does from then on");
    world.pass(Span::seconds(30));
    assert_eq!(right(&world, 1).await, StatusCode::OK, "and from elsewhere once it is quiet again");
}

#[tokio::test]
async fn o_25_a_secret_that_can_be_guessed_is_guessed_nowhere_and_who_has_none_is_kept_out_by_nobody() {
    let short = "kP3vX9tQ";
    let manifests = format!("{TENANT}{MACHINE}").replace(&format!("\"{SECRET}\""), short);
    let world = World::serving(5, snapshot(&manifests)).await;
    let right = async || token(&world, 1, Some(&format!("machine:{short}")), "").await.status;
    assert_eq!(right().await, StatusCode::OK, "at home");
    let mut answered = 0;
    for _ in 0..1000 {
        answered += usize::from(guess(&world, 1).await.status == StatusCode::UNAUTHORIZED);
    }
    assert_eq!(answered, 20);
    assert_eq!(right().await, StatusCode::TOO_MANY_REQUESTS, "a right guess is answered like a wrong one");
    world.pass(Span::seconds(2));
    assert_eq!(right().await, StatusCode::OK);

    for _ in 0..100 {
        token(&world, 1, Some("app:x"), "").await;
    }
    assert_eq!(token(&world, 1, Some("app:x"), "").await.status, StatusCode::TOO_MANY_REQUESTS);
    let user = Browser { peer: ([192, 0, 2, 1], 1).into(), ..Browser::new() };
    let body = "grant_type=refresh_token&client_id=app&refresh_token=x";
    let answer = world.send(user.post_request("/oauth2/token", body)).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
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

/// A sign-in that keeps something with the session, another flow that looks at it, an application that is told, and the
/// sign-in's users with their groups.
const TOLD: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: intranet }
spec:
  redirectURIs: [https://app.example.com/callback]
  authentication: None
  grants: [AuthorizationCode, RefreshToken]
  scopes: [openid, groups, offline_access]
  claims:
    - { name: organization, value: session.organization }
    - { name: roles, value: \"user.groups.filter(one, one != 'staff')\" }
    - { name: late, value: session.nothing }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: look }
spec:
  type: Custom
  start: look
  texts: { seen: { en: \"{{ vars.seen }}\" } }
  steps:
    - id: look
      set: { values: { seen: \"has(session.organization) ? session.organization : 'none'\" } }
      outcomes: { next: show }
    - { id: show, message: { title: seen }, outcomes: { next: done } }
    - { id: done, complete: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: again }
spec:
  type: Login
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: done } }
    - { id: done, complete: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: forget }
spec:
  type: Login
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: forget } }
    - { id: forget, set: { session: { organization: \"null\" } }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

async fn told() -> World {
    let keeping = TENANT.replace(
        "      oneTimeCode: { email: { connection: mail } }\n      outcomes: { next: welcome, locked: locked }",
        "      oneTimeCode: { email: { connection: mail } }\n      outcomes: { next: keep, locked: locked }\n    - id: keep\n      set: { session: { organization: \"'acme'\", secret: \"null\" } }\n      outcomes: { next: welcome }",
    );
    assert_ne!(keeping, TENANT);
    let world = World::serving(6, snapshot(&format!("{keeping}{TOLD}"))).await;
    let ada = world.user(ADA).await;
    world.change(ada, |user| user.groups = vec!["admins".to_owned(), "staff".to_owned()]).await;
    world
}

/// The claims of an ID token, unchecked: other tests do that.
fn claims_of(answer: &Answer) -> Value {
    let tokens = answer.json();
    let token = tokens["id_token"].as_str().unwrap_or_else(|| panic!("no ID token: {answer:?}"));
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[tokio::test]
async fn what_a_flow_keeps_with_the_session_is_told_also_after_single_sign_on_and_at_refresh() {
    let mut world = told().await;
    let mut person = Person::new(ADA);
    let first = person.walk(&mut world, "", &mut Calm).await.code();
    let plain = claims_of(&exchange(&world, &first).await);
    assert_eq!(
        (&plain["organization"], &plain["groups"]),
        (&json!(null), &json!(null)),
        "app is told nothing"
    );

    let path = authorize_path("").replace("client_id=app", "client_id=intranet");
    let path = path.replace("scope=openid+email+offline_access", "scope=openid+groups+offline_access");
    let answer = person.browser.get(&world, &path).await;
    let code = answer.code().unwrap_or_else(|| panic!("no single sign-on: {answer:?}"));
    let answer = redeem(&world, "intranet", &code).await;
    let claims = claims_of(&answer);
    assert_eq!(claims["organization"], "acme");
    assert_eq!(claims["groups"], json!(["admins", "staff"]));
    assert_eq!(claims["roles"], json!(["admins"]));
    assert!(claims.get("late").is_none(), "a claim that fails is absent: {claims}");
    let info = userinfo(&world, &answer.json()).await.json();
    assert_eq!((&info["organization"], &info["groups"]), (&claims["organization"], &claims["groups"]));

    let ada = world.find(ADA).await;
    world.change(ada, |user| user.groups.clear()).await;
    let again = refreshed(&world, "intranet", &answer.json()).await;
    let claims = claims_of(&again);
    assert_eq!(
        (&claims["groups"], &claims["organization"]),
        (&json!([]), &json!("acme")),
        "groups are today's"
    );
}

#[tokio::test]
async fn a_flow_reads_the_session_of_its_browser_and_of_no_other() {
    let mut world = told().await;
    let seen = async |world: &World, browser: &mut Browser| {
        let start = browser.get(world, "/flows/look").await;
        let path = start.location().unwrap_or_else(|| panic!("no journey: {start:?}")).to_owned();
        browser.get(world, &path).await.body
    };
    let mut person = Person::new(ADA);
    assert!(seen(&world, &mut person.browser).await.contains(">none<"));
    person.walk(&mut world, "", &mut Calm).await;
    assert!(seen(&world, &mut person.browser).await.contains(">acme<"));
    assert!(seen(&world, &mut Browser::new()).await.contains(">none<"));
}

#[tokio::test]
async fn what_another_sign_in_of_the_same_person_does_not_set_stays_with_the_session() {
    let mut world = told().await;
    world.user("bob@example.com").await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await;
    for (flow, address, wanted) in [
        ("again", ADA, "acme"),
        ("forget", ADA, "none"),
        ("sign-in", ADA, "acme"),
        ("again", "bob@example.com", "none"),
    ] {
        person = Person::at(person.browser, address);
        let start = person.browser.get(&world, &format!("/flows/{flow}")).await;
        let path = start.location().unwrap().to_owned();
        person.answers(&world, &path, if flow == "sign-in" { 3 } else { 1 }).await;
        let start = person.browser.get(&world, "/flows/look").await;
        let seen = person.browser.get(&world, start.location().unwrap()).await.body;
        assert!(seen.contains(&format!(">{wanted}<")), "{flow}: {seen}");
    }
}

#[tokio::test]
async fn what_a_session_that_is_over_has_kept_does_not_come_back_with_the_next_sign_in() {
    for (away, wanted) in [(Span::hours(3), "acme"), (Span::hours(5), "none"), (Span::hours(7), "none")] {
        let mut world = told().await;
        let mut person = Person::new(ADA);
        person.walk(&mut world, "", &mut Calm).await;
        world.pass(away);
        let start = person.browser.get(&world, "/flows/again").await;
        let path = start.location().unwrap().to_owned();
        person.answers(&world, &path, 1).await;
        let start = person.browser.get(&world, "/flows/look").await;
        let seen = person.browser.get(&world, start.location().unwrap()).await.body;
        assert!(seen.contains(&format!(">{wanted}<")), "{away:?}: {seen}");
    }
}

#[tokio::test]
async fn an_address_is_verified_once_its_mailed_code_was_answered_and_until_it_changes() {
    let mut world = World::new(7).await;
    let ada = world.user(ADA).await;
    let code = Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    let answer = exchange(&world, &code).await;
    assert_eq!(claims_of(&answer)["email_verified"], json!(true), "the sign-in itself has proven it");
    let verified = async |world: &World| {
        let reads = world.app().store.read(world.now(), &Wanted::person(&ada)).await.unwrap();
        reads.user(&ada).unwrap().unwrap().verified
    };
    assert_eq!(verified(&world).await, ["email"]);
    world.change(ada, |user| drop(user.attributes.insert("nickname".to_owned(), "ada".into()))).await;
    assert_eq!(verified(&world).await, ["email"], "another attribute changes nothing");
    let other = json!("ada@other.example");
    world.change(ada, |user| drop(user.attributes.insert("email".to_owned(), other))).await;
    assert_eq!(verified(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_address_that_was_stored_as_it_was_typed_is_verified_like_any_other() {
    let mut world = World::new(7).await;
    let ada = world.user(ADA).await;
    let typed = json!("Ada@Example.COM");
    world.change(ada, |user| drop(user.attributes.insert("email".to_owned(), typed))).await;
    let code = Person::new("Ada@example.com").walk(&mut world, "", &mut Calm).await.code();
    assert_eq!(claims_of(&exchange(&world, &code).await)["email_verified"], json!(true));
}

#[tokio::test]
async fn a_code_that_was_answered_before_anybody_was_named_proves_nothing_of_an_account_until_it_is_taken_over()
 {
    let world = World::new(8).await;
    let ada = world.user(ADA).await;
    let verified = async |world: &World| {
        let reads = world.app().store.read(world.now(), &Wanted::person(&ada)).await.unwrap();
        reads.user(&ada).unwrap().unwrap().verified
    };
    let mut person = Person::new(ADA);
    let start = person.browser.get(&world, "/flows/reset").await;
    let path = start.location().unwrap().to_owned();
    for expected in [Vec::new(), Vec::new(), vec!["email".to_owned()]] {
        let body = person.filling(&world, &path).await;
        person.browser.post(&world, &path, &body).await;
        assert_eq!(verified(&world).await, expected, "{body}");
    }
}

#[tokio::test]
async fn the_owner_of_an_application_hears_of_its_last_refusal_until_its_registration_changes() {
    let mut world = world().await;
    let told = |world: &World| {
        let report = world.report();
        report.refusals.get("app").map(|told| (told.name.clone(), told.field.clone()))
    };
    let mut browser = Browser::new();
    let elsewhere = authorize_path("").replace("app.example.com", "evil.example.com");
    browser.get(&world, &elsewhere).await;
    assert_eq!(told(&world), Some(("UnregisteredRedirectUri".to_owned(), "spec.redirectURIs".to_owned())));
    world.pass(Span::minutes(2));
    browser.get(&world, &authorize_path("").replace("&code_challenge=", "&unknown=")).await;
    assert_eq!(told(&world), Some(("MissingChallenge".to_owned(), "spec.pkce".to_owned())));
    world.pass(Span::minutes(2));
    browser.get(&world, &authorize_path("&prompt=none")).await;
    assert_eq!(
        told(&world).unwrap().0,
        "MissingChallenge",
        "nobody signed in: that is no fault of the application"
    );
    let other = TENANT.replace("[https://app.example.com/callback]", "[https://app.example.com/other]");
    let snapshot = snapshot(&format!("{other}{MACHINE}"));
    world.install(snapshot);
    assert_eq!(told(&world), None);
}
