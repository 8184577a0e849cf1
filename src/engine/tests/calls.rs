//! Flows and nodes inside each other.

use serde_json::json;

use super::step::{Row, complete, graph, page, runnable, step};
use super::visitor::Visitor;
use crate::bind::Runnable;

fn calling(wires: &[(&str, &str)], inner: &[Row<'_>]) -> Runnable {
    let outer = [
        ("before", page().form(json!({ "email": "ada@example.org" })), &[("next", "call")] as &[_]),
        ("call", step().entering(json!({ "email": "ada@example.org" })), wires),
        ("after", page().computing("got", "steps.call.address"), &[("next", "after")]),
        ("failed", page(), &[]),
    ];
    runnable("Custom", vec![graph("flow/example", &outer), graph("flow/callee", inner)])
}

const ALL: &[(&str, &str)] = &[("next", "after"), ("error", "failed"), ("locked", "failed")];

#[test]
fn a_callee_reads_its_input_and_hands_its_outputs_out() {
    let inner = [
        ("page", page(), &[("next", "exit")] as &[_]),
        ("exit", step().computing("address", "input.email").exiting("next"), &[]),
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
    for (number, (inner, wires, place)) in [
        (step().failing(), ALL, "failed"),
        (step().by("locked"), ALL, "failed"),
        (step().failing(), &[("next", "after")] as &[_], "error"),
        (step().computing("address", "input.nothing").exiting("next"), ALL, "failed"),
        (step().ending(complete), ALL, "failed"),
        (step().exiting("unwired"), ALL, "error"),
    ]
    .into_iter()
    .enumerate()
    {
        let runnable = calling(wires, &[("inner", inner, &[])]);
        let mut ada = Visitor::of(&runnable);
        ada.answer("right").unwrap();
        assert_eq!(ada.place(), place, "row {number}");
    }
}

#[test]
fn cancelling_inside_a_callee_reaches_the_callers_wire() {
    let runnable = calling(&[("next", "after"), ("cancel", "failed")], &[("page", page(), &[])]);
    let mut ada = Visitor::of(&runnable);
    ada.answer("right").unwrap();
    ada.press("cancel").unwrap();
    assert_eq!(ada.place(), "failed");
}

#[test]
fn back_leads_out_of_a_callee_and_into_one() {
    let inner = [
        ("page", page(), &[("next", "exit")] as &[_]),
        ("exit", step().outputs(json!({ "address": "x" })).exiting("next"), &[]),
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
    let outer = [("first", step().exiting("next"), &[] as &[_])];
    let runnable = runnable("Custom", vec![graph("flow/example", &outer)]);
    assert_eq!(Visitor::of(&runnable).place(), "error");
}
