//! One small valid object of each kind.

use serde_json::{Value, json};

/// All of them.
pub(crate) fn all() -> Vec<Value> {
    vec![
        tenant(),
        flow(),
        library(),
        flow_node(),
        directory(),
        smtp(),
        http(),
        client(),
        theme(),
        revision(),
        catalog(),
    ]
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({ "apiVersion": "idflow.dev/v1alpha1", "kind": kind, "metadata": { "name": name }, "spec": spec })
}

pub(crate) fn tenant() -> Value {
    let spec =
        json!({ "namespace": "acme", "issuer": "https://login.acme.example", "store": { "embedded": {} } });
    object("Tenant", "acme", &spec)
}

pub(crate) fn flow() -> Value {
    object(
        "Flow",
        "sign-in",
        &json!({
            "type": "Login", "start": "password",
            "steps": [
                { "id": "password", "password": { "identify": true }, "outcomes": { "next": "done" } },
                { "id": "done", "complete": {} },
            ],
        }),
    )
}

pub(crate) fn library() -> Value {
    object(
        "Flow",
        "verify",
        &json!({
            "type": "Library", "start": "end", "inputs": [{ "name": "address", "type": "String" }],
            "steps": [{ "id": "end", "exit": { "outcome": "next" } }],
        }),
    )
}

pub(crate) fn flow_node() -> Value {
    let graph = json!({ "start": "end", "steps": [{ "id": "end", "exit": { "outcome": "next" } }] });
    object("FlowNode", "check", &json!({ "implementation": { "steps": graph } }))
}

pub(crate) fn directory() -> Value {
    let attributes =
        json!([{ "name": "email", "type": "Email", "unique": true }, { "name": "name", "type": "String" }]);
    object("Directory", "people", &json!({ "attributes": attributes, "identifiers": ["email"] }))
}

pub(crate) fn smtp() -> Value {
    object(
        "Connection",
        "mail",
        &json!({ "smtp": { "host": "mail.acme.example", "from": "no-reply@acme.example" } }),
    )
}

pub(crate) fn http() -> Value {
    object("Connection", "api", &json!({ "http": { "url": "https://api.acme.example/v1" } }))
}

pub(crate) fn client() -> Value {
    let spec = json!({ "redirectURIs": ["https://app.acme.example/callback"], "authentication": "None" });
    object("OIDCClient", "app", &spec)
}

pub(crate) fn theme() -> Value {
    let logo = json!({ "url": "https://acme.example/logo.svg" });
    object("Theme", "acme", &json!({ "colors": { "light": { "primary": "#003366" } }, "logo": logo }))
}

pub(crate) fn revision() -> Value {
    let spec = json!({ "flow": "sign-in", "generation": 1, "digest": "a".repeat(64), "content": "{}", "sources": [] });
    object("FlowRevision", "sign-in-g1-aaaaaaaa", &spec)
}

pub(crate) fn catalog() -> Value {
    let tenant = json!({ "name": "acme", "issuer": "https://login.acme.example" });
    object("Catalog", "idflow", &json!({ "tenant": tenant }))
}
