//! A sign-up that is not finished: what it made is nobody to everybody else, keeps nobody out who can prove the address,
//! and leaves nothing behind.

use std::sync::LazyLock;

use http::StatusCode;
use idflow_core::time::Span;
use idflow_executor::source::Snapshot;
use serde_json::json;

use crate::faults::Kind;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, TENANT, World, snapshot};

const ADA: &str = "ada@example.com";
const EVIL: &str = "attackers choice of words";

/// A sign-up that makes the account before the address is proven, one that proves nothing, and one without a password.
const MORE: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: early }
spec:
  type: Registration
  start: who
  steps:
    - { id: who, form: { fields: [{ name: email, type: Email }, { name: name, type: Name, required: false }] }, outcomes: { next: account } }
    - { id: account, createUser: { attributes: { email: form.email, name: form.?name.orValue('') } }, outcomes: { next: code, exists: failed } }
    - { id: code, oneTimeCode: { connection: mail }, outcomes: { next: newPassword } }
    - { id: newPassword, setPassword: {}, outcomes: { next: done } }
    - { id: failed, fail: {} }
    - { id: done, complete: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: unproven }
spec:
  type: Registration
  start: who
  steps:
    - { id: who, form: { fields: [{ name: email, type: Email }, { name: name, type: Name, required: false }] }, outcomes: { next: account } }
    - { id: account, createUser: { attributes: { email: form.email, name: form.?name.orValue('') } }, outcomes: { next: newPassword, exists: failed } }
    - { id: newPassword, setPassword: {}, outcomes: { next: done } }
    - { id: failed, fail: {} }
    - { id: done, complete: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: passwordless }
spec:
  type: Registration
  start: who
  steps:
    - { id: who, form: { fields: [{ name: email, type: Email }] }, outcomes: { next: code } }
    - { id: code, oneTimeCode: { connection: mail, to: form.email }, outcomes: { next: account } }
    - { id: account, createUser: { attributes: { email: form.email } }, outcomes: { next: welcome, exists: failed } }
    - { id: welcome, message: {}, outcomes: { next: done } }
    - { id: failed, fail: {} }
    - { id: done, complete: {} }
";

fn tenant() -> Snapshot {
    static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
        let attributes = "attributes: [{ name: name, type: String }, ";
        snapshot(&(TENANT.replace("attributes: [", attributes) + MORE))
    });
    SNAPSHOT.clone()
}

/// Somebody in the middle of a flow.
struct Visit {
    browser: Browser,
    path: String,
    /// The answer to the last post.
    answer: Answer,
}

impl Visit {
    async fn begin(world: &World, flow: &str) -> Self {
        let mut browser = Browser::new();
        let answer = browser.get(world, &format!("/flows/{flow}")).await;
        let path = answer.location().unwrap_or_else(|| panic!("no journey: {answer:?}")).to_owned();
        Self { browser, path, answer }
    }

    async fn page(&mut self, world: &World) -> Answer {
        self.browser.get(world, &self.path).await
    }

    /// Fills what the page asks for; whether it asked for all of it.
    async fn post(&mut self, world: &World, values: &[(&str, &str)]) -> bool {
        let Some(form) = self.page(world).await.form() else { return false };
        if values.iter().any(|(name, _)| !form.has_field(name)) {
            return false;
        }
        let form = values.iter().fold(form, |form, (name, value)| form.fill(name, value));
        self.answer = self.browser.post(world, &self.path, &form.encoded()).await;
        self.answer.status == StatusCode::SEE_OTHER
    }

    async fn enters_the_code(&mut self, world: &World, address: &str) -> bool {
        let code = world.mails.code_for(address).expect("a mail");
        self.post(world, &[("code", &code)]).await
    }

    /// Signs up by the flow that proves the address first.
    async fn sign_up(world: &World, address: &str) -> Self {
        let mut visit = Self::begin(world, "sign-up").await;
        assert!(visit.post(world, &[("email", address)]).await);
        assert!(visit.enters_the_code(world, address).await);
        visit
    }
}

/// What a visitor without a password is told at sign-in, as a whole page.
async fn sign_in(world: &World, address: &str, password: &str) -> String {
    let mut visit = Visit::begin(world, "sign-in").await;
    assert!(visit.post(world, &[("username", address), ("password", password)]).await);
    let page = visit.page(world).await;
    let words = [page.token().unwrap_or_default(), visit.path.clone(), address.to_owned()];
    let page = words.iter().fold(page.body, |page, word| page.replace(word, ""));
    let nonce =
        page.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("-").to_owned();
    page.replace(&nonce, "")
}

#[tokio::test]
async fn an_abandoned_sign_up_is_nobody_and_keeps_nobody_out() {
    let mut world = World::serving(1, tenant()).await;
    Visit::sign_up(&world, ADA).await;
    assert_eq!(world.count(Kind::User).await, 1, "the reservation");
    let (reserved, nobody) = (sign_in(&world, ADA, "x").await, sign_in(&world, "eve@example.com", "x").await);
    assert_eq!(reserved, nobody, "e_1");
    let mut reset = Visit::begin(&world, "reset").await;
    assert!(reset.post(&world, &[("email", ADA)]).await && reset.enters_the_code(&world, ADA).await);
    assert!(reset.page(&world).await.form().is_none(), "a reset finds nobody");
    let mut again = Visit::sign_up(&world, ADA).await;
    assert!(again.post(&world, &[("password", PASSWORD)]).await, "{:?}", again.page(&world).await);
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    assert_eq!(world.count(Kind::User).await, 1, "nothing of the first attempt is left");
}

#[tokio::test]
async fn whoever_prepares_an_account_for_somebody_else_has_nothing_when_they_sign_up() {
    for (attackers, victims) in
        [("early", "sign-up"), ("unproven", "sign-up"), ("early", "early"), ("unproven", "early")]
    {
        let mut world = World::serving(1, tenant()).await;
        let mut attacker = Visit::begin(&world, attackers).await;
        assert!(attacker.post(&world, &[("email", ADA), ("name", EVIL)]).await);
        let waiting = attacker.page(&world).await;
        let mut victim = Visit::begin(&world, victims).await;
        assert!(victim.post(&world, &[("email", ADA)]).await);
        assert!(victim.enters_the_code(&world, ADA).await);
        assert!(
            victim.post(&world, &[("password", PASSWORD)]).await,
            "{attackers}, {victims}: {:?}",
            victim.page(&world).await
        );
        // The page that was fetched before, posted after.
        let own = "the password of the attacker";
        let form = waiting.form().unwrap();
        let form =
            if form.has_field("password") { form.fill("password", own) } else { form.fill("code", "000000") };
        attacker.browser.post(&world, &attacker.path, &form.encoded()).await;
        let page = attacker.page(&world).await;
        assert!(page.form().is_none() && page.code().is_none(), "{attackers}, {victims}: {}", page.body);
        assert_eq!(world.count(Kind::User).await, 1);
        assert_eq!(world.count(Kind::Session).await, 1, "the victim's own");
        assert!(
            sign_in(&world, ADA, own).await.contains("This does not match"),
            "the password opens nothing"
        );
        let id = world.find(ADA).await;
        world
            .change(id, |user| {
                assert_eq!(serde_json::Value::from(user.attributes.clone()), json!({ "email": ADA }));
                assert_eq!(user.verified, ["email"]);
            })
            .await;
        Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
    }
}

#[tokio::test]
async fn what_a_sign_up_has_proven_nobody_takes_without_a_proof() {
    let world = World::serving(1, tenant()).await;
    let mut first = Visit::sign_up(&world, ADA).await;
    // A flow that proves no address says that the value is taken.
    let mut unproven = Visit::begin(&world, "unproven").await;
    assert!(unproven.post(&world, &[("email", ADA)]).await);
    assert!(unproven.page(&world).await.form().is_none());
    assert!(first.post(&world, &[("password", PASSWORD)]).await);
    assert_eq!(world.count(Kind::User).await, 1);
}

#[tokio::test]
async fn a_tenant_without_passwords_has_a_user_once_the_sign_up_completes() {
    let world = World::serving(1, tenant()).await;
    let mut visit = Visit::begin(&world, "passwordless").await;
    assert!(visit.post(&world, &[("email", ADA)]).await && visit.enters_the_code(&world, ADA).await);
    let by = world.app().store.user_by("people", &["email".to_owned()], ADA, &[]);
    assert_eq!(world.app().store.reads(world.now()).find_user(&by).await.unwrap(), None);
    assert!(visit.post(&world, &[]).await);
    world.find(ADA).await;
    world.pass(Span::hours(48));
    world.app().store.purge(world.now()).await.unwrap();
    world.find(ADA).await;
}

#[tokio::test]
async fn a_reservation_is_gone_after_a_day_with_everything_it_held() {
    let world = World::serving(1, tenant()).await;
    let mut visit = Visit::sign_up(&world, ADA).await;
    world.pass(Span::minutes(23 * 60 + 59));
    world.app().store.purge(world.now()).await.unwrap();
    assert_eq!(world.count(Kind::User).await, 1);
    world.pass(Span::minutes(2));
    assert!(!visit.post(&world, &[("password", PASSWORD)]).await, "the journey is over too");
    world.app().store.purge(world.now()).await.unwrap();
    assert_eq!(world.count(Kind::User).await, 0);
    assert_eq!(world.count(Kind::UserIndex).await, 0);
}
