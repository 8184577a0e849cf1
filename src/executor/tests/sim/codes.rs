//! Mails and mailed codes: whose are counted with whose (checklist P-8, T-6, T-12).

use futures_util::future::join_all;
use http::StatusCode;
use idflow_core::time::Span;

use crate::person::{Calm, Person};
use crate::throttles::{ADA, NOBODY, guess, is_in, reset, signs_in};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, TENANT, World, snapshot};

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
        assert_eq!(page.body.contains("we send no further one for now"), sent > 5, "{}", page.body);
    }
    // A journey that comes to the page when no mail may be sent any more sends nobody to look for one.
    let mut other = Person::new(ADA);
    let path = crate::no_double_effect::to_the_code(&world, &mut other).await;
    let page = other.browser.get(&world, &path).await;
    assert!(page.body.contains("we send no further one") && !page.body.contains("We sent"), "{}", page.body);
    assert!(
        !page.form().unwrap().has_field("code") && page.status == StatusCode::TOO_MANY_REQUESTS,
        "{page:?}"
    );
    assert_eq!(world.mails.all().len(), 5);
    world.pass(Span::minutes(10));
    person.walk(&mut world, "", &mut Calm).await.code();
}

/// The page after a browser asked for a code to an address in a flow for anybody.
async fn asks(world: &World, mut browser: Browser, flow: &str, address: &str) -> (Browser, String, Answer) {
    let path = browser.get(world, flow).await.location().expect("a journey").to_owned();
    let form = browser.get(world, &path).await.form().unwrap().fill("email", address);
    browser.post(world, &path, &form.encoded()).await;
    let page = browser.get(world, &path).await;
    (browser, path, page)
}

fn in_network(network: u8) -> Browser {
    Browser { peer: ([203, 0, 113, network], 1).into(), ..Browser::new() }
}

/// The same to Ada's address, in a network of one's own.
async fn asks_for_a_code(world: &World, network: u8, flow: &str) -> (Browser, String, Answer) {
    asks(world, in_network(network), flow, ADA).await
}

#[tokio::test]
async fn p_8_mails_that_strangers_have_sent_keep_the_owner_from_none() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    for _ in 0..7 {
        asks_for_a_code(&world, 1, "/flows/sign-up").await;
    }
    assert_eq!(world.mails.all().len(), 5, "one network");
    let (_, _, page) = asks_for_a_code(&world, 2, "/flows/reset").await;
    assert!(page.form().unwrap().has_field("code"), "another one: {}", page.body);
    for network in 3..40 {
        asks_for_a_code(&world, network, "/flows/reset").await;
    }
    assert_eq!(world.mails.all().len(), 20, "many networks");
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    assert_eq!(world.mails.all().len(), 21, "whoever knows the password");
    world.pass(Span::hours(1));
    asks_for_a_code(&world, 1, "/flows/reset").await;
    assert_eq!(world.mails.all().len(), 22);
}

#[tokio::test]
async fn p_8_wrong_codes_of_strangers_close_no_code_of_the_owners() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let (mut stranger, path, mut page) = asks_for_a_code(&world, 1, "/flows/sign-up").await;
    for _ in 0..14 {
        let Some(form) = page.form() else { break };
        let body = if form.has_field("code") {
            form.fill("code", "0000000").encoded()
        } else {
            form.press("resend").encoded()
        };
        stranger.post(&world, &path, &body).await;
        page = stranger.get(&world, &path).await;
    }
    assert!(page.form().is_none(), "its own tries are used up: {}", page.body);
    let (mut owner, path, page) = asks_for_a_code(&world, 2, "/flows/reset").await;
    let code = world.mails.code_for(ADA).unwrap();
    owner.post(&world, &path, &page.form().unwrap().fill("code", &code).encoded()).await;
    let page = owner.get(&world, &path).await;
    assert!(page.form().unwrap().has_field("password"), "{}", page.body);
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
}

/// How many mails a browser in a network of its own has sent when it asks for a code to an address in a flow for anybody.
async fn mails_of(world: &World, browser: &Browser, network: u8, address: &str) -> usize {
    let before = world.mails.all().len();
    let browser = Browser { peer: in_network(network).peer, ..browser.clone() };
    asks(world, browser, "/flows/reset", address).await;
    world.mails.all().len() - before
}

#[tokio::test]
async fn p_8_a_known_device_resets_while_strangers_ask_for_mails() {
    let mut world = World::new(1).await;
    let (eve, bob) = (NOBODY, "bob@example.com");
    for address in [ADA, bob] {
        world.user(address).await;
    }
    let [mut ada, mut of_bob] = [Person::new(ADA), Person::new(bob)];
    for person in [&mut ada, &mut of_bob] {
        person.walk(&mut world, "", &mut Calm).await.code();
    }
    for address in [ADA, eve] {
        for network in 0..40 {
            mails_of(&world, &Browser::new(), network, address).await;
        }
        assert_eq!(mails_of(&world, &of_bob.browser, 200, address).await, 0, "a device of somebody else's");
    }
    let stolen = ada.browser.clone();
    reset(&world, &mut ada.browser, "a quilted lizard of mine").await;
    assert!(is_in(&signs_in(&world, &mut Browser::new(), "a quilted lizard of mine").await));
    // Whoever has her cookies has few mails by them, and then is a stranger.
    let mut sent = 0;
    for network in 0..12 {
        sent += mails_of(&world, &stolen, network, ADA).await;
        assert_eq!(mails_of(&world, &stolen, network, eve).await, 0);
    }
    assert_eq!(sent, 5);
    world.pass(Span::hours(1));
    let mut sent = 0;
    for network in 100..112 {
        sent += mails_of(&world, &stolen, network, ADA).await;
    }
    assert_eq!(sent, 12, "five of a device, the others as a stranger");
}

#[tokio::test]
async fn t_6_codes_that_are_guessed_at_by_who_has_the_password_are_few_before_they_get_longer() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    // Somebody who has got at the password.
    let asks = async |world: &World| {
        let mut person = Person::new(ADA);
        let path = crate::no_double_effect::to_the_code(world, &mut person).await;
        let page = person.browser.get(world, &path).await;
        (person.browser, path, page)
    };
    let mut six = 0;
    for _ in 0..6 {
        let mut journey = asks(&world).await;
        six += usize::from(journey.2.body.contains("6-digit"));
        for _ in 0..5 {
            enters(&world, &mut journey, "0000000").await;
        }
        world.pass(Span::minutes(11));
    }
    assert_eq!(six, 2, "ten wrong codes");
    let mut ada = Person::new(ADA);
    ada.walk(&mut world, "", &mut Calm).await.code();
    assert!(
        asks(&world).await.2.body.contains("8-digit"),
        "one right code of hers gives nobody more guesses"
    );
    world.pass(Span::hours(24));
    assert!(asks(&world).await.2.body.contains("6-digit"));
}

#[tokio::test]
async fn t_6_codes_that_are_guessed_at_a_known_device_are_few_before_they_get_longer() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut ada = Person::new(ADA);
    ada.walk(&mut world, "", &mut Calm).await.code();
    let asks = async |browser: Browser| asks(&world, browser, "/flows/reset", ADA).await;
    for _ in 0..2 {
        let mut journey = asks(ada.browser.clone()).await;
        assert!(journey.2.body.contains("6-digit"), "{}", journey.2.body);
        for _ in 0..5 {
            enters(&world, &mut journey, "0000000").await;
        }
    }
    assert!(asks(ada.browser.clone()).await.2.body.contains("8-digit"));
    assert!(asks(Browser::new()).await.2.body.contains("6-digit"), "a stranger has another row");
}

const GUESTS: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: guests }
spec:
  identifiers: [username]
  attributes: [{ name: username, type: String, unique: true }, { name: email, type: Email, unique: true, required: true }]
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: guests }
spec:
  type: Custom
  start: password
  steps:
    - id: password
      password: { identify: true, directory: guests }
      outcomes: { next: code, locked: locked }
    - id: code
      oneTimeCode: { email: { connection: mail } }
      outcomes: { next: done, locked: locked }
    - id: locked
      fail: {}
    - id: done
      complete: {}
";

#[tokio::test]
async fn t_12_an_account_that_only_says_to_have_an_address_keeps_nobody_from_their_mails_and_floods_nobody() {
    let world = World::serving(1, snapshot(&(TENANT.to_owned() + GUESTS))).await;
    world.user(ADA).await;
    world.user_in("guests", &[("username", "mallory"), ("email", ADA)]).await;
    let ada = world.find(ADA).await;
    world.change(ada, |user| user.verified = vec!["email".to_owned()]).await;
    let mails = || world.mails.all().len();
    for round in 0..5 {
        for _ in 0..8 {
            let mut mallory = Browser::new();
            let path = mallory.get(&world, "/flows/guests").await.location().unwrap().to_owned();
            let form = mallory.get(&world, &path).await.form().unwrap();
            let form = form.fill("username", "mallory").fill("password", PASSWORD);
            mallory.post(&world, &path, &form.encoded()).await;
        }
        if round == 0 {
            assert_eq!(mails(), 5);
            let (_, page) = guess(&world, 1, ADA, PASSWORD).await;
            assert!(page.form().unwrap().has_field("code"), "whose it is: {}", page.body);
        }
        world.pass(Span::minutes(10));
    }
    assert_eq!(mails(), 20 + 1, "in an hour");
    let (_, page) = guess(&world, 1, ADA, PASSWORD).await;
    assert!(page.form().unwrap().has_field("code"), "whose it is: {}", page.body);
}

/// Posts a code in a journey, and gives the page after it.
async fn enters(world: &World, (browser, path, page): &mut (Browser, String, Answer), code: &str) {
    let form = page.form().unwrap_or_else(|| panic!("nothing to enter: {}", page.body));
    browser.post(world, path, &form.fill("code", code).encoded()).await;
    *page = browser.get(world, path).await;
}

#[tokio::test]
async fn t_6_after_ten_wrong_codes_for_an_address_strangers_get_longer_ones() {
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let code_for = |world: &World, address: &str| world.mails.code_for(address).unwrap();
    for address in [ADA, "nobody@example.com"] {
        let asks = async |network| asks(&world, in_network(network), "/flows/reset", address).await;
        let mut before = asks(9).await;
        assert_eq!(code_for(&world, address).len(), 6);
        let short = code_for(&world, address);
        for network in [1, 2] {
            let mut stranger = asks(network).await;
            for _ in 0..5 {
                enters(&world, &mut stranger, "0000000").await;
            }
        }
        enters(&world, &mut before, &short).await;
        assert!(before.2.body.contains("no longer works"), "{}", before.2.body);
        let mut after = asks(10).await;
        assert!(after.2.body.contains("8-digit"), "{}", after.2.body);
        let long = code_for(&world, address);
        assert_eq!(long.len(), 8);
        enters(&world, &mut after, &long).await;
        assert!(!after.2.form().is_some_and(|form| form.has_field("code")), "{}", after.2.body);
    }
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    assert_eq!(code_for(&world, ADA).len(), 6, "whoever knows the password");
    world.pass(Span::hours(25));
    asks_for_a_code(&world, 1, "/flows/reset").await;
    assert_eq!(code_for(&world, ADA).len(), 6);
}

#[tokio::test]
async fn t_6_codes_that_are_guessed_at_the_same_moment_are_no_more_than_one_after_the_other() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut strangers = Vec::new();
    for network in 0..8 {
        strangers.push(asks_for_a_code(&world, 20 + network, "/flows/reset").await);
    }
    let mut verdicts = 0;
    for _ in 0..5 {
        let posts = strangers.iter_mut().map(async |(browser, path, page)| {
            let Some(form) = page.form().filter(|form| form.has_field("code")) else { return 0 };
            browser.post(&world, path, &form.fill("code", "0000000").encoded()).await;
            *page = browser.get(&world, path).await;
            usize::from(page.body.contains("The code is not right"))
        });
        verdicts += join_all(posts).await.into_iter().sum::<usize>();
    }
    assert_eq!(verdicts, 10);
}

#[tokio::test]
async fn t_6_nobody_is_mailed_a_code_that_would_not_be_looked_at() {
    let world = World::new(1).await;
    let asks = async |address: &str| asks(&world, Browser::new(), "/flows/reset", address).await;
    for number in 0..20 {
        let mut journey = asks(&format!("{number}@example.com")).await;
        for _ in 0..5 {
            enters(&world, &mut journey, "0000000").await;
        }
    }
    let (_, _, page) = asks(ADA).await;
    assert!(!page.form().unwrap().has_field("code"), "{}", page.body);
    assert_eq!((page.status, world.mails.all().len()), (StatusCode::TOO_MANY_REQUESTS, 20));
    world.pass(Span::minutes(10));
    assert!(asks(ADA).await.2.form().unwrap().has_field("code"));
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
