//! Manifests in words of before: served, told, and minted as before.

use serde_json::{Value, json};

use crate::harness::Harness;

const WORLD: &str = "
apiVersion: idflow.dev/v1alpha1
kind: Tenant
metadata: { name: acme }
spec: { namespace: acme, issuer: \"https://login.acme.example\", store: { embedded: {} } }
---
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people, namespace: acme }
spec: { default: true, attributes: [{ name: email, type: Email, unique: true }], identifiers: [email] }
---
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: look, namespace: acme }
spec:
  parameters: [{ name: email, type: String, required: true }]
  implementation: { steps: { start: end, steps: [{ id: end, exit: { outcome: next } }] } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sign-in, namespace: acme }
spec:
  type: Login
  start: ask
  steps:
    - { id: ask, form: { fields: [{ name: email, type: Identifier, required: true }] }, outcomes: { next: look } }
    - { id: look, node: { name: look, with: { email: form.email } }, outcomes: { next: which } }
    - { id: which, choose: { from: [password] } }
    - { id: password, password: { identify: true }, outcomes: { next: done } }
    - { id: done, complete: {} }
";

async fn settled() -> Harness {
    let harness = Harness::new();
    harness.put(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "acme" } }));
    for object in idflow_flow::source::read("world.yaml", WORLD).objects {
        harness.put(&object.value);
    }
    harness.publish().await;
    harness
}

fn told(object: &Value) -> Vec<(&str, &str)> {
    let problems = object["status"]["problems"].as_array().into_iter().flatten();
    let old = problems.filter(|problem| problem["code"] == "old-word" && problem["severity"] == "Warning");
    old.filter_map(|problem| Some((problem["path"].as_str()?, problem["fix"].as_str()?))).collect()
}

#[tokio::test]
async fn words_of_before_are_told_where_they_stand_and_what_has_them_is_served() {
    let harness = settled().await;
    let node = harness.object("FlowNode", "look");
    assert_eq!(harness.ready_reason("FlowNode", "look"), "Ready", "{node}");
    let paths =
        |object: &Value| told(object).into_iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>();
    assert_eq!(paths(&node), ["spec.parameters", "spec.implementation.steps"], "{node}");
    let flow = harness.object("Flow", "sign-in");
    let ask = "spec.steps[ask].form.fields[email]";
    let which = "spec.steps[which]";
    let expected =
        [format!("{ask}.type"), format!("{ask}.required"), which.to_owned(), format!("{which}.choose.from")];
    assert_eq!(paths(&flow), expected, "{flow}");
    assert!(told(&flow).iter().all(|(_, fix)| fix.contains("idflow lint --fix")), "{flow}");
    let revision = &flow["status"]["latestCreatedRevision"];
    let revision = harness.object("FlowRevision", revision.as_str().unwrap());
    assert_eq!(revision["spec"]["requires"]["format"], 1, "an executor of before runs it: {revision}");
}
