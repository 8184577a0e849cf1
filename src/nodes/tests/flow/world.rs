//! The objects among which the flows of these tests are read.

/// The objects that examples and tests may name.
pub(crate) const WORLD: &str = concat!(
    include_str!("../objects.yaml"),
    r#"---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: verify-email }
spec:
  type: Library
  inputs: [{ name: email, type: String, required: true }]
  start: code
  steps:
    - id: code
      oneTimeCode: { email: { connection: mail, to: input.email } }
      outcomes: { next: verified }
    - id: verified
      exit: { outcome: next, outputs: { address: input.email } }
---
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: score }
spec:
  inputs: [{ name: email, type: String, required: true }]
  outputs: [{ name: score, type: Integer, value: "has(steps.ask.status) ? steps.ask.status : 0" }]
  outcomes: [low, high]
  implementation:
    graph:
      start: ask
      steps:
        - id: ask
          http: { connection: crm, method: POST, path: /score, body: { email: input.email } }
          outcomes: { next: low, error: high }
        - id: low
          exit: { outcome: low }
        - id: high
          exit: { outcome: high }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: german }
data:
  de: |
    welcome: Willkommen
"#
);

/// A manifest of a flow with this spec.
pub(crate) fn flow(spec: &str) -> String {
    let spec: Vec<String> = spec.lines().map(|line| format!("  {line}")).collect();
    let spec = spec.join("\n");
    format!("apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: example }}\nspec:\n{spec}\n")
}
