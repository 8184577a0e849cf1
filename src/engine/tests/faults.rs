//! What happens when something does not work (checklist J-20, J-22).

use idflow_core::effect::{Answer, Ask};
use idflow_core::user::UserState;
use serde_json::json;

use super::step::{call, complete, counters, flow, page, step, user};
use super::visitor::{Visitor, finished, outside, post, start};
use crate::run::{Next, Refusal, Run};
use crate::surroundings::Surroundings;

const TO_SECOND: &[(&str, &str)] = &[("next", "second")];

#[test]
fn j_20_an_outside_that_does_not_answer_consumes_nothing() {
    for ask in [counters(), Ask::ReadUser { user: user(1).id }] {
        let rows = [("first", page().asking(ask), TO_SECOND), ("second", page(), &[] as &[_])];
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
        ("first", page().asking(call("GET")), &[("next", "second"), ("error", "third")] as &[_]),
        ("second", page(), &[]),
        ("third", page(), &[]),
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
    for ask in [counters(), Ask::ReadUser { user: user(1).id }, call("GET")] {
        for answer in [verified as fn() -> Answer, somebody, || Answer::Counts(Vec::new()), || Answer::Gone] {
            if matches!(ask, Ask::Http(_)) && answer() == Answer::Gone {
                continue;
            }
            let rows = [
                ("first", page().asking(ask.clone()), &[("next", "second"), ("error", "third")] as &[_]),
                ("second", page(), &[]),
                ("third", page(), &[]),
            ];
            let runnable = flow("Custom", &rows);
            let mut ada = Visitor::of(&runnable);
            let input = post(&ada.token(), "next", "right");
            ada.send(input, &|_| answer()).unwrap();
            assert_eq!(ada.place(), "third", "{ask:?} answered with {:?}", answer());
        }
    }
}

#[test]
fn j_20_an_ask_answered_twice_or_unasked_changes_nothing() {
    let rows = [("first", page().asking(counters()).mailing(), TO_SECOND), ("second", page(), &[] as &[_])];
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
        ("first", page().counting().writing().mailing().failing(), &[("error", "third")] as &[_]),
        ("third", page(), &[]),
    ];
    let runnable = flow("Custom", &rows);
    let mut ada = Visitor::of(&runnable);
    let commit = ada.answer("right").unwrap();
    assert_eq!((ada.place().as_str(), commit.writes.len(), commit.faults.len()), ("third", 0, 1));
    assert_eq!((commit.counters.len(), ada.journey.error.as_deref()), (1, Some("first")));
    assert_eq!((commit.faults[0].graph.as_str(), commit.faults[0].step.as_str()), ("flow/example", "first"));
    let told = commit.audit.iter().find(|event| event.name == "step.faulted").unwrap();
    assert_eq!((told.step.as_deref(), told.detail.as_deref()), (Some("first"), Some("told to")));
    assert!(commit.committed().is_empty());
}

#[test]
fn j_20_an_unwired_error_ends_the_journey() {
    for (first, code) in
        [(step().failing(), "error"), (step().by("locked"), "locked"), (step().by("other"), "error")]
    {
        let runnable = flow("Custom", &[("first", first, &[])]);
        assert_eq!(Visitor::of(&runnable).place(), code);
    }
}

#[test]
fn j_22_every_step_and_the_end_leave_an_event_without_values() {
    let rows = [
        ("first", page().form(json!({ "name": "Ada" })), TO_SECOND),
        ("second", step().ending(complete), &[] as &[_]),
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
