//! Flows and nodes inside each other.

use serde_json::json;

use super::toy::{Row, graph, runnable};
use super::visitor::Visitor;
use crate::bind::Runnable;

fn calling(wires: &[(&str, &str)], inner: &[Row<'_>]) -> Runnable {
    let outer = [
        (
            "before",
            json!({ "page": true, "form": { "email": "ada@example.org" } }),
            &[("next", "call")] as &[_],
        ),
        ("call", json!({ "enters": { "email": "ada@example.org" } }), wires),
        ("after", json!({ "page": true, "computes": { "got": "steps.call.address" } }), &[("next", "after")]),
        ("failed", json!({ "page": true }), &[]),
    ];
    runnable("Custom", vec![graph("flow/example", &outer), graph("flow/callee", inner)])
}

const ALL: &[(&str, &str)] = &[("next", "after"), ("error", "failed"), ("locked", "failed")];

#[test]
fn a_callee_reads_its_input_and_hands_its_outputs_out() {
    let inner = [
        ("page", json!({ "page": true }), &[("next", "exit")] as &[_]),
        ("exit", json!({ "computes": { "address": "input.email" }, "end": "exit:next" }), &[]),
    ];
    let runnable = calling(ALL, &inner);
    let mut ada = Visitor::of(&runnable);
    ada.answer("right").unwrap();
    assert_eq!(ada.place(), "call/page");
    assert!(ada.journey.frames[1].form.is_empty(), "a callee does not see its caller's fields");
    ada.answer("right").unwrap();
    assert_eq!(ada.place(), "after");
    ada.answer("right").unwrap();
    assert_eq!(ada.journey.frames[0].steps["after"]["got"], "ada@example.org");
}

#[test]
fn what_a_callee_cannot_do_is_its_callers_outcome() {
    for (settings, wires, place) in [
        (json!({ "fault": true }), ALL, "failed"),
        (json!({ "outcome": "locked" }), ALL, "failed"),
        (json!({ "fault": true }), &[("next", "after")] as &[_], "error"),
        (json!({ "end": "exit:next", "computes": { "address": "input.nothing" } }), ALL, "failed"),
        (json!({ "end": "complete" }), ALL, "failed"),
        (json!({ "end": "exit:unwired" }), ALL, "error"),
    ] {
        let runnable = calling(wires, &[("inner", settings.clone(), &[])]);
        let mut ada = Visitor::of(&runnable);
        ada.answer("right").unwrap();
        assert_eq!(ada.place(), place, "{settings}");
    }
}

#[test]
fn cancelling_inside_a_callee_reaches_the_callers_wire() {
    let runnable =
        calling(&[("next", "after"), ("cancel", "failed")], &[("page", json!({ "page": true }), &[])]);
    let mut ada = Visitor::of(&runnable);
    ada.answer("right").unwrap();
    ada.press("cancel").unwrap();
    assert_eq!(ada.place(), "failed");
}

#[test]
fn back_leads_out_of_a_callee_and_into_one() {
    let inner = [
        ("page", json!({ "page": true }), &[("next", "exit")] as &[_]),
        ("exit", json!({ "outputs": { "address": "x" }, "end": "exit:next" }), &[]),
    ];
    let runnable = calling(ALL, &inner);
    let mut ada = Visitor::of(&runnable);
    ada.answer("right").unwrap();
    ada.answer("right").unwrap();
    assert_eq!(ada.place(), "after");
    ada.press("back").unwrap();
    assert_eq!(ada.place(), "call/page");
    ada.press("back").unwrap();
    assert_eq!((ada.place().as_str(), ada.journey.frames.len()), ("before", 1));
}

#[test]
fn exit_means_nothing_where_nobody_called() {
    let outer = [("first", json!({ "end": "exit:next" }), &[] as &[_])];
    let runnable = runnable("Custom", vec![graph("flow/example", &outer)]);
    assert_eq!(Visitor::of(&runnable).place(), "error");
}
