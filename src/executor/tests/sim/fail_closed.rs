//! Promise 5: doubt about a verdict, a counter, a single-use mark or a digest is a refusal.

use http::StatusCode;
use idflow_core::time::Span;

use crate::faults::{Fault, Kind};
use crate::person::{Calm, Person};
use crate::visitor::{Browser, authorize_path, exchange, userinfo};
use crate::world::World;

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn with_the_store_away_everything_is_refused_and_nothing_is_shown_as_done() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let arrival = person.walk(&mut world, "", &mut Calm).await;
    let tokens = exchange(&world, &arrival.code()).await.json();
    world.storage.fail_often(1, 1000);
    for path in [authorize_path(""), arrival.path.clone(), "/flows/sign-in".to_owned(), "/".to_owned()] {
        // Every drawn conflict is harmless for reads: ask until a read was refused.
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(person.browser.clone().get(&world, &path).await.status);
        }
        assert!(statuses.contains(&StatusCode::SERVICE_UNAVAILABLE), "{path}: {statuses:?}");
        assert!(!statuses.contains(&StatusCode::INTERNAL_SERVER_ERROR), "{path}: {statuses:?}");
    }
    world.storage.heal();
    assert_eq!(userinfo(&world, &tokens).await.status, StatusCode::OK);
}

#[tokio::test]
async fn p_2_without_its_directory_no_password_is_set_rather_than_any() {
    let mut world = World::new(1).await;
    let mut snapshot = world.snapshot.clone();
    snapshot.live.directories.clear();
    world.install(snapshot);
    let arrival = Person::new(ADA).walk(&mut world, "&prompt=create", &mut Calm).await;
    assert_eq!(arrival.page.code(), None, "{}", arrival.page.body);
    assert_eq!(world.count(Kind::Session).await, 0);
}

#[tokio::test]
async fn o_6_a_lost_answer_to_an_exchange_never_gives_two_sets_of_tokens() {
    for at in 0..12 {
        for fault in Fault::ALL {
            let mut world = World::new(at).await;
            world.user(ADA).await;
            let arrival = Person::new(ADA).walk(&mut world, "", &mut Calm).await;
            world.storage.fail_at(at, fault);
            let mut given = Vec::new();
            for _ in 0..3 {
                let answer = exchange(&world, &arrival.code()).await;
                match answer.status {
                    StatusCode::OK => given.push(answer.json()),
                    StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_REQUEST => {}
                    other => panic!("{other}: {}", answer.body),
                }
            }
            assert!(given.len() <= 1, "{fault:?} at call {at}");
            // The second exchange has revoked what the first gave.
            for tokens in &given {
                assert_ne!(userinfo(&world, tokens).await.status, StatusCode::OK, "{fault:?} at call {at}");
            }
        }
    }
}

#[tokio::test]
async fn o_6_the_back_button_does_not_hand_out_a_used_code() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let arrival = person.walk(&mut world, "", &mut Calm).await;
    let again = person.browser.get(&world, &arrival.path).await;
    assert_eq!(again.code(), arrival.page.code(), "a reload before the exchange still arrives");
    let tokens = exchange(&world, &arrival.code()).await.json();
    let back = person.browser.get(&world, &arrival.path).await;
    assert_eq!(back.status, StatusCode::OK);
    assert!(back.code().is_none() && !back.body.contains("code="), "{}", back.body);
    assert_eq!(userinfo(&world, &tokens).await.status, StatusCode::OK, "the application keeps what it has");
}

#[tokio::test]
async fn o_7_a_code_is_worth_nothing_after_its_minute_and_who_fetches_late_gets_another() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let arrival = person.walk(&mut world, "", &mut Calm).await;
    world.pass(Span::seconds(61));
    assert_eq!(exchange(&world, &arrival.code()).await.json()["error"], "invalid_grant");
    let late = person.browser.get(&world, &arrival.path).await;
    assert_eq!(
        person.browser.get(&world, &arrival.path).await.code(),
        late.code(),
        "the same to whoever reloads"
    );
    assert_ne!(late.code(), arrival.page.code());
    assert_eq!(exchange(&world, &arrival.code()).await.json()["error"], "invalid_grant", "the old one");
    assert_eq!(exchange(&world, &late.code().unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn j_12_a_forged_session_cookie_signs_nobody_in() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await;
    let known = person.browser.cookies["idflow-session"].clone();
    let single = person.browser.clone().get(&world, &authorize_path("")).await;
    assert!(single.location().unwrap().starts_with("https://app.example.com/"), "the real one does");
    let (id, secret) = known.split_once('.').unwrap();
    for forged in [format!("{id}.x{secret}"), format!("{id}."), id.to_owned(), format!("{secret}.{id}")] {
        let mut browser = Browser::new();
        browser.cookies.insert("idflow-session".to_owned(), forged);
        let answer = browser.get(&world, &authorize_path("")).await;
        assert!(answer.location().unwrap().starts_with("/journeys/"), "{answer:?}");
    }
    assert_eq!(world.count(Kind::Session).await, 1);
}
