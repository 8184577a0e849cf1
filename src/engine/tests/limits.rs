//! Loops and recursion end (checklist J-21).

use serde_json::json;

use super::toy::{flow, graph, runnable};
use super::visitor::Visitor;

#[test]
fn j_21_a_loop_without_a_page_ends_within_one_request() {
    let runnable = flow("Custom", &[("first", json!({}), &[("next", "first")])]);
    let ada = Visitor::of(&runnable);
    assert_eq!(ada.place(), "error");
    assert_eq!(ada.journey.instances, 201, "200 turns, and the step that was entered but not run");
}

#[test]
fn j_21_a_loop_over_a_page_ends_some_day() {
    let runnable = flow("Custom", &[("first", json!({ "page": true }), &[("next", "first")])]);
    let mut ada = Visitor::of(&runnable);
    let mut posts = 0;
    while ada.place() == "first" {
        ada.now.0 -= 1000;
        ada.answer("right").unwrap();
        posts += 1;
        assert!(ada.journey.answered.len() <= 16 && ada.journey.visited.len() <= 8, "the record stays small");
    }
    assert_eq!((ada.place().as_str(), posts), ("error", 1000));
}

#[test]
fn j_21_flows_that_call_themselves_end() {
    let inner = [("again", json!({ "enters": {} }), &[] as &[_])];
    let runnable = runnable("Custom", vec![graph("flow/example", &inner), graph("flow/callee", &inner)]);
    let ada = Visitor::of(&runnable);
    assert_eq!(ada.place(), "error");
    assert_eq!(ada.journey.instances, 16);
}
