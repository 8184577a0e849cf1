//! L-8: the sealing key is changed under load, the earlier one is dropped, and nobody notices.

use http::StatusCode;
use idflow_core::time::Span;
use idflow_executor::resealing;

use crate::person::{Arrival, Calm, Person, Weather};
use crate::visitor::{authorize_path, exchange, refresh, userinfo};
use crate::world::World;

const ADA: &str = "ada@example.com";

/// Restarts the process with another key before one of the requests.
struct ChangesKeys {
    before: usize,
    requests: usize,
}

impl ChangesKeys {
    fn before(request: usize) -> Self {
        Self { before: request, requests: 0 }
    }
}

impl Weather for ChangesKeys {
    async fn before_request(&mut self, world: &mut World) {
        if self.requests == self.before {
            world.change_sealing_keys(8, Some(7)).await;
        }
        self.requests += 1;
    }
}

/// The number of records that the earlier key still opens, as the scraper hears it.
async fn told(world: &World) -> i64 {
    let metrics = world.second("/metrics").await.body;
    let line = metrics.lines().find(|line| line.starts_with("idflow_store_sealed_by_earlier_keys "));
    line.unwrap_or_else(|| panic!("{metrics}")).rsplit(' ').next().unwrap().parse().unwrap()
}

/// Whoever had these tokens still has them, and the successors after them.
async fn still_works(world: &World, tokens: &serde_json::Value) -> serde_json::Value {
    assert_eq!(userinfo(world, tokens).await.status, StatusCode::OK);
    let next = refresh(world, tokens).await;
    assert_eq!(next.status, StatusCode::OK, "{next:?}");
    next.json()
}

#[tokio::test]
async fn l_8_a_sign_in_goes_on_wherever_the_key_is_changed() {
    let mut requests = 0;
    for before in 0..9 {
        let mut world = World::new(1).await;
        world.user(ADA).await;
        let mut earlier = Person::new(ADA);
        let code = earlier.walk(&mut world, "", &mut Calm).await.code();
        let tokens = exchange(&world, &code).await.json();
        let mut weather = ChangesKeys::before(before);
        let mut person = Person::new(ADA);
        let Arrival { path, page } = person.walk(&mut world, "", &mut weather).await;
        requests = weather.requests;
        assert_eq!(person.restarts, 0, "before request {before}");
        let code = page.code().unwrap();
        // The page is shown again, as by a reload, after the key was changed.
        if before == requests {
            world.change_sealing_keys(8, Some(7)).await;
        }
        assert_eq!(person.browser.get(&world, &path).await.code().as_ref(), Some(&code), "before {before}");
        assert_eq!(exchange(&world, &code).await.status, StatusCode::OK, "before request {before}");
        let again = person.browser.get(&world, &path).await;
        assert_eq!(again.code(), None, "the code was used: before request {before}");
        assert!(person.browser.get(&world, &authorize_path("")).await.code().is_some(), "before {before}");
        assert!(earlier.browser.get(&world, &authorize_path("")).await.code().is_some(), "before {before}");
        still_works(&world, &tokens).await;
    }
    assert_eq!(requests, 8, "every request of a sign-in was one before which the key was changed");
}

#[tokio::test]
async fn l_8_an_answer_that_is_given_again_sets_the_very_cookies_that_count() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    for _ in 0..3 {
        let body = person.filling(&world, &path).await;
        let before = person.browser.clone();
        person.browser.post(&world, &path, &body).await;
        // The answer was lost, and the browser posts once more to a process with another key.
        world.change_sealing_keys(8, Some(7)).await;
        person.browser = before;
        let again = person.browser.post(&world, &path, &body).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "{again:?}");
        world.change_sealing_keys(7, Some(8)).await;
    }
    assert!(person.browser.get(&world, &path).await.code().is_some());
    assert!(person.browser.get(&world, &authorize_path("")).await.code().is_some(), "signed in");
}

#[tokio::test]
async fn l_8_under_load_everything_is_sealed_anew_and_the_earlier_key_can_go() {
    let mut world = World::new(2).await;
    world.unlimited = true;
    let people: Vec<String> = (0..20).map(|n| format!("person{n}@example.com")).collect();
    let mut signed_in = Vec::new();
    for address in &people {
        world.user(address).await;
        let mut person = Person::new(address);
        let code = person.walk(&mut world, "", &mut Calm).await.code();
        signed_in.push((person, exchange(&world, &code).await.json()));
    }
    assert_eq!(told(&world).await, 0, "without an earlier key nothing is under it");
    let mut open = Person::new(ADA);
    world.user(ADA).await;
    let path = open.browser.authorize(&world, "").await;
    world.change_sealing_keys(8, Some(7)).await;
    assert_eq!(told(&world).await, -1, "nobody has counted yet");

    let load = async {
        for (person, tokens) in &mut signed_in {
            assert!(person.browser.get(&world, &authorize_path("")).await.code().is_some());
            *tokens = still_works(&world, tokens).await;
        }
    };
    let sealing = async {
        let mut rounds = 0;
        loop {
            let left = resealing::round(world.app()).await.unwrap();
            rounds += 1;
            assert!(rounds < 50, "{left} are left for ever");
            if left == 0 {
                break;
            }
        }
    };
    futures_util::join!(load, sealing);
    assert_eq!((told(&world).await, resealing::round(world.app()).await), (0, Ok(0)));

    world.change_sealing_keys(8, None).await;
    for (person, tokens) in &mut signed_in {
        assert!(person.browser.get(&world, &authorize_path("")).await.code().is_some(), "{}", person.address);
        still_works(&world, tokens).await;
        Person::new(&person.address).walk(&mut world, "", &mut Calm).await.code();
    }
    // The sign-in that was open all the time goes on, and what happened is still on record.
    for _ in 0..3 {
        let body = open.filling(&world, &path).await;
        assert_eq!(open.browser.post(&world, &path, &body).await.status, StatusCode::SEE_OTHER);
    }
    assert!(open.browser.get(&world, &path).await.code().is_some());
    assert!(world.stored_events().await.len() > 100);
}

#[tokio::test]
async fn l_8_a_key_that_is_dropped_too_early_is_told_before_and_comes_back_without_loss() {
    let mut world = World::new(3).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let code = person.walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    world.change_sealing_keys(8, Some(7)).await;
    world.storage.fail_often(7, 300);
    let mut failed = 0;
    for _ in 0..20 {
        match resealing::round(world.app()).await {
            Ok(0) => break,
            Ok(_) => {}
            Err(_) => {
                failed += 1;
                assert_ne!(told(&world).await, 0, "what is not known to be sealed anew is not told to be");
            }
        }
    }
    assert!(failed > 0, "the store never failed");
    world.storage.heal();
    while resealing::round(world.app()).await != Ok(0) {}
    world.pass(Span::minutes(1));
    world.change_sealing_keys(8, None).await;
    still_works(&world, &tokens).await;
}
