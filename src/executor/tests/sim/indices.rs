//! What is unique is the live Directory's word, also for journeys on revisions that are older than it.

use std::collections::BTreeSet;

use http::StatusCode;
use idflow_executor::indices::Known;
use idflow_executor::report::Unindexed;
use idflow_executor::source::Snapshot;
use idflow_store::backend::{Backend as _, Batch, Condition, Effect};

use crate::faults::{Fault, Kind};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, TENANT, World, snapshot};

/// The tenant with a nickname that everybody may have, and a sign-up that asks for it.
fn with_nickname() -> String {
    let attributes = "attributes: [{ name: nickname, type: String }, ";
    TENANT.replace("attributes: [", attributes).replace(
        "    - id: who\n      form: { fields: [{ name: email, type: Email }] }\n      outcomes: { next: code }",
        "    - id: who\n      form: { fields: [{ name: email, type: Email }, { name: nickname, type: String }] }\n      outcomes: { next: code }",
    ).replace("createUser: { attributes: { email: form.email } }", "createUser: { attributes: { email: form.email, nickname: form.nickname } }")
}

fn nickname_is_unique(mut snapshot: Snapshot) -> Snapshot {
    for directory in snapshot.live.directories.values_mut() {
        for attribute in &mut directory.attributes {
            attribute.unique |= attribute.name == "nickname";
        }
    }
    snapshot
}

/// Signs somebody up; the answer of the post that made the user, or could not.
async fn sign_up(world: &World, email: &str, nickname: &str) -> Answer {
    let mut browser = Browser::new();
    let path = browser.authorize(world, "&prompt=create").await;
    let page = browser.get(world, &path).await;
    let form = page.form().unwrap().fill("email", email).fill("nickname", nickname);
    browser.post(world, &path, &form.encoded()).await;
    let page = browser.get(world, &path).await;
    let form = page.form().unwrap().fill("code", &world.mails.code_for(email).unwrap());
    let reserved = browser.post(world, &path, &form.encoded()).await;
    let page = browser.get(world, &path).await;
    match page.form().filter(|form| form.has_field("password")) {
        Some(form) => browser.post(world, &path, &form.fill("password", PASSWORD).encoded()).await,
        None => reserved,
    }
}

/// Whether a sign-up leaves by its own `exists`, for a value that its revision does not look for.
async fn is_taken(world: &World, email: &str, nickname: &str) -> bool {
    let before = world.count(Kind::User).await;
    sign_up(world, email, nickname).await;
    let is_exists = {
        let events = world.events.all.lock().unwrap();
        let last = events.iter().rev().find(|event| event.step.as_deref() == Some("account"));
        last.is_some_and(|event| event.outcome.as_deref() == Some("exists"))
    };
    is_exists && world.count(Kind::User).await == before
}

#[tokio::test]
async fn a_value_that_became_unique_is_given_to_nobody_else_by_an_older_revision() {
    let mut world = World::serving(1, snapshot(&with_nickname())).await;
    assert_eq!(sign_up(&world, "ada@example.com", "countess").await.status, StatusCode::SEE_OTHER);
    world.install(nickname_is_unique(world.snapshot.clone()));
    let mut known = Known::default();
    known.follow(world.app(), false).await;
    assert_eq!(known.unindexed, Vec::new(), "everybody is indexed");
    assert_eq!(known.indexed["people"], ["email", "nickname"].map(str::to_owned).into());
    assert!(is_taken(&world, "bob@example.com", "Countess").await);
    assert_eq!(world.count(Kind::User).await, 1);
    assert_eq!(sign_up(&world, "bob@example.com", "bobby").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn until_everybody_is_indexed_nobody_is_given_such_a_value() {
    let mut world = World::serving(1, snapshot(&with_nickname())).await;
    world.install(nickname_is_unique(world.snapshot.clone()));
    let unique = ["email", "nickname"].map(str::to_owned).into();
    world
        .app()
        .store
        .follow_directory("people", &unique, &BTreeSet::new(), false, world.now())
        .await
        .unwrap();
    let answer = sign_up(&world, "ada@example.com", "countess").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    Known::default().follow(world.app(), false).await;
    assert_eq!(sign_up(&world, "ada@example.com", "countess").await.status, StatusCode::SEE_OTHER);
}

/// Follows the Directory to its end while the call of this number fails and takes the process with it.
async fn follow_through_a_crash(world: &mut World, at: u64) -> Known {
    world.storage.fail_at(at, Fault::ALL[usize::try_from(at % 3).unwrap()]);
    Known::default().follow(world.app(), false).await;
    world.storage.heal();
    world.restart().await;
    let mut known = Known::default();
    known.follow(world.app(), false).await;
    known
}

#[tokio::test]
async fn a_value_given_up_while_it_was_not_unique_goes_to_the_next_who_asks_whatever_crashes_between() {
    for at in 0..8 {
        let mut world = World::serving(at, snapshot(&with_nickname())).await;
        let (not_unique, unique) = (world.snapshot.clone(), nickname_is_unique(world.snapshot.clone()));
        world.install(unique.clone());
        follow_through_a_crash(&mut world, at).await;
        assert_eq!(sign_up(&world, "ada@example.com", "countess").await.status, StatusCode::SEE_OTHER);
        world.install(not_unique);
        follow_through_a_crash(&mut world, at).await;
        let ada = world.find("ada@example.com").await;
        let rename = |user: &mut idflow_core::user::User| {
            user.attributes.insert("nickname".to_owned(), "lovelace".into());
        };
        world.change(ada, rename).await;
        world.install(unique);
        let known = follow_through_a_crash(&mut world, at).await;
        assert_eq!(known.unindexed, Vec::new());
        let [freed, taken] = ["Countess", "Lovelace"];
        assert_eq!(sign_up(&world, "bob@example.com", freed).await.status, StatusCode::SEE_OTHER, "{at}");
        for nickname in [freed, taken] {
            assert!(is_taken(&world, "eve@example.com", nickname).await, "{at}");
        }
        assert_eq!(world.count(Kind::User).await, 2);
    }
}

#[tokio::test]
async fn one_damaged_user_stops_nobody_else_and_is_reported_as_what_keeps_an_attribute_from_being_unique() {
    let mut world = World::serving(1, snapshot(&with_nickname())).await;
    let damaged = world.user("ada@example.com").await;
    world.user("bob@example.com").await;
    let mut batch = Batch::at(world.now());
    let key = [&[Kind::User as u8][..], damaged.as_bytes()].concat();
    batch.push(key, Condition::Any, Effect::Put { bytes: vec![1; 99], expires: None });
    world.storage.apply(batch).await.unwrap();
    world.install(nickname_is_unique(world.snapshot.clone()));
    let mut known = Known::default();
    known.follow(world.app(), false).await;
    let unreadable = |attribute: &str| Unindexed {
        directory: "people".to_owned(),
        attribute: attribute.to_owned(),
        duplicates: 0,
        unreadable: 1,
    };
    assert_eq!(known.unindexed, ["email", "nickname"].map(unreadable));
    assert_eq!(sign_up(&world, "cleo@example.com", "queen").await.status, StatusCode::SEE_OTHER);
    crate::person::Person::new("bob@example.com").walk(&mut world, "", &mut crate::person::Calm).await.code();
}
