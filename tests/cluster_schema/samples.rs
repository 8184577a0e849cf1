//! One small valid object of each kind, and of kinds with several forms one more.

use idflow_api::ResourceKind;
use serde_json::Value;

/// Forms of a kind that its own sample does not show.
const FURTHER: [(&str, &str); 2] = [
    (
        "Library",
        "
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: verify }
spec:
  type: Library
  start: end
  inputs: [{ name: address, type: String }]
  steps: [{ id: end, exit: { outcome: next } }]
",
    ),
    (
        "Http",
        "
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: api }
spec:
  http: { url: https://api.acme.example/v1 }
",
    ),
];

/// All of them.
pub(crate) fn all() -> Vec<Value> {
    let own = ResourceKind::ALL.iter().map(|kind| kind.sample());
    own.chain(FURTHER.iter().map(|(_, text)| *text)).map(read).collect()
}

/// The sample of a kind, or of one of the further forms.
pub(crate) fn of(name: &str) -> Value {
    let further = || FURTHER.iter().find(|(form, _)| *form == name).map(|(_, text)| *text);
    let text = ResourceKind::named(name).map(ResourceKind::sample).or_else(further);
    read(text.unwrap_or_else(|| panic!("no sample {name}")))
}

fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("a sample")
}
