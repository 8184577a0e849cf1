//! Off switches: a mark in the store stops a user, an application, a session or a revision from the acknowledged write
//! on, in journeys, at single sign-on and at every use of a token; lifted, what has not expired goes on.

use http::StatusCode;
use idflow_core::block::BlockTarget;

use crate::standing::Intruder;
use crate::visitor::authorize_path;
use crate::world::World;

const ADA: &str = "ada@example.com";

/// What works: the journey under way, the session, the tokens, a new journey.
const ALL: [&str; 4] = ["journey", "session", "tokens", "new journey"];

async fn tried(world: &World, intruder: &mut Intruder) -> Vec<&'static str> {
    let mut newcomer = crate::visitor::Browser::new();
    let begun = newcomer.get(world, &authorize_path("")).await;
    let session = intruder.has_session(world).await;
    let tokens = intruder.has_tokens(world).await;
    let journey = intruder.goes_on(world).await.form().is_some();
    let works = [journey, session, tokens, begun.status == StatusCode::SEE_OTHER];
    ALL.into_iter().zip(works).filter(|(_, works)| *works).map(|(name, _)| name).collect()
}

async fn blocked(target: impl AsyncFn(&World, &Intruder) -> BlockTarget, works: &[&str]) {
    let mut world = World::new(3).await;
    world.user(ADA).await;
    let mut intruder = Intruder::enter(&mut world).await;
    let target = target(&world, &intruder).await;
    let store = world.app().store.clone();
    store.commit(world.nothing_read().block(target.clone())).await.unwrap();
    assert_eq!(tried(&world, &mut intruder).await, works, "{target:?} blocked");
    store.commit(world.nothing_read().unblock(&target)).await.unwrap();
    let mut intruder = Intruder::enter(&mut world).await;
    let again = tried(&world, &mut intruder).await;
    assert_eq!(again, ALL, "{target:?} unblocked");
}

#[tokio::test]
async fn j_15_a_blocked_user_is_stopped_everywhere() {
    let works = ["new journey"];
    blocked(async |world, _| BlockTarget::User(world.find(ADA).await), &works).await;
}

#[tokio::test]
async fn j_15_a_blocked_application_is_served_no_more() {
    let works = [];
    blocked(async |_, _| BlockTarget::Client("app".to_owned()), &works).await;
}

#[tokio::test]
async fn j_15_a_blocked_session_and_what_came_of_it_are_worth_nothing() {
    let works = ["journey", "new journey"];
    let session = async |_: &World, intruder: &Intruder| {
        let cookie = &intruder.signed_in.browser.cookies["idflow-session"];
        BlockTarget::Session(cookie.split_once('.').unwrap().0.parse().unwrap())
    };
    blocked(session, &works).await;
}

#[tokio::test]
async fn j_15_nothing_begins_or_goes_on_with_a_blocked_revision() {
    let works = ["session", "tokens"];
    let revision = async |world: &World, _: &Intruder| {
        BlockTarget::Revision(world.app().configuration.load().flows["sign-in"].revisions[0].0)
    };
    blocked(revision, &works).await;
}
