//! Whoever cannot go on has a way on, and a reference under which support finds the reason.

use http::StatusCode;
use http::header::COOKIE;
use idflow_core::dead_end::DeadEnd;
use idflow_core::time::Span;
use idflow_test_support::form::link;

use crate::no_double_effect::to_the_code;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser, authorize_path, exchange};
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";
const AGAIN: &str = "Start again";
const BACK: &str = "Back to";

/// A link of a page, as a browser reads it.
fn href(page: &Answer, text: &str) -> String {
    let found = link(&page.body, text).unwrap_or_else(|| panic!("no {text}: {}", page.body));
    found.replace("&amp;", "&")
}

/// The reference on a page, for which there is one audit record with this reason.
pub(crate) fn reason(world: &World, page: &Answer) -> (String, DeadEnd) {
    let reference = page.reference().unwrap_or_else(|| panic!("{}", page.body)).to_owned();
    let events = world.events.all.lock().unwrap();
    let found: Vec<_> =
        events.iter().filter(|event| event.reference.as_deref() == Some(&*reference)).collect();
    assert_eq!(found.len(), 1, "{reference}: {found:?}");
    assert_eq!(found[0].name, "visitor.stopped");
    (reference, DeadEnd::named(found[0].outcome.as_deref().unwrap()).unwrap())
}

fn value(address: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(address).unwrap();
    url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
}

/// The way back tells the application that nothing came of its request.
fn leads_back(page: &Answer) {
    let back = href(page, BACK);
    assert!(back.starts_with("https://app.example.com/callback?"), "{back}");
    assert_eq!(
        (value(&back, "error").as_deref(), value(&back, "state").as_deref()),
        (Some("access_denied"), Some("s"))
    );
}

/// The same request begins another journey.
async fn begins_anew(world: &World, browser: &mut Browser, page: &Answer) {
    let again = href(page, AGAIN);
    assert_eq!(again, authorize_path(""), "the same request");
    let begun = browser.get(world, &again).await;
    assert!(begun.location().is_some_and(|to| to.starts_with("/journeys/")), "{begun:?}");
}

#[tokio::test]
async fn j_19_an_expired_journey_leads_to_the_same_request_and_back_to_the_application() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let body = person.filling(&world, &path).await;
    world.pass(Span::minutes(21));
    let answers = [person.browser.get(&world, &path).await, person.browser.post(&world, &path, &body).await];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::GONE);
        assert!(answer.body.contains("This took too long"), "{}", answer.body);
        assert_eq!(reason(&world, &answer).1, DeadEnd::Expired);
        leads_back(&answer);
        begins_anew(&world, &mut person.browser, &answer).await;
    }
    world.pass(Span::hours(1));
    let forgotten = person.browser.get(&world, &path).await;
    assert_eq!(
        (reason(&world, &forgotten).1, href(&forgotten, AGAIN)),
        (DeadEnd::NothingKnown, "/".to_owned())
    );
}

#[tokio::test]
async fn an_expired_journey_that_nobody_asked_for_leads_to_its_flow() {
    let world = World::new(1).await;
    let mut browser = Browser::new();
    let begun = browser.get(&world, "/flows/sign-in?x=a%20b&y=%26").await;
    let path = begun.location().unwrap().to_owned();
    world.pass(Span::minutes(21));
    let page = browser.get(&world, &path).await;
    assert_eq!(href(&page, AGAIN), "/flows/sign-in?x=a+b&y=%26");
    assert!(link(&page.body, "Back to").is_none());
}

#[tokio::test]
async fn a_bookmark_leads_to_the_tenants_page_and_blocked_cookies_are_named() {
    let world = World::new(1).await;
    let path = Browser::new().authorize(&world, "").await;
    for path in [path.as_str(), "/journeys/AAAAAAAAAAAAAAAAAAAAAA", "/journeys/nonsense"] {
        let blocked = Browser::new().get(&world, path).await;
        assert!(blocked.body.contains("Allow cookies for this site"), "{}", blocked.body);
        assert_eq!((reason(&world, &blocked).1, href(&blocked, AGAIN)), (DeadEnd::NoCookies, "/".to_owned()));
        let request = Browser::new().request(http::Method::GET, path).header(COOKIE, "other=1");
        let foreign = world.send(request.body(String::new().into()).unwrap()).await;
        assert_eq!(
            (reason(&world, &foreign).1, href(&foreign, AGAIN)),
            (DeadEnd::NothingKnown, "/".to_owned())
        );
        assert!(!foreign.body.contains("state=") && !foreign.body.contains("callback"), "{}", foreign.body);
    }
    let home = Browser::new().get(&world, "/").await;
    assert_eq!(href(&home, "Sign in"), "/flows/sign-in");
    let nowhere = Browser::new().get(&world, "/nowhere").await;
    assert_eq!((nowhere.status, href(&nowhere, AGAIN)), (StatusCode::NOT_FOUND, "/".to_owned()));
}

#[tokio::test]
async fn j_15_a_withdrawn_journey_leads_to_the_same_request_and_one_without_its_application_home() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let body = person.filling(&world, &path).await;
    let mut next = snapshot(&TENANT.replace("Welcome back", "Welcome"));
    next.withdrawn = world.snapshot.contents.keys().copied().collect();
    next.withdrawn.retain(|digest| !next.contents.contains_key(digest));
    world.install(next.clone());
    for answer in [person.browser.get(&world, &path).await, person.browser.post(&world, &path, &body).await] {
        assert_eq!(reason(&world, &answer).1, DeadEnd::Withdrawn);
        leads_back(&answer);
        begins_anew(&world, &mut person.browser, &answer).await;
    }
    world.install(snapshot(&TENANT.replace("metadata: { name: app }", "metadata: { name: other }")));
    for answer in [person.browser.get(&world, &path).await, person.browser.post(&world, &path, &body).await] {
        assert_eq!((answer.status, reason(&world, &answer).1), (StatusCode::GONE, DeadEnd::ApplicationGone));
        assert_eq!(href(&answer, AGAIN), "/");
        assert!(!answer.body.contains("app.example.com"), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_failed_journey_leads_back_to_the_application() {
    let world = World::new(1).await;
    let user = world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let body = person.filling(&world, &path).await;
    world.lock(user).await;
    person.browser.post(&world, &path, &body).await;
    let last = person.browser.get(&world, &path).await;
    assert_eq!((last.status, reason(&world, &last).1), (StatusCode::OK, DeadEnd::Failed));
    leads_back(&last);
}

#[tokio::test]
async fn a_last_page_without_a_session_leads_back_to_the_application_that_waits() {
    let manifests = TENANT.replacen(
        "exists: failed }\n    - id: newPassword",
        "exists: known }\n    - { id: known, complete: {} }\n    - id: newPassword",
        1,
    );
    assert_ne!(manifests, TENANT);
    let world = World::serving(1, snapshot(&manifests)).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "&prompt=create").await;
    person.answers(&world, &path, 2).await;
    let last = person.browser.get(&world, &path).await;
    assert!(last.body.contains("All done"), "{}", last.body);
    leads_back(&last);
}

#[tokio::test]
async fn a_post_that_is_refused_leads_back_to_its_page() {
    let world = World::new(1).await;
    let mut browser = Browser::new();
    let path = browser.authorize(&world, "").await;
    let unreadable = browser.post(&world, &path, "a=b").await;
    assert_eq!(
        (unreadable.status, reason(&world, &unreadable).1),
        (StatusCode::BAD_REQUEST, DeadEnd::Unreadable)
    );
    assert_eq!(href(&unreadable, AGAIN), path);
    let request = browser.request(http::Method::POST, &path).header("origin", "https://evil.example");
    let foreign = world.send(request.body("token=x".into()).unwrap()).await;
    assert_eq!((foreign.status, reason(&world, &foreign).1), (StatusCode::FORBIDDEN, DeadEnd::AnotherOrigin));
    assert_eq!(href(&foreign, "Continue"), path);
}

#[tokio::test]
async fn o_6_a_code_that_is_fetched_late_is_issued_late_and_a_used_one_never_again() {
    for late in [Span::seconds(0), Span::seconds(61), Span::minutes(5), Span::minutes(9)] {
        let world = World::new(1).await;
        world.user(ADA).await;
        let mut person = Person::new(ADA);
        let path = person.browser.authorize(&world, "").await;
        person.answers(&world, &path, 3).await;
        world.pass(late);
        let code = person.browser.get(&world, &path).await.code().unwrap_or_else(|| panic!("late by {late}"));
        assert_eq!(exchange(&world, &code).await.status, StatusCode::OK, "late by {late}");
        let later = person.browser.get(&world, &path).await;
        assert_eq!(later.code(), None, "late by {late}");
        assert_eq!(exchange(&world, &code).await.status, StatusCode::BAD_REQUEST);
        if later.status == StatusCode::OK {
            assert_eq!(href(&later, BACK), "https://app.example.com", "{}", later.body);
        }
    }
}

#[tokio::test]
async fn a_late_code_is_not_for_who_may_not_sign_in_any_more() {
    let world = World::new(1).await;
    let user = world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    person.answers(&world, &path, 3).await;
    world.pass(Span::seconds(61));
    world.lock(user).await;
    assert_eq!(person.browser.get(&world, &path).await.code(), None);
}

#[tokio::test]
async fn l_4_a_reference_is_random_and_opens_nothing() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let page = Browser::new().get(&world, "/journeys/AAAAAAAAAAAAAAAAAAAAAA").await;
        let (reference, _) = reason(&world, &page);
        assert!(reference.len() == 10 && reference.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        for path in [
            format!("/{reference}"),
            format!("/journeys/{reference}"),
            format!("/flows/{reference}"),
            format!("/?reference={reference}"),
        ] {
            let answer = person.browser.get(&world, &path).await;
            assert!(
                !answer.body.contains("nothingKnown") && answer.status != StatusCode::SEE_OTHER,
                "{path}"
            );
        }
        assert!(seen.insert(reference));
    }
}
