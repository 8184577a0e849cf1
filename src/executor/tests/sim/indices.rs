//! What is unique is the live Directory's word, also for journeys on revisions that are older than it.

use http::StatusCode;
use idflow_executor::indices::Known;
use idflow_executor::source::Snapshot;

use crate::faults::Kind;
use crate::visitor::{Answer, Browser};
use crate::world::{TENANT, World, snapshot};

/// The tenant with a nickname that everybody may have, and a sign-up that asks for it.
fn with_nickname() -> String {
    let attributes = "attributes: [{ name: nickname, type: String }, ";
    TENANT.replace("attributes: [", attributes).replace(
        "    - id: who\n      form: { fields: [{ name: email, type: Email }] }\n      outcomes: { next: code }",
        "    - id: who\n      form: { fields: [{ name: email, type: Email }, { name: nickname, type: Text }] }\n      outcomes: { next: code }",
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

/// Signs somebody up to where the account is made.
async fn sign_up(world: &World, email: &str, nickname: &str) -> Answer {
    let mut browser = Browser::new();
    let path = browser.authorize(world, "&prompt=create").await;
    let page = browser.get(world, &path).await;
    let form = page.form().unwrap().fill("email", email).fill("nickname", nickname);
    browser.post(world, &path, &form.encoded()).await;
    let page = browser.get(world, &path).await;
    let form = page.form().unwrap().fill("code", &world.mails.code_for(email).unwrap());
    browser.post(world, &path, &form.encoded()).await
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
    let twin = sign_up(&world, "bob@example.com", "Countess").await;
    assert_eq!(twin.status, StatusCode::GONE, "{}", twin.body);
    assert_eq!(world.count(Kind::User).await, 1);
    assert_eq!(sign_up(&world, "bob@example.com", "bobby").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn until_everybody_is_indexed_nobody_is_given_such_a_value() {
    let mut world = World::serving(1, snapshot(&with_nickname())).await;
    world.install(nickname_is_unique(world.snapshot.clone()));
    let unique = ["email", "nickname"].map(str::to_owned).into();
    world.app().store.follow_directory("people", &unique, false, world.now()).await.unwrap();
    let answer = sign_up(&world, "ada@example.com", "countess").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    Known::default().follow(world.app(), false).await;
    assert_eq!(sign_up(&world, "ada@example.com", "countess").await.status, StatusCode::SEE_OTHER);
}
