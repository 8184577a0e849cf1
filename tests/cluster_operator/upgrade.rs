//! Objects that an earlier release accepted, under definitions with new rules.

use std::sync::PoisonError;
use std::time::Duration;

use idflow_test_support::cluster::Cluster;
use idflow_test_support::world::{self, condition_of};
use idflow_test_support::{repository, wait};
use serde_json::{Value, json};

use crate::{OPERATOR, PROGRAM, operated};

const SOON: Duration = Duration::from_mins(1);

/// What the rules of an earlier release allowed.
fn objects(namespace: &str) -> String {
    format!(
        "apiVersion: idflow.dev/v1alpha1
kind: Tenant
metadata: {{ name: {namespace} }}
spec: {{ namespace: {namespace}, issuer: 'https://{namespace}.example:443', store: {{ embedded: {{}} }} }}
---
apiVersion: idflow.dev/v1alpha1
kind: OIDCClient
metadata: {{ name: shop }}
spec: {{ authentication: None, redirectURIs: ['https://Shop.example/cb'] }}
"
    )
}

/// The definitions without any rule in CEL.
fn without_rules(cluster: &Cluster) -> String {
    let names = ["get", "crd", "tenants.idflow.dev", "oidcclients.idflow.dev", "-o", "json"];
    let mut definitions = cluster.kubectl(&names).json("the definitions");
    strip(&mut definitions["items"]);
    definitions.to_string()
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| {
                !["x-kubernetes-validations", "resourceVersion", "managedFields"].contains(&name.as_str())
            });
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// The definitions of this release, once the server judges by them.
fn upgrade(cluster: &Cluster, namespace: &str) {
    let crds = repository::path("crds");
    cluster.kubectl(&["apply", "-f", &crds.display().to_string()]).expect("the definitions of this release");
    let refused = objects(namespace).replace("name: shop", "name: newcomer");
    wait::until(SOON, "the new rules count", || {
        let answer =
            cluster.kubectl_with(&["apply", "--dry-run=server", "-n", namespace, "-f", "-"], &refused);
        if answer.ok { Err(answer.stdout) } else { Ok(()) }
    });
}

/// The status that an operator of an earlier release left.
fn accept(cluster: &Cluster, namespace: &str, object: &str) {
    let accepted = json!({ "type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
        "lastTransitionTime": "2026-01-02T03:04:05Z", "observedGeneration": 1 });
    let status = json!({ "status": { "observedGeneration": 1, "conditions": [accepted] } }).to_string();
    let patch = ["patch", "-n", namespace, object, "--subresource=status", "--type=merge", "-p", &status];
    cluster.kubectl(&patch).expect("the status of an earlier release");
}

/// Waits until a condition has this status at the object's generation.
fn wait_for(cluster: &Cluster, namespace: &str, object: &str, condition: &str, status: &str) -> Value {
    wait::until(SOON, &format!("{object}: {condition}={status}"), || {
        let found = cluster.get(namespace, object);
        let told = condition_of(&found, condition);
        let is_current = told["observedGeneration"] == found["metadata"]["generation"];
        if told["status"] == status && is_current {
            Ok(told.clone())
        } else {
            Err(found["status"].to_string())
        }
    })
}

fn has_workload(cluster: &Cluster, namespace: &str) {
    wait::until(SOON, "the tenant is set up", || {
        let answer = cluster.kubectl(&["get", "-n", namespace, "statefulset/idflow-executor"]);
        if answer.ok { Ok(()) } else { Err(answer.stderr) }
    });
}

/// What people who watch events are told.
fn warnings(cluster: &Cluster, object: &str) -> usize {
    let answer = cluster.kubectl(&["get", "-A", "events.events.k8s.io", "-o", "json"]).json("events");
    let events = answer["items"].as_array().expect("items");
    let is_it = |event: &&Value| {
        event["regarding"]["name"] == object
            && event["reason"] == "OlderThanRule"
            && event["type"] == "Warning"
    };
    events.iter().filter(is_it).count()
}

#[test]
fn what_an_earlier_release_accepted_goes_on_until_it_is_edited() {
    let Some(cluster) = operated("what_an_earlier_release_accepted_goes_on") else { return };
    let namespace = &cluster.namespace("older");
    let tenant = &format!("tenant/{namespace}");
    let mut operator = OPERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    *operator = None;
    let old = without_rules(cluster);
    cluster.kubectl_with(&["replace", "-f", "-"], &old).expect("definitions of an earlier release");
    wait::until(SOON, "the earlier rules count", || {
        let answer = cluster.apply(namespace, &objects(namespace));
        if answer.ok { Ok(()) } else { Err(answer.stderr) }
    });
    for object in [tenant.as_str(), "oidcclient/shop"] {
        accept(cluster, namespace, object);
    }
    upgrade(cluster, namespace);

    for _ in ["the upgrade", "a restart"] {
        *operator = None;
        *operator = Some(world::start_operator(cluster, PROGRAM));
        for (object, field) in [(tenant.as_str(), "spec.issuer"), ("oidcclient/shop", "spec.redirectURIs[0]")]
        {
            let told = wait_for(cluster, namespace, object, "Tolerated", "True");
            assert!(told["message"].as_str().expect("words").starts_with(field), "{told}");
            wait_for(cluster, namespace, object, "Accepted", "True");
        }
        has_workload(cluster, namespace);
    }
    wait_for(cluster, namespace, "oidcclient/shop", "Ready", "True");
    for object in [namespace.as_str(), "shop"] {
        wait::until(SOON, "an Event", || match warnings(cluster, object) {
            0 => Err(String::new()),
            _ => Ok(()),
        });
    }

    // The server lets an edit of something else pass; the operator asks for the cure.
    for (spec, accepted) in [
        (json!({ "displayName": "Shop" }), "False"),
        (json!({ "redirectURIs": ["https://shop.example/cb"] }), "True"),
    ] {
        let patch = json!({ "spec": spec }).to_string();
        let patched =
            cluster.kubectl(&["patch", "-n", namespace, "oidcclient/shop", "--type=merge", "-p", &patch]);
        patched.expect("an edit");
        wait_for(cluster, namespace, "oidcclient/shop", "Accepted", accepted);
    }
    // An issuer never changes, so that no edit could mend it.
    let limits = json!({ "spec": { "limits": { "steps": 50 } } }).to_string();
    cluster.kubectl(&["patch", tenant, "--type=merge", "-p", &limits]).expect("an edit of the tenant");
    wait_for(cluster, namespace, tenant, "Accepted", "True");
    drop(operator);
    cluster.kubectl(&["delete", tenant, "--wait=false"]).expect("the end of the tenant");
}
