//! Who signs in where somebody is signed in: the session of the same person goes on under another secret, that of anybody
//! else is over. Either way the cookie before is worth nothing, and signing out ends all that came of this browser's
//! sign-ins (checklist J-8, O-37).

use http::StatusCode;
use idflow_core::block::BlockTarget;
use idflow_core::time::Span;
use idflow_test_support::form::link;
use serde_json::Value;

use crate::leaving::{ADA, ASKS, SIGNED_OUT, SignedIn, followed, logout, says_yes, serving};
use crate::leaving_always::{ENDS, with};
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser, authorize_path, exchange, refresh, userinfo};
use crate::world::{TENANT, World, snapshot};

const BOB: &str = "bob@example.com";
const SESSION: &str = "idflow-session";

/// Somebody signs in at the browser of somebody who is signed in.
async fn signs_in(world: &mut World, at: &SignedIn, address: &str, more: &str) -> SignedIn {
    let mut person = Person::at(at.browser.clone(), address);
    let code = person.walk(world, more, &mut Calm).await.code();
    SignedIn { browser: person.browser, tokens: exchange(world, &code).await.json() }
}

fn ended(world: &World) -> Vec<Option<idflow_core::id::UserId>> {
    let events = world.events.all.lock().unwrap();
    events.iter().filter(|event| event.name == "session.ended").map(|event| event.user).collect()
}

#[tokio::test]
async fn j_8_after_a_step_up_the_cookie_before_is_void_and_what_it_gave_lives_until_somebody_signs_out() {
    for (hint, more) in [("first", "&prompt=login"), ("second", "&max_age=0"), ("none", "&prompt=consent")] {
        let mut world = World::new(1).await;
        world.user(ADA).await;
        let first = SignedIn::at(&mut world).await;
        let mut second = signs_in(&mut world, &first, ADA, more).await;
        assert_ne!(first.browser.cookies[SESSION], second.browser.cookies[SESSION]);
        assert!(!first.has_session(&world).await && second.has_session(&world).await, "{more}");
        assert!(first.has_tokens(&world).await && second.has_tokens(&world).await, "{more}");
        assert!(ended(&world).is_empty());
        let mut third = signs_in(&mut world, &second, ADA, more).await;
        std::mem::swap(&mut second, &mut third);
        let path = match hint {
            "first" => logout(&[("id_token_hint", first.hint())]),
            "second" => logout(&[("id_token_hint", third.hint())]),
            _ => "/oauth2/logout".to_owned(),
        };
        let mut answer = second.browser.get(&world, &path).await;
        if hint == "none" {
            answer = says_yes(&world, &mut second.browser, &answer).await;
        }
        assert!(answer.body.contains(SIGNED_OUT), "{hint}: {answer:?}");
        assert!(!second.has_session(&world).await, "{hint}");
        for (name, one) in [("first", &first), ("second", &third), ("third", &second)] {
            assert!(!one.has_tokens(&world).await, "{name} after {hint}");
        }
    }
}

#[tokio::test]
async fn j_8_the_session_of_somebody_else_ends_when_another_person_signs_in() {
    let mut world = World::new(1).await;
    let (ada, _) = (world.user(ADA).await, world.user(BOB).await);
    let first = SignedIn::at(&mut world).await;
    let second = signs_in(&mut world, &first, BOB, "&prompt=login").await;
    assert!(!first.has_session(&world).await && !first.has_tokens(&world).await);
    assert!(second.has_session(&world).await && second.has_tokens(&world).await);
    assert_eq!(ended(&world), [Some(ada)]);
    let stored = world.stored_events().await;
    assert!(stored.iter().any(|event| event.name == "session.ended" && event.user == Some(ada)));
    let id = |signed_in: &SignedIn| signed_in.browser.cookies[SESSION].split('.').next().unwrap().to_owned();
    assert_ne!(id(&first), id(&second));
}

/// The account that a page shows.
fn account(page: &Answer) -> Option<&str> {
    let shown = page.body.split_once("<p class=\"identity\">")?.1.split_once("<bdi>")?.1;
    Some(shown.split_once("</bdi>")?.0)
}

#[tokio::test]
async fn o_37_a_yes_counts_for_the_account_that_the_page_has_named_and_for_no_other() {
    for manifests in [TENANT.to_owned(), with("out", ENDS)] {
        let (mut world, mut ada) = serving(&manifests).await;
        world.user(BOB).await;
        assert_eq!(account(&ada.browser.get(&world, "/").await), Some(ADA));
        let begun = ada.browser.get(&world, "/oauth2/logout").await;
        let asked = followed(&world, &mut ada.browser, begun).await;
        assert_eq!(account(&asked), Some(ADA), "{asked:?}");

        let mut bob = signs_in(&mut world, &ada, BOB, "&prompt=login").await;
        let said = says_yes(&world, &mut bob.browser, &asked).await;
        let again = followed(&world, &mut bob.browser, said).await;
        assert!(again.body.contains(ASKS) && bob.has_session(&world).await, "{again:?}");
        assert_eq!(account(&again), Some(BOB), "{again:?}");
        assert!(account(&bob.browser.get(&world, "/").await) == Some(BOB) && bob.has_tokens(&world).await);

        let said = says_yes(&world, &mut bob.browser, &again).await;
        followed(&world, &mut bob.browser, said).await;
        assert!(!bob.has_session(&world).await && !bob.has_tokens(&world).await);
        assert_eq!(account(&bob.browser.get(&world, "/").await), None);
    }
}

#[tokio::test]
async fn o_37_a_yes_counts_also_after_the_same_person_has_signed_in_once_more() {
    for manifests in [TENANT.to_owned(), with("out", ENDS)] {
        let (mut world, mut ada) = serving(&manifests).await;
        let begun = ada.browser.get(&world, "/oauth2/logout").await;
        let asked = followed(&world, &mut ada.browser, begun).await;
        let mut ada = signs_in(&mut world, &ada, ADA, "&prompt=login").await;
        let said = says_yes(&world, &mut ada.browser, &asked).await;
        let last = followed(&world, &mut ada.browser, said).await;
        assert!(!last.body.contains(ASKS) && !ada.has_session(&world).await, "{last:?}");
    }
}

#[tokio::test]
async fn o_37_whoever_is_switched_off_signs_out_all_the_same() {
    for is_asked in [false, true] {
        let mut world = World::new(1).await;
        let user = BlockTarget::User(world.user(ADA).await);
        let mut ada = SignedIn::at(&mut world).await;
        let store = world.app().store.clone();
        store.commit(world.nothing_read().block(user.clone())).await.unwrap();
        let path =
            if is_asked { "/oauth2/logout".to_owned() } else { logout(&[("id_token_hint", ada.hint())]) };
        let mut browser = ada.browser.clone();
        let mut answer = browser.get(&world, &path).await;
        if is_asked {
            answer = says_yes(&world, &mut browser, &answer).await;
        }
        assert!(answer.body.contains(SIGNED_OUT), "{answer:?}");
        store.commit(world.nothing_read().unblock(&user)).await.unwrap();
        assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await);
        // Of somebody else who signs in over a switched off person nothing else is true.
        ada = SignedIn::at(&mut world).await;
        store.commit(world.nothing_read().block(user.clone())).await.unwrap();
        world.user(BOB).await;
        signs_in(&mut world, &ada, BOB, "").await;
        store.commit(world.nothing_read().unblock(&user)).await.unwrap();
        assert!(!ada.has_session(&world).await && !ada.has_tokens(&world).await);
    }
}

const ALONE: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: alone }
spec:
  type: Login
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: others } }
    - { id: others, endSessions: { whose: Person }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

#[tokio::test]
async fn whoever_ends_all_other_sessions_by_signing_in_stays_known_here() {
    let mut world = World::serving(1, snapshot(&format!("{TENANT}{ALONE}"))).await;
    world.user(ADA).await;
    let elsewhere = SignedIn::at(&mut world).await;
    let mut ada = Person::new(ADA);
    let start = ada.browser.get(&world, "/flows/alone").await;
    let path = start.location().unwrap().to_owned();
    let body = ada.filling(&world, &path).await;
    assert_eq!(ada.browser.post(&world, &path, &body).await.status, StatusCode::SEE_OTHER);
    assert!(!elsewhere.has_session(&world).await && !elsewhere.has_tokens(&world).await);
    let silent = ada.browser.clone().get(&world, &authorize_path("")).await;
    assert!(silent.location().is_some_and(|to| to.contains("code=")), "{silent:?}");
    let device = |browser: &Browser| {
        browser.cookies.iter().find(|(name, _)| name.contains("device")).map(|(_, value)| value.clone())
    };
    let before = device(&ada.browser);
    ada.walk(&mut world, "&prompt=login", &mut Calm).await.code();
    assert!(before.is_some() && device(&ada.browser) == before, "it is the same device as before");
}

/// Two tabs of one browser, each with only the last page left to answer after so many: addresses and bodies.
async fn two_tabs(world: &World, people: [&str; 2], pages: usize) -> (Browser, [(String, String); 2]) {
    let mut browser = Browser::new();
    let mut tabs = Vec::new();
    for address in people {
        let mut person = Person::at(browser, address);
        let path = person.browser.authorize(world, "").await;
        person.answers(world, &path, pages).await;
        let body = person.filling(world, &path).await;
        browser = person.browser;
        tabs.push((path, body));
    }
    (browser, tabs.try_into().unwrap())
}

/// Finishes them before the answer to either has arrived; the answers arrive in one or the other order. Gives the
/// browser and what each tab's application gets.
async fn finishes(
    (world, pages): (&World, usize),
    people: [&str; 2],
    is_first_last: bool,
) -> (Browser, Vec<Value>) {
    let (mut browser, [one, other]) = two_tabs(world, people, pages).await;
    let (mut first, mut second) = (browser.clone(), browser.clone());
    let answers = tokio::join!(first.post(world, &one.0, &one.1), second.post(world, &other.0, &other.1));
    let answers = if is_first_last { [answers.1, answers.0] } else { [answers.0, answers.1] };
    for answer in &answers {
        browser.take_cookies(answer);
    }
    let mut given = Vec::new();
    for (path, _) in [one, other] {
        if let Some(code) = browser.get(world, &path).await.code() {
            given.push(exchange(world, &code).await.json());
        }
    }
    (browser, given)
}

/// A sign-in whose last page shows a factor, so that its cookie changes with the last answer, or one that ends with
/// another page; and the number of pages before the last.
async fn sign_in(ends_with_factor: bool) -> (World, usize) {
    if ends_with_factor {
        let manifests = TENANT.replace("next: welcome, locked", "next: done, locked");
        (World::serving(1, snapshot(&manifests)).await, 1)
    } else {
        (World::new(1).await, 2)
    }
}

const EITHER_WAY: [(bool, bool); 4] = [(false, false), (false, true), (true, false), (true, true)];

#[tokio::test]
async fn j_8_two_tabs_that_finish_at_the_same_moment_leave_one_session_that_can_be_ended() {
    for (is_first_last, ends_with_factor) in EITHER_WAY {
        let (world, pages) = sign_in(ends_with_factor).await;
        world.user(ADA).await;
        let (browser, given) = finishes((&world, pages), [ADA, ADA], is_first_last).await;
        let mut tabs = given.into_iter().map(|tokens| SignedIn { browser: browser.clone(), tokens });
        let (mut one, other) = (tabs.next().unwrap(), tabs.next().unwrap());
        assert!(one.has_session(&world).await, "{is_first_last}");
        assert!(one.has_tokens(&world).await && other.has_tokens(&world).await);
        let answer = one.browser.get(&world, &logout(&[("id_token_hint", one.hint())])).await;
        assert!(answer.body.contains(SIGNED_OUT), "{answer:?}");
        assert!(!one.has_tokens(&world).await && !other.has_tokens(&world).await, "{is_first_last}");
    }
}

#[tokio::test]
async fn j_8_of_two_people_who_finish_at_one_browser_at_the_same_moment_one_stays() {
    for (is_first_last, ends_with_factor) in EITHER_WAY {
        let (world, pages) = sign_in(ends_with_factor).await;
        let people = [world.user(ADA).await, world.user(BOB).await];
        let (_, given) = finishes((&world, pages), [ADA, BOB], is_first_last).await;
        assert_eq!(given.len(), 1, "{given:?}");
        assert_eq!(userinfo(&world, &given[0]).await.status, StatusCode::OK);
        let ended = ended(&world);
        assert!(ended == [Some(people[0])] || ended == [Some(people[1])], "{ended:?}");
    }
}

/// Gives the page at which somebody's journey has expired, begun by this request.
async fn expired(world: &World, browser: &mut Browser, more: &str) -> String {
    let path = browser.authorize(world, more).await;
    world.pass(Span::minutes(21));
    let page = browser.get(world, &path).await;
    link(&page.body, "Start again").unwrap_or_else(|| panic!("{page:?}")).replace("&amp;", "&")
}

#[tokio::test]
async fn o_28_whoever_starts_again_is_still_the_one_who_was_meant() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    world.user(BOB).await;
    let ada = SignedIn::at(&mut world).await;
    let mut bob = Person::new(BOB);
    bob.walk(&mut world, "", &mut Calm).await.code();
    let hint = format!("&id_token_hint={}", ada.hint());
    let again = expired(&world, &mut bob.browser, &hint).await;
    assert!(!again.contains(ada.hint()) && !again.contains("id_token_hint"), "{again}");
    let begun = bob.browser.clone().get(&world, &again).await;
    assert!(begun.location().is_some_and(|to| to.starts_with("/journeys/")), "not Bob's session: {begun:?}");
    let silent = ada.browser.clone().get(&world, &again).await;
    assert!(silent.location().is_some_and(|to| to.contains("code=")), "{silent:?}");
    let without = expired(&world, &mut Browser::new(), "").await;
    let silent = bob.browser.clone().get(&world, &without).await;
    assert!(silent.location().is_some_and(|to| to.contains("code=")), "{silent:?}");
}

#[tokio::test]
async fn o_27_a_clock_that_is_set_back_in_mid_journey_stops_nobody() {
    let world = World::new(1).await;
    world.user(ADA).await;
    for more in ["&prompt=login", "&max_age=60"] {
        let mut ada = Person::new(ADA);
        let path = ada.browser.authorize(&world, more).await;
        world.pass(Span::minutes(-10));
        let page = loop {
            let page = ada.browser.get(&world, &path).await;
            if page.form().is_none() {
                break page;
            }
            let form = ada.filled(&world, &page);
            let posted = ada.browser.post(&world, &path, &form.encoded()).await;
            assert_eq!(posted.status, StatusCode::SEE_OTHER, "{more}: {posted:?}");
        };
        assert!(page.code().is_some(), "{more}: {page:?}");
        world.pass(Span::hours(1));
    }
}

#[tokio::test]
async fn o_37_what_was_given_while_the_clock_was_ahead_stays_ended_for_as_long_as_it_lives() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let ahead = Span::hours(10 * 24);
    world.pass(ahead);
    let mut ada = SignedIn::at(&mut world).await;
    world.pass(Span(-ahead.0));
    let answer = ada.browser.get(&world, &logout(&[("id_token_hint", ada.hint())])).await;
    assert!(answer.body.contains(SIGNED_OUT), "{answer:?}");
    for _ in 0..13 {
        assert_eq!(refresh(&world, &ada.tokens).await.json()["error"], "invalid_grant", "{:?}", world.now());
        world.pass(Span::hours(3 * 24));
    }
}
