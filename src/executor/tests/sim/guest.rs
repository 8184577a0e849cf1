//! A revision is a guest, not a pillar: whatever is the matter with one costs its own flow and nothing else (design 7).

use http::StatusCode;
use idflow_core::digest::Digest;
use idflow_executor::report::Refusal;
use idflow_executor::source::Snapshot;

use crate::person::{Calm, Person};
use crate::visitor::Browser;
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";

/// The tenant with another content for the sign-up, under the digest that it has or claims.
fn with_sign_up(content: &str, claimed: Option<Digest>) -> (Snapshot, Digest) {
    let mut snapshot = snapshot(TENANT);
    let digest = claimed.unwrap_or_else(|| Digest::of(content));
    let flow = snapshot.flows.iter_mut().find(|flow| flow.flow == "sign-up").unwrap();
    let before = std::mem::replace(&mut flow.entries[0].digest, digest.to_string());
    snapshot.contents.remove(&before.parse().unwrap());
    snapshot.contents.insert(digest, content.to_owned());
    (snapshot, digest)
}

fn sign_up_content() -> String {
    let snapshot = snapshot(TENANT);
    let flow = snapshot.flows.iter().find(|flow| flow.flow == "sign-up").unwrap();
    snapshot.contents[&flow.entries[0].digest.parse().unwrap()].clone()
}

#[tokio::test]
async fn a_revision_that_cannot_run_costs_its_own_flow_only() {
    let sign_up = sign_up_content();
    let cases = [
        ("a newer format", sign_up.replace("\"format\":2", "\"format\":3"), "has format 3"),
        ("an unknown kind", sign_up.replace("\"kind\":\"form\"", "\"kind\":\"hologram\""), "hologram"),
        ("no content at all", "{".to_owned(), "cannot be read"),
    ];
    for (what, content, reason) in cases {
        let (snapshot, digest) = with_sign_up(&content, None);
        let mut world = World::serving(1, snapshot).await;
        world.user(ADA).await;
        let report = world.report();
        let refused: Vec<_> = report.refused.iter().map(|one| (one.digest, one.state)).collect();
        assert_eq!(refused, [(digest, Refusal::Unusable)], "{what}");
        assert!(report.refused[0].reason.contains(reason), "{what}: {}", report.refused[0].reason);
        assert!(!report.revisions.iter().any(|held| held.digest == digest), "{what}");
        assert!(world.is_open() && !report.complete, "{what}");
        let answer = Browser::new().get(&world, "/flows/sign-up").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{what}");
        Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    }
}

#[tokio::test]
async fn what_a_revision_requires_is_judged_before_its_content_is_read() {
    let (mut snapshot, digest) = with_sign_up("not even JSON", None);
    let requires = serde_json::json!({ "requires": { "format": 1, "nodeKinds": ["form", "hologram"] } });
    snapshot.facts.insert(digest, serde_json::from_value(requires).unwrap());
    let world = World::serving(1, snapshot).await;
    let reason = world.report().refused[0].reason.clone();
    assert!(reason.contains("needs the node kind hologram") && reason.contains("update"), "{reason}");
}

#[tokio::test]
async fn readiness_opens_once_and_no_revision_closes_it() {
    let (mut early, digest) = with_sign_up(&sign_up_content(), None);
    let content = early.contents.remove(&digest).unwrap();
    let mut world = World::serving(1, early.clone()).await;
    assert!(!world.is_open(), "a revision with weight was not told yet");
    early.flows.iter_mut().filter(|flow| flow.flow == "sign-up").for_each(|flow| flow.entries[0].weight = 0);
    let mut without_weight = World::serving(1, early.clone()).await;
    assert!(without_weight.is_open(), "one without weight is not waited for");
    early.contents.insert(digest, content);
    world.install(early.clone());
    assert!(world.is_open());
    for (later, _) in [with_sign_up("{", None), with_sign_up("other", Some(Digest::of("claimed")))] {
        world.install(later.clone());
        without_weight.install(later);
        assert!(world.is_open() && without_weight.is_open());
    }
    assert_eq!(Browser::new().get(&world, "/flows/sign-in").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_damaged_object_is_named_as_such_and_a_sound_one_of_the_same_digest_runs() {
    let sign_up = sign_up_content();
    let (mut snapshot, digest) = with_sign_up(&sign_up, None);
    snapshot.contents.remove(&digest);
    let flow = snapshot.flows.iter().find(|flow| flow.flow == "sign-up").unwrap();
    snapshot.damaged.insert(flow.entries[0].revision.clone());
    let mut world = World::serving(1, snapshot.clone()).await;
    let refused = world.report().refused;
    assert_eq!((refused[0].digest, refused[0].state), (digest, Refusal::Unusable));
    assert!(refused[0].reason.contains("damaged or forged"), "{}", refused[0].reason);
    snapshot.contents.insert(digest, sign_up);
    world.install(snapshot);
    assert_eq!(world.report().refused, []);
    assert_eq!(Browser::new().get(&world, "/flows/sign-up").await.status, StatusCode::SEE_OTHER);
}
