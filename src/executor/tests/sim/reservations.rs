//! A sign-up that is not finished: what it made is nobody to everybody else, keeps nobody out who can prove the address,
//! and leaves nothing behind.

use std::sync::LazyLock;

use http::StatusCode;
use idflow_core::dead_end::DeadEnd;
use idflow_core::time::Span;
use idflow_executor::source::Snapshot;
use serde_json::json;

use crate::dead_ends::reason;
use crate::faults::Kind;
use crate::person::{Calm, Person};
use crate::visitor::{Answer, Browser};
use crate::world::{PASSWORD, TENANT, World, snapshot};

const ADA: &str = "ada@example.com";
const EVIL: &str = "attackers choice of words";

/// Sign-ups by the order of their steps after the form: those that make the account before the address is proven, that
/// prove nothing, that prove it when the account has its password, and one without a password.
const FLOWS: [(&str, &[&str]); 5] = [
    ("early", &["account", "code", "newPassword"]),
    ("unproven", &["account", "newPassword"]),
    ("late", &["account", "newPassword", "code"]),
    ("passwordless", &["code", "account", "welcome"]),
    ("unasked", &["account", "welcome"]),
];

/// A sign-up that goes through these steps in this order.
fn sign_up_flow(name: &str, order: &[&str]) -> String {
    let next = |place: usize| order.get(place + 1).copied().unwrap_or("done");
    let is_made = |place: usize| order[..place].contains(&"account");
    let node = |(place, step): (usize, &&str)| match *step {
        "account" => format!(
            "createUser: {{ attributes: {{ email: form.email, name: form.?name.orValue('') }} }}, outcomes: {{ next: {}, exists: failed }}",
            next(place)
        ),
        "code" => {
            let to = if is_made(place) { "" } else { ", to: form.email" };
            format!(
                "oneTimeCode: {{ email: {{ connection: mail{to} }} }}, outcomes: {{ next: {} }}",
                next(place)
            )
        }
        "newPassword" => format!("setPassword: {{}}, outcomes: {{ next: {} }}", next(place)),
        "welcome" => format!("message: {{}}, outcomes: {{ next: {} }}", next(place)),
        other => panic!("{other}"),
    };
    let steps = order.iter().enumerate().map(|step| format!("    - {{ id: {}, {} }}\n", step.1, node(step)));
    let steps: String = steps.collect();
    format!(
        "---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: {{ name: {name} }}
spec:
  type: Registration
  start: who
  steps:
    - {{ id: who, form: {{ fields: [{{ name: email, type: Email }}, {{ name: name, purpose: Name, optional: true }}] }}, outcomes: {{ next: {} }} }}
{steps}    - {{ id: failed, fail: {{}} }}
    - {{ id: done, complete: {{}} }}
",
        order[0]
    )
}

fn tenant() -> Snapshot {
    static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
        let attributes = "attributes: [{ name: name, type: String }, ";
        let flows: Vec<String> = FLOWS.iter().map(|(name, order)| sign_up_flow(name, order)).collect();
        snapshot(&(TENANT.replace("attributes: [", attributes) + "\n" + &flows.concat()))
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

    /// Begins a sign-up of this address.
    async fn named(world: &World, flow: &str, address: &str) -> Self {
        let mut visit = Self::begin(world, flow).await;
        assert!(visit.post(world, &[("email", address)]).await);
        visit
    }

    /// Why the visitor cannot go on: the reason under the reference of their page, and the page.
    async fn end(&mut self, world: &World) -> (DeadEnd, Answer) {
        let page = self.page(world).await;
        assert!(page.form().is_none(), "{}", page.body);
        (reason(world, &page).1, page)
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

#[tokio::test]
async fn whoever_reserves_first_keeps_nobody_out_of_a_sign_up_that_proves_nothing_in_time() {
    for (flow, values) in [
        ("late", vec![("password", PASSWORD)]),
        ("unproven", vec![("password", PASSWORD)]),
        ("unasked", vec![]),
    ] {
        let world = World::serving(1, tenant()).await;
        let mut first = Visit::named(&world, flow, ADA).await;
        Visit::named(&world, flow, ADA).await;
        world.pass(Span::minutes(23 * 60));
        Visit::named(&world, flow, ADA).await;
        let mut second = Visit::named(&world, flow, ADA).await;
        assert!(second.post(&world, &values).await, "{flow}: {:?}", second.page(&world).await);
        if flow == "late" {
            assert!(second.enters_the_code(&world, ADA).await);
        }
        world.find(ADA).await;
        assert_eq!(world.count(Kind::User).await, 1, "{flow}: whoever is finished first has it");
        first.post(&world, &values).await;
        assert!(first.page(&world).await.form().is_none());
        // Whoever comes afterwards is told by the flow's own words.
        let mut third = Visit::named(&world, flow, ADA).await;
        assert_eq!(third.end(&world).await.0, DeadEnd::Failed);
    }
}

#[tokio::test]
async fn whoever_comes_second_is_told_to_start_again_and_the_reason_is_kept() {
    for flow in ["unproven", "unasked"] {
        let world = World::serving(1, tenant()).await;
        let values: &[(&str, &str)] = if flow == "unproven" { &[("password", PASSWORD)] } else { &[] };
        // The store knows the latest few of them together: the first is found out when it would become a user.
        let mut others = Vec::new();
        for _ in 0..7 {
            others.push(Visit::named(&world, flow, ADA).await);
        }
        let mut winner = Visit::named(&world, flow, ADA).await;
        assert!(winner.post(&world, values).await);
        assert_eq!(world.count(Kind::User).await, 5);
        for visit in &mut others {
            visit.post(&world, values).await;
            let (why, page) = visit.end(&world).await;
            assert_eq!(why, DeadEnd::Taken, "{flow}: {}", page.body);
            assert!(page.body.contains("start again") && !page.body.contains(ADA), "{}", page.body);
        }
        let events = world.events.all.lock().unwrap();
        let is_end = |name: &str, outcome: Option<&str>| name == "journey.ended" && outcome == Some("taken");
        assert_eq!(events.iter().filter(|event| is_end(&event.name, event.outcome.as_deref())).count(), 7);
    }
}

#[tokio::test]
async fn whoever_has_proven_it_too_late_is_told_so_too() {
    let world = World::serving(1, tenant()).await;
    let mut early = Visit::named(&world, "early", ADA).await;
    let mut winner = Visit::named(&world, "unproven", ADA).await;
    assert!(winner.post(&world, &[("password", PASSWORD)]).await);
    early.enters_the_code(&world, ADA).await;
    assert_eq!(early.end(&world).await.0, DeadEnd::Taken);
    assert_eq!(world.count(Kind::User).await, 1);
}

#[tokio::test]
async fn a_thousand_reservations_of_an_address_keep_its_owner_out_of_nothing() {
    let mut world = World::serving(1, tenant()).await;
    let mut honest = Visit::named(&world, "early", ADA).await;
    for _ in 0..30 {
        Visit::named(&world, "unproven", ADA).await;
    }
    assert!(honest.enters_the_code(&world, ADA).await, "{:?}", honest.page(&world).await);
    assert!(honest.post(&world, &[("password", PASSWORD)]).await, "{:?}", honest.page(&world).await);
    Person::new(ADA).walk(&mut world, "", &mut Calm).await.code();
}

#[tokio::test]
async fn whoever_will_prove_an_address_is_not_kept_out_by_whoever_has_proven_it() {
    for (flow, may_try) in [("early", true), ("late", false), ("unproven", false)] {
        let world = World::serving(1, tenant()).await;
        let mut first = Visit::sign_up(&world, ADA).await;
        let mut second = Visit::named(&world, flow, ADA).await;
        assert_eq!(second.page(&world).await.form().is_some(), may_try, "{flow}");
        if may_try {
            assert!(second.enters_the_code(&world, ADA).await);
            first.post(&world, &[("password", "the password of the first")]).await;
            assert_eq!(first.end(&world).await.0, DeadEnd::Taken);
            assert!(second.post(&world, &[("password", PASSWORD)]).await);
        }
    }
}
