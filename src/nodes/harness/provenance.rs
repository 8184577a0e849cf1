//! Whose address it is: a factor is shown only by what can be nothing but an attribute of the identified user.

use idflow_core::evidence::Proof;
use idflow_flow::facts::ProofFact;
use serde_json::json;

use super::example::Example;
use super::person::{Person, Trial};
use super::stage::{self, runnable};
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

#[test]
fn a_code_shows_a_factor_only_when_it_can_go_nowhere_but_to_the_user() {
    let (kind, ..) = crate::examples().into_iter().find(|(kind, ..)| kind.name == "oneTimeCode").unwrap();
    let hostile = HOSTILE.iter().map(|source| (source, false));
    for (source, is_own) in hostile.chain(OWN.iter().map(|source| (source, true))) {
        let example = Example::of(json!({ "connection": "mail", "to": source })).for_user();
        let facts = stage::facts(kind, &example.settings).unwrap();
        let announced = facts.outcomes[0].proofs.contains(&ProofFact::Factor("otp"));
        let runnable = runnable(kind, &example);
        let mut world = World::new();
        let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
        let code = ada.code(&world);
        ada.enter(&json!({ "code": code }), &mut world);
        assert_eq!(ada.place(), "next", "{source}");
        let shown = ada.journey.evidence.iter().any(|one| one.proof == Proof::Factor("otp".to_owned()));
        assert_eq!((announced, shown), (is_own, is_own), "{source}");
    }
}
