//! What happens when something does not work (checklist J-20, J-22).

use idflow_core::effect::Answer;
use idflow_core::user::UserState;
use serde_json::json;

use super::toy::{flow, user};
use super::visitor::{Visitor, finished, outside, post, start};
use crate::run::{Next, Refusal, Run};
use crate::surroundings::Surroundings;

const TO_SECOND: &[(&str, &str)] = &[("next", "second")];

#[test]
fn j_20_an_outside_that_does_not_answer_consumes_nothing() {
    for ask in ["counters", "user"] {
        let rows = [
            ("first", json!({ "page": true, "ask": ask }), TO_SECOND),
            ("second", json!({ "page": true }), &[] as &[_]),
        ];
        let runnable = flow("Custom", &rows);
        let mut ada = Visitor::of(&runnable);
        let before = ada.journey.clone();
        let input = post(&ada.token(), "next", "right");
        assert_eq!(ada.send(input.clone(), &|_| Answer::Unavailable).unwrap_err(), Refusal::Unavailable);
        assert_eq!(ada.journey, before);
        ada.send(input, &outside).unwrap();
        assert_eq!(ada.place(), "second", "the same post works once the outside is back");
    }
}

#[test]
fn j_20_only_a_call_to_the_outside_decides_by_itself() {
    let rows = [
        ("first", json!({ "page": true, "ask": "http" }), &[("next", "second"), ("error", "third")] as &[_]),
        ("second", json!({ "page": true }), &[]),
        ("third", json!({ "page": true }), &[]),
    ];
    let runnable = flow("Custom", &rows);
    let mut ada = Visitor::of(&runnable);
    let input = post(&ada.token(), "next", "right");
    ada.send(input, &|_| Answer::Unavailable).unwrap();
    assert_eq!(ada.place(), "third");
}

#[test]
fn j_20_an_answer_to_another_question_is_an_error_and_never_a_success() {
    let verified = || Answer::Verified { matches: true, rehashed: None };
    let somebody = || Answer::User(Some(idflow_core::user::User { state: UserState::Active, ..user(2) }));
    for ask in ["counters", "user", "http"] {
        for answer in [verified as fn() -> Answer, somebody, || Answer::Counts(Vec::new()), || Answer::Gone] {
            if ask == "http" && answer() == Answer::Gone {
                continue;
            }
            let rows = [
                (
                    "first",
                    json!({ "page": true, "ask": ask }),
                    &[("next", "second"), ("error", "third")] as &[_],
                ),
                ("second", json!({ "page": true }), &[]),
                ("third", json!({ "page": true }), &[]),
            ];
            let runnable = flow("Custom", &rows);
            let mut ada = Visitor::of(&runnable);
            let input = post(&ada.token(), "next", "right");
            ada.send(input, &|_| answer()).unwrap();
            assert_eq!(ada.place(), "third", "{ask} answered with {:?}", answer());
        }
    }
}

#[test]
fn j_20_an_ask_answered_twice_or_unasked_changes_nothing() {
    let rows = [
        ("first", json!({ "page": true, "ask": "counters", "mail": true }), TO_SECOND),
        ("second", json!({ "page": true }), &[] as &[_]),
    ];
    let runnable = flow("Custom", &rows);
    let ada = Visitor::of(&runnable);
    let chance = idflow_core::chance::SeededChance::new(7);
    let input = post(&ada.token(), "next", "right");
    let mut run =
        Run::resume(&runnable, ada.journey.clone(), input, Surroundings::default(), ada.now, &chance);
    run.answer(Answer::Unavailable);
    // Nothing is asked yet only if the run has not been looked at: the first look gives the ask.
    let Next::Ask(pending) = run.next() else { panic!("an ask") };
    run.answer(outside(&pending));
    run.answer(outside(&pending));
    run.answer(Answer::Unavailable);
    let commit = finished(&mut run, &outside).unwrap();
    assert_eq!(commit.committed().len(), 1);
    assert!(matches!(run.next(), Next::Refused(Refusal::Unavailable)), "a run commits once");
}

#[test]
fn j_20_a_fault_drops_what_the_step_wanted_and_keeps_what_it_counted() {
    let rows = [
        (
            "first",
            json!({ "page": true, "count": true, "write": true, "mail": true, "fault": true }),
            &[("error", "third")] as &[_],
        ),
        ("third", json!({ "page": true }), &[]),
    ];
    let runnable = flow("Custom", &rows);
    let mut ada = Visitor::of(&runnable);
    let commit = ada.answer("right").unwrap();
    assert_eq!((ada.place().as_str(), commit.writes.len(), commit.faults.len()), ("third", 0, 1));
    assert_eq!((commit.counters.len(), ada.journey.error.as_deref()), (1, Some("first")));
    assert_eq!((commit.faults[0].graph.as_str(), commit.faults[0].step.as_str()), ("flow/example", "first"));
    assert!(commit.committed().is_empty());
}

#[test]
fn j_20_an_unwired_error_ends_the_journey() {
    for (settings, code) in [
        (json!({ "fault": true }), "error"),
        (json!({ "outcome": "locked" }), "locked"),
        (json!({ "outcome": "other" }), "error"),
    ] {
        let runnable = flow("Custom", &[("first", settings, &[])]);
        assert_eq!(Visitor::of(&runnable).place(), code);
    }
}

#[test]
fn j_22_every_step_and_the_end_leave_an_event_without_values() {
    let rows = [
        ("first", json!({ "page": true, "form": { "name": "Ada" } }), TO_SECOND),
        ("second", json!({ "end": "complete" }), &[] as &[_]),
    ];
    let runnable = flow("Custom", &rows);
    let mut ada = Visitor::of(&runnable);
    let events = |commit: &crate::run::Commit| -> Vec<String> {
        let line = |event: &idflow_core::audit::AuditEvent| {
            format!("{} {:?} {:?}", event.name, event.step.as_deref(), event.outcome.as_deref())
        };
        commit.audit.iter().map(line).collect()
    };
    assert_eq!(events(&ada.answer("hunter2").unwrap()), [r#"step.repeated Some("first") None"#]);
    let commit = ada.answer("right").unwrap();
    assert_eq!(
        events(&commit),
        [
            r#"step.finished Some("first") Some("next")"#,
            r#"step.finished Some("second") Some("complete")"#,
            r#"journey.ended Some("second") Some("completed")"#,
        ]
    );
    assert!(!format!("{:?}", commit.audit).contains("Ada"));
    assert_eq!(commit.audit[0].journey, Some(start(1).id));
}
