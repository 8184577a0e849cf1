//! What comes from outside, and what a node hands out only sometimes: read where it is, and never otherwise.

use std::sync::Arc;

use idflow_core::Value;
use idflow_core::effect::{Answer, PendingAsk};
use idflow_engine::bind::Runnable;

use idflow_flow::Folder;
use idflow_flow::program::Program;
use serde_json::json;

use super::example::Example;
use super::person::{Person, begun, place};
use super::stage::runnable;
use super::world::World;

/// Where an answer leads, what is kept of it, and what the log says.
fn asked(settings: &Value, status: u16, body: &Value) -> (String, Value, String) {
    let runnable = runnable(&crate::http::KIND, &Example::of(settings.clone()));
    let world = World::new();
    let answer = |_: usize, _: &PendingAsk, _: &World| Answer::Http { status, body: body.clone() };
    let decided = begun(Person::ADA, 0, &runnable, &world, &answer).unwrap();
    let place = place(&runnable, &decided.journey);
    let kept = decided.journey.frames[0].steps["tried"].clone();
    let told = decided.audit.iter().filter_map(|event| event.detail.clone()).collect();
    (place, kept, told)
}

#[test]
fn an_answer_that_is_not_what_the_step_expects_leads_to_error_and_is_not_kept() {
    let settings =
        json!({ "connection": "crm", "path": "/x", "answer": [{ "name": "listed", "type": "Boolean" }] });
    for (status, body, outcome, kept) in [
        (
            200,
            json!({ "listed": false, "more": "secret" }),
            "next",
            json!({ "status": 200, "body": { "listed": false } }),
        ),
        (200, json!("yes"), "error", json!({ "status": 200 })),
        (200, json!("<!doctype html><title>secret</title>"), "error", json!({ "status": 200 })),
        (200, json!({ "listed": "secret" }), "error", json!({ "status": 200 })),
        (204, json!(""), "error", json!({ "status": 204 })),
        (404, json!({ "listed": false }), "error", json!({ "status": 404 })),
    ] {
        let (place, found, told) = asked(&settings, status, &body);
        assert_eq!((place.as_str(), &found), (outcome, &kept), "{status} {body}");
        assert!(!told.contains("secret") && told.contains(&status.to_string()), "{told}");
        assert_eq!(told.contains(" is "), outcome == "error" && status < 300, "{told}");
    }
}

const SOMETIMES: &str = r#"
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: look }
spec:
  inputs: [{ name: known, type: Boolean, required: true }]
  outputs: [{ name: score, type: Integer, value: vars.score * 2 }]
  implementation:
    graph:
      start: which
      steps:
        - { id: which, branch: { cases: [{ when: input.known, outcome: known }], otherwise: other }, outcomes: { known: keep, other: end } }
        - { id: keep, set: { values: { score: "21" } }, outcomes: { next: end } }
        - { id: end, exit: { outcome: next } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: example }
spec:
  type: Custom
  start: look
  steps:
    - { id: look, node: { name: look, with: { known: "KNOWN" } }, outcomes: { next: which } }
    - { id: which, branch: { cases: [{ when: "steps.look.?score.orValue(0) == 42", outcome: there }], otherwise: absent }, outcomes: { there: there, absent: absent } }
    - { id: there, message: {}, outcomes: { next: end } }
    - { id: absent, message: {}, outcomes: { next: end } }
    - { id: end, fail: {} }
"#;

#[test]
fn an_output_of_a_node_that_this_way_does_not_write_is_absent() {
    for (known, wanted) in [("true", "there"), ("false", "absent")] {
        let text = SOMETIMES.replace("KNOWN", known);
        let folder = Folder::read([("a.yaml".to_owned(), text)], crate::kinds());
        assert!(!folder.has_errors(), "{:#?}", folder.findings);
        let revision = folder.flows["example"].revision.as_ref().unwrap();
        assert_eq!(
            revision.requires.format, 2,
            "an executor that knows the first format only would end by error"
        );
        let content = &revision.content;
        let runnable = Runnable::new(Arc::new(Program::load(content, crate::kinds()).unwrap())).unwrap();
        let world = World::new();
        let nothing = |_: usize, _: &PendingAsk, _: &World| Answer::Unavailable;
        let decided = begun(Person::ADA, 0, &runnable, &world, &nothing).unwrap();
        assert_eq!(place(&runnable, &decided.journey), wanted);
    }
}
