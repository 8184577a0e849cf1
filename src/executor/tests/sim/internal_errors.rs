//! L-4: whatever breaks inside, who asked hears one of a few fixed texts with a reference, and no detail. What it was
//! stands in the log.

use std::collections::BTreeSet;
use std::sync::mpsc;

use http::StatusCode;
use idflow_oidc::endpoint::{Decision, Endpoint, Facts, Request, Surroundings, Wanted, token};
use idflow_oidc::keys::SigningFailed;
use serde_json::Value;

use crate::faults::Fault;
use crate::logs;
use crate::no_double_effect::to_the_code;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser, authorize_path, exchange, userinfo};
use crate::world::World;

const ADA: &str = "ada@example.com";

/// All that is ever said of a fault of ours, `#` standing for the reference.
const TEXTS: [&str; 4] = [
    "Not possible right now We are busy at the moment. Nothing is lost: try again in a few seconds. Reference: #",
    "Something went wrong This is our fault, not yours. Start again; if it happens again, ask for help. Reference: #",
    "temporarily_unavailable: not possible now; try again: #",
    "server_error: a defect of the provider; the log has it under the reference: #",
];

/// What a person sees of a page.
fn visible(html: &str) -> String {
    let mut main = html.split_once("<main").map_or(html, |(_, main)| main).to_owned();
    for hidden in ["style", "script", "noscript"] {
        while let Some((before, rest)) = main.split_once(&format!("<{hidden}")) {
            let after = rest.split_once(&format!("</{hidden}>")).map_or("", |(_, after)| after);
            main = format!("{before}{after}");
        }
    }
    let main = main.split_once("</main").map_or(main.as_str(), |(main, _)| main);
    let texts = main.split('<').filter_map(|element| element.split_once('>')).map(|(_, text)| text.trim());
    texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What an answer says of a fault, without its reference. It must be stored under that with its reason.
fn said(world: &World, answer: &Answer) -> String {
    let (text, reference) = match answer.json() {
        Value::Null => {
            let text = visible(&answer.body);
            let reference = answer.reference().unwrap_or_else(|| panic!("{text}")).to_owned();
            (text, reference)
        }
        json => {
            let member = |name: &str| json[name].as_str().unwrap().to_owned();
            let description = member("error_description");
            let reference = description.rsplit(' ').next().unwrap().to_owned();
            (format!("{}: {description}", member("error")), reference)
        }
    };
    let events = world.events.all.lock().unwrap();
    let told = events.iter().filter(|event| event.reference.as_deref() == Some(&*reference)).count();
    assert_eq!(told, 1, "{text}");
    text.replace(&reference, "#")
}

/// Everything that one request may be.
async fn ask(world: &World, person: &mut Person, tokens: &Value, number: usize) -> Option<Answer> {
    let text = |name: &str| tokens[name].as_str().unwrap();
    let token = |name: &str| format!("client_id=app&token={}", text(name));
    let browser = &mut person.browser;
    Some(match number {
        0 => browser.get(world, &authorize_path("&prompt=login")).await,
        1 => browser.get(world, &authorize_path("")).await,
        2 => browser.get(world, "/flows/sign-in").await,
        3 => browser.get(world, "/").await,
        4 => exchange(world, "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAA").await,
        5 => crate::visitor::refresh(world, tokens).await,
        6 => userinfo(world, tokens).await,
        7 => Browser::new().post(world, "/oauth2/revoke", &token("access_token")).await,
        8 => browser.get(world, "/oauth2/logout").await,
        9 => browser.get(world, &format!("/oauth2/logout?id_token_hint={}", text("id_token"))).await,
        10 => browser.get(world, "/journeys/AAAAAAAAAAAAAAAAAAAAAA").await,
        _ => return None,
    })
}

#[tokio::test]
async fn l_4_a_store_that_fails_anywhere_is_told_in_the_same_few_words() {
    let (mut heard, mut requests) = (BTreeSet::new(), BTreeSet::new());
    for number in 0.. {
        let mut world = World::new(1).await;
        world.user(ADA).await;
        let mut person = Person::new(ADA);
        let code = person.walk(&mut world, "", &mut Calm).await.code();
        let tokens = exchange(&world, &code).await.json();
        if ask(&world, &mut Person::new(ADA), &tokens, number).await.is_none() {
            break;
        }
        for (at, fault) in (0..8).flat_map(|at| [(at, Fault::Before), (at, Fault::After)]) {
            world.storage.fail_at(at, fault);
            let answer = ask(&world, &mut person, &tokens, number).await.unwrap();
            world.storage.heal();
            if answer.status.is_server_error() {
                assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
                requests.insert(number);
                heard.insert(said(&world, &answer));
            }
        }
    }
    assert!(requests.len() > 8, "{requests:?}");
    assert_eq!(heard, [TEXTS[0], TEXTS[2]].map(str::to_owned).into());
}

#[tokio::test]
async fn l_4_every_step_of_a_journey_tells_a_fault_in_the_same_few_words() {
    let mut heard = BTreeSet::new();
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    loop {
        let page = person.browser.get(&world, &path).await;
        if page.form().is_none() {
            break;
        }
        let body = person.filled(&world, &page).encoded();
        for at in 0..8 {
            for fault in [Fault::Before, Fault::After] {
                world.storage.fail_at(at, fault);
                let mut browser = person.browser.clone();
                for answer in [browser.get(&world, &path).await, browser.post(&world, &path, &body).await] {
                    if answer.status.is_server_error() {
                        heard.insert(said(&world, &answer));
                    } else {
                        person.browser.take_cookies(&answer);
                    }
                }
                world.storage.heal();
            }
        }
        person.browser.post(&world, &path, &body).await;
    }
    assert_eq!(heard, [TEXTS[0].to_owned()].into());
}

#[tokio::test]
async fn l_4_a_defect_is_told_in_the_same_few_words() {
    let mut heard = BTreeSet::new();
    let mut world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let code = person.walk(&mut world, "", &mut Calm).await.code();
    let tokens = exchange(&world, &code).await.json();
    for number in 0.. {
        if ask(&world, &mut Person::new(ADA), &tokens, number).await.is_none() {
            break;
        }
        // The first reading is the guard's own, the second one that of whatever answers.
        world.break_clock_at(2);
        let answer = ask(&world, &mut person, &tokens, number).await.unwrap();
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "request {number}");
        heard.insert(said(&world, &answer));
    }
    assert_eq!(heard, [TEXTS[1], TEXTS[3]].map(str::to_owned).into());
}

#[tokio::test]
async fn l_4_a_revision_that_is_not_there_is_told_in_the_same_few_words() {
    let mut world = World::new(1).await;
    let path = Browser::new().authorize(&world, "").await;
    let mut person = Person::new(ADA);
    let open = person.browser.authorize(&world, "").await;
    let body = person.filling(&world, &open).await;
    world.snapshot.contents.clear();
    world.restart().await;
    let mut heard = BTreeSet::new();
    for answer in [
        person.browser.get(&world, &open).await,
        person.browser.post(&world, &open, &body).await,
        Browser::new().get(&world, "/flows/sign-in").await,
    ] {
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
        heard.insert(said(&world, &answer));
    }
    assert_eq!(heard, [TEXTS[0].to_owned()].into());
    // An application is told by its own way, and a stranger to a journey learns nothing of it.
    let answer = Browser::new().get(&world, &authorize_path("")).await;
    assert!(answer.status == StatusCode::SERVICE_UNAVAILABLE || answer.location().is_some(), "{answer:?}");
    assert!(Browser::new().get(&world, &path).await.body.contains("Allow cookies"));
}

#[tokio::test]
async fn l_4_a_full_pool_is_told_in_the_same_few_words() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let path = person.browser.authorize(&world, "").await;
    let mut body = person.filling(&world, &path).await;
    let pool = world.app().asks.pool.clone();
    let mut waiting = tokio::task::JoinSet::new();
    let mut holding = Vec::new();
    // Whoever waits for a slot counts, so that those who come when all are taken are refused.
    while waiting.len() < 300 {
        let (holder, released) = mpsc::channel::<()>();
        let pool = pool.clone();
        holding.push(holder);
        waiting.spawn(async move { pool.run(move || released.recv().is_err()).await.is_ok() });
        tokio::task::yield_now().await;
    }
    let mut answer = person.browser.post(&world, &path, &body).await;
    if answer.status == StatusCode::SEE_OTHER {
        body = person.filling(&world, &path).await;
        answer = person.browser.post(&world, &path, &body).await;
    }
    assert_eq!(
        (answer.status, said(&world, &answer)),
        (StatusCode::SERVICE_UNAVAILABLE, TEXTS[0].to_owned())
    );
    drop(holding);
    while waiting.join_next().await.is_some() {}
    assert_eq!(person.browser.post(&world, &path, &body).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn l_4_of_a_mail_that_no_server_takes_the_visitor_hears_nothing_and_the_operator_does() {
    logs::record();
    let world = World::new(1).await;
    world.user(ADA).await;
    world.mails.close();
    let mut person = Person::new(ADA);
    let path = to_the_code(&world, &mut person).await;
    let page = person.browser.get(&world, &path).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("the simulation"), "{}", page.body);
    let failed = "idflow_mails_failed_total 1";
    assert!(world.second("/metrics").await.body.lines().any(|line| line == failed));
    let log = logs::taken();
    assert!(log.contains("a mail was not sent") && !log.contains(ADA), "{log}");
}

/// A token endpoint whose keys do not sign.
struct Unsigned;

impl Request for Unsigned {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::default()
    }

    fn decide<'a>(&self, _: &Surroundings<'a>, _: &Facts<'a>) -> Result<Decision<'a>, SigningFailed> {
        Err(SigningFailed)
    }
}

static UNSIGNED: Endpoint = Endpoint { read: |_, _| Ok(Box::new(Unsigned)), ..token::ENDPOINT };
static UNSIGNED_ALONE: &[&Endpoint] = &[&UNSIGNED];

#[tokio::test]
async fn l_4_a_key_that_does_not_sign_is_logged_and_told_in_the_same_few_words() {
    logs::record();
    let mut world = World::new(1).await;
    world.endpoints = UNSIGNED_ALONE;
    world.restart().await;
    let answer = exchange(&world, "x").await;
    assert_eq!(
        (answer.status, said(&world, &answer)),
        (StatusCode::SERVICE_UNAVAILABLE, TEXTS[2].to_owned())
    );
    let log = logs::taken();
    let line = log.lines().find(|line| line.contains("a signing key does not work"));
    let line = line.unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("ERROR") && line.contains("endpoint=\"token\""), "{line}");
}
