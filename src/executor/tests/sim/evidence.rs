//! Promise 3: a step completes only on evidence issued for this journey, this step instance, this attempt and this
//! user. Everything else leaves the journey where it was.

use http::StatusCode;
use idflow_core::time::Span;

use crate::faults::Kind;
use crate::no_double_effect::to_the_code;
use crate::person::{Calm, Person};
use crate::visitor::Browser;
use crate::world::{ISSUER, World};

const ADA: &str = "ada@example.com";
const BOB: &str = "bob@example.com";

async fn post_next(world: &World, person: &mut Person, path: &str) -> StatusCode {
    let body = person.filling(world, path).await;
    person.browser.post(world, path, &body).await.status
}

#[tokio::test]
async fn j_7_a_journey_of_another_browser_is_a_neutral_page_whatever_is_sent() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut ada = Person::new(ADA);
    let path = to_the_code(&world, &mut ada).await;
    let page = ada.browser.get(&world, &path).await;
    let body = ada.filled(&world, &page).encoded();
    let mut stranger = Browser::new();
    let unknown = stranger.get(&world, "/journeys/AAAAAAAAAAAAAAAAAAAAAA").await;
    for answer in [stranger.get(&world, &path).await, stranger.post(&world, &path, &body).await] {
        assert_eq!(answer.status, StatusCode::GONE);
        assert_eq!(answer.body.len(), unknown.body.len(), "it looks like a journey that does not exist");
        assert!(answer.headers.get("set-cookie").is_none());
    }
    assert_eq!(ada.browser.get(&world, &path).await.token(), page.token(), "the journey is where it was");
}

#[tokio::test]
async fn j_13_two_tabs_are_two_attempts_at_every_pair_of_steps() {
    for steps in 0..9 {
        let (left, right) = (steps / 3, steps % 3);
        let world = World::new(steps).await;
        world.user(ADA).await;
        let mut person = Person::new(ADA);
        let tabs = [person.browser.authorize(&world, "").await, person.browser.authorize(&world, "").await];
        for (tab, count) in tabs.iter().zip([left, right]) {
            for _ in 0..count {
                assert_eq!(post_next(&world, &mut person, tab).await, StatusCode::SEE_OTHER);
            }
        }
        let pages = [person.browser.get(&world, &tabs[0]).await, person.browser.get(&world, &tabs[1]).await];
        for (tab, other) in [(0, 1), (1, 0)] {
            let foreign = person.filled(&world, &pages[other]).encoded();
            person.browser.post(&world, &tabs[tab], &foreign).await;
            let after = person.browser.get(&world, &tabs[tab]).await;
            assert_eq!(
                after.token(),
                pages[tab].token(),
                "{left} and {right} steps: the other tab's post moved it"
            );
        }
        assert_eq!(world.count(Kind::Session).await, 0);
    }
}

#[tokio::test]
async fn j_15_a_locked_user_stops_at_the_next_step_wherever_they_are() {
    for steps in 1..3 {
        let world = World::new(steps).await;
        let user = world.user(ADA).await;
        let mut person = Person::new(ADA);
        let path = person.browser.authorize(&world, "").await;
        for _ in 0..steps {
            post_next(&world, &mut person, &path).await;
        }
        world.lock(user).await;
        assert_eq!(post_next(&world, &mut person, &path).await, StatusCode::SEE_OTHER);
        let last = person.browser.get(&world, &path).await;
        assert!(last.form().is_none() && last.code().is_none(), "{}", last.body);
        assert_eq!(world.count(Kind::Session).await, 0, "locked after {steps} steps");
    }
}

#[tokio::test]
async fn j_15_a_locked_users_session_and_tokens_are_worth_nothing() {
    let mut world = World::new(1).await;
    let user = world.user(ADA).await;
    let mut person = Person::new(ADA);
    let arrival = person.walk(&mut world, "", &mut Calm).await;
    let tokens = crate::visitor::exchange(&world, &arrival.code()).await.json();
    world.lock(user).await;
    assert_eq!(crate::visitor::userinfo(&world, &tokens).await.status, StatusCode::UNAUTHORIZED);
    let path = person.browser.authorize(&world, "").await;
    assert!(path.starts_with("/journeys/"), "no single sign-on: {path}");
}

#[tokio::test]
async fn j_19_an_expired_journey_leaves_nothing_usable_and_is_swept() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let body = person.filling(&world, &path).await;
    world.pass(Span::minutes(20));
    assert_eq!(person.browser.get(&world, &path).await.status, StatusCode::GONE);
    assert_eq!(person.browser.post(&world, &path, &body).await.status, StatusCode::GONE);
    world.pass(Span::hours(1));
    world.app().store.purge(world.now()).await.unwrap();
    assert_eq!((world.count(Kind::Journey).await, world.count(Kind::Session).await), (0, 0));
}

#[tokio::test]
async fn t_9_a_mailed_code_counts_only_in_the_journey_it_was_mailed_for() {
    let world = World::new(1).await;
    world.user(ADA).await;
    world.user(BOB).await;
    let (mut ada, mut bob) = (Person::new(ADA), Person::new(BOB));
    let path = to_the_code(&world, &mut ada).await;
    to_the_code(&world, &mut bob).await;
    let page = ada.browser.get(&world, &path).await;
    let foreign = page.form().unwrap().fill("code", &world.mails.code_for(BOB).unwrap());
    ada.browser.post(&world, &path, &foreign.encoded()).await;
    let after = ada.browser.get(&world, &path).await;
    assert!(after.body.contains("The code is not right"), "{}", after.body);
    assert_eq!(world.count(Kind::Session).await, 0);
}

#[tokio::test]
async fn j_10_a_post_from_elsewhere_or_in_another_form_changes_nothing() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    let page = person.browser.get(&world, &path).await;
    let body = person.filled(&world, &page).encoded();
    let form = ("content-type", "application/x-www-form-urlencoded");
    let doubled = format!("{body}&password=x");
    let untokened = body.replace("token=", "nekot=");
    let cases: [(&[(&str, &str)], &str); 8] = [
        (&[form, ("origin", "https://evil.example")], &body),
        (&[form, ("origin", "null")], &body),
        (&[form, ("origin", ISSUER), ("sec-fetch-site", "cross-site")], &body),
        (&[form, ("referer", "http://127.0.0.1:8080.evil.example/")], &body),
        (&[("content-type", "text/plain"), ("origin", ISSUER)], &body),
        (&[("origin", ISSUER)], &body),
        (&[form, ("origin", ISSUER)], &doubled),
        (&[form, ("origin", ISSUER)], &untokened),
    ];
    for (headers, body) in cases {
        let mut request = person.browser.request(http::Method::POST, &path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = world.send(request.body(body.to_owned().into()).unwrap()).await;
        assert!([StatusCode::FORBIDDEN, StatusCode::BAD_REQUEST].contains(&answer.status), "{headers:?}");
        assert_eq!(person.browser.get(&world, &path).await.token(), page.token(), "{headers:?}");
    }
}
