//! What an earlier release accepted goes on under the rules of this one, and is told.

use idflow_api::reason::Reason;
use serde_json::{Value, json};

use crate::harness::{Harness, address};

/// What an earlier release accepted, and a rule of this one refuses: kind, plural, name, spec, the rule's code.
const OLD: [(&str, &str, &str, &str, &str); 5] = [
    (
        "Tenant",
        "tenants",
        "acme",
        r#"{ "namespace": "acme", "issuer": "https://login.acme.example:443", "store": { "embedded": {} } }"#,
        "broken-rule",
    ),
    (
        "OIDCClient",
        "oidcclients",
        "shop",
        r#"{ "authentication": "None", "redirectURIs": ["https://Shop.example/cb"] }"#,
        "broken-rule",
    ),
    (
        "Connection",
        "connections",
        "mail",
        r#"{ "smtp": { "host": "mail.acme.example", "from": "nobody" } }"#,
        "invalid-value",
    ),
    (
        "Directory",
        "directories",
        "people",
        r#"{ "default": true, "attributes": [{ "name": "email", "type": "Email", "unique": true },
            { "name": "number", "type": "Integer", "unique": true }], "identifiers": ["email", "number"] }"#,
        "broken-rule",
    ),
    (
        "Flow",
        "flows",
        "sign-in",
        r#"{ "type": "Login", "start": "password", "inputs": [{ "name": "a", "type": "String" }], "steps": [
            { "id": "password", "password": { "identify": true }, "outcomes": { "next": "done" } },
            { "id": "done", "complete": {} }] }"#,
        "broken-rule",
    ),
];

fn namespace_of(kind: &str) -> &'static str {
    if kind == "Tenant" { "" } else { "acme" }
}

/// A world as an earlier release left it: what stands in `OLD` was accepted at the generation that it has.
fn upgraded(is_accepted: bool) -> Harness {
    let harness = Harness::new();
    harness.put(&json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "acme" } }));
    for (kind, plural, name, spec, _) in OLD {
        let spec: Value = serde_json::from_str(spec).unwrap();
        let condition = json!([{ "type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
            "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1 }]);
        let mut object = json!({ "kind": kind, "metadata": { "name": name }, "spec": spec });
        if is_accepted {
            object["status"] = json!({ "observedGeneration": 1, "conditions": condition });
        }
        harness.add(namespace_of(kind), plural, &object);
    }
    harness
}

fn condition(object: &Value, type_: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == type_).unwrap_or_default()
}

#[tokio::test]
async fn what_an_earlier_release_accepted_is_set_up_and_told() {
    let harness = upgraded(true);
    harness.publish().await;
    let events = |name: &str| {
        let is_it = |event: &&Value| {
            event["regarding"]["name"] == name && event["reason"] == Reason::OlderThanRule.as_str()
        };
        harness.server.objects().iter().filter(is_it).count()
    };
    for (kind, _, name, _, code) in OLD {
        let object = harness.object(kind, name);
        assert_eq!(condition(&object, "Accepted")["status"], "True", "{object}");
        let told = condition(&object, "Tolerated");
        assert_eq!((&told["status"], &told["reason"]), (&json!("True"), &json!("OlderThanRule")), "{object}");
        assert!(told["message"].as_str().unwrap().contains(code), "{told}");
        let problem = &object["status"]["problems"][0];
        assert_eq!((&problem["code"], &problem["severity"]), (&json!(code), &json!("Warning")), "{object}");
        assert_eq!(events(name), 1, "{kind} {name}");
    }
    assert!(!harness.object("StatefulSet", "idflow-executor").is_null(), "the tenant is set up");
    assert!(!harness.object("Catalog", idflow_api::catalog::NAME).is_null(), "and its flows are offered");
}

#[tokio::test]
async fn it_stays_so_over_a_restart_of_the_operator() {
    let first = upgraded(true);
    first.publish().await;
    let told = |harness: &Harness| {
        let object = |(kind, _, name, ..): (&str, &str, &str, &str, &str)| harness.object(kind, name);
        OLD.map(object).map(|object| ["Accepted", "Tolerated"].map(|type_| condition(&object, type_)))
    };
    let before = told(&first);
    assert!(before.iter().flatten().all(|condition| condition["status"] == "True"), "{before:?}");
    let second = Harness::over(first.server.clone());
    second.publish().await;
    assert_eq!(told(&second), before);
}

#[tokio::test]
async fn it_stays_so_while_something_else_is_waited_for() {
    let harness = upgraded(true);
    harness.publish().await;
    let namespace = address("", "tenants", "acme");
    let mut tenant = harness.server.object(&namespace);
    harness.server.remove(&namespace);
    harness.publish().await;
    assert_eq!(harness.ready_reason("Flow", "sign-in"), "NoTenant");
    tenant["metadata"]["generation"] = json!(0);
    harness.server.store(&namespace, &tenant);
    harness.publish().await;
    assert_eq!(harness.ready_reason("Flow", "sign-in"), "Serving");
}

#[tokio::test]
async fn the_next_edit_is_refused_until_it_is_mended() {
    let harness = upgraded(true);
    harness.publish().await;
    let edit = |edit: fn(&mut Value)| harness.edit("acme", "oidcclients", "shop", edit);
    for (what, change, is_accepted) in [
        ("an edit of something else", (|spec| spec["displayName"] = json!("Shop")) as fn(&mut Value), false),
        ("the cure", |spec| spec["redirectURIs"] = json!(["https://shop.example/cb"]), true),
    ] {
        edit(change);
        harness.publish().await;
        let client = harness.object("OIDCClient", "shop");
        let accepted = condition(&client, "Accepted");
        assert_eq!(accepted["status"] == "True", is_accepted, "{what}: {client}");
        assert!(condition(&client, "Tolerated").is_null(), "{what}: {client}");
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_be_mended_stands_in_no_edits_way() {
    let harness = upgraded(true);
    harness.publish().await;
    for (change, is_accepted) in [
        ((|spec| spec["limits"] = json!({ "steps": 50 })) as fn(&mut Value), true),
        (|spec| spec["trustedProxies"] = json!(["10.0.0.0/64"]), false),
        (|spec| spec["trustedProxies"] = json!(["10.0.0.0/8"]), true),
    ] {
        harness.edit("", "tenants", "acme", change);
        for look in ["first", "second", "after a restart"] {
            let harness = Harness::over(harness.server.clone());
            harness.publish().await;
            let tenant = harness.object("Tenant", "acme");
            assert_eq!(condition(&tenant, "Accepted")["status"] == "True", is_accepted, "{look}: {tenant}");
            assert_eq!(condition(&tenant, "Tolerated")["status"], "True", "{look}: {tenant}");
        }
    }
}

#[tokio::test]
async fn what_was_never_accepted_is_refused() {
    let harness = upgraded(false);
    harness.publish().await;
    assert_eq!(harness.ready_reason("Tenant", "acme"), "Invalid");
    let problem = &harness.object("Tenant", "acme")["status"]["problems"][0];
    assert_eq!((&problem["code"], &problem["severity"]), (&json!("broken-rule"), &json!("Error")));
    assert!(harness.object("StatefulSet", "idflow-executor").is_null());
}

#[tokio::test]
async fn nothing_is_tolerated_that_would_send_a_login_in_the_clear() {
    let harness = upgraded(true);
    let mut connection = harness.server.object(&address("acme", "connections", "mail"));
    connection["spec"]["smtp"] = json!({ "host": "mail.acme.example", "from": "a@acme.example", "tls": "None", "secretRef": { "name": "relay" } });
    connection["metadata"]["name"] = json!("plain");
    connection["metadata"]["generation"] = json!(0);
    harness.put(&connection);
    harness.publish().await;
    let told = harness.object("Connection", "plain");
    assert_eq!(harness.ready_reason("Connection", "plain"), "Invalid", "{told}");
}
