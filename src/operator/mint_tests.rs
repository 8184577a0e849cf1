//! What is minted can be run: settings are bound before there is a revision.

use std::sync::Arc;

use idflow_engine::bind::Runnable;
use idflow_flow::program::Program;
use serde_json::{Value, json};

use crate::harness::Harness;

/// A tenant with a flow that has this step before its end.
async fn with_step(step: Value) -> Harness {
    let harness = Harness::new();
    harness.add_tenant("acme");
    let start = step["id"].clone();
    let spec = json!({ "type": "Custom", "start": start, "steps": [step, { "id": "done", "fail": { "text": "a" } }],
        "texts": { "a": { "en": "A" } } });
    harness.add("acme", "flows", &json!({ "kind": "Flow", "metadata": { "name": "tried" }, "spec": spec }));
    harness.settle().await;
    harness
}

fn minted(harness: &Harness) -> Vec<Value> {
    let objects = harness.server.objects().into_iter();
    objects.filter(|object| object["kind"] == "FlowRevision").collect()
}

#[tokio::test]
async fn a_revision_that_is_minted_can_be_run() {
    let harness =
        with_step(json!({ "id": "a", "message": { "text": "a" }, "outcomes": { "next": "done" } })).await;
    let revisions = minted(&harness);
    assert_eq!(revisions.len(), 1, "{}", harness.object("Flow", "tried")["status"]);
    let content = revisions[0]["spec"]["content"].as_str().unwrap();
    let program = Program::load(content, idflow_nodes::kinds()).unwrap();
    Runnable::new(Arc::new(program)).unwrap();
}

#[tokio::test]
async fn settings_that_cannot_be_bound_are_the_flows_error_and_mint_nothing() {
    for step in [
        json!({ "id": "a", "choose": { "options": [] } }),
        json!({ "id": "a", "branch": { "cases": [{ "outcome": "next", "when": "1 +" }], "otherwise": "next" }, "outcomes": { "next": "done" } }),
        json!({ "id": "a", "message": { "text": "b" }, "outcomes": { "next": "done" } }),
    ] {
        let what = step.to_string();
        let harness = with_step(step).await;
        assert_eq!(minted(&harness), [Value::Null; 0], "{what}");
        assert_eq!(harness.ready_reason("Flow", "tried"), "CompileFailed", "{what}");
    }
}
