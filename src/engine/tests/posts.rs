//! Which post may move a journey (checklist J-1 to J-5, J-13 to J-15, J-19).

use idflow_core::effect::Answer;
use idflow_core::time::Span;
use idflow_core::user::{User, UserState};
use idflow_flow::facts::ProofFact::{Factor, Identified};
use serde_json::json;

use super::step::{Row, an_address, call, complete, flow, page, step, user};
use super::visitor::{Visitor, outside, post, start};
use crate::run::Refusal;

const TO_SECOND: &[(&str, &str)] = &[("next", "second")];
const TO_THIRD: &[(&str, &str)] = &[("next", "third")];
const TO_DONE: &[(&str, &str)] = &[("next", "done")];

fn three_pages() -> [Row<'static>; 4] {
    [
        ("first", page().form(json!({ "name": "Ada" })), TO_SECOND),
        ("second", page().outputs(json!({ "seen": true })), TO_THIRD),
        ("third", page(), TO_DONE),
        ("done", step().ending(complete), &[]),
    ]
}

#[test]
fn a_journey_goes_from_page_to_page_to_its_end() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    for place in ["first", "second", "third"] {
        assert_eq!(ada.place(), place);
        ada.answer("right").unwrap();
    }
    assert_eq!(ada.place(), "completed");
}

#[test]
fn j_1_a_wrong_answer_leaves_the_journey_where_it_was() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    let before = ada.journey.clone();
    let commit = ada.answer("wrong").unwrap();
    assert_eq!(commit.counters.len(), 1, "the guess is counted in the same commit");
    assert_eq!((&ada.journey.frames, &ada.journey.evidence), (&before.frames, &before.evidence));
    let expected = ada.expected().unwrap();
    assert_eq!((expected.instance.0, expected.attempt.0, expected.state.clone()), (1, 2, json!(2)));
}

#[test]
fn j_3_only_the_current_page_can_be_answered() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    let mut tokens = vec![ada.token()];
    for _ in 0..2 {
        ada.answer("right").unwrap();
        tokens.push(ada.token());
    }
    let mut again = Visitor::of(&runnable);
    for position in 0..3 {
        for (issued, token) in tokens.iter().enumerate() {
            let before = again.journey.clone();
            let result = again.send(post(token, "next", "right"), &outside);
            match issued.cmp(&position) {
                std::cmp::Ordering::Less => assert_eq!(result.unwrap_err(), Refusal::AlreadyAnswered),
                std::cmp::Ordering::Greater => assert_eq!(result.unwrap_err(), Refusal::StaleToken),
                std::cmp::Ordering::Equal => {
                    assert!(result.is_ok());
                    again.journey = before.clone();
                }
            }
            assert_eq!(again.journey, before);
        }
        // The same seed draws the same tokens only while nothing else is drawn: begin again and walk on.
        again = Visitor::of(&runnable);
        for _ in 0..=position {
            again.answer("right").unwrap();
        }
    }
}

#[test]
fn j_4_the_same_post_twice_has_one_effect_and_the_same_answer() {
    let runnable = flow("Custom", &[("first", page().mailing(), TO_SECOND), ("second", page(), &[])]);
    let mut ada = Visitor::of(&runnable);
    let first = post(&ada.token(), "next", "right");
    let mails = ada.send(first.clone(), &outside).unwrap().committed();
    assert_eq!(mails.len(), 1);
    let after = ada.journey.clone();
    assert_eq!(ada.send(first, &outside).unwrap_err(), Refusal::AlreadyAnswered);
    assert_eq!(ada.journey, after);
}

#[test]
fn j_4_a_post_repeated_because_its_commit_was_lost_carries_the_same_effect_ids() {
    let runnable = flow(
        "Custom",
        &[("first", page().asking(call("POST")).mailing(), TO_SECOND), ("second", page(), &[])],
    );
    let mut ada = Visitor::of(&runnable);
    let before = ada.journey.clone();
    let input = post(&ada.token(), "next", "right");
    let ids = std::cell::RefCell::new(Vec::new());
    let answer = |pending: &idflow_core::effect::PendingAsk| {
        ids.borrow_mut().push(pending.id.clone());
        outside(pending)
    };
    let first = ada.send(input.clone(), &answer).unwrap().committed();
    ada.journey = before;
    let second = ada.send(input, &answer).unwrap().committed();
    let ids = ids.into_inner();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(first[0].id, second[0].id);
    assert_ne!(first[0].id, ids[0], "two effects of one attempt differ");
}

#[test]
fn j_4_effects_of_entering_and_of_every_attempt_have_ids_of_their_own() {
    let runnable = flow("Custom", &[("first", page().mailing(), &[("next", "first")])]);
    let mut ada = Visitor::of(&runnable);
    let mut ids = Vec::new();
    for answer in ["right", "wrong", "right", "right"] {
        ids.extend(ada.answer(answer).unwrap().committed().into_iter().map(|mail| mail.id.to_string()));
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), count), (3, 3));
}

#[test]
fn j_5_going_back_begins_a_clean_attempt() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    assert_eq!(
        ada.press("back").unwrap_err(),
        Refusal::AlreadyAnswered,
        "there is nothing before the first page"
    );
    ada.answer("right").unwrap();
    ada.answer("right").unwrap();
    assert!(ada.expected().unwrap().can_go_back);
    ada.press("back").unwrap();
    assert_eq!(ada.place(), "second");
    assert_eq!(ada.expected().unwrap().instance.0, 4, "a new visit, not the old one again");
    let frame = &ada.journey.frames[0];
    assert_eq!(frame.steps.get("second"), None, "what the step had put out is gone");
    assert_eq!(frame.form.get("name"), Some(&json!("Ada")), "what was typed before it is still there");
    ada.press("back").unwrap();
    assert_eq!(ada.place(), "first");
    assert!(!ada.expected().unwrap().can_go_back);
    assert_eq!(ada.journey.frames[0].form.get("name"), Some(&json!("Ada")), "typing again is not needed");
}

#[test]
fn j_5_going_back_before_the_account_was_named_forgets_whose_it_was() {
    let runnable = flow(
        "Custom",
        &[
            ("first", page(), TO_SECOND),
            ("second", step().naming(1).proving([Identified]), TO_THIRD),
            ("third", page(), &[("next", "third")]),
        ],
    );
    let mut ada = Visitor::of(&runnable);
    assert!(ada.answer("right").unwrap().assurance_rose, "checklist J-8");
    assert_eq!(ada.journey.user, Some(user(1).id));
    ada.press("back").unwrap();
    assert_eq!((ada.journey.user, ada.journey.evidence.len(), ada.journey.user_data.len()), (None, 0, 0));
}

#[test]
fn j_6_no_page_before_a_proof_or_a_write_can_be_returned_to() {
    for binding in [
        page().writing(),
        page().proving([an_address()]).verifying("email:a@b.c"),
        page().asking(call("POST")),
    ] {
        let runnable = flow(
            "Custom",
            &[("first", page(), TO_SECOND), ("second", binding, TO_THIRD), ("third", page(), &[])],
        );
        let mut ada = Visitor::of(&runnable);
        ada.answer("right").unwrap();
        ada.answer("right").unwrap();
        assert_eq!((ada.place().as_str(), ada.expected().unwrap().can_go_back), ("third", false));
        assert_eq!(ada.press("back").unwrap_err(), Refusal::AlreadyAnswered);
    }
}

#[test]
fn cancelling_ends_the_journey_or_takes_the_wire() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    ada.press("cancel").unwrap();
    assert_eq!(ada.place(), "cancelled");

    let wired = [("first", page(), &[("cancel", "first")] as &[_])];
    let runnable = flow("Custom", &wired);
    let mut ada = Visitor::of(&runnable);
    ada.press("cancel").unwrap();
    assert_eq!((ada.place().as_str(), ada.expected().unwrap().instance.0), ("first", 2));
}

#[test]
fn j_13_a_page_of_another_journey_answers_nothing() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    let (bob, _) = Visitor::begun(&runnable, start(2));
    assert_eq!(ada.send(post(&bob.token(), "next", "right"), &outside).unwrap_err(), Refusal::StaleToken);
    for token in ["", "x", &"x".repeat(100_000)] {
        assert_eq!(ada.send(post(token, "next", "right"), &outside).unwrap_err(), Refusal::StaleToken);
    }
}

#[test]
fn j_13_two_tabs_of_one_journey_are_two_showings() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    let old_tab = ada.token();
    ada.answer("wrong").unwrap();
    let before = ada.journey.clone();
    assert_eq!(ada.send(post(&old_tab, "next", "right"), &outside).unwrap_err(), Refusal::AlreadyAnswered);
    assert_eq!(ada.journey, before);
}

#[test]
fn j_14_another_revision_never_continues_a_journey() {
    let (mine, other) = (flow("Custom", &three_pages()), flow("Login", &three_pages()));
    let ada = Visitor::of(&mine);
    let mut moved = Visitor { runnable: &other, ..ada };
    assert_eq!(moved.answer("right").unwrap_err(), Refusal::Unavailable);
}

#[test]
fn j_14_a_record_of_a_newer_program_is_left_alone() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    ada.journey.format += 1;
    assert_eq!(ada.answer("right").unwrap_err(), Refusal::Unavailable);
    ada.journey.format -= 1;
    ada.journey.frames[0].step = 77;
    assert_eq!(ada.answer("right").unwrap_err(), Refusal::Unavailable);
}

#[test]
fn j_15_a_user_who_is_locked_or_gone_goes_no_further() {
    let rows = [
        ("first", page().naming(1).proving([Identified, Factor("pwd")]), TO_SECOND),
        ("second", page(), &[("next", "first")] as &[_]),
    ];
    let runnable = flow("Custom", &rows);
    let locked = || Some(User { state: UserState::Locked, ..user(1) });
    let answers: [&dyn Fn() -> Option<User>; 3] = [&locked, &|| None, &|| Some(user(2))];
    for found in answers {
        let mut ada = Visitor::of(&runnable);
        ada.answer("right").unwrap();
        let input = post(&ada.token(), "next", "right");
        ada.send(input, &|_| Answer::User(found())).unwrap();
        assert_eq!(ada.place(), "userLocked");
    }
    let mut ada = Visitor::of(&runnable);
    ada.answer("right").unwrap();
    let input = post(&ada.token(), "next", "right");
    assert_eq!(ada.send(input, &|_| Answer::Unavailable).unwrap_err(), Refusal::Unavailable);
}

#[test]
fn j_19_a_journey_that_expired_or_ended_takes_no_post() {
    let runnable = flow("Custom", &three_pages());
    let mut ada = Visitor::of(&runnable);
    ada.now = ada.now.plus(Span::minutes(20));
    assert_eq!(ada.answer("right").unwrap_err(), Refusal::Expired);

    let mut ada = Visitor::of(&runnable);
    let last = ada.token();
    ada.press("cancel").unwrap();
    assert_eq!(ada.send(post(&last, "next", "right"), &outside).unwrap_err(), Refusal::Ended);
}
