//! The golden table of spellings (`src/core/names.txt`) at every door: users file, sign-in, reset and sign-up.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::StatusCode;
use http::header::RETRY_AFTER;
use idflow_core::time::Span;
use idflow_executor::source::Snapshot;
use idflow_executor::source::live::directory;
use idflow_executor::users::{self, NewUser};
use idflow_factor::{Cost, Hasher};
use idflow_store::{Doubt, Names};
use serde_json::json;

use crate::faults::Kind;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, TENANT, World, snapshot};

const TABLE: &str = include_str!("../../../core/names.txt");

/// Accounts have an address or a user name; a sign-in takes either.
fn tenant() -> Snapshot {
    static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
        let manifests = TENANT
            .replace("identifiers: [email]", "identifiers: [email, username]")
            .replace(
                "attributes: [{ name: email, type: Email, unique: true, required: true }]",
                "attributes: [{ name: email, type: Email, unique: true }, { name: username, type: String, unique: true }]",
            )
            + "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: by-name }
spec:
  type: Registration
  start: who
  steps:
    - { id: who, form: { fields: [{ name: username, purpose: Identifier }] }, outcomes: { next: account } }
    - { id: account, createUser: { attributes: { username: form.username } }, outcomes: { next: newPassword, exists: failed } }
    - { id: newPassword, setPassword: {}, outcomes: { next: done } }
    - { id: failed, fail: {} }
    - { id: done, complete: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: by-both }
spec:
  type: Registration
  start: who
  steps:
    - { id: who, form: { fields: [{ name: email, type: Email }, { name: username, purpose: Identifier }] }, outcomes: { next: code } }
    - { id: code, oneTimeCode: { email: { connection: mail, to: form.email } }, outcomes: { next: account } }
    - { id: account, createUser: { attributes: { email: form.email, username: form.username } }, outcomes: { next: newPassword, exists: failed } }
    - { id: newPassword, setPassword: {}, outcomes: { next: done } }
    - { id: failed, fail: {} }
    - { id: done, complete: {} }
";
        snapshot(&manifests)
    });
    SNAPSHOT.clone()
}

/// Hundreds of journeys begin in no time.
async fn without_limits() -> World {
    let mut world = World::serving(1, tenant()).await;
    world.unlimited = true;
    world.restart().await;
    world
}

fn unescaped(text: &str) -> String {
    serde_json::from_str(&format!("\"{text}\"")).unwrap()
}

/// Kind, form and spelling.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, String)> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        (columns[0], columns[1], unescaped(columns[2]))
    })
}

fn attribute(kind: &str) -> &'static str {
    if kind == "name" { "username" } else { "email" }
}

/// How many users a users file with this one makes; nothing when it is refused.
async fn import(world: &World, attribute: &str, value: &str) -> Option<usize> {
    loaded(world, json!([{ (attribute): value, "password": PASSWORD }])).await.ok()
}

/// How many users a users file makes.
async fn loaded(world: &World, users: serde_json::Value) -> Result<usize, String> {
    let new: Vec<NewUser> = serde_json::from_value(users).unwrap();
    let live = directory(world.snapshot.live.directories.values().next().unwrap());
    let app = world.app();
    let hasher = Hasher::new(Cost::Cheapest);
    users::load(new, ("people", &live), &app.store, &hasher, app.clock.as_ref(), app.chance.as_ref())
        .await
        .map_err(|error| error.to_string())
}

/// The page after the first form of a flow was posted with these values.
async fn posted(world: &World, flow: &str, values: &[(&str, &str)]) -> (Browser, String, Answer) {
    let mut browser = Browser::new();
    let answer = browser.get(world, &format!("/flows/{flow}")).await;
    let path = answer.location().unwrap_or_else(|| panic!("no journey: {answer:?}")).to_owned();
    let form = browser.get(world, &path).await.form().unwrap();
    let form = values.iter().fold(form, |form, (name, value)| form.fill(name, value));
    browser.post(world, &path, &form.encoded()).await;
    let page = browser.get(world, &path).await;
    (browser, path, page)
}

/// Whether the code that was mailed opens a page with this field; nothing when no code is asked for.
async fn behind_the_code(world: &World, flow: &str, address: &str, field: &str) -> Option<bool> {
    let sent = world.mails.all().len();
    let (mut browser, path, page) = posted(world, flow, &[("email", address)]).await;
    let form = page.form().filter(|form| form.has_field("code"))?;
    let mails = world.mails.all();
    assert_eq!(mails.len(), sent + 1);
    let code = world.mails.code_for(&mails[sent].to).unwrap();
    let answer = browser.post(world, &path, &form.fill("code", &code).encoded()).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    Some(browser.get(world, &path).await.form().is_some_and(|form| form.has_field(field)))
}

#[tokio::test]
async fn j_16_every_spelling_of_the_table_meets_the_account_at_every_door() {
    let world = without_limits().await;
    let mut accounts: BTreeMap<&str, usize> = BTreeMap::new();
    for (kind, form, spelling) in rows().filter(|row| row.0 != "nobody") {
        let created = import(&world, attribute(kind), &spelling).await;
        let rows = accounts.entry(form).or_default();
        assert_eq!(created, Some(usize::from(*rows == 0)), "import of {spelling:?}");
        *rows += 1;
    }
    assert_eq!(world.count(Kind::User).await, accounts.len());
    for (kind, _, spelling) in rows().filter(|row| row.0 != "nobody") {
        let values = [("username", spelling.as_str()), ("password", PASSWORD)];
        let (_, _, page) = posted(&world, "sign-in", &values).await;
        assert!(!page.body.contains("This does not match"), "sign-in of {spelling:?}: {}", page.body);
        if kind == "name" {
            let (_, _, page) = posted(&world, "by-name", &[("username", &spelling)]).await;
            assert!(page.form().is_none(), "sign-up of {spelling:?}: {}", page.body);
        } else {
            assert_eq!(
                behind_the_code(&world, "reset", &spelling, "password").await,
                Some(true),
                "{spelling:?}"
            );
            assert_eq!(
                behind_the_code(&world, "sign-up", &spelling, "password").await,
                Some(false),
                "{spelling:?}"
            );
        }
    }
    assert_eq!(world.count(Kind::User).await, accounts.len(), "nobody has two accounts");
}

#[tokio::test]
async fn j_16_an_address_that_nobody_can_have_comes_in_at_no_door() {
    let world = without_limits().await;
    for (_, _, spelling) in rows().filter(|row| row.0 == "nobody") {
        assert_eq!(import(&world, "email", &spelling).await, None, "{spelling:?}");
        for flow in ["sign-up", "reset"] {
            let (_, _, page) = posted(&world, flow, &[("email", &spelling)]).await;
            assert!(page.form().is_some_and(|form| form.has_field("email")), "{spelling:?}: {}", page.body);
        }
    }
    assert_eq!((world.count(Kind::User).await, world.mails.all().len()), (0, 0));
}

/// Whether somebody with this address and this user name gets an account.
async fn signs_up(world: &World, address: &str, username: &str) -> bool {
    let (mut browser, path, page) =
        posted(world, "by-both", &[("email", address), ("username", username)]).await;
    let code = world.mails.code_for(address).unwrap();
    browser.post(world, &path, &page.form().unwrap().fill("code", &code).encoded()).await;
    let form = browser.get(world, &path).await.form().filter(|form| form.has_field("password"));
    let Some(form) = form else { return false };
    browser.post(world, &path, &form.fill("password", PASSWORD).encoded()).await.status
        == StatusCode::SEE_OTHER
}

#[tokio::test]
async fn e_1_nobody_takes_an_address_that_they_do_not_read_for_their_user_name() {
    let world = World::serving(1, tenant()).await;
    let spellings = [
        "grace@example.com",
        "\u{ff27}race@EXAMPLE.com ",
        "grace\u{fe6b}example.com",
        "grace@example\u{2024}com",
    ];
    for name in spellings {
        assert!(!signs_up(&world, "mallory@example.com", name).await, "{name}");
    }
    let (_, _, page) = posted(&world, "by-name", &[("username", "grace@example.com")]).await;
    assert!(page.form().is_none(), "{}", page.body);
    assert!(signs_up(&world, "grace@example.com", "grace").await, "nobody keeps Grace out");
    assert!(signs_up(&world, "heidi@example.com", "Heidi@example.com").await, "their own");
    assert!(signs_up(&world, "mallory@example.com", "@mallory").await, "that is nobody's address");
}

#[tokio::test]
async fn e_1_an_account_that_took_an_address_before_there_was_a_rule_is_given_to_nobody_by_it() {
    let other = "a quilted lizard of mine";
    for (name, email, is_theirs) in [
        ("grace@example.com", "mallory@example.com", false),
        ("grace@example.com", "Grace@example.com", true),
        ("mallory", "grace@example.com", true),
    ] {
        let world = World::serving(1, tenant()).await;
        world.user_in("people", &[("username", name), ("email", email)]).await;
        let mut browser = Browser::new();
        let path = browser.get(&world, "/flows/reset").await.location().unwrap().to_owned();
        let form = browser.get(&world, &path).await.form().unwrap().fill("email", "grace@example.com");
        browser.post(&world, &path, &form.encoded()).await;
        let code = world.mails.code_for("grace@example.com").unwrap();
        let form = browser.get(&world, &path).await.form().unwrap().fill("code", &code);
        browser.post(&world, &path, &form.encoded()).await;
        let form = browser.get(&world, &path).await.form().unwrap().fill("password", other);
        let answer = browser.post(&world, &path, &form.encoded()).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        world.pass(Span::minutes(20));
        let (_, _, page) = posted(&world, "sign-in", &[("username", name), ("password", other)]).await;
        assert_eq!(page.form().is_some_and(|form| form.has_field("code")), is_theirs, "{name} {email}");
        let doubts = world.app().store.doubtful_names(world.now(), None, |_, attribute| {
            let beside = vec!["email".to_owned()];
            Some(if attribute == "email" { Names::Addresses } else { Names::Unique { beside } })
        });
        let found: Vec<Doubt> = doubts.await.unwrap().found.iter().map(|one| one.doubt).collect();
        assert_eq!(found, if is_theirs { vec![] } else { vec![Doubt::AnothersAddress] }, "{name} {email}");
    }
}

#[tokio::test]
async fn digits_of_other_scripts_are_a_code() {
    let world = World::serving(1, tenant()).await;
    let (mut browser, path, page) = posted(&world, "sign-up", &[("email", "ada@example.com")]).await;
    let code = world.mails.code_for("ada@example.com").unwrap();
    let arabic = |digit: char| char::from_u32(0x660 + digit.to_digit(10).unwrap()).unwrap();
    let code: String = code.chars().map(arabic).collect();
    let form = page.form().unwrap().fill("code", &format!("\u{200f}{code}\u{200f}"));
    browser.post(&world, &path, &form.encoded()).await;
    assert!(browser.get(&world, &path).await.form().unwrap().has_field("password"));
}

#[tokio::test]
async fn a_users_file_skips_who_is_there_and_tells_whose_name_is_somebody_elses() {
    let world = World::serving(1, tenant()).await;
    let ada = json!({ "email": "ada@example.com", "username": "ada" });
    let grace = json!({ "email": "grace@example.com", "username": "ada" });
    assert_eq!(loaded(&world, json!([ada])).await, Ok(1));
    assert_eq!(loaded(&world, json!([ada])).await, Ok(0), "the same file again");
    let told = loaded(&world, json!([ada, grace])).await.unwrap_err();
    assert!(told.starts_with("user 1 of the file has a username that is somebody else's"), "{told}");
}

#[tokio::test]
async fn an_address_that_an_account_has_from_before_is_mailed_to_and_no_form_takes_another_such() {
    for address in ["a@ab--cd.example.com", "a@127.0.0.1", "a..b@example.com"] {
        assert_eq!(idflow_core::name::address(address), None);
        let mut world = World::new(1).await;
        world.user(address).await;
        Person::new(address).walk(&mut world, "", &mut Calm).await.code();
        let mut browser = Browser::new();
        let path = browser.authorize(&world, "&prompt=create").await;
        let form = browser.get(&world, &path).await.form().unwrap().fill("email", address);
        browser.post(&world, &path, &form.encoded()).await;
        let page = browser.get(&world, &path).await;
        assert!(page.form().is_some_and(|form| form.has_field("email")), "{}", page.body);
    }
}

/// What somebody hears who tries to sign in under a name: the status, and for how many seconds to wait.
async fn tried(world: &World, name: &str, password: &str) -> (StatusCode, Option<String>) {
    let (_, _, page) = posted(world, "sign-in", &[("username", name), ("password", password)]).await;
    let wait = page.headers.get(RETRY_AFTER).map(|wait| wait.to_str().unwrap().to_owned());
    (page.status, wait)
}

async fn with_two_names() -> World {
    let world = World::serving(1, tenant()).await;
    let ada = json!({ "email": "ada@example.com", "username": "ada", "password": PASSWORD });
    assert_eq!(loaded(&world, json!([ada])).await, Ok(1));
    world
}

/// An account's names, and two that nobody has.
const NAMES: [[&str; 2]; 2] = [["ada@example.com", "ada"], ["eve@example.com", "eve"]];

#[tokio::test]
async fn e_3_two_names_of_one_account_wait_as_two_names_that_nobody_has() {
    // As many wrong ones in a row under the one name, the later ones as soon as they are looked at, then under the other.
    for row in [5, 6, 8, 11] {
        let world = with_two_names().await;
        let mut heard = Vec::new();
        for [guessed, other] in NAMES {
            let mut of_names = Vec::new();
            for number in 0..row {
                world.pass(Span::seconds(if number < 5 { 0 } else { 30 << (number - 5) }));
                of_names.push(tried(&world, guessed, "wrong").await);
            }
            world.pass(Span::seconds(1));
            for _ in 0..7 {
                of_names.push(tried(&world, other, "wrong").await);
            }
            of_names.push(tried(&world, guessed, "wrong").await);
            heard.push(of_names);
        }
        assert_eq!(heard[0], heard[1], "a row of {row}");
        assert!(heard[0].iter().rev().nth(1).unwrap().1.is_some(), "a wait is told: {heard:?}");
        world.pass(Span::hours(2));
        for name in NAMES[0] {
            let (_, _, page) = posted(&world, "sign-in", &[("username", name), ("password", PASSWORD)]).await;
            assert!(page.form().is_some_and(|form| form.has_field("code")), "{name}: {}", page.body);
        }
    }
}

#[tokio::test]
async fn e_3_whoever_is_not_looked_at_without_hearing_why_is_told_of_in_the_audit_records() {
    let world = with_two_names().await;
    for _ in 0..5 {
        tried(&world, "ada@example.com", "wrong").await;
    }
    assert_eq!(tried(&world, "ada", PASSWORD).await, (StatusCode::OK, None), "the right one, too");
    tried(&world, "eve", "wrong").await;
    let events = world.events.all.lock().unwrap().clone();
    let repeated = events.iter().filter(|event| event.name == "step.repeated");
    let details: Vec<_> = repeated.map(|event| event.detail.as_deref()).collect();
    assert_eq!(details, [None, None, None, None, None, Some("closed"), None]);
    world.pass(Span::minutes(1));
    assert_eq!(tried(&world, "ada", PASSWORD).await, (StatusCode::OK, None));
    let events = world.events.all.lock().unwrap();
    assert!(events.iter().any(|event| event.outcome.as_deref() == Some("pwd")), "then it is looked at");
}

#[tokio::test]
async fn e_3_guesses_that_were_not_looked_at_leave_nothing_behind_when_the_row_is_over() {
    let world = with_two_names().await;
    let [guessed, other] = NAMES[0];
    for row in 0..2 {
        for number in 0..5 {
            world.pass(Span::seconds(30 << number));
            tried(&world, guessed, "wrong").await;
        }
        for number in 0..4 {
            let (_, _, page) = posted(&world, "sign-in", &[("username", other), ("password", "wrong")]).await;
            assert!(page.body.contains("This does not match"), "{row} {number}: {}", page.body);
        }
        world.pass(Span::seconds(30));
        tried(&world, other, PASSWORD).await;
    }
}
