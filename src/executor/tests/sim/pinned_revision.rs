//! Promise 2: a journey finishes on the revision it began with, or ends with a clear "please start again". Never a
//! mixture, never another revision because one was not found.

use http::StatusCode;
use idflow_api::tenant::{Limits, Policy};
use idflow_core::evidence::authentication_methods;
use idflow_core::time::Span;
use idflow_executor::revisions::Facts;

use crate::faults::Kind;
use crate::no_double_effect::to_the_code;
use crate::person::{Calm, Person, Weather};
use crate::visitor::authorize_path;
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";

/// The sign-in without its second factor.
pub(crate) fn weaker() -> String {
    TENANT.replace("outcomes: { next: code, locked: locked }", "outcomes: { next: welcome, locked: locked }")
        .replace("    - id: code\n      oneTimeCode: { email: { connection: mail } }\n      outcomes: { next: welcome, locked: locked }\n", "")
}

/// The sign-in with another page.
fn stronger() -> String {
    TENANT.replace("{ en: \"Welcome back\" }", "{ en: \"Welcome to the new one\" }")
}

/// Publishes something else before the n-th request of a walk.
struct Publishes {
    at: usize,
    seen: usize,
    manifests: String,
}

impl Weather for Publishes {
    async fn before_request(&mut self, world: &mut World) {
        if self.seen == self.at {
            let old = world.snapshot.contents.clone();
            let mut next = snapshot(&self.manifests);
            // As the folder and the cluster do: what journeys may still need is kept.
            next.contents.extend(old);
            next.catalog = world.snapshot.catalog + 1;
            world.install(next);
        }
        self.seen += 1;
    }
}

#[tokio::test]
async fn no_session_outlasts_what_the_tenant_allows_nor_thirty_days_where_it_says_nothing() {
    for (limit, hours) in [(None, 720), (Some(Span::hours(24)), 24)] {
        let manifests = TENANT.replace("complete: {}", "complete: { sessionLifetime: 2000h }");
        let mut world = World::serving(1, snapshot(&manifests)).await;
        let mut next = world.snapshot.clone();
        next.tenant.limits = limit.map(|limit| Limits { session_lifetime: Some(limit), ..Limits::default() });
        world.install(next);
        world.user(ADA).await;
        let arrival = Person::new(ADA).walk(&mut world, "", &mut Calm).await;
        let session = world.session_of(arrival.journey()).await.unwrap();
        assert_eq!(session.expires.since(session.authenticated), Span::hours(hours));
    }
}

#[tokio::test]
async fn j_14_a_journey_finishes_on_the_revision_it_began_with_whenever_another_is_published() {
    for (manifests, factors) in [(weaker(), vec!["pwd"]), (stronger(), vec!["mfa", "otp", "pwd"])] {
        for at in 1..8 {
            let mut world = World::new(1).await;
            world.user(ADA).await;
            let mut publishes = Publishes { at, seen: 0, manifests: manifests.clone() };
            let mut person = Person::new(ADA);
            let arrival = person.walk(&mut world, "", &mut publishes).await;
            let session = world.session_of(arrival.journey()).await.expect("a session");
            let mut methods = authentication_methods(&session.evidence);
            methods.sort();
            assert_eq!(methods, ["mfa", "otp", "pwd"], "published before request {at}");
            // A new journey runs the new one, a restart later too.
            world.restart().await;
            let next = Person::new(ADA).walk(&mut world, "", &mut Calm).await;
            let mut methods =
                authentication_methods(&world.session_of(next.journey()).await.unwrap().evidence);
            methods.sort();
            assert_eq!(methods, factors);
        }
    }
}

#[tokio::test]
async fn j_14_a_withdrawn_revision_ends_its_journeys_and_nothing_else() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let body = person.filling(&world, &path).await;
    let mut next = snapshot(&stronger());
    next.withdrawn =
        world.snapshot.flows.iter().filter_map(|flow| flow.entries[0].digest.parse().ok()).collect();
    next.withdrawn.retain(|digest| !next.contents.contains_key(digest));
    world.install(next);
    assert_eq!(person.browser.get(&world, &path).await.status, StatusCode::GONE);
    assert_eq!(person.browser.post(&world, &path, &body).await.status, StatusCode::GONE);
    assert_eq!(world.count(Kind::Session).await, 0);
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
}

#[tokio::test]
async fn j_14_no_journey_begins_on_a_withdrawn_revision() {
    let mut world = World::new(1).await;
    let mut next = world.snapshot.clone();
    next.withdrawn = next.contents.keys().copied().collect();
    world.install(next);
    let answer = Person::new(ADA).browser.get(&world, &authorize_path("")).await;
    assert!(answer.location().is_some_and(|to| to.contains("error=temporarily_unavailable")), "{answer:?}");
    let answer = Person::new(ADA).browser.get(&world, "/flows/sign-in").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.count(Kind::Journey).await, 0);
}

#[tokio::test]
async fn j_14_a_revision_that_is_not_held_is_waited_for_and_never_replaced() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let body = person.filling(&world, &path).await;
    world.app().revisions.retain(&std::collections::BTreeSet::new());
    let refused = person.browser.post(&world, &path, &body).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key("retry-after"));
    for (digest, content) in &world.snapshot.contents {
        world.app().revisions.load(*digest, content, &Facts::default()).unwrap();
    }
    assert_eq!(
        person.browser.post(&world, &path, &body).await.status,
        StatusCode::SEE_OTHER,
        "the same post works"
    );
}

#[tokio::test]
async fn j_15_a_forbidden_node_kind_stops_running_journeys_and_new_ones() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let body = person.filling(&world, &path).await;
    let mut next = world.snapshot.clone();
    next.tenant.policy =
        Some(Policy { forbidden_node_kinds: vec!["oneTimeCode".to_owned()], ..Policy::default() });
    world.install(next);
    assert_eq!(person.browser.post(&world, &path, &body).await.status, StatusCode::GONE);
    let answer = person.browser.get(&world, &authorize_path("")).await;
    let location = answer.location().unwrap();
    assert!(
        location.starts_with("https://app.example.com/callback?error=temporarily_unavailable"),
        "{location}"
    );
}

#[tokio::test]
async fn j_15_an_application_that_is_removed_gets_no_answer_any_more() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut running = Person::new(ADA);
    let path = to_the_code(&world, &mut running).await;
    let body = running.filling(&world, &path).await;
    let mut done = Person::new(ADA);
    let arrival = done.walk(&mut world, "", &mut Calm).await;
    let mut next = world.snapshot.clone();
    next.live.clients.clear();
    world.install(next);
    assert_eq!(running.browser.post(&world, &path, &body).await.status, StatusCode::GONE);
    let page = done.browser.get(&world, &arrival.path).await;
    assert!(page.code().is_none() && !page.body.contains("app.example.com"), "{}", page.body);
}
