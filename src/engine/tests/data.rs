//! What expressions read, and how much a step may keep.

use idflow_core::Value;
use idflow_core::journey::Purpose;
use idflow_flow::facts::ProofFact::Identified;
use serde_json::json;

use super::step::{data, flow, page, step};
use super::visitor::{Visitor, start};
use crate::run::Start;
use crate::surroundings::Surroundings;

const TO_SECOND: &[(&str, &str)] = &[("next", "second"), ("error", "failed")];

/// What an expression gives after a step has put everything out.
fn read(source: &str) -> Option<Value> {
    let everything = step()
        .outputs(json!({ "items": [{ "n": 1 }, { "n": 2 }] }))
        .vars(json!({ "color": "red" }))
        .form(json!({ "name": "Ada", "gone": null }))
        .naming(1)
        .proving([Identified]);
    let rows = [
        ("first", everything, TO_SECOND),
        ("second", step().computing("got", source), &[("next", "third"), ("error", "failed")] as &[_]),
        ("third", page(), &[]),
        ("failed", page(), &[]),
    ];
    let runnable = flow("Custom", &rows);
    let context = Surroundings {
        network: Some("192.0.2.7".to_owned()),
        request: data(&json!({ "address": "192.0.2.7" })),
        client: data(&json!({ "id": "shop" })),
        ..Surroundings::default()
    };
    let query = std::collections::BTreeMap::from([("invite".to_owned(), "42".to_owned())]);
    let (visitor, commit) =
        Visitor::begun(&runnable, Start { context, purpose: Purpose::Standalone { query }, ..start(1) });
    if visitor.place() == "failed" {
        assert_eq!(commit.faults.len(), 1);
        return None;
    }
    Some(visitor.journey.frames[0].steps["second"]["got"].clone())
}

#[test]
fn every_root_reads_what_it_is_named_for() {
    for (source, value) in [
        ("form.name", json!("Ada")),
        ("vars.color", json!("red")),
        ("vars.color + form.name", json!("redAda")),
        ("steps.first.items[1].n", json!(2)),
        ("steps.first.items.map(item, item.n)", json!([1, 2])),
        ("user.email", json!("user1@example.org")),
        ("client.id", json!("shop")),
        ("request.address", json!("192.0.2.7")),
        ("flow.name + flow.type + flow.locale", json!("exampleCustomen")),
        ("flow.query.invite", json!("42")),
        ("flow.error", json!(null)),
        ("has(form.name) && !has(form.gone) && !has(session.user) && !has(vars.nothing)", json!(true)),
        ("form", json!({ "name": "Ada" })),
    ] {
        assert_eq!(read(source), Some(value), "{source}");
    }
}

#[test]
fn what_is_not_there_is_a_fault_and_not_an_empty_value() {
    for source in ["form.nothing", "form.gone", "steps.third.x", "input.x", "session.user", "form.name.x"] {
        assert_eq!(read(source), None, "{source}");
    }
}

#[test]
fn flow_error_names_the_step_that_failed() {
    let rows = [
        ("first", step().failing(), TO_SECOND),
        ("second", step(), &[]),
        ("failed", step().computing("which", "flow.error"), &[("next", "third")]),
        ("third", page(), &[]),
    ];
    let runnable = flow("Custom", &rows);
    assert_eq!(Visitor::of(&runnable).journey.frames[0].steps["failed"]["which"], "first");
}

#[test]
fn j_21_a_step_cannot_fill_the_record() {
    let large = "x".repeat(70_000);
    let large = json!({ "large": large });
    let kept = [step().outputs(large.clone()), step().form(large.clone()), step().vars(large)];
    for (number, keeping) in kept.into_iter().enumerate() {
        let rows = [("first", keeping, TO_SECOND), ("second", page(), &[]), ("failed", page(), &[])];
        let runnable = flow("Custom", &rows);
        assert_eq!(Visitor::of(&runnable).place(), "failed", "{number}");
    }
}
