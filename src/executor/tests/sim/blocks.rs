//! Off switches: a mark in the store stops a user, an application, a session or a revision from the acknowledged write
//! on, in journeys, at single sign-on and at every use of a token; lifted, what has not expired goes on.

use http::StatusCode;
use idflow_core::block::BlockTarget;

use crate::leaving::{ASKS, GOODBYE, SIGNED_OUT, followed, logout, says_yes, serving, target};
use crate::leaving_always::{ENDS, with};
use crate::standing::Intruder;
use crate::visitor::{Browser, authorize_path};
use crate::world::{TENANT, World};

const ADA: &str = "ada@example.com";

/// What works: the journey under way, the session, the tokens, a new journey.
const ALL: [&str; 4] = ["journey", "session", "tokens", "new journey"];

async fn tried(world: &World, intruder: &mut Intruder) -> Vec<&'static str> {
    let mut newcomer = Browser::new();
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

#[tokio::test]
async fn j_15_a_blocked_application_signs_nobody_out_and_gets_nobody_back() {
    let (world, mut ada) = serving(TENANT).await;
    let mark = world.nothing_read().block(BlockTarget::Client("app".to_owned()));
    world.app().store.commit(mark).await.unwrap();
    let path = logout(&[("id_token_hint", ada.hint()), ("post_logout_redirect_uri", GOODBYE)]);
    let page = ada.browser.get(&world, &path).await;
    assert!(page.body.contains(ASKS), "{page:?}");
    let posted = Browser::new().post(&world, "/oauth2/logout", path.split_once('?').unwrap().1).await;
    let again = followed(&world, &mut ada.browser, posted).await;
    assert!(again.body.contains(ASKS), "{again:?}");
    let after = says_yes(&world, &mut ada.browser, &page).await;
    assert!(after.body.contains(SIGNED_OUT) && target(&after).is_none(), "{after:?}");
}

#[tokio::test]
async fn j_15_an_application_that_is_blocked_while_its_logout_flow_runs_gets_nobody_back() {
    for is_blocked in [false, true] {
        let (world, mut ada) = serving(&with("out", ENDS)).await;
        let path = logout(&[("id_token_hint", ada.hint()), ("post_logout_redirect_uri", GOODBYE)]);
        let begun = ada.browser.get(&world, &path).await;
        if is_blocked {
            let mark = world.nothing_read().block(BlockTarget::Client("app".to_owned()));
            world.app().store.commit(mark).await.unwrap();
        }
        let after = followed(&world, &mut ada.browser, begun).await;
        let wanted = (!is_blocked).then(|| GOODBYE.to_owned());
        assert_eq!(target(&after), wanted, "{after:?}");
        assert_eq!(after.body.contains(SIGNED_OUT), is_blocked, "{after:?}");
    }
}
