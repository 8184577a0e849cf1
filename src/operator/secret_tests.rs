//! A Secret's value that is weak or worse is told in the status of whoever uses it, by its name and never by itself.

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::harness::Harness;

/// The code of a problem, and what its message says.
type Told = Option<(&'static str, &'static str)>;

/// What, the value of `current`, the reason of the client's `Ready`, and its problem.
const ROWS: [(&str, &str, &str, Told); 5] = [
    ("sound", "canary-kP3vX9tQ2mZ7wL4r", "Ready", None),
    (
        "a line break at its end",
        "canary-kP3vX9tQ2mZ7wL4r\n",
        "Ready",
        Some(("weak-secret", "the entry current of the Secret shop ends in a line break")),
    ),
    (
        "short",
        "canary",
        "Ready",
        Some(("weak-secret", "the entry current of the Secret shop has fewer than 16 characters")),
    ),
    (
        "never decrypted",
        "ENC[AES256_GCM,data:canary,iv:AA==,tag:AA==,type:str]",
        "SecretIncomplete",
        Some(("unshared-secret", "the entry current of the Secret shop is ciphertext of SOPS")),
    ),
    ("nothing", "", "SecretIncomplete", Some(("unshared-secret", "the Secret shop has no entry current"))),
];

fn encoded(value: &str) -> Value {
    json!(ByteString(value.as_bytes().to_vec()))
}

fn put_secret(harness: &Harness, value: &str) {
    harness.put(&json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "shop", "namespace": "acme", "labels": { "idflow.dev/usable": "true" } },
        "data": { "current": encoded(value) },
    }));
}

/// Everything that anybody reads of it: the client with its status, and the events.
fn told(harness: &Harness) -> (Value, String) {
    let events = harness.server.objects().into_iter().filter(|object| object["kind"] == "Event");
    let client = harness.object("OIDCClient", "shop");
    let all = format!("{client} {}", json!(events.collect::<Vec<_>>()));
    (client, all)
}

#[tokio::test]
async fn the_status_names_a_weak_secret_and_its_entry_and_never_the_value() {
    let harness = Harness::new();
    harness.add_tenant("acme");
    let spec = json!({ "authentication": "ClientSecret", "secretRef": { "name": "shop" }, "redirectURIs": ["https://shop.example/cb"] });
    harness.add(
        "acme",
        "oidcclients",
        &json!({ "kind": "OIDCClient", "metadata": { "name": "shop" }, "spec": spec }),
    );
    for (what, value, reason, problem) in ROWS {
        put_secret(&harness, value);
        harness.settle().await;
        let (client, all) = told(&harness);
        assert_eq!(harness.ready_reason("OIDCClient", "shop"), reason, "{what}: {client}");
        let found = &client["status"]["problems"][0];
        match problem {
            None => assert!(found.is_null(), "{what}: {client}"),
            Some((code, message)) => {
                assert_eq!(
                    (&found["code"], &found["path"]),
                    (&json!(code), &json!("spec.secretRef.name")),
                    "{what}"
                );
                assert!(found["message"].as_str().unwrap().contains(message), "{what}: {found}");
                assert!(found["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{what}: {found}");
            }
        }
        assert!(
            !all.contains("canary") && !all.contains(encoded("canary").as_str().unwrap()),
            "{what}: {all}"
        );
    }
}
