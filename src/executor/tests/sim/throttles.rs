//! Guessing: limits per account and factor, alike for known and unknown names (checklist P-7 to P-9, E-1, E-3, J-16).

use std::net::{IpAddr, Ipv6Addr};

use futures_util::future::join_all;
use http::StatusCode;
use http::header::RETRY_AFTER;
use idflow_core::id::JourneyId;
use idflow_core::journey::{Expected, Phase};
use idflow_core::time::Span;
use idflow_store::Wanted;

use crate::faults::Kind;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, World};

pub(crate) const ADA: &str = "ada@example.com";

/// What a page says of a wrong name or password.
const WRONG: &str = "This does not match";
/// The key of that text.
const MISMATCH: &str = "error-credentials-email";
pub(crate) const NOBODY: &str = "eve@example.com";

/// One guess in a journey of its own; returns the bare answer and the page after it.
pub(crate) async fn guess(world: &World, host: u8, name: &str, password: &str) -> (Answer, Answer) {
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

/// Whether a page says that no password is looked at now, and for how many seconds.
fn wait(page: &Answer) -> Option<u64> {
    let told = page.body.contains("too many wrong passwords");
    assert_eq!(told, page.status == StatusCode::TOO_MANY_REQUESTS, "{page:?}");
    let seconds = page.headers.get(RETRY_AFTER).map(|value| value.to_str().unwrap().parse().unwrap());
    assert_eq!(told, seconds.is_some(), "{page:?}");
    seconds
}

#[tokio::test]
async fn e_3_after_five_wrong_guesses_known_and_unknown_names_wait_alike() {
    let world = World::new(1).await;
    world.user(ADA).await;
    for number in 0..12 {
        let (known, known_page) = guess(&world, 1, ADA, "wrong").await;
        let (unknown, unknown_page) = guess(&world, 2, NOBODY, "wrong").await;
        assert_eq!(known.status, unknown.status);
        assert_eq!(shape(&known_page, ADA), shape(&unknown_page, NOBODY), "guess {number}");
        assert_eq!(
            (wait(&known_page), wait(&unknown_page)),
            if number < 5 { (None, None) } else { (Some(30), Some(30)) }
        );
    }
    let (_, page) = guess(&world, 3, " Ada@Example.com ", PASSWORD).await;
    assert!(wait(&page).is_some(), "j_16: another spelling and address meet the same counter, even rightly");
    world.pass(Span::seconds(30));
    for (name, host) in [(ADA, 4), (NOBODY, 5)] {
        let (_, page) = guess(&world, host, name, "wrong").await;
        assert!(page.body.contains(WRONG), "{name}");
        let (_, page) = guess(&world, host, name, "wrong").await;
        assert_eq!(wait(&page), Some(60), "{name}: the wait grows");
    }
}

#[tokio::test]
async fn p_8_the_account_opens_again_by_itself() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    for _ in 0..30 {
        guess(&world, 1, ADA, "wrong").await;
    }
    world.pass(Span::minutes(15));
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
}

#[tokio::test]
async fn p_7_a_success_clears_the_counter_of_its_own_factor_only() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    for round in 0..3 {
        for _ in 0..4 {
            guess(&world, 1, ADA, "wrong").await;
        }
        Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
        assert_eq!(world.count(Kind::Session).await, round + 1);
    }
}

/// Somebody who posts one form of theirs after the other, and looks into the records instead of at the pages: there are
/// too many.
struct Guesser {
    browser: Browser,
    path: String,
}

impl Guesser {
    async fn at(world: &World, peer: impl Into<IpAddr>) -> Self {
        let mut browser = Browser { peer: (peer.into(), 1).into(), ..Browser::new() };
        let path = browser.authorize(world, "").await;
        Self { browser, path }
    }

    /// The page that waits for a post; nothing at the journey's end.
    async fn page(&self, world: &World) -> Option<Expected> {
        let id: JourneyId = self.path.rsplit('/').next().unwrap().parse().unwrap();
        let reads = world.app().store.read(world.now(), &[Wanted::journey(&id)]).await.unwrap();
        match reads.journey(&id).unwrap().expect("a journey").phase {
            Phase::ExpectSubmission(expected) => Some(*expected),
            Phase::Ended(_) => None,
        }
    }

    /// What is told of a guess; nothing when the journey is over.
    async fn guesses(&mut self, world: &World, name: &str, password: &str) -> Option<String> {
        let token = self.page(world).await.expect("a page").token;
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs([("token", token.as_str()), ("username", name), ("password", password)]);
        let answer = self.browser.post(world, &self.path, &body.finish()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        Some(self.page(world).await?.view.problem().expect("a problem").to_owned())
    }
}

#[tokio::test]
async fn locked_means_that_the_ten_tries_of_this_journey_are_used_up() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut guesser = Guesser::at(&world, [192, 0, 2, 1]).await;
    for number in 0..10 {
        // Names are counted by themselves.
        let told = guesser.guesses(&world, &format!("{}@example.com", number / 4), "wrong").await;
        assert_eq!(told.as_deref(), Some(MISMATCH), "guess {number}");
    }
    assert_eq!(guesser.guesses(&world, ADA, PASSWORD).await, None, "it goes another way");
    let (_, page) = guess(&world, 2, ADA, PASSWORD).await;
    assert!(page.form().unwrap().has_field("code"), "the account is not concerned");
}

/// Sets a new password by the mailed code.
pub(crate) async fn reset(world: &World, browser: &mut Browser, password: &str) {
    let answer = browser.get(world, "/flows/reset").await;
    let path = answer.location().expect("a journey").to_owned();
    for _ in 0..4 {
        let Some(form) = browser.get(world, &path).await.form() else { return };
        let code = world.mails.code_for(ADA).unwrap_or_default();
        let values = [("email", ADA), ("code", code.as_str()), ("password", password)];
        let known = values.into_iter().filter(|(name, _)| form.has_field(name)).collect::<Vec<_>>();
        let form = known.into_iter().fold(form, |form, (name, value)| form.fill(name, value));
        browser.post(world, &path, &form.encoded()).await;
    }
}

/// The page that the right password leads to.
pub(crate) async fn signs_in(world: &World, browser: &mut Browser, password: &str) -> Answer {
    let path = browser.authorize(world, "&prompt=login").await;
    let form =
        browser.get(world, &path).await.form().unwrap().fill("username", ADA).fill("password", password);
    browser.post(world, &path, &form.encoded()).await;
    browser.get(world, &path).await
}

pub(crate) fn is_in(page: &Answer) -> bool {
    page.form().is_some_and(|form| form.has_field("code"))
}

#[tokio::test]
async fn p_8_ten_thousand_guesses_in_an_hour_from_a_thousand_networks_keep_nobody_out() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await.code();
    let (mut known, mut stranger) = (person.browser.clone(), Browser::new());
    let renewed = "a quilted lizard of mine";
    let mut verdicts = 0;
    for network in 0..1000_u16 {
        let [high, low] = network.to_be_bytes();
        let mut guesser = Guesser::at(&world, [198, 18 + high, low, 1]).await;
        for _ in 0..10 {
            let told = guesser.guesses(&world, ADA, "wrong").await;
            verdicts += usize::from(told.as_deref() == Some(MISMATCH));
            world.pass(Span(360));
        }
        match network {
            200 | 500 => {
                assert!(
                    wait(&signs_in(&world, &mut stranger, PASSWORD).await).is_some(),
                    "from a new one not"
                );
                assert!(is_in(&signs_in(&world, &mut known, PASSWORD).await), "from a known device at once");
            }
            700 => reset(&world, &mut stranger, renewed).await,
            800 | 999 => {
                assert!(
                    !is_in(&signs_in(&world, &mut known, renewed).await),
                    "a reset makes strangers of the others"
                );
                assert!(is_in(&signs_in(&world, &mut stranger, renewed).await), "from where it was reset");
            }
            _ => {}
        }
    }
    println!("{verdicts} of 10,000 guesses were looked at");
    assert!(verdicts <= 100, "{verdicts}");
}

#[tokio::test]
async fn p_7_never_more_than_a_hundred_in_a_row_whatever_the_time_and_the_device() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await.code();
    let (mut known, mut verdicts) = (person.browser.clone(), 0);
    for number in 0..150_u8 {
        let (_, page) = guess(&world, number, ADA, "wrong").await;
        verdicts += usize::from(page.body.contains(WRONG));
        verdicts += usize::from(signs_in(&world, &mut known, "wrong").await.body.contains(WRONG));
        world.pass(Span::minutes(15));
    }
    assert_eq!(verdicts, 100);
    let (_, page) = guess(&world, 200, ADA, PASSWORD).await;
    assert!(page.body.contains("choose a new password"), "{}", page.body);
    reset(&world, &mut Browser::new(), "a quilted lizard of mine").await;
    let (_, page) = guess(&world, 200, ADA, "a quilted lizard of mine").await;
    assert!(is_in(&page), "a new password begins a new row: {}", page.body);
}

#[tokio::test]
async fn e_3_a_sign_in_from_a_known_device_tells_nobody_that_the_account_is_in_use() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    person.walk(&mut world, "", &mut Calm).await.code();
    for name in [ADA, NOBODY] {
        for number in 0..80 {
            let (_, page) = guess(&world, number, name, "wrong").await;
            assert!(page.body.contains(WRONG), "{name}: {}", page.body);
            world.pass(Span::minutes(15));
        }
    }
    let mut heard = Vec::new();
    for _ in 0..3 {
        assert!(is_in(&signs_in(&world, &mut person.browser, PASSWORD).await));
        world.pass(Span::hours(24));
        for name in [ADA, NOBODY] {
            let (_, page) = guess(&world, 200, name, "wrong").await;
            heard.push(page.status);
        }
    }
    assert_eq!(heard, [StatusCode::TOO_MANY_REQUESTS; 6]);
}

#[tokio::test]
async fn whoever_has_an_ipv6_network_guesses_no_more_than_whoever_has_an_address() {
    for (same, looked_at) in [(true, 100), (false, 110)] {
        let (world, mut verdicts) = (World::new(1).await, 0);
        for journey in 0..11_u16 {
            let network = if same { 0 } else { journey };
            let peer = Ipv6Addr::new(0x2001, 0xdb8, 0, network, journey, 0, 0, 1);
            let mut guesser = Guesser::at(&world, peer).await;
            for number in 0..10 {
                let told = guesser.guesses(&world, &format!("{journey}.{number}@example.com"), "wrong").await;
                verdicts += usize::from(told.as_deref() == Some(MISMATCH));
            }
        }
        assert_eq!(verdicts, looked_at);
    }
}

#[tokio::test]
async fn e_3_a_few_guesses_at_a_name_that_nobody_has_are_soon_forgotten_as_at_any() {
    let world = World::new(1).await;
    world.user(ADA).await;
    for name in [ADA, NOBODY] {
        for _ in 0..4 {
            guess(&world, 1, name, "wrong").await;
        }
    }
    world.pass(Span::hours(5 * 24));
    world.app().store.purge(world.now()).await.unwrap();
    assert_eq!(world.count(Kind::Counter).await, 0);
    for name in [ADA, NOBODY] {
        for number in 0..6 {
            let (_, page) = guess(&world, 1, name, "wrong").await;
            assert_eq!(wait(&page).is_some(), number == 5, "{name}");
        }
    }
}

#[tokio::test]
async fn p_9_two_hundred_guesses_at_once_are_five_verdicts() {
    for name in [ADA, NOBODY] {
        let world = World::new(1).await;
        world.user(ADA).await;
        let host = |n: u8| n / 4 + 1;
        let pages = join_all((0..200_u8).map(|n| guess(&world, host(n), name, "wrong"))).await;
        let verdicts = pages.iter().filter(|(_, page)| page.body.contains(WRONG)).count();
        assert_eq!(verdicts, 5, "{name}");
        let (_, page) = guess(&world, 250, name, PASSWORD).await;
        assert!(wait(&page).is_some(), "{name}: the right password comes too late");
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
        assert!(told <= 5, "seed {seed}: {told} verdicts");
        all += told;
    }
    assert!(all > 20, "{all} verdicts in all");
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
