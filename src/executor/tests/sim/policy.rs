//! What a Tenant's policy, and a flow's own guarantees, do to revisions, journeys and sessions (design 7 and 11).

use http::StatusCode;
use idflow_api::catalog::CatalogEntry;
use idflow_api::condition::time;
use idflow_api::flow::Guarantees;
use idflow_api::tenant::{Limits, Policy};
use idflow_core::time::Span;
use idflow_executor::report::Refusal;
use idflow_executor::source::Snapshot;

use serde_json::Value;

use crate::faults::Kind;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, authorize_path, exchange, refresh, userinfo};
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";

/// An application whose sign-in guarantees two factors; the default sign-in asks for one.
const BANK: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: { name: bank }
spec:
  redirectURIs: [https://app.example.com/callback]
  authentication: None
  flows: { login: strong }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: strong }
spec:
  type: Login
  guarantees: { factors: [pwd, otp] }
  start: password
  steps:
    - id: password
      password: { identify: true }
      outcomes: { next: code }
    - id: code
      oneTimeCode: { email: { connection: mail } }
      outcomes: { next: done }
    - id: done
      complete: {}
";

fn one_factor() -> Snapshot {
    snapshot(&(crate::pinned_revision::weaker() + BANK))
}

fn two_factors_demanded(mut snapshot: Snapshot) -> Snapshot {
    let login = Guarantees { minimum_factors: Some(2), ..Guarantees::default() };
    snapshot.tenant.policy = Some(Policy { login: Some(login), ..Policy::default() });
    snapshot.catalog += 1;
    snapshot
}

fn graced(mut snapshot: Snapshot, world: &World, grace: Span) -> Snapshot {
    for entry in snapshot.flows.iter_mut().flat_map(|flow| &mut flow.entries) {
        entry.policy_grace_until = Some(time(world.now().plus(grace)));
    }
    snapshot
}

/// A machine that serves this, where Ada has an account.
async fn serving(snapshot: Snapshot) -> World {
    let world = World::serving(1, snapshot).await;
    world.user(ADA).await;
    world
}

/// The same with Ada, who has signed in by one factor.
async fn signed_in() -> (World, Person) {
    let (mut world, mut person) = (serving(one_factor()).await, Person::new(ADA));
    person.walk(&mut world, "", &mut Calm).await;
    (world, person)
}

fn bank(more: &str) -> String {
    authorize_path(more).replace("client_id=app", "client_id=bank")
}

/// What an application is answered without anybody doing anything.
fn answered(answer: &Answer) -> &str {
    let location = answer.location().unwrap_or_else(|| panic!("no redirect: {answer:?}"));
    let after =
        |mark: &str| location.split_once(mark).map(|(_, rest)| rest.split('&').next().unwrap_or(rest));
    match (after("error="), after("code=")) {
        (Some(error), _) => error,
        (None, Some(_)) => "code",
        (None, None) if location.starts_with("/journeys/") => "journey",
        (None, None) => location,
    }
}

#[tokio::test]
async fn a_session_that_has_shown_less_than_the_flow_guarantees_is_not_used_instead_of_it() {
    let (world, mut person) = signed_in().await;
    for (path, expected) in [
        (authorize_path(""), "code"),
        (bank(""), "journey"),
        (bank("&prompt=none"), "login_required"),
        (authorize_path("&prompt=none"), "code"),
    ] {
        let answer = person.browser.get(&world, &path).await;
        assert_eq!(answered(&answer), expected, "{path}");
    }
}

#[tokio::test]
async fn a_flow_that_takes_no_new_journeys_still_says_what_a_session_is_worth() {
    let (mut world, mut person) = signed_in().await;
    let mut next = one_factor();
    next.flows.iter_mut().for_each(|flow| flow.suspended = true);
    world.install(next.clone());
    for (path, expected) in
        [(authorize_path("&prompt=none"), "code"), (bank("&prompt=none"), "login_required")]
    {
        assert_eq!(answered(&person.browser.get(&world, &path).await), expected, "{path}");
    }
    next.flows.retain(|flow| flow.default);
    next.flows.iter_mut().for_each(|flow| flow.default = false);
    world.install(next.clone());
    let answer = person.browser.get(&world, &authorize_path("&prompt=none")).await;
    assert_eq!(answered(&answer), "code", "the only flow of its type needs no mark");
    next.flows.clear();
    world.install(next);
    let answer = person.browser.get(&world, &authorize_path("&prompt=none")).await;
    assert_eq!(answered(&answer), "login_required", "without a flow nothing is sure");
}

#[tokio::test]
async fn a_session_from_before_the_policy_is_not_used_when_it_has_shown_too_little() {
    let (mut world, mut person) = signed_in().await;
    let mut next = snapshot(TENANT);
    next.contents.extend(world.snapshot.contents.clone());
    world.install(two_factors_demanded(next));
    let again = authorize_path("");
    assert_eq!(answered(&person.browser.get(&world, &again).await), "journey");
    person.walk(&mut world, "", &mut Calm).await;
    assert_eq!(answered(&person.browser.get(&world, &again).await), "code", "the new session has shown two");
}

#[tokio::test]
async fn a_flow_that_the_policy_does_not_accept_is_out_of_service_and_others_go_on() {
    let mut world = serving(one_factor()).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    let body = person.filling(&world, &path).await;
    world.install(two_factors_demanded(one_factor()));
    assert_eq!(person.browser.post(&world, &path, &body).await.status, StatusCode::GONE);
    assert_eq!(answered(&person.browser.get(&world, &authorize_path("")).await), "temporarily_unavailable");
    assert_eq!(person.browser.get(&world, "/flows/sign-in").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answered(&person.browser.get(&world, &bank("")).await), "journey");
    let report = world.report();
    let refused: Vec<_> = report.refused.iter().map(|one| (one.state, one.reason.as_str())).collect();
    let reason = "a path reaches step done without 2 different factors, which the tenant demands";
    assert!(refused.contains(&(Refusal::Forbidden, reason)), "{refused:?}");
    assert!(world.is_open(), "a policy closes no pod");
}

#[tokio::test]
async fn what_served_before_goes_on_until_the_end_of_grace_and_not_a_moment_longer() {
    let mut world = serving(one_factor()).await;
    let next = graced(two_factors_demanded(one_factor()), &world, Span::hours(1));
    world.install(next);
    assert_eq!(world.report().refused, []);
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await.code();
    assert_eq!(answered(&person.browser.get(&world, &authorize_path("")).await), "code");
    let mut late = Person::new(ADA);
    let path = late.browser.authorize(&world, "").await;
    let body = late.filling(&world, &path).await;
    // The API server is silent: the pod knows the end by itself.
    world.pass(Span::hours(1));
    assert_eq!(late.browser.post(&world, &path, &body).await.status, StatusCode::GONE);
    assert_eq!(answered(&late.browser.get(&world, &authorize_path("")).await), "temporarily_unavailable");
    assert_eq!(
        answered(&person.browser.get(&world, &authorize_path("&prompt=none")).await),
        "login_required",
        "nor is the session used that was opened in it"
    );
}

#[tokio::test]
async fn a_revision_that_does_not_say_what_it_proves_opens_no_session_that_has_shown_too_little() {
    let mut next = two_factors_demanded(one_factor());
    next.facts.clear();
    let mut world = serving(next).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    for status in [StatusCode::SEE_OTHER, StatusCode::SERVICE_UNAVAILABLE] {
        let body = person.filling(&world, &path).await;
        assert_eq!(person.browser.post(&world, &path, &body).await.status, status);
    }
    assert_eq!((world.count(Kind::Session).await, world.count(Kind::Grant).await), (0, 0));
    // The same person, where two factors are shown.
    world.install(two_factors_demanded(snapshot(TENANT)));
    person.walk(&mut world, "", &mut Calm).await.code();
}

/// What the Catalog says of a flow that was deleted: its revisions finish their journeys, and nothing is known of what
/// it once guaranteed.
fn deleted(mut snapshot: Snapshot, name: &str) -> Snapshot {
    for flow in snapshot.flows.iter_mut().filter(|flow| flow.flow == name) {
        (flow.default, flow.guarantees) = (false, None);
        flow.entries.iter_mut().for_each(|entry| entry.weight = 0);
    }
    snapshot.catalog += 1;
    snapshot
}

#[tokio::test]
async fn no_session_is_used_instead_of_a_journey_that_would_not_begin() {
    let (mut world, mut person) = signed_in().await;
    world.install(deleted(one_factor(), "strong"));
    for (path, expected) in [
        (bank("&prompt=none"), "login_required"),
        (bank(""), "temporarily_unavailable"),
        (authorize_path("&prompt=none"), "code"),
    ] {
        assert_eq!(answered(&person.browser.get(&world, &path).await), expected, "{path}");
    }
    // A flow that only finishes its journeys does not stand beside the only one that takes new ones.
    world.install(deleted(one_factor(), "sign-in"));
    let answer = person.browser.get(&world, &authorize_path("&prompt=none")).await;
    assert_eq!(answered(&answer), "login_required", "the other flow guarantees more");
    assert_eq!(answered(&Person::new(ADA).browser.get(&world, &authorize_path("")).await), "journey");
}

/// What serves now shows two factors, as the policy demands; what served before is listed behind it.
fn replaced(world: &World) -> Snapshot {
    let mut next = two_factors_demanded(snapshot(TENANT));
    next.contents.extend(world.snapshot.contents.clone());
    next.facts.extend(world.snapshot.facts.clone());
    for flow in &mut next.flows {
        let before = world.snapshot.flows.iter().filter(|before| before.flow == flow.flow);
        let mut behind: Vec<_> = before.flat_map(|before| before.entries.clone()).collect();
        behind.retain(|one| flow.entries.iter().all(|entry| entry.digest != one.digest));
        flow.entries.extend(behind.into_iter().map(|entry| CatalogEntry { weight: 0, ..entry }));
    }
    next
}

fn graced_for(mut snapshot: Snapshot, world: &World, grace: Span) -> Snapshot {
    snapshot.tenant.policy.get_or_insert_default().grace = Some(grace);
    graced(snapshot, world, grace)
}

/// The same for what takes new journeys alone.
fn graced_while_serving(snapshot: Snapshot, world: &World, grace: Span) -> Snapshot {
    let mut snapshot = graced_for(snapshot, world, grace);
    for entry in
        snapshot.flows.iter_mut().flat_map(|flow| &mut flow.entries).filter(|entry| entry.weight == 0)
    {
        entry.policy_grace_until = None;
    }
    snapshot
}

/// Ada, who signed in by one factor before two were demanded, with her tokens and what demands two.
async fn outgrown() -> (World, Person, Value, Snapshot) {
    let mut world = serving(one_factor()).await;
    let mut person = Person::new(ADA);
    let code = person.walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    let demanded = replaced(&world);
    world.install(demanded.clone());
    world.pass(Span::minutes(1));
    (world, person, tokens, demanded)
}

#[tokio::test]
async fn a_grace_that_is_carried_on_is_for_journeys_under_way_and_for_no_session_that_shows_too_little() {
    let mut world = serving(one_factor()).await;
    let (mut early, mut late) = (Person::new(ADA), Person::new(ADA));
    let code = early.walk(&mut world, "", &mut Calm).await.code();
    let before = exchange(&world, &code).await.json();
    world.pass(Span::minutes(1));
    let path = late.browser.authorize(&world, "").await;
    let next = graced_for(replaced(&world), &world, Span::hours(1));
    world.install(next);
    for _page in ["the password", "the welcome"] {
        let body = late.filling(&world, &path).await;
        assert_eq!(late.browser.post(&world, &path, &body).await.status, StatusCode::SEE_OTHER);
    }
    let end = late.browser.get(&world, &path).await;
    let code = end.code().expect("the journey finishes on its own revision");
    let tokens = exchange(&world, &code).await.json();
    assert_eq!(userinfo(&world, &tokens).await.status, StatusCode::OK);
    for person in [&mut early, &mut late] {
        assert_eq!(answered(&person.browser.get(&world, &authorize_path("")).await), "journey");
    }
    assert_eq!(
        userinfo(&world, &before).await.status,
        StatusCode::UNAUTHORIZED,
        "that one can show more now"
    );
    world.pass(Span::hours(1));
    assert_eq!(refresh(&world, &tokens).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_grace_of_what_serves_is_none_of_what_finishes_behind_it() {
    let mut world = World::serving(1, one_factor()).await;
    world.user(ADA).await;
    let (mut early, mut late) = (Person::new(ADA), Person::new(ADA));
    let code = early.walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    world.pass(Span::minutes(1));
    let path = late.browser.authorize(&world, "").await;
    let next = graced_while_serving(replaced(&world), &world, Span::hours(1));
    world.install(next);
    assert_eq!(late.browser.get(&world, &path).await.status, StatusCode::GONE, "its own grace is over");
    assert_eq!(userinfo(&world, &tokens).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answered(&early.browser.get(&world, &authorize_path("")).await), "journey");
}

#[tokio::test]
async fn what_an_application_holds_goes_on_in_the_grace_and_ends_with_it() {
    let mut world = serving(one_factor()).await;
    let mut person = Person::new(ADA);
    let code = person.walk(&mut world, "", &mut Calm).await.code();
    let first = exchange(&world, &code).await.json();
    let answer = person.browser.get(&world, &authorize_path("")).await;
    let by_session = exchange(&world, &answer.code().expect("a code")).await.json();
    let next = graced(two_factors_demanded(one_factor()), &world, Span::minutes(3));
    world.install(next);
    let [first, by_session] = [refresh(&world, &first).await, refresh(&world, &by_session).await];
    let held = [first, by_session].map(|answer| {
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    });
    let unused = person.browser.get(&world, &authorize_path("")).await.code().expect("a code");
    for tokens in &held {
        assert_eq!(userinfo(&world, tokens).await.status, StatusCode::OK);
    }
    world.pass(Span::minutes(3));
    for tokens in &held {
        let answer = refresh(&world, tokens).await;
        assert_eq!(
            (answer.status, answer.json()["error"].clone()),
            (StatusCode::BAD_REQUEST, "invalid_grant".into())
        );
        assert_eq!(userinfo(&world, tokens).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(exchange(&world, &unused).await.json()["error"], "invalid_grant");
    // An administrator who thinks better of it has lost nothing.
    let mut eased = one_factor();
    eased.catalog = world.snapshot.catalog + 1;
    world.install(eased);
    assert_eq!(refresh(&world, &held[0]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_grace_for_another_breach_brings_nothing_back_that_has_shown_too_little() {
    let (mut world, mut person, tokens, demanded) = outgrown().await;
    let forbidding = |mut snapshot: Snapshot| {
        let policy = snapshot.tenant.policy.get_or_insert_default();
        policy.forbidden_node_kinds = vec!["message".to_owned()];
        snapshot
    };
    let (steps, flows) =
        (Limits { steps: Some(1), ..Limits::default() }, Limits { flows: Some(1), ..Limits::default() });
    for (what, next) in [
        ("too many steps", limited(demanded.clone(), steps)),
        ("a forbidden kind", forbidding(demanded.clone())),
        ("too many flows, as the operator alone sees", limited(demanded, flows)),
    ] {
        let mut next = graced_for(next, &world, Span::hours(1));
        next.catalog = world.snapshot.catalog + 1;
        world.install(next);
        assert_eq!(answered(&person.browser.get(&world, &authorize_path("")).await), "journey", "{what}");
        assert_eq!(refresh(&world, &tokens).await.json()["error"], "invalid_grant", "{what}");
        assert_eq!(userinfo(&world, &tokens).await.status, StatusCode::UNAUTHORIZED, "{what}");
    }
    let mut late = Person::new(ADA);
    late.walk(&mut world, "", &mut Calm).await.code();
}

#[tokio::test]
async fn what_has_shown_enough_outlives_a_stricter_policy() {
    let mut world = serving(snapshot(TENANT)).await;
    let code = Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    world.install(two_factors_demanded(snapshot(TENANT)));
    assert_eq!(refresh(&world, &tokens).await.status, StatusCode::OK);
}

fn limited(mut snapshot: Snapshot, limits: Limits) -> Snapshot {
    snapshot.tenant.limits = Some(limits);
    snapshot.catalog += 1;
    snapshot
}

#[tokio::test]
async fn a_limit_on_steps_that_is_lowered_counts_for_what_was_minted_before() {
    let mut world = serving(one_factor()).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    let body = person.filling(&world, &path).await;
    let limits = Limits { steps: Some(1), ..Limits::default() };
    let next = graced(limited(one_factor(), limits.clone()), &world, Span::minutes(5));
    world.install(next);
    assert_eq!(world.report().refused, []);
    world.install(limited(one_factor(), limits));
    assert_eq!(person.browser.post(&world, &path, &body).await.status, StatusCode::GONE);
    assert_eq!(answered(&person.browser.get(&world, &authorize_path("")).await), "temporarily_unavailable");
    let refused = world.report().refused;
    let is_told = |one: &idflow_executor::report::RefusedRevision| {
        one.state == Refusal::Forbidden && one.reason == "the tenant allows 1 steps per flow"
    };
    assert!(!refused.is_empty() && refused.iter().all(is_told), "{refused:?}");
}

#[tokio::test]
async fn a_limit_on_sessions_that_is_lowered_counts_for_open_ones() {
    let (mut world, mut person) = signed_in().await;
    world.pass(Span::minutes(31));
    let silent = authorize_path("&prompt=none");
    assert_eq!(answered(&person.browser.get(&world, &silent).await), "code");
    let limits = Limits { session_lifetime: Some(Span::minutes(30)), ..Limits::default() };
    world.install(limited(one_factor(), limits));
    assert_eq!(answered(&person.browser.get(&world, &silent).await), "login_required");
}

#[tokio::test]
async fn a_stricter_demand_brings_nothing_back_that_was_too_weak_before() {
    let (mut world, mut person, tokens, demanded) = outgrown().await;
    let look = async |world: &World, person: &mut Person| {
        let silent = person.browser.get(world, &authorize_path("&prompt=none")).await;
        let info = userinfo(world, &tokens).await.status;
        (answered(&silent).to_owned(), info, refresh(world, &tokens).await.json()["error"].clone())
    };
    let refused = ("login_required".to_owned(), StatusCode::UNAUTHORIZED, "invalid_grant".into());
    assert_eq!(look(&world, &mut person).await, refused, "two are demanded");
    let mut next = graced_while_serving(demanded, &world, Span::hours(1));
    next.tenant.policy.get_or_insert_default().login.get_or_insert_default().minimum_factors = Some(3);
    next.catalog = world.snapshot.catalog + 1;
    world.install(next);
    assert_eq!(look(&world, &mut person).await, refused, "three are, and what shows two is in its grace");
}
