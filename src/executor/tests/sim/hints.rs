//! What a visitor has said of themselves is asked once: `login_hint`, and what was typed on a page before, stand in the
//! field of every later page that asks for it. It proves nothing.

use std::sync::LazyLock;

use idflow_executor::source::Snapshot;

use crate::visitor::{Answer, Browser};
use crate::world::{TENANT, World, snapshot};

const ADA: &str = "ada@example.com";

/// A sign-in with ways to a sign-up and a reset, and a form with first values of its own.
const MORE: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: front }
spec:
  type: Login
  default: true
  start: password
  steps:
    - { id: password, password: { identify: true, actions: [{ name: signUp }, { name: forgot }] }, outcomes: { next: done, signUp: newcomer, forgot: lost } }
    - { id: newcomer, form: { fields: [{ name: email, type: Email }], actions: [{ name: signIn }] }, outcomes: { next: code, signIn: password } }
    - { id: lost, form: { fields: [{ name: who, purpose: Identifier }] }, outcomes: { next: stop } }
    - { id: code, oneTimeCode: { email: { connection: mail, to: form.email } }, outcomes: { next: stop } }
    - { id: stop, fail: {} }
    - { id: done, complete: {} }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: profile }
spec:
  type: Custom
  start: who
  steps:
    - { id: who, form: { fields: [{ name: email, type: Email }] }, outcomes: { next: more } }
    - id: more
      form:
        fields:
          - { name: nickname, type: String, value: \"form.email.split('@')[0]\" }
          - { name: age, type: Integer, value: 40 + 2 }
          - { name: other, type: String, optional: true, value: flow.?query.other }
      outcomes: { next: stop }
    - { id: stop, fail: {} }
";

fn tenant() -> Snapshot {
    static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
        let others = TENANT.replacen("type: Login\n  default: true", "type: Login", 1);
        snapshot(&(others + MORE))
    });
    SNAPSHOT.clone()
}

struct Visit {
    browser: Browser,
    path: String,
}

impl Visit {
    async fn authorize(world: &World, more: &str) -> Self {
        let mut browser = Browser::new();
        let path = browser.authorize(world, more).await;
        Self { browser, path }
    }

    async fn open(world: &World, flow: &str) -> Self {
        let mut browser = Browser::new();
        let answer = browser.get(world, &format!("/flows/{flow}")).await;
        let path = answer.location().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
        Self { browser, path }
    }

    async fn page(&mut self, world: &World) -> Answer {
        self.browser.get(world, &self.path).await
    }

    /// What the field shows.
    async fn shows(&mut self, world: &World, field: &str) -> String {
        let form = self.page(world).await.form().expect("a form");
        let found = form.fields.iter().find(|known| known.name == field);
        found.unwrap_or_else(|| panic!("no field {field}")).value.clone()
    }

    async fn press(&mut self, world: &World, action: &str, values: &[(&str, &str)]) {
        let form = self.page(world).await.form().expect("a form");
        let form = values.iter().fold(form, |form, (name, value)| form.fill(name, value));
        let form = if action == "next" { form } else { form.press(action) };
        self.browser.post(world, &self.path, &form.encoded()).await;
    }
}

#[tokio::test]
async fn a_login_hint_reaches_sign_in_registration_and_reset() {
    let world = World::serving(1, tenant()).await;
    let hint = format!("&login_hint={ADA}");
    let mut visit = Visit::authorize(&world, &hint).await;
    assert_eq!(visit.shows(&world, "username").await, ADA);
    visit.press(&world, "signUp", &[]).await;
    assert_eq!(visit.shows(&world, "email").await, ADA);
    let mut lost = Visit::authorize(&world, &hint).await;
    lost.press(&world, "forgot", &[]).await;
    assert_eq!(lost.shows(&world, "who").await, ADA);
    let mut registration = Visit::authorize(&world, &format!("{hint}&prompt=create")).await;
    assert_eq!(registration.shows(&world, "email").await, ADA);
    let mut link = Visit::open(&world, &format!("reset?login_hint={ADA}")).await;
    assert_eq!(link.shows(&world, "email").await, ADA);
}

#[tokio::test]
async fn what_was_typed_is_carried_along_and_wins_over_the_hint() {
    let world = World::serving(1, tenant()).await;
    let mut visit = Visit::authorize(&world, "&login_hint=somebody@example.com").await;
    visit.press(&world, "signUp", &[("username", " \u{200b}Ada@example.com ")]).await;
    assert_eq!(visit.shows(&world, "email").await, "Ada@example.com");
    visit.press(&world, "signIn", &[("email", "bob@example.com")]).await;
    assert_eq!(visit.shows(&world, "username").await, "bob@example.com");
    visit.press(&world, "forgot", &[("username", "")]).await;
    assert_eq!(visit.shows(&world, "who").await, "bob@example.com");
}

#[tokio::test]
async fn a_hint_that_is_no_address_stands_in_no_field_for_one_and_is_never_markup() {
    let world = World::serving(1, tenant()).await;
    let mut visit = Visit::authorize(&world, "&login_hint=%22%3E%3Cscript%3Eada").await;
    assert_eq!(visit.shows(&world, "username").await, "\"><script>ada");
    assert!(!visit.page(&world).await.body.contains("<script>ada"));
    visit.press(&world, "signUp", &[]).await;
    assert_eq!(visit.shows(&world, "email").await, "");
    let long = "x".repeat(500);
    let mut visit = Visit::authorize(&world, "").await;
    visit.press(&world, "forgot", &[("username", &long)]).await;
    assert!(visit.shows(&world, "who").await.len() <= 254);
}

#[tokio::test]
async fn a_field_has_a_first_value_and_keeps_what_was_entered() {
    let world = World::serving(1, tenant()).await;
    let mut visit = Visit::open(&world, "profile?other=thing").await;
    visit.press(&world, "next", &[("email", ADA)]).await;
    assert_eq!(visit.shows(&world, "nickname").await, "ada");
    assert_eq!(visit.shows(&world, "age").await, "42");
    assert_eq!(visit.shows(&world, "other").await, "thing");
    visit.press(&world, "next", &[("nickname", "countess"), ("age", "none")]).await;
    assert_eq!(visit.shows(&world, "nickname").await, "countess");
    assert_eq!(visit.shows(&world, "age").await, "none");
}
