//! Promise 1: once a visitor has the answer to a step, its result survives the loss of any one process.
//!
//! The person of these runs fails the test when a page comes back whose post was acknowledged.

use idflow_core::chance::{Chance, SeededChance};
use idflow_test_support::amount;

use crate::faults::{Fault, Kind};
use crate::person::{Arrival, Calm, Person, Weather};
use crate::visitor::{exchange, userinfo};
use crate::world::World;

const ADA: &str = "ada@example.com";

/// The worlds of this run.
fn seeds() -> std::ops::Range<u64> {
    let first = amount::seed();
    first..first + amount::of(50, 500)
}

/// Crashes and a flaky store, all from one seed.
struct Storm(SeededChance);

impl Weather for Storm {
    async fn before_request(&mut self, world: &mut World) {
        let mut drawn = [0];
        self.0.fill(&mut drawn);
        if drawn[0] < 40 {
            world.restart().await;
        }
    }
}

/// Nobody is signed in twice or with less than password and code; the code works once.
async fn holds(world: &World, person: &Person, arrival: &Arrival, factors: &[&str]) {
    world.storage.heal();
    let session = world.session_of(arrival.journey()).await.expect("a session");
    let methods = idflow_core::evidence::authentication_methods(&session.evidence);
    assert!(factors.iter().all(|factor| methods.iter().any(|method| method == factor)), "{methods:?}");
    assert!(session.evidence.iter().all(|evidence| evidence.user == session.user), "{session:?}");
    let mails = world.mails.all();
    assert!(mails.len() <= 1 + person.resends + person.restarts, "{} mails", mails.len());
    let ids: std::collections::BTreeSet<_> = mails.iter().map(|mail| &mail.id).collect();
    assert_eq!(ids.len(), mails.len(), "a mail was sent twice");
    let tokens = exchange(world, &arrival.code()).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(userinfo(world, &tokens.json()).await.json()["email"], ADA);
    assert_eq!(exchange(world, &arrival.code()).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_sign_in_survives_crashes_and_a_flaky_store_between_any_two_requests() {
    for seed in seeds() {
        let mut world = World::new(seed).await;
        let user = world.user(ADA).await;
        world.storage.fail_often(seed, 60);
        let mut person = Person::new(ADA);
        let arrival = person.walk(&mut world, "", &mut Storm(SeededChance::new(seed + 1))).await;
        holds(&world, &person, &arrival, &["pwd", "otp"]).await;
        let session = world.session_of(arrival.journey()).await.unwrap();
        assert_eq!(session.user, Some(user), "seed {seed}");
        assert!(world.count(Kind::Session).await <= 1 + person.restarts, "seed {seed}");
        assert_eq!(world.count(Kind::User).await, 1, "seed {seed}");
    }
}

#[tokio::test]
async fn a_sign_up_survives_crashes_and_a_flaky_store_and_creates_one_user() {
    for seed in seeds() {
        let mut world = World::new(seed).await;
        world.storage.fail_often(seed, 60);
        let mut person = Person::new(ADA);
        let mut storm = Storm(SeededChance::new(seed + 1));
        let arrival = person.walk(&mut world, "&prompt=create", &mut storm).await;
        world.storage.heal();
        assert_eq!(world.count(Kind::User).await, 1, "seed {seed}");
        // Who was sent back to the start after the account was made is told that it failed, and signs in.
        match arrival.page.code() {
            Some(_) => holds(&world, &person, &arrival, &["pwd"]).await,
            None => assert!(person.restarts > 0, "seed {seed}: {}", arrival.page.body),
        }
    }
}

#[tokio::test]
async fn the_same_seed_is_the_same_run() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let mut world = World::new(7).await;
        world.user(ADA).await;
        world.storage.fail_often(7, 60);
        let mut person = Person::new(ADA);
        let arrival = person.walk(&mut world, "", &mut Storm(SeededChance::new(8))).await;
        world.storage.heal();
        runs.push((arrival.path, arrival.page.code(), person.restarts, world.mails.all()));
    }
    assert_eq!(runs[0], runs[1]);
}

/// Every store call of every request of a walk fails once, in each way.
#[tokio::test]
async fn j_20_a_fault_at_any_store_call_is_never_a_step_forward() {
    for (more, factors, existing) in
        [("", &["pwd", "otp"][..], true), ("&prompt=create", &["pwd"][..], false)]
    {
        let calls = calls_of_a_walk(more, existing).await;
        assert!(calls > 10, "a walk makes {calls} calls");
        for at in 0..calls {
            for fault in Fault::ALL {
                let mut world = World::new(at).await;
                if existing {
                    world.user(ADA).await;
                }
                world.storage.fail_at(at, fault);
                let mut person = Person::new(ADA);
                let arrival = person.walk(&mut world, more, &mut Calm).await;
                assert_eq!(person.restarts, 0, "{fault:?} at call {at} lost the journey");
                holds(&world, &person, &arrival, factors).await;
                assert_eq!(world.count(Kind::Session).await, 1, "{fault:?} at call {at}");
                assert_eq!(world.count(Kind::User).await, 1, "{fault:?} at call {at}");
            }
        }
    }
}

async fn calls_of_a_walk(more: &str, existing: bool) -> u64 {
    let mut world = World::new(0).await;
    if existing {
        world.user(ADA).await;
    }
    world.storage.fail_at(u64::MAX, Fault::Before);
    Person::new(ADA).walk(&mut world, more, &mut Calm).await;
    world.storage.calls()
}
