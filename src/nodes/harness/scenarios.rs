//! What single kinds promise over several posts and journeys.

use idflow_core::Value;
use idflow_core::effect::{Answer, Ask, PendingAsk};
use idflow_core::journey::Phase;
use idflow_core::time::Span;
use idflow_core::write::Write;
use idflow_engine::bind::Runnable;
use serde_json::json;

use super::example::Example;
use super::person::{Person, Trial, works};
use super::stage;
use super::world::{CounterFull, World};

fn runnable(kind: &str, example: &Example) -> Runnable {
    let (kind, ..) = crate::examples().into_iter().find(|(found, ..)| found.name == kind).unwrap();
    stage::runnable(kind, example)
}

fn sign_in() -> Runnable {
    runnable("password", &Example::of(json!({ "identify": true })))
}

fn guess(name: &str, password: &str) -> Value {
    json!({ "username": name, "password": password })
}

#[test]
fn p_7_after_five_wrong_passwords_the_next_waits_even_the_right_one_and_ten_are_all_of_a_journey() {
    let runnable = sign_in();
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    let wrong = || ("tried".to_owned(), vec!["error-credentials-email".to_owned()]);
    for wait in [0, 0, 0, 0, 30, 60, 120, 240, 480, 900] {
        ada.enter(&guess("ada@example.org", "wrong"), &mut world);
        assert_eq!((ada.place(), ada.told()), wrong());
        if (30..900).contains(&wait) {
            ada.enter(&guess("ada@example.org", Person::ADA.password), &mut world);
            assert_eq!(
                (ada.place(), ada.told()),
                ("tried".to_owned(), vec!["error-password-wait".to_owned()])
            );
        }
        world.now = world.now.plus(Span::seconds(wait));
    }
    ada.enter(&guess("ada@example.org", Person::ADA.password), &mut world);
    assert_eq!(ada.place(), "locked");

    let mut later = Trial::in_tab(Person::ADA, 1, &runnable, &mut world);
    later.enter(&guess("ada@example.org", Person::ADA.password), &mut world);
    assert_eq!(later.place(), "next", "P-8: nobody is locked out for good");
}

#[test]
fn p_7_whoever_has_to_wait_spends_no_hash() {
    let runnable = sign_in();
    let mut world = World::new();
    for (tab, name) in [(0, Person::ADA.email), (1, "nobody@example.org")] {
        let mut tab = Trial::in_tab(Person::ADA, tab, &runnable, &mut world);
        for _ in 0..5 {
            tab.enter(&guess(name, "wrong"), &mut world);
        }
        let fields = guess(name, Person::ADA.password).as_object().cloned().unwrap();
        let submission = idflow_core::effect::Submission { action: "next".to_owned(), fields };
        let counts_only = |number: usize, pending: &PendingAsk, world: &World| {
            assert!(!matches!(pending.ask, Ask::VerifyPassword { .. }), "{name}");
            works(number, pending, world)
        };
        let decided = tab.tried(&tab.token(), submission, &world, &counts_only).unwrap();
        let Phase::ExpectSubmission(expected) = &decided.journey.phase else { panic!("{name}") };
        assert_eq!(expected.wait_until, Some(world.now.plus(Span::seconds(30))), "{name}");
        assert!(decided.counters.is_empty(), "{name}");
    }
}

#[test]
fn j_16_every_spelling_and_every_journey_meets_the_same_counter() {
    let runnable = sign_in();
    let mut world = World::new();
    let spellings = ["ada@example.org", "ADA@EXAMPLE.ORG", " Ada@example.org", "ada@Example.Org "];
    for (tab, name) in (0_u8..5).zip(spellings.iter().cycle()) {
        let mut tab = Trial::in_tab(Person::ADA, tab, &runnable, &mut world);
        tab.enter(&guess(name, "wrong"), &mut world);
        assert_eq!(tab.place(), "tried");
    }
    let known = runnable_for_known_user();
    let mut elsewhere = Trial::in_tab(Person::ADA, 11, &known, &mut world);
    elsewhere.enter(&json!({ "password": Person::ADA.password }), &mut world);
    assert_eq!(elsewhere.told(), ["error-password-wait"], "another flow, another page, the same account");

    let mut bob = Trial::of(Person::BOB, &runnable, &mut world);
    bob.enter(&guess(Person::BOB.email, Person::BOB.password), &mut world);
    assert_eq!(bob.place(), "next", "nobody else is affected");
}

fn runnable_for_known_user() -> Runnable {
    runnable("password", &Example::of(json!({})).for_user())
}

#[test]
fn p_9_parallel_guesses_gain_nothing() {
    let runnable = sign_in();
    let mut world = World::new();
    let tabs: Vec<Trial<'_>> =
        (0..12).map(|tab| Trial::in_tab(Person::ADA, tab, &runnable, &mut world)).collect();
    let decide = |tab: &Trial<'_>, password: &str, world: &World| {
        let fields = guess("ada@example.org", password).as_object().cloned().unwrap();
        let submission = idflow_core::effect::Submission { action: "next".to_owned(), fields };
        tab.tried(&tab.token(), submission, world, &works).unwrap()
    };
    let right = decide(&tabs[11], Person::ADA.password, &world);
    let wrong: Vec<_> = tabs[..11].iter().map(|tab| decide(tab, "wrong", &world)).collect();
    let verdicts: Vec<bool> = wrong.into_iter().map(|decided| world.commit(decided).is_ok()).collect();
    assert_eq!(verdicts.iter().filter(|verdict| **verdict).count(), 5, "no verdict without its count");
    assert_eq!(world.commit(right), Err(CounterFull), "the right one decided before comes too late");
}

#[test]
fn e_1_an_unknown_name_a_wrong_password_and_a_locked_user_look_alike() {
    let runnable = sign_in();
    let mut pages = Vec::new();
    for (name, password, lock) in [
        (Person::ADA.email, "wrong", false),
        ("nobody@example.org", Person::ADA.password, false),
        (Person::ADA.email, Person::ADA.password, true),
    ] {
        let mut world = World::new();
        if lock {
            world.lock(Person::ADA);
        }
        let ada = Trial::of(Person::ADA, &runnable, &mut world);
        let asked = std::cell::RefCell::new(Vec::new());
        let watching = |number: usize, pending: &PendingAsk, world: &World| {
            asked.borrow_mut().push(std::mem::discriminant(&pending.ask));
            works(number, pending, world)
        };
        let fields = guess(name, password).as_object().cloned().unwrap();
        let submission = idflow_core::effect::Submission { action: "next".to_owned(), fields };
        let decided = ada.tried(&ada.token(), submission, &world, &watching).unwrap();
        let counted = decided.counters.len();
        let moved = Trial { journey: decided.journey, ..ada };
        assert_eq!(moved.place(), "tried");
        let mut view = moved.view().clone();
        view.fields[0].value = None;
        pages.push((view, asked.into_inner(), counted));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

#[test]
fn p_5_a_password_hashed_at_an_older_cost_is_written_anew_without_ending_sessions() {
    let runnable = sign_in();
    let mut world = World::new();
    let ada = Trial::of(Person::ADA, &runnable, &mut world);
    let fields = guess(Person::ADA.email, Person::ADA.password).as_object().cloned().unwrap();
    let submission = idflow_core::effect::Submission { action: "next".to_owned(), fields };
    let newer = idflow_core::secret::PasswordHash("newer".to_owned());
    let decided = ada
        .tried(&ada.token(), submission, &world, &|number, pending, world| match &pending.ask {
            Ask::VerifyPassword { .. } => Answer::Verified { matches: true, rehashed: Some(newer.clone()) },
            _ => works(number, pending, world),
        })
        .unwrap();
    let wanted =
        Write::SetPassword { user: Person::ADA.user().id, hash: newer.clone(), ends_sessions: false };
    assert_eq!(decided.writes, [wanted]);
}

fn code_to_own_address() -> Runnable {
    runnable("oneTimeCode", &Example::of(json!({ "email": { "connection": "mail" } })).for_user())
}

#[test]
fn t_9_a_code_ends_after_ten_minutes_and_when_a_newer_one_is_sent() {
    let runnable = code_to_own_address();
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    let first = ada.code(&world);
    ada.press("resend", &mut world);
    assert_eq!(ada.told(), ["code-sent-again"]);
    let second = ada.code(&world);
    assert_ne!(first, second);
    ada.enter(&json!({ "code": first }), &mut world);
    assert_eq!((ada.place().as_str(), ada.told()), ("tried", vec!["error-code-wrong".to_owned()]));

    world.now = world.now.plus(Span::minutes(10));
    ada.enter(&json!({ "code": second }), &mut world);
    assert_eq!((ada.place().as_str(), ada.told()), ("tried", vec!["error-code-expired".to_owned()]));

    ada.press("resend", &mut world);
    let spaced: String = ada.code(&world).chars().flat_map(|digit| [digit, ' ']).collect();
    ada.enter(&json!({ "code": spaced }), &mut world);
    assert_eq!(ada.place(), "next", "people add spaces");
    assert!(!serde_json::to_string(&ada.journey).unwrap().contains(&ada.code(&world)));
}

#[test]
fn t_6_five_wrong_codes_end_the_code_and_ten_the_journeys_tries() {
    let runnable = runnable(
        "oneTimeCode",
        &Example::of(json!({ "email": { "connection": "mail", "to": "form.email" } })),
    );
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    for round in 0..2 {
        let code = ada.code(&world);
        let wrong = if code == "000000" { "000001" } else { "000000" };
        for tries in 1..=5 {
            ada.enter(&json!({ "code": wrong }), &mut world);
            let told = if tries < 5 { "error-code-wrong" } else { "error-code-void" };
            assert_eq!((ada.place().as_str(), ada.told()), ("tried", vec![told.to_owned()]));
        }
        assert!(ada.view().fields.is_empty(), "there is nothing to enter");
        ada.press("resend", &mut world);
        assert_eq!(ada.place(), if round == 0 { "tried" } else { "locked" });
    }
    assert_eq!(world.mails.len(), 2, "no mail goes out that nobody could use");
    let next = Trial::in_tab(Person::ADA, 1, &runnable, &mut world);
    assert_eq!(
        (next.place().as_str(), world.mails.len()),
        ("tried", 3),
        "the journey's tries, nobody else's"
    );
}

#[test]
fn t_6_ten_wrong_codes_of_who_has_shown_a_factor_wait_and_say_how_long() {
    let runnable = code_to_own_address();
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    for _ in 0..2 {
        for _ in 0..5 {
            ada.enter(&json!({ "code": "nothing" }), &mut world);
            assert_eq!(ada.told(), ["error-code-digits"]);
            ada.enter(&json!({ "code": "0000000" }), &mut world);
        }
        ada.press("resend", &mut world);
    }
    assert_eq!(ada.place(), "locked");
    let mut next = Trial::in_tab(Person::ADA, 1, &runnable, &mut world);
    assert_eq!((next.told(), world.mails.len()), (vec!["error-code-wait".to_owned()], 2));
    world.now = world.now.plus(Span::minutes(10));
    next.press("resend", &mut world);
    let code = next.code(&world);
    next.enter(&json!({ "code": code }), &mut world);
    assert_eq!(next.place(), "next");
}

#[test]
fn t_12_the_sixth_mail_to_one_address_is_not_sent() {
    let runnable = code_to_own_address();
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    for _ in 0..4 {
        ada.press("resend", &mut world);
    }
    let last = ada.code(&world);
    ada.press("resend", &mut world);
    assert_eq!((world.mails.len(), ada.told()), (5, vec!["code-too-many-mails".to_owned()]));
    let again = Trial::in_tab(Person::ADA, 1, &runnable, &mut world);
    assert_eq!(again.told(), ["code-too-many-mails"]);
    assert!(again.view().fields.is_empty(), "nobody is sent to look for it");
    assert_eq!(world.mails.len(), 5);
    ada.enter(&json!({ "code": last }), &mut world);
    assert_eq!(ada.place(), "next", "the last code still works");
    let reads_them = Trial::in_tab(Person::ADA, 2, &runnable, &mut world);
    assert_eq!(
        (reads_them.told(), world.mails.len()),
        (Vec::new(), 6),
        "whoever reads them is not sent too many"
    );
}

#[test]
fn p_11_a_new_password_ends_other_sessions_and_a_weak_one_changes_nothing() {
    let runnable = runnable("setPassword", &Example::of(json!({})).for_user());
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    ada.enter(&json!({ "password": "x".repeat(2000) }), &mut world);
    assert_eq!((ada.place().as_str(), ada.told()), ("tried", vec!["weakness-too-long".to_owned()]));
    assert_eq!(ada.view().fields[0].value, None, "a password is never shown again");

    let fields = json!({ "password": "correct horse battery" }).as_object().cloned().unwrap();
    let submission = idflow_core::effect::Submission { action: "next".to_owned(), fields };
    let decided = ada.tried(&ada.token(), submission, &world, &works).unwrap();
    assert!(matches!(decided.writes.as_slice(), [Write::SetPassword { ends_sessions: true, .. }]));
}

#[test]
fn every_field_that_was_left_empty_says_so() {
    let runnable = runnable("password", &Example::of(json!({ "identify": true })));
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    let empty = || "error-required".to_owned();
    for (fields, expected) in [
        (json!({}), vec![empty(), empty()]),
        (json!({ "username": "", "password": "" }), vec![empty(), empty()]),
        (json!({ "username": "ada@example.org" }), vec![empty()]),
        (json!({ "password": "x" }), vec![empty()]),
    ] {
        ada.enter(&fields, &mut world);
        assert_eq!((ada.place().as_str(), ada.told()), ("tried", expected), "{fields}");
    }
}

#[test]
fn a_form_shows_again_what_was_entered_and_says_what_is_wrong_where() {
    let settings = json!({ "fields": [
        { "name": "email", "type": "Email" },
        { "name": "name", "purpose": "Name", "optional": true },
        { "name": "terms", "type": "Boolean" },
    ] });
    let runnable = runnable("form", &Example::of(settings));
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    assert_eq!(
        ada.view().fields[0].value.as_deref(),
        Some("new-ada@example.org"),
        "what is known is filled in"
    );
    ada.enter(&json!({ "email": "nonsense", "name": "Ada" }), &mut world);
    assert_eq!(ada.told(), ["error-email", "error-required-tick"]);
    let shown: Vec<Option<&str>> = ada.view().fields.iter().map(|field| field.value.as_deref()).collect();
    assert_eq!(shown, [Some("nonsense"), Some("Ada"), None]);
    ada.enter(&json!({ "email": "ada@example.org", "name": "", "terms": "true" }), &mut world);
    let form = Value::Object(ada.journey.frames[0].form.clone());
    assert_eq!(form, json!({ "email": "ada@example.org", "terms": true }), "what is left empty is not there");
}

#[test]
fn j_2_a_choice_counts_for_its_own_visit_only() {
    let runnable = runnable("choose", &Example::of(json!({ "options": ["red", "blue"] })));
    let mut world = World::new();
    let mut ada = Trial::of(Person::ADA, &runnable, &mut world);
    let old_page = ada.token();
    ada.press("red", &mut world);
    ada.press("back", &mut world);
    assert_eq!(ada.place(), "tried", "the choice is open again");
    let blue = idflow_core::effect::Submission { action: "blue".to_owned(), ..Default::default() };
    assert!(ada.tried(&old_page, blue, &world, &works).is_err());
    ada.press("blue", &mut world);
    assert_eq!(ada.place(), "blue");
    assert!(ada.journey.evidence.is_empty());
}

#[test]
fn http_hands_on_what_it_was_told_and_leaves_by_error_when_it_was_refused() {
    for (status, place) in [(200, "next"), (299, "next"), (302, "error"), (404, "error"), (500, "error")] {
        let runnable = runnable("http", &Example::of(json!({ "connection": "crm", "path": "/x" })));
        let world = World::new();
        let answer =
            |_: usize, _: &PendingAsk, _: &World| Answer::Http { status, body: json!({ "said": "this" }) };
        let decided = super::person::begun(Person::ADA, 0, &runnable, &world, &answer).unwrap();
        assert_eq!(super::person::place(&runnable, &decided.journey), place, "{status}");
        let wanted = json!({ "status": status, "body": { "said": "this" } });
        assert_eq!(decided.journey.frames[0].steps["tried"], wanted);
    }
}
