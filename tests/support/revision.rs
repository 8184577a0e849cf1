//! Revisions that no operator made.

use std::process::Command;

use serde_json::{Value, json};

/// The manifest of a revision that claims a digest.
pub fn forged(name: &str, flow: &str, digest: &str, content: &str) -> Value {
    json!({
        "apiVersion": "idflow.dev/v1alpha1", "kind": "FlowRevision", "metadata": { "name": name },
        "spec": { "flow": flow, "generation": 1, "digest": digest, "content": content, "sources": [] },
    })
}

/// The digest that a content has.
pub fn digest(content: &str) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("a file");
    let output = Command::new("sha256sum").arg(file.path()).output().expect("sha256sum");
    String::from_utf8_lossy(&output.stdout).chars().take(64).collect()
}
