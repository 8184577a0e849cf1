//! What a sign-in costs in round trips on a database across a network, request by request: a ledger that may only
//! shrink. The aim is 3 for a post: the journey, what its answer rests on, the commit.

use std::cell::Cell;

use crate::person::Person;
use crate::visitor::{authorize_path, exchange};
use crate::world::World;

const ADA: &str = "ada@example.com";

/// What each request of a sign-in costs, in its order. The name must be looked up before its user can be read, and the
/// counters of a post are read only once it is known whose they are.
const LEDGER: [(&str, u64); 10] = [
    ("authorize", 2),
    ("page", 1),
    ("post: name and password", 6),
    ("page", 1),
    ("post: mailed code", 4),
    ("page", 1),
    ("post: message read", 3),
    ("page: code", 3),
    ("tokens: code", 3),
    ("authorize: single sign-on", 3),
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

/// A whole sign-in and a second one by its session. Returns what each request cost.
async fn sign_in(world: &World) -> Vec<u64> {
    world.user(ADA).await;
    let mut person = Person::new(ADA);
    let (meter, mut costs) = (Meter::new(world), Vec::new());
    let path = person.browser.authorize(world, "").await;
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

#[tokio::test]
async fn a_sign_in_costs_the_round_trips_of_the_ledger() {
    let costs = sign_in(&World::new(1).await).await;
    assert_eq!(costs.len(), LEDGER.len(), "requests of a sign-in: {costs:?}");
    for ((request, most), cost) in LEDGER.iter().zip(&costs) {
        println!("{request:<28} {cost:3}        (ledger {most})");
    }
    println!("{:<28} {:3}", "together", costs.iter().sum::<u64>());
    let other: Vec<_> = LEDGER.iter().zip(&costs).filter(|((_, most), cost)| *cost != most).collect();
    assert!(other.is_empty(), "not as in the ledger (what has become less is written down there): {other:?}");
}
