//! People who change what is known of them: by whose word, to what, and who hears of it.

use futures_util::future::join_all;
use idflow_core::id::UserId;
use idflow_core::user::User;
use idflow_store::Wanted;
use serde_json::json;

use crate::faults::Kind;
use crate::leaving::{ADA, SignedIn, followed};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, TENANT, World, snapshot};

const NEW: &str = "ada@other.example";
const BOB: &str = "bob@example.com";

const CHANGES: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: change-address }
spec:
  type: Custom
  start: password
  texts: { done: { en: Your address is changed }, taken: { en: Somebody has it } }
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: ask } }
    - { id: ask, form: { fields: [{ name: email, type: Email }, { name: name, optional: true }] }, outcomes: { next: code } }
    - { id: code, oneTimeCode: { email: { connection: mail, to: form.email } }, outcomes: { next: change } }
    - id: change
      updateUser:
        attributes: { email: steps.code.address, name: \"has(form.name) ? form.name : null\" }
        groups: { add: [moved], remove: [settled] }
        notice: { connection: mail }
      outcomes: { next: after, exists: taken }
    - { id: after, message: { title: done }, outcomes: { next: done } }
    - { id: taken, message: { title: taken }, outcomes: { next: ask } }
    - { id: done, complete: {} }
";

async fn world() -> World {
    let more = "{ name: email, type: Email, unique: true, required: true }, { name: name, type: String }";
    let tenant = TENANT.replace("{ name: email, type: Email, unique: true, required: true }", more) + CHANGES;
    let world = World::serving(3, snapshot(&tenant)).await;
    let ada = world.user(ADA).await;
    world
        .change(ada, |user| {
            user.attributes.insert("name".to_owned(), "Ada".into());
            user.groups = vec!["settled".to_owned(), "staff".to_owned()];
            user.verified = vec!["email".to_owned()];
        })
        .await;
    world
}

async fn user(world: &World, id: UserId) -> User {
    world.app().store.read(world.now(), &Wanted::person(&id)).await.unwrap().user(&id).unwrap().unwrap()
}

/// Somebody on the way to another address: the page that asks for the code to it.
async fn asks(world: &World, browser: &mut Browser, address: &str) -> String {
    let path = browser.get(world, "/flows/change-address").await.location().unwrap().to_owned();
    for fields in [[("username", ADA), ("password", PASSWORD)], [("email", address), ("name", "")]] {
        let form = browser.get(world, &path).await.form().unwrap();
        let form = fields.into_iter().fold(form, |form, (name, value)| form.fill(name, value));
        browser.post(world, &path, &form.encoded()).await;
    }
    path
}

async fn enters_the_code(world: &World, browser: &mut Browser, path: &str, address: &str) -> Answer {
    let code = world.mails.code_for(address).unwrap();
    let form = browser.get(world, path).await.form().unwrap().fill("code", &code);
    let answer = browser.post(world, path, &form.encoded()).await;
    followed(world, browser, answer).await
}

#[tokio::test]
async fn whoever_proves_another_address_has_it_and_the_old_one_hears_of_it() {
    let mut world = world().await;
    let ada = world.find(ADA).await;
    let elsewhere = SignedIn::at(&mut world).await;
    let mut browser = Browser::new();
    let path = asks(&world, &mut browser, NEW).await;
    let page = enters_the_code(&world, &mut browser, &path, NEW).await;
    assert!(page.body.contains("Your address is changed"), "{page:?}");
    let changed = user(&world, ada).await;
    assert_eq!(json!(changed.attributes), json!({ "email": NEW }), "the name was taken away");
    assert_eq!(
        (changed.verified, changed.groups),
        (vec!["email".to_owned()], vec!["staff".to_owned(), "moved".to_owned()])
    );
    assert_eq!(world.find(NEW).await, ada);
    let store = &world.app().store;
    let by = store.user_by("people", &["email".to_owned()], ADA, &[]);
    assert_eq!(
        store.reads(world.now()).find_user(&by).await.unwrap(),
        None,
        "by the old one nobody is found"
    );
    let mails = world.mails.all();
    let notice = mails.last().unwrap();
    assert!(notice.to == ADA && notice.text.contains("was changed just now"), "{notice:?}");
    assert!(!notice.text.contains(NEW), "whoever reads the old address learns nothing of the new one");
    assert!(
        !elsewhere.has_session(&world).await && !elsewhere.has_tokens(&world).await,
        "signed out elsewhere"
    );
    let form = page.form().unwrap();
    let last = browser.post(&world, &path, &form.encoded()).await;
    let last = followed(&world, &mut browser, last).await;
    let (_, text) = last.body.split_once("<main").unwrap();
    assert!(text.contains("All done"), "and this journey goes on: {text}");
}

#[tokio::test]
async fn p_11_an_address_that_somebody_has_is_given_to_nobody_else() {
    let world = world().await;
    let (ada, bob) = (world.find(ADA).await, world.user(BOB).await);
    let mut browser = Browser::new();
    let path = asks(&world, &mut browser, BOB).await;
    let page = enters_the_code(&world, &mut browser, &path, BOB).await;
    assert!(page.body.contains("Somebody has it"), "{page:?}");
    assert_eq!(user(&world, ada).await.attributes["email"], ADA);
    assert_eq!(world.find(BOB).await, bob);
    assert!(
        world.mails.all().iter().all(|mail| !mail.text.contains("was changed")),
        "nobody is told of nothing"
    );
}

#[tokio::test]
async fn two_journeys_to_one_new_address_at_the_same_moment_change_it_once() {
    let world = world().await;
    let ada = world.find(ADA).await;
    let mut tabs = Vec::new();
    for _ in 0..3 {
        let mut browser = Browser::new();
        let path = asks(&world, &mut browser, NEW).await;
        let code = world.mails.code_for(NEW).unwrap();
        let form = browser.get(&world, &path).await.form().unwrap().fill("code", &code);
        tabs.push((browser, path, form.encoded()));
    }
    join_all(tabs.iter_mut().map(|(browser, path, form)| browser.post(&world, path, form))).await;
    assert_eq!(user(&world, ada).await.attributes["email"], NEW);
    let told =
        world.mails.all().iter().filter(|mail| mail.to == ADA && mail.text.contains("was changed")).count();
    assert_eq!(told, 1);
}

const NAMES: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: change-name }
spec:
  type: Custom
  start: password
  texts: { taken: { en: Somebody has it } }
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: ask } }
    - { id: ask, form: { fields: [{ name: handle }] }, outcomes: { next: change } }
    - { id: change, updateUser: { attributes: { handle: form.handle } }, outcomes: { next: done, exists: taken } }
    - { id: taken, message: { title: taken }, outcomes: { next: ask } }
    - { id: done, complete: {} }
";

#[tokio::test]
async fn e_1_nobody_takes_somebody_elses_address_for_their_name_later_either() {
    let tenant = TENANT.replace("identifiers: [email]", "identifiers: [email, handle]").replace(
        "unique: true, required: true }",
        "unique: true }, { name: handle, type: String, unique: true }",
    ) + NAMES;
    for (handle, is_taken) in [("grace@example.com", true), ("ada", false), (ADA, false)] {
        let world = World::serving(3, snapshot(&tenant)).await;
        let ada = world.user_in("people", &[("email", ADA), ("handle", "countess")]).await;
        let mut browser = Browser::new();
        let path = browser.get(&world, "/flows/change-name").await.location().unwrap().to_owned();
        for fields in [vec![("username", "countess"), ("password", PASSWORD)], vec![("handle", handle)]] {
            let form = browser.get(&world, &path).await.form().unwrap();
            let form = fields.into_iter().fold(form, |form, (name, value)| form.fill(name, value));
            browser.post(&world, &path, &form.encoded()).await;
        }
        let wanted = if is_taken { "countess" } else { handle };
        assert_eq!(user(&world, ada).await.attributes["handle"], wanted, "{handle}");
    }
}

const DELETES: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: delete-account }
spec:
  type: DeleteUser
  start: password
  texts: { sure: { en: Delete it? }, gone: { en: It is gone } }
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: ask } }
    - { id: ask, message: { title: sure }, outcomes: { next: delete } }
    - { id: delete, deleteUser: { notice: { connection: mail } }, outcomes: { next: gone } }
    - { id: gone, message: { title: gone }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

/// Somebody on the way to the end of their account: the page that asks.
async fn asks_to_delete(world: &World, browser: &mut Browser) -> (String, Answer) {
    let path = browser.get(world, "/flows/delete-account").await.location().unwrap().to_owned();
    let form =
        browser.get(world, &path).await.form().unwrap().fill("username", ADA).fill("password", PASSWORD);
    browser.post(world, &path, &form.encoded()).await;
    let page = browser.get(world, &path).await;
    assert!(page.body.contains("Delete it?"), "{page:?}");
    (path, page)
}

#[tokio::test]
async fn an_account_that_is_deleted_is_nobodys_and_nothing_of_before_is_worth_anything() {
    let mut world = World::serving(3, snapshot(&format!("{TENANT}{DELETES}"))).await;
    let ada = world.user(ADA).await;
    let signed_in = SignedIn::at(&mut world).await;
    let mut other = Browser::new();
    let (other_path, other_page) = asks_to_delete(&world, &mut other).await;
    let mut browser = Browser::new();
    let (path, page) = asks_to_delete(&world, &mut browser).await;
    let answer = browser.post(&world, &path, &page.form().unwrap().encoded()).await;
    let page = followed(&world, &mut browser, answer).await;
    assert!(page.body.contains("It is gone"), "the journey goes on: {page:?}");
    let last = browser.post(&world, &path, &page.form().unwrap().encoded()).await;
    assert!(followed(&world, &mut browser, last).await.body.contains("All done"));

    assert_eq!(world.count(Kind::User).await, 0);
    assert!(!signed_in.has_session(&world).await && !signed_in.has_tokens(&world).await);
    let late = other.post(&world, &other_path, &other_page.form().unwrap().encoded()).await;
    let late = followed(&world, &mut other, late).await;
    assert!(!late.body.contains("It is gone"), "a journey of before stops: {late:?}");
    let mails = world.mails.all();
    let told: Vec<_> = mails.iter().filter(|mail| mail.text.contains("was deleted")).collect();
    assert_eq!(told.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [ADA], "once");
    // The name is free, and whoever takes it is somebody else.
    let again = world.user(ADA).await;
    assert_ne!(again, ada);
    assert!(!signed_in.has_session(&world).await && !signed_in.has_tokens(&world).await);
    assert_eq!(world.find(ADA).await, again);
}

#[tokio::test]
async fn an_account_is_deleted_once_by_whoever_is_first() {
    let world = World::serving(3, snapshot(&format!("{TENANT}{DELETES}"))).await;
    world.user(ADA).await;
    let mut tabs = Vec::new();
    for _ in 0..3 {
        let mut browser = Browser::new();
        let (path, page) = asks_to_delete(&world, &mut browser).await;
        tabs.push((browser, path, page.form().unwrap().encoded()));
    }
    join_all(tabs.iter_mut().map(|(browser, path, form)| browser.post(&world, path, form))).await;
    assert_eq!(world.count(Kind::User).await, 0);
    let mails = world.mails.all();
    assert_eq!(mails.iter().filter(|mail| mail.text.contains("was deleted")).count(), 1);
}

#[tokio::test]
async fn e_1_who_reads_mail_at_what_an_account_is_called_neither_changes_nor_deletes_it() {
    let flows = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: FLOW }
spec:
  type: Custom
  start: who
  steps:
    - { id: who, form: { fields: [{ name: email, type: Email }] }, outcomes: { next: code } }
    - { id: code, oneTimeCode: { email: { connection: mail, to: form.email } }, outcomes: { next: account } }
    - { id: account, findUser: { by: steps.code.address }, outcomes: { next: act, notFound: end } }
    - { id: act, ACT, outcomes: { next: end } }
    - { id: end, fail: {} }
";
    let acts = ["updateUser: { groups: { add: [taken] } }", "deleteUser: {}"];
    let flow =
        |(number, act): (usize, &str)| flows.replace("FLOW", &format!("flow{number}")).replace("ACT", act);
    let tenant = TENANT.replace("identifiers: [email]", "identifiers: [email, handle]").replace(
        "unique: true, required: true }",
        "unique: true }, { name: handle, type: String, unique: true }",
    );
    let tenant = acts.into_iter().enumerate().map(flow).fold(tenant, |tenant, flow| tenant + &flow);
    for (number, act) in acts.into_iter().enumerate() {
        for (email, is_theirs) in [("mallory@example.com", false), ("grace@example.com", true)] {
            let world = World::serving(3, snapshot(&tenant)).await;
            let id = world.user_in("people", &[("email", email), ("handle", "grace@example.com")]).await;
            let mut browser = Browser::new();
            let path =
                browser.get(&world, &format!("/flows/flow{number}")).await.location().unwrap().to_owned();
            let form = browser.get(&world, &path).await.form().unwrap().fill("email", "grace@example.com");
            browser.post(&world, &path, &form.encoded()).await;
            enters_the_code(&world, &mut browser, &path, "grace@example.com").await;
            let found =
                world.app().store.read(world.now(), &Wanted::person(&id)).await.unwrap().user(&id).unwrap();
            let is_as_before = found.is_some_and(|user| user.groups.is_empty());
            assert_eq!(is_as_before, !is_theirs, "{act} {email}");
        }
    }
}

const AT_ONCE: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: at-once }
spec:
  type: Custom
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: act } }
    - { id: act, updateUser: { groups: { add: [here] } }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

/// Users are found by an address or by a name, which may read as one.
fn with_handles() -> String {
    TENANT.replace("identifiers: [email]", "identifiers: [email, handle]").replace(
        "unique: true, required: true }",
        "unique: true }, { name: handle, type: String, unique: true }",
    )
}

#[tokio::test]
async fn whoever_shows_their_password_is_kept_out_by_no_name_that_they_have() {
    let world = World::serving(3, snapshot(&(with_handles() + AT_ONCE))).await;
    let id = world.user_in("people", &[("email", ADA), ("handle", "ada@private.example")]).await;
    let mut browser = Browser::new();
    let path = browser.get(&world, "/flows/at-once").await.location().unwrap().to_owned();
    let form = browser.get(&world, &path).await.form().unwrap();
    let form = form.fill("username", "ada@private.example").fill("password", PASSWORD);
    browser.post(&world, &path, &form.encoded()).await;
    assert_eq!(user(&world, id).await.groups, ["here"]);
}

#[tokio::test]
async fn an_address_changes_also_where_the_name_is_the_address_of_before() {
    let tenant = with_handles() + &CHANGES.replace(", name: \"has(form.name) ? form.name : null\"", "");
    let world = World::serving(3, snapshot(&tenant)).await;
    let id = world.user_in("people", &[("email", ADA), ("handle", ADA)]).await;
    let mut browser = Browser::new();
    let path = asks(&world, &mut browser, NEW).await;
    let page = enters_the_code(&world, &mut browser, &path, NEW).await;
    assert!(page.body.contains("Your address is changed"), "{page:?}");
    assert_eq!(user(&world, id).await.attributes["email"], NEW);
}

const NAMED_FIRST: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: named-first }
spec:
  type: Custom
  start: who
  steps:
    - { id: who, form: { fields: [{ name: email, type: Email }] }, outcomes: { next: account } }
    - { id: account, findUser: { by: form.email }, outcomes: { next: code, notFound: end } }
    - { id: code, oneTimeCode: { email: { connection: mail, to: form.email } }, outcomes: { next: newPassword } }
    - { id: newPassword, setPassword: {}, outcomes: { next: end } }
    - { id: end, fail: {} }
";

#[tokio::test]
async fn e_1_who_is_named_before_the_mail_is_read_gets_no_account_by_its_name_either() {
    let grace = "grace@example.com";
    for (email, is_theirs) in [("mallory@example.com", false), (grace, true)] {
        let world = World::serving(3, snapshot(&(with_handles() + NAMED_FIRST))).await;
        let id = world.user_in("people", &[("email", email), ("handle", grace)]).await;
        let mut browser = Browser::new();
        let path = browser.get(&world, "/flows/named-first").await.location().unwrap().to_owned();
        let form = browser.get(&world, &path).await.form().unwrap().fill("email", grace);
        browser.post(&world, &path, &form.encoded()).await;
        let page = enters_the_code(&world, &mut browser, &path, grace).await;
        let form = page.form().unwrap().fill("password", "a quilted lizard of mine");
        let answer = browser.post(&world, &path, &form.encoded()).await;
        followed(&world, &mut browser, answer).await;
        let faulted = world.stored_events().await.iter().any(|told| told.name == "step.faulted");
        assert_eq!(faulted, !is_theirs, "{email}");
        assert!(!user(&world, id).await.has_proven("handle"), "{email}");
    }
}
