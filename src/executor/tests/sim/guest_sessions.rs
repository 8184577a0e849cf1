//! A session for nobody is opened where the Tenant allows guests and nowhere else (design 5 and 8).

use http::StatusCode;
use idflow_api::condition::time;
use idflow_api::tenant::{Guests, Policy};
use idflow_core::digest::Digest;
use idflow_core::time::Span;
use idflow_executor::report::Refusal;
use idflow_executor::source::Snapshot;

use crate::faults::Kind;
use crate::leaving::{ADA, SignedIn};
use crate::visitor::{Browser, authorize_path};
use crate::world::{TENANT, World, snapshot};

const VISIT: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: visit }
spec:
  type: Login
  start: hello
  texts: { hello: { en: Hello } }
  steps:
    - { id: hello, message: { text: hello }, outcomes: { next: done } }
    - { id: done, complete: { subject: Guest } }
";

fn with_guests(guests: Option<Guests>) -> Snapshot {
    let allowing = TENANT.replace("  limits: {", "  policy: { guests: Allowed }\n  limits: {");
    let mut snapshot = snapshot(&(allowing + VISIT));
    snapshot.tenant.policy = Some(Policy { guests, ..Policy::default() });
    snapshot
}

/// Begins a visit and answers its only page.
async fn visit(world: &World) -> StatusCode {
    let mut browser = Browser::new();
    let begun = browser.get(world, "/flows/visit").await;
    let Some(path) = begun.location().map(str::to_owned) else { return begun.status };
    let token = browser.get(world, &path).await.token().expect("a page");
    browser.post(world, &path, &format!("token={token}&action=next")).await.status
}

#[tokio::test]
async fn a_guest_gets_a_session_where_the_tenant_allows_guests() {
    let world = World::serving(1, with_guests(Some(Guests::Allowed))).await;
    assert_eq!(visit(&world).await, StatusCode::SEE_OTHER);
    assert_eq!(world.count(Kind::Session).await, 1);
}

#[tokio::test]
async fn without_the_tenants_word_a_flow_for_guests_is_out_of_service() {
    for guests in [None, Some(Guests::Refused)] {
        let world = World::serving(1, with_guests(guests)).await;
        assert_eq!(visit(&world).await, StatusCode::SERVICE_UNAVAILABLE);
        let refused = world.report().refused;
        let reason = "step done opens a session for a guest, and the tenant does not allow guests";
        assert_eq!((refused[0].state, refused[0].reason.as_str()), (Refusal::Forbidden, reason));
        assert!(world.is_open());
    }
}

#[tokio::test]
async fn a_revision_that_does_not_say_for_whom_it_is_opens_no_session_for_a_guest() {
    let mut next = with_guests(None);
    next.facts.clear();
    let world = World::serving(1, next).await;
    assert_eq!(visit(&world).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.count(Kind::Session).await, 0);
}

#[tokio::test]
async fn a_served_flow_for_guests_goes_on_for_the_grace() {
    let mut next = with_guests(None);
    let mut world = World::serving(1, next.clone()).await;
    for entry in next.flows.iter_mut().flat_map(|flow| &mut flow.entries) {
        entry.policy_grace_until = Some(time(world.now().plus(Span::hours(1))));
    }
    world.install(next);
    assert_eq!(visit(&world).await, StatusCode::SEE_OTHER);
    world.pass(Span::hours(1));
    assert_eq!(visit(&world).await, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(world.count(Kind::Session).await, 1);
}

/// The visit without its page, as an earlier release took it.
fn without_a_page() -> Snapshot {
    let mut snapshot = with_guests(Some(Guests::Allowed));
    let flow = snapshot.flows.iter_mut().find(|flow| flow.flow == "visit").unwrap();
    let before: Digest = flow.entries[0].digest.parse().unwrap();
    let content = snapshot.contents[&before].replace("\"start\":\"hello\"", "\"start\":\"done\"");
    assert_ne!(content, snapshot.contents[&before]);
    let digest = Digest::of(&content);
    flow.entries[0].digest = digest.to_string();
    let facts = snapshot.facts[&before].clone();
    snapshot.facts.insert(digest, facts);
    snapshot.contents.insert(digest, content);
    snapshot
}

#[tokio::test]
async fn an_application_whose_flow_opens_sessions_by_a_link_hears_of_it_at_its_own_address() {
    let mut next = without_a_page();
    for flow in &mut next.flows {
        flow.default = flow.flow == "visit";
    }
    let world = World::serving(1, next).await;
    let answer = Browser::new().get(&world, &authorize_path("")).await;
    let location = answer.location().unwrap_or_else(|| panic!("{answer:?}"));
    assert!(location.starts_with("https://app.example.com/callback?"), "{location}");
    assert!(
        location.contains("error=temporarily_unavailable") || location.contains("error=server_error"),
        "{location}"
    );
    assert_eq!(world.count(Kind::Session).await, 0);
}

#[tokio::test]
async fn j_11_no_link_opens_a_session_or_ends_the_visitors_own() {
    let mut world = World::serving(1, without_a_page()).await;
    world.user(ADA).await;
    let mut ada = SignedIn::at(&mut world).await;
    let before = ada.browser.cookies.clone();
    let answer = ada.browser.get(&world, "/flows/visit").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ada.browser.cookies, before);
    assert!(ada.has_session(&world).await && ada.has_tokens(&world).await);
    assert_eq!(world.count(Kind::Session).await, 1);
}
