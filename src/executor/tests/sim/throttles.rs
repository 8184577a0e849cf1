//! Guessing: limits per account and factor, alike for known and unknown names (checklist P-7 to P-9, E-1, E-3, J-16).

use futures_util::future::join_all;
use http::StatusCode;
use idflow_core::time::Span;

use crate::faults::Kind;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, World};

const ADA: &str = "ada@example.com";

/// What a page says of a wrong name or password.
const WRONG: &str = "This does not match";
const NOBODY: &str = "eve@example.com";

/// One guess in a journey of its own; returns the bare answer and the page after it.
async fn guess(world: &World, host: u8, name: &str, password: &str) -> (Answer, Answer) {
    let mut browser = Browser { peer: ([192, 0, 2, host], 1).into(), ..Browser::new() };
    let path = browser.authorize(world, "").await;
    let page = browser.get(world, &path).await;
    let body = page.form().unwrap().fill("username", name).fill("password", password).encoded();
    let answer = browser.post(world, &path, &body).await;
    let after = browser.get(world, &path).await;
    (answer, after)
}

/// What somebody sees who compares pages: everything but what is random or what they entered themselves.
fn shape(page: &Answer, name: &str) -> (StatusCode, String) {
    let token = page.token().unwrap_or_default();
    let text = page.body.replace(&token, "").replace(name, "");
    let text = page.reference().map_or(text.clone(), |reference| text.replace(reference, ""));
    let nonce =
        text.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("-").to_owned();
    let words = text.replace(&nonce, "");
    let action = words.find("/journeys/").map(|at| words[at..at + 32].to_owned());
    (page.status, action.map_or(words.clone(), |action| words.replace(&action, "")))
}

#[tokio::test]
async fn p_7_ten_wrong_guesses_lock_known_and_unknown_names_alike() {
    let world = World::new(1).await;
    world.user(ADA).await;
    for number in 0..12 {
        let (known, known_page) = guess(&world, 1, ADA, "wrong").await;
        let (unknown, unknown_page) = guess(&world, 2, NOBODY, "wrong").await;
        assert_eq!(known.status, unknown.status);
        assert_eq!(shape(&known_page, ADA), shape(&unknown_page, NOBODY), "guess {number}");
        assert_eq!(known_page.form().is_some(), number < 10, "guess {number}: {}", known_page.body);
    }
    let (_, page) = guess(&world, 3, " Ada@Example.com ", PASSWORD).await;
    assert!(page.form().is_none(), "j_16: another spelling and address meet the same counter, even rightly");
}

#[tokio::test]
async fn p_8_the_account_opens_again_by_itself() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    for _ in 0..30 {
        guess(&world, 1, ADA, "wrong").await;
    }
    world.pass(Span::minutes(10));
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
}

#[tokio::test]
async fn p_7_a_success_clears_the_counter_of_its_own_factor_only() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    for round in 0..3 {
        for _ in 0..9 {
            guess(&world, 1, ADA, "wrong").await;
        }
        Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
        assert_eq!(world.count(Kind::Session).await, round + 1);
    }
}

#[tokio::test]
async fn p_9_two_hundred_guesses_at_once_are_ten_verdicts() {
    for name in [ADA, NOBODY] {
        let world = World::new(1).await;
        world.user(ADA).await;
        let host = |n: u8| n / 4 + 1;
        let pages = join_all((0..200_u8).map(|n| guess(&world, host(n), name, "wrong"))).await;
        let verdicts = pages.iter().filter(|(_, page)| page.body.contains(WRONG)).count();
        assert_eq!(verdicts, 10, "{name}");
        let (_, page) = guess(&world, 250, name, PASSWORD).await;
        assert!(page.form().is_none(), "{name}: the right password comes too late");
        assert_eq!(world.count(Kind::Session).await, 0);
    }
}

#[tokio::test]
async fn p_9_faults_while_counting_give_no_further_guesses() {
    let mut all = 0;
    for seed in 0..20 {
        let world = World::new(seed).await;
        world.user(ADA).await;
        world.storage.fail_often(seed, 100);
        let mut told = 0;
        for _ in 0..25 {
            told += told_wrong(&world).await;
        }
        world.storage.heal();
        assert!(told <= 10, "seed {seed}: {told} verdicts");
        all += told;
    }
    assert!(all > 20, "{all} verdicts in all");
}

#[tokio::test]
async fn t_12_a_full_counter_of_mails_is_told_on_the_page_and_sends_nothing() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = crate::no_double_effect::to_the_code(&world, &mut person).await;
    for sent in 2..9 {
        let page = person.browser.get(&world, &path).await;
        let resend = page.form().unwrap().press("resend").encoded();
        assert_eq!(person.browser.post(&world, &path, &resend).await.status, StatusCode::SEE_OTHER);
        let page = person.browser.get(&world, &path).await;
        assert_eq!(world.mails.all().len(), sent.min(5), "{}", page.body);
        assert_eq!(page.body.contains("We send no further code for now"), sent > 5, "{}", page.body);
    }
    // A journey that comes to the page when no mail may be sent any more sends nobody to look for one.
    let mut other = Person::new(ADA);
    let path = crate::no_double_effect::to_the_code(&world, &mut other).await;
    let page = other.browser.get(&world, &path).await;
    assert!(page.body.contains("we send none for now") && !page.body.contains("We sent"), "{}", page.body);
    assert_eq!(world.mails.all().len(), 5);
    world.pass(Span::minutes(10));
    person.walk(&mut world, "", &mut Calm).await.code();
}

#[tokio::test]
async fn t_12_parallel_journeys_send_no_more_mails_than_one_may() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let arrive = async |number: u8| {
        let mut person = Person::new(ADA);
        person.browser.peer = ([192, 0, 2, number], 1).into();
        let path = person.browser.authorize(&world, "").await;
        let body = person.filling(&world, &path).await;
        person.browser.post(&world, &path, &body).await.status
    };
    let posts = join_all((0..20).map(arrive)).await;
    assert!(posts.iter().all(|status| *status == StatusCode::SEE_OTHER), "{posts:?}");
    assert_eq!(world.mails.all().len(), 5);
}

#[tokio::test]
async fn lifted_limits_let_a_load_test_guess_start_and_send_as_it_likes() {
    let mut world = World::new(1).await;
    world.unlimited = true;
    world.restart().await;
    world.user(ADA).await;
    for number in 0..60 {
        let (_, page) = guess(&world, 1, ADA, "wrong").await;
        assert!(page.form().is_some(), "guess {number}: {}", page.body);
    }
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
}

/// One guess by somebody who repeats what is not available; 1 when a verdict was shown.
async fn told_wrong(world: &World) -> usize {
    let mut browser = Browser::new();
    let Some(path) =
        browser.get(world, &crate::visitor::authorize_path("")).await.location().map(str::to_owned)
    else {
        return 0;
    };
    let page = browser.get(world, &path).await;
    let Some(form) = page.form() else { return 0 };
    let body = form.fill("username", ADA).fill("password", "wrong").encoded();
    for _ in 0..3 {
        browser.post(world, &path, &body).await;
    }
    usize::from(browser.get(world, &path).await.body.contains(WRONG))
}
