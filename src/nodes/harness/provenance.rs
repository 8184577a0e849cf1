//! Whose address it is: a factor is shown only by what can be nothing but an attribute of the identified user.

use std::cell::RefCell;
use std::collections::BTreeSet;

use idflow_core::Value;
use idflow_core::effect::{EffectClass, PendingAsk};
use idflow_core::evidence::Proof;
use idflow_core::journey::Journey;
use idflow_core::write::Write;
use idflow_flow::facts::{Facts, ProofFact};
use idflow_flow::kinds::Kind;
use serde_json::json;

use super::person::{Person, Trial, begun, place, works};
use super::stage::{self, Arrival, runnable, runnable_after};
use super::world::World;

/// Expressions that look like the user's own address and may give another.
const HOSTILE: [&str; 32] = [
    "user.?phone.orValue(form.email)",
    "user.?phone.or(optional.of(form.email)).value()",
    "user.?phone.or(form.?email).value()",
    "user.?phone.orValue(user.?pager.orValue(form.email))",
    "user[?'phone'].orValue(form.email)",
    "user.?email.hasValue() ? form.email : user.email",
    "user.email == '' ? user.email : form.email",
    "user.email != form.email ? form.email : user.email",
    "user.email == form.email ? user.email : form.email",
    "has(user.phone) ? user.phone : form.email",
    "'phone' in user ? user.phone : form.email",
    "user.name == 'x' ? user.email : has(form.email) ? form.email : user.email",
    "user.email.substring(0, 0) + form.email",
    "user.email.split('@')[0] == '' ? user.email : form.email",
    "user.email.split('none').map(x, form.email)[0]",
    "user.email.trim() == '' ? user.email : form['email']",
    "user.email.startsWith('nobody') ? user.email : form.email",
    "user.email.size() > 0 ? form.email : user.email",
    "user.email.lowerAscii().split('@').map(user, form.email)[0]",
    "user.?phone.orValue('mallory@example.org')",
    "user.email == '' ? user.email : 'mallory@example.org'",
    "user.email.substring(0, 0) + 'mallory@example.org'",
    "user.email.split('@')[0] + '@example.com'",
    "user.email.upperAscii()",
    "user.email.reverse().reverse()",
    "[form].map(user, user.email)[0]",
    "[form].filter(user, true)[0].email",
    "{'user': form}.user.email",
    "[user.email, form.email][1]",
    "user.?phone.orValue(flow.?query.?who.orValue('')) + '@example.org'",
    " \n user.?phone.orValue(form.email)",
    "form.email",
];

/// Expressions that give an attribute of the identified user whatever happens.
const OWN: [&str; 8] = [
    "user.email",
    " user.email ",
    "(user.email)",
    "user['email']",
    ".user.email",
    "user.?email",
    "user.?phone.orValue(user.email)",
    "has(user.phone) ? user.phone : user.email",
];

fn kind(name: &str) -> &'static Kind {
    crate::examples().into_iter().map(|(kind, ..)| kind).find(|kind| kind.name == name).unwrap()
}

/// What was proven, in a word: without the value.
pub(super) fn word_of_proof(proof: &Proof) -> String {
    match proof {
        Proof::Identified => "identified".to_owned(),
        Proof::Created => "created".to_owned(),
        Proof::Factor(method) => method.clone(),
        Proof::Address(_) => "address".to_owned(),
        Proof::Consent(name) => name.clone(),
    }
}

/// What the step itself put on the journey's record.
fn recorded(journey: &Journey, before: usize) -> BTreeSet<String> {
    journey.evidence.iter().skip(before).map(|evidence| word_of_proof(&evidence.proof)).collect()
}

/// The word of the proof that a fact stands for.
pub(super) fn word_of_fact(fact: &ProofFact) -> Option<String> {
    match fact {
        ProofFact::Identified => Some("identified".to_owned()),
        ProofFact::Created => Some("created".to_owned()),
        ProofFact::Factor(method) => Some((*method).to_owned()),
        ProofFact::Address(_) => Some("address".to_owned()),
        // About values, which the record keeps apart from what is proven.
        ProofFact::Named { .. } | ProofFact::OwnAddress(_) => None,
    }
}

/// What the compiler was told that leaving by an outcome proves.
fn announced(facts: &Facts, outcome: &str) -> BTreeSet<String> {
    let outcome = facts.outcomes.iter().find(|known| known.name == outcome);
    outcome.into_iter().flat_map(|outcome| &outcome.proofs).filter_map(word_of_fact).collect()
}

/// Settings with one expression in the place where a kind takes it.
fn spelled(kind: &str, source: &str) -> Value {
    match kind {
        "oneTimeCode" => json!({ "email": { "connection": "mail", "to": source } }),
        "mail" => json!({ "connection": "mail", "to": source, "subject": "hello", "body": "other" }),
        "findUser" => json!({ "by": source }),
        "createUser" => json!({ "attributes": { "email": source } }),
        "http" => json!({ "connection": "crm", "method": "POST", "path": "/x", "body": { "email": source } }),
        "set" => json!({ "values": { "address": source } }),
        "branch" => json!({ "cases": [{ "when": format!("({source}) == form.email"), "outcome": "next" }],
            "otherwise": "other" }),
        other => panic!("no settings for {other}"),
    }
}

#[test]
fn however_an_expression_is_spelled_what_is_proven_is_what_the_compiler_was_told() {
    for name in ["oneTimeCode", "mail", "findUser", "createUser", "http", "set", "branch"] {
        for source in HOSTILE.iter().chain(&OWN) {
            let settings = spelled(name, source);
            let facts = stage::facts(kind(name), &settings).unwrap();
            // `findUser` and `createUser` identify somebody: nobody is before.
            let identified = !matches!(name, "findUser" | "createUser");
            let arrival = Arrival { identified, factor: identified, ..Arrival::default() };
            let runnable = runnable_after(arrival, kind(name), &settings);
            let mut world = World::new();
            let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
            if name == "oneTimeCode" {
                let code = ada.code(&world);
                ada.enter(&json!({ "code": code }), &mut world);
            }
            let place = ada.place();
            // Without a user, what reads one has no value.
            assert!(place != "error" || !identified, "{name}: {source}");
            let before = if identified { 2 } else { 0 };
            assert_eq!(recorded(&ada.journey, before), announced(&facts, &place), "{name}: {source}");
        }
    }
}

#[test]
fn a_code_shows_a_factor_only_when_it_can_go_nowhere_but_to_the_user() {
    let hostile = HOSTILE.iter().map(|source| (source, false));
    for (source, is_own) in hostile.chain(OWN.iter().map(|source| (source, true))) {
        let facts = stage::facts(kind("oneTimeCode"), &spelled("oneTimeCode", source)).unwrap();
        assert_eq!(announced(&facts, "next").contains("otp"), is_own, "{source}");
        assert_eq!(facts.needs_user, is_own, "{source}");
    }
}

#[test]
fn every_example_proves_what_the_compiler_was_told_and_causes_no_effect_it_was_not_told_of() {
    for (kind, _, examples) in crate::examples() {
        for example in &examples {
            let name = format!("{} {}", kind.name, example.settings);
            let facts = stage::facts(kind, &example.settings).unwrap();
            let runnable = runnable(kind, example);
            let mut world = World::new();
            let classes = RefCell::new(BTreeSet::new());
            let watching = |number: usize, pending: &PendingAsk, world: &World| {
                classes.borrow_mut().insert(pending.ask.class());
                works(number, pending, world)
            };
            let entered = begun(Person::ADA, 0, &runnable, &world, &watching).unwrap();
            let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
            if example.posts.is_some() {
                let right = ada.right(example, &world);
                let decided = ada.tried(&ada.token(), right.clone(), &world, &watching).unwrap();
                ada.post(&right, &mut world).unwrap();
                assert!(decided.committed().is_empty(), "{name}: no example mails twice");
            }
            if !entered.committed().is_empty() {
                classes.borrow_mut().insert(EffectClass::AtMostOnce);
            }
            let before = if example.identified { 2 } else { 0 };
            let mut wanted = announced(&facts, example.leaves_by);
            if example.identified {
                wanted.remove("identified");
            }
            assert_eq!(recorded(&ada.journey, before), wanted, "{name}");
            // Reading users and counters changes nothing outside.
            let told: BTreeSet<EffectClass> =
                facts.effects.iter().copied().chain([EffectClass::ReadOnly]).collect();
            assert!(classes.into_inner().is_subset(&told), "{name}");
        }
    }
}

/// However it is spelled: accounts are found by one form of a name (checklist J-16).
#[test]
fn an_attribute_is_verified_only_when_its_value_was() {
    let proven = Arrival { address: true, ..Arrival::default() };
    for (arrival, source, is_verified) in [
        (proven, "form.email", true),
        (proven, "form['email']", true),
        (proven, "[form.email][0]", true),
        (proven, "form.?email.orValue('x@example.org')", true),
        (proven, "form.email.upperAscii()", true),
        (proven, "form.email + ' '", true),
        (proven, "' ' + form.email", true),
        (proven, "'a' + form.email", false),
        (proven, "form.email + '.example'", false),
        (proven, "form.email.substring(1)", false),
        (proven, "form.email.split('@')[0] + '@example.com'", false),
        (proven, "'email:' + form.email", false),
        (proven, "'mallory@example.org'", false),
        (proven, "form.email.reverse()", false),
        (proven, "form.?phone.orValue('mallory@example.org')", false),
        (Arrival::default(), "form.email", false),
    ] {
        let runnable = runnable_after(arrival, kind("createUser"), &spelled("createUser", source));
        let world = World::new();
        let decided = begun(Person::ADA, 0, &runnable, &world, &works).unwrap();
        let [Write::CreateUser { user, .. }] = decided.writes.as_slice() else { panic!("{source}") };
        assert_eq!(user.verified, if is_verified { vec!["email"] } else { vec![] }, "{source}");
    }
}

#[test]
fn a_password_is_set_only_by_proof_that_speaks_for_this_very_user() {
    let nobody = Arrival { identified: true, ..Arrival::default() };
    for (arrival, may) in [
        (nobody, false),
        (Arrival { factor: true, ..nobody }, true),
        // The address is the visitor's own, and at most what this user is called.
        (Arrival { address: true, ..nobody }, false),
        (Arrival { address: true, namesake: true, ..nobody }, false),
    ] {
        let runnable = runnable_after(arrival, kind("setPassword"), &json!({}));
        let decided = begun(Person::ADA, 0, &runnable, &World::new(), &works).unwrap();
        let wanted = if may { "tried" } else { "error" };
        assert_eq!(place(&runnable, &decided.journey), wanted, "{arrival:?}");
    }
}
