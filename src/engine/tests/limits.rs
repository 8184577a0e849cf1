//! Loops and recursion end (checklist J-21).

use serde_json::json;

use super::step::{Row, flow, graph, page, runnable, step};
use super::visitor::Visitor;

#[test]
fn j_21_a_loop_without_a_page_ends_within_one_request() {
    let runnable = flow("Custom", &[("first", step(), &[("next", "first")])]);
    let ada = Visitor::of(&runnable);
    assert_eq!(ada.place(), "error");
    assert_eq!(ada.journey.instances, 201, "200 turns, and the step that was entered but not run");
}

#[test]
fn j_21_a_loop_over_a_page_ends_some_day() {
    let runnable = flow("Custom", &[("first", page(), &[("next", "first")])]);
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
    let inner = [("again", step().entering(json!({})), &[] as &[_])];
    let runnable = runnable("Custom", vec![graph("flow/example", &inner), graph("flow/callee", &inner)]);
    let ada = Visitor::of(&runnable);
    assert_eq!(ada.place(), "error");
    assert_eq!(ada.journey.instances, 16);
}

#[test]
fn a_record_that_grows_too_large_ends_the_journey_with_a_page_and_names_the_step() {
    let copy = |name| page().computing(name, "steps.a.a");
    let a = page().outputs(json!({ "a": "x".repeat(30_000) }));
    let [b, c, d] = ["b", "c", "d"].map(copy);
    let last = page().mailing().computing("e", "steps.a.a");
    let runnable = flow(
        "Custom",
        &[
            ("a", a, &[("next", "b")]),
            ("b", b, &[("next", "c")]),
            ("c", c, &[("next", "d")]),
            ("d", d, &[("next", "e")]),
            ("e", last, &[("next", "f")]),
            ("f", page(), &[]),
        ],
    );
    let mut ada = Visitor::of(&runnable);
    for next in ["b", "c", "d", "e"] {
        ada.answer("right").unwrap();
        assert_eq!(ada.place(), next, "what is kept once is kept once, however many pages remember it");
    }
    let commit = ada.answer("right").unwrap();
    assert_eq!(ada.place(), "tooLarge");
    assert_eq!(commit.faults.last().map(|fault| fault.step.as_str()), Some("e"));
    assert!(serde_json::to_vec(&ada.journey).unwrap().len() < 10_000, "the end is small");
    assert!(commit.committed().is_empty(), "what is not shown as done is not done");
}

#[test]
fn pages_are_returned_to_as_they_were_however_many_came_between() {
    let names: Vec<String> = (0..12).map(|number| format!("page{number}")).collect();
    let form = |number: usize| page().form(json!({ "kept": number, format!("own{number}"): true }));
    let wires: Vec<[(&str, &str); 1]> =
        (0..12).map(|number| [("next", names.get(number + 1).map_or("page11", String::as_str))]).collect();
    let rows: Vec<Row<'_>> =
        (0..12).map(|number| (names[number].as_str(), form(number), &wires[number][..])).collect();
    let runnable = flow("Custom", &rows);
    let mut ada = Visitor::of(&runnable);
    let mut forms = Vec::new();
    for _ in 0..11 {
        ada.answer("right").unwrap();
        forms.push(ada.journey.frames[0].form.clone());
    }
    for number in (3..11).rev() {
        ada.press("back").unwrap();
        assert_eq!(ada.place(), names[number]);
        assert_eq!(ada.journey.frames[0].form, forms[number], "page {number}");
    }
    assert!(ada.press("back").is_err(), "eight pages are remembered");
}
