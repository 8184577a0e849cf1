//! What a sign-in costs in round trips, request by request: exactly what the ledger says, so that what has become
//! less is written down too. A round trip is a call of the store's `Backend`; on a database across a network it would
//! be one. The aim is 3 for a post: the journey, what its answer rests on, the commit.

use std::cell::Cell;
use std::collections::BTreeMap;

use crate::person::Person;
use crate::visitor::{authorize_path, exchange};
use crate::world::{PASSWORD, TENANT, World, snapshot};

const ADA: &str = "ada@example.com";

/// What each request of a sign-in costs, in its order.
///
/// - A journey that begins, and a post of nobody who asks for nothing, leave the look at the off switches to the
///   commit.
/// - A post reads the journey, and then at once all that its answer rests on: the user (by name: the index entry
///   leads to
///   the user, one statement with a join in SQL), the counters of the step, the switches.
/// - A counter of mails is not read: the commit tells when it is full, and the step is decided once more.
const SIGN_IN: [(&str, u64); 10] = [
    ("authorize", 1),
    ("page", 1),
    ("post: name and password", 3),
    ("page", 1),
    ("post: mailed code", 3),
    ("page", 1),
    ("post: message read", 3),
    ("page: code", 2),
    ("tokens: code", 3),
    ("authorize: single sign-on", 2),
];

/// The same of a sign-up. The post that makes the account costs one more: whether its address is free is asked by the
/// step behind the code, of a value that only the right code puts out, and whether a code is right is judged only after
/// the guesses were read. To judge it before would let a step behind it call the outside for who has guessed too often.
const SIGN_UP: [(&str, u64); 10] = [
    ("authorize", 1),
    ("page", 1),
    ("post: address", 2),
    ("page", 1),
    ("post: mailed code, account", 4),
    ("page", 1),
    ("post: new password", 3),
    ("page: code", 2),
    ("tokens: code", 3),
    ("authorize: single sign-on", 2),
];

/// What was asked of the store since the last look, told by the store and by the backend under it alike.
struct Meter<'a> {
    world: &'a World,
    seen: Cell<[u64; 2]>,
}

impl<'a> Meter<'a> {
    fn new(world: &'a World) -> Self {
        let meter = Self { world, seen: Cell::default() };
        meter.seen.set(meter.counts());
        meter
    }

    fn counts(&self) -> [u64; 2] {
        [self.world.app().store.round_trips(), self.world.storage.calls()]
    }

    fn read(&self) -> u64 {
        let (before, after) = (self.seen.get(), self.counts());
        self.seen.set(after);
        let [told, made] = [after[0] - before[0], after[1] - before[1]];
        assert_eq!(told, made, "round trips as the store tells them, and calls that reached the backend");
        told
    }
}

/// A whole walk and a second one by its session. Returns what each request cost.
async fn walk(world: &World, more: &str) -> Vec<u64> {
    walk_as(world, &mut Person::new(ADA), more).await
}

async fn walk_as(world: &World, person: &mut Person, more: &str) -> Vec<u64> {
    let (meter, mut costs) = (Meter::new(world), Vec::new());
    let path = person.browser.authorize(world, more).await;
    costs.push(meter.read());
    let code = loop {
        let page = person.browser.get(world, &path).await;
        costs.push(meter.read());
        if let Some(code) = page.code() {
            break code;
        }
        let form = person.filled(world, &page);
        person.browser.post(world, &path, &form.encoded()).await;
        costs.push(meter.read());
    };
    let tokens = exchange(world, &code).await;
    assert!(tokens.json()["id_token"].is_string(), "{}", tokens.body);
    costs.push(meter.read());
    let again = person.browser.get(world, &authorize_path("")).await;
    assert!(again.location().is_some_and(|to| to.contains("code=")), "{again:?}");
    costs.push(meter.read());
    costs
}

fn is_as_in(ledger: &[(&str, u64)], costs: &[u64]) {
    assert_eq!(costs.len(), ledger.len(), "requests: {costs:?}");
    for ((request, most), cost) in ledger.iter().zip(costs) {
        println!("{request:<28} {cost:3}        (ledger {most})");
    }
    println!("{:<28} {:3}", "together", costs.iter().sum::<u64>());
    let other: Vec<_> = ledger.iter().zip(costs).filter(|((_, most), cost)| *cost != most).collect();
    assert!(other.is_empty(), "not as in the ledger (what has become less is written down there): {other:?}");
}

#[tokio::test]
async fn a_sign_in_costs_the_round_trips_of_the_ledger() {
    let world = World::new(1).await;
    let ada = world.user(ADA).await;
    // The first code that an account answers costs one more: from then on its address counts as proven.
    world.change(ada, |user| user.verified = vec!["email".to_owned()]).await;
    is_as_in(&SIGN_IN, &walk(&world, "").await);
}

#[tokio::test]
async fn a_sign_in_from_a_known_device_costs_no_more() {
    let world = World::new(1).await;
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    walk_as(&world, &mut person, "").await;
    person.browser.cookies.retain(|name, _| name.contains("device"));
    assert_eq!(person.browser.cookies.len(), 1);
    is_as_in(&SIGN_IN, &walk_as(&world, &mut person, "").await);
}

#[tokio::test]
async fn a_sign_in_where_somebody_is_signed_in_costs_a_look_at_their_session_when_it_begins_and_when_it_ends()
{
    let world = World::new(1).await;
    let ada = world.user(ADA).await;
    world.change(ada, |user| user.verified = vec!["email".to_owned()]).await;
    let mut person = Person::new(ADA);
    walk_as(&world, &mut person, "").await;
    let dearer = ["authorize", "post: message read"];
    let ledger = SIGN_IN.map(|(name, cost)| (name, cost + u64::from(dearer.contains(&name))));
    is_as_in(&ledger, &walk_as(&world, &mut person, "&prompt=login").await);
}

#[tokio::test]
async fn a_sign_up_costs_the_round_trips_of_the_ledger() {
    is_as_in(&SIGN_UP, &walk(&World::new(1).await, "&prompt=create").await);
}

#[tokio::test]
async fn a_code_that_is_asked_for_at_somebodys_device_costs_no_more() {
    let world = World::new(1).await;
    world.user("bob@example.com").await;
    let mut person = Person::new("bob@example.com");
    walk_as(&world, &mut person, "").await;
    person.browser.cookies.retain(|name, _| name.contains("device"));
    let mut ada = Person::new(ADA);
    ada.browser = person.browser;
    is_as_in(&SIGN_UP, &walk_as(&world, &mut ada, "&prompt=create").await);
}

const TWICE: &str = "
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: twice }
spec:
  type: Custom
  start: first
  steps:
    - id: first
      password: { identify: true }
      outcomes: { next: second }
    - id: second
      password: { identify: true }
      outcomes: { next: done }
    - id: done
      complete: {}
";

#[tokio::test]
async fn e_2_a_known_name_costs_what_an_unknown_one_costs_also_whoever_is_identified_already() {
    let world = World::serving(1, snapshot(&(TENANT.to_owned() + TWICE))).await;
    world.user(ADA).await;
    world.user("bob@example.com").await;
    let mut person = Person::new(ADA);
    let start = person.browser.get(&world, "/flows/twice").await;
    let path = start.location().unwrap_or_else(|| panic!("{start:?}")).to_owned();
    let meter = Meter::new(&world);
    let mut costs = BTreeMap::new();
    for (name, password) in [
        (ADA, PASSWORD),
        ("nobody@example.com", "wrong"),
        ("bob@example.com", "wrong"),
        ("no@example.com", "wrong"),
    ] {
        let page = person.browser.get(&world, &path).await;
        let form = page.form().unwrap_or_else(|| panic!("{page:?}"));
        meter.read();
        let form = form.fill("username", name).fill("password", password);
        person.browser.post(&world, &path, &form.encoded()).await;
        costs.insert(name, meter.read());
    }
    assert_eq!(costs["nobody@example.com"], costs["bob@example.com"], "{costs:?}");
    assert_eq!(costs["no@example.com"], costs["bob@example.com"], "{costs:?}");
}
