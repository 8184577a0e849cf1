//! What a change costs: calls of the API server after the controllers had come to rest.

use std::sync::Arc;

use idflow_core::time::Span;
use serde_json::json;

use crate::harness::{Harness, address, service};

/// So many tenants once made 308 calls of one annotation.
const TENANTS: usize = 22;

fn name(number: usize) -> String {
    format!("tenant-{number}")
}

async fn settled() -> Harness {
    let harness = Harness::new();
    for number in 0..TENANTS {
        harness.add_tenant(&name(number));
    }
    harness.settle().await;
    harness.server.calls();
    harness
}

#[tokio::test]
async fn an_annotation_on_one_of_many_tenants_costs_no_call() {
    let harness = settled().await;
    let annotated = json!({ "metadata": { "annotations": { "team": "blue" } } });
    harness.server.store(&address("", "tenants", &name(3)), &annotated);
    harness.settle().await;
    assert_eq!(harness.server.calls(), [""; 0]);
}

#[tokio::test]
async fn another_image_of_one_tenant_costs_its_workload_and_its_status() {
    let harness = settled().await;
    harness.edit("", "tenants", &name(3), |spec| spec["executor"] = json!({ "image": "idflow:other" }));
    harness.settle().await;
    let calls = harness.server.calls();
    let workload = format!("PATCH /apis/apps/v1/namespaces/{}/statefulsets/idflow-executor", name(3));
    assert_eq!(calls, [workload, format!("PATCH {}/status", address("", "tenants", &name(3)))]);
}

#[tokio::test]
async fn a_child_that_somebody_changed_or_removed_is_put_right_alone() {
    let harness = settled().await;
    let (tenant, place) = (name(5), service(&name(5)));
    for is_removed in [false, true] {
        if is_removed {
            harness.server.remove(&place);
        } else {
            harness.server.store(&place, &json!({ "spec": { "selector": {} } }));
        }
        harness.settle().await;
        let calls = harness.server.calls();
        assert!(!calls.is_empty() && calls.iter().all(|call| call.ends_with(&place)), "{calls:?}");
        let found =
            harness.server.objects().into_iter().find(|object| {
                object["kind"] == "Service" && object["metadata"]["namespace"] == tenant.as_str()
            });
        let labels = found.unwrap()["spec"]["selector"].as_object().map(serde_json::Map::len);
        assert_ne!(labels, Some(0), "the Service selects what it did");
        harness.settle().await;
        assert_eq!(harness.server.calls(), [""; 0]);
    }
}

#[tokio::test]
async fn a_claim_passes_on_when_the_older_tenant_goes_and_nobody_else_is_bothered() {
    let harness = settled().await;
    // All are of one age, so the name decides.
    harness.add_claim("younger", &name(7));
    harness.settle().await;
    assert_eq!(harness.ready_reason("Tenant", "younger"), "ClaimedByOther");
    harness.server.calls();
    harness.server.remove(&address("", "tenants", &name(7)));
    harness.settle().await;
    assert_ne!(harness.ready_reason("Tenant", "younger"), "ClaimedByOther");
    let calls = harness.server.calls();
    let others = (0..TENANTS).filter(|number| *number != 7).map(name);
    let bothered: Vec<String> = others.filter(|other| is_about(&calls, other)).collect();
    assert_eq!(bothered, [""; 0], "{calls:?}");
}

#[tokio::test]
async fn an_edit_of_a_tenant_makes_its_flows_no_less_than_they_were() {
    let harness = Harness::signing_in().await;
    let before = harness.object("Flow", "sign-in");
    harness.edit("", "tenants", "acme", |spec| spec["limits"] = json!({ "journeysPerSecond": 7 }));
    harness.settle().await;
    let calls = harness.server.calls();
    let about_flows: Vec<_> =
        calls.iter().filter(|call| call.contains("flows/") || call.contains("events")).collect();
    assert!(about_flows.is_empty(), "{about_flows:?}");
    assert!(is_about(&calls, "catalogs"), "the edit reaches the executors: {calls:?}");
    assert_eq!(harness.object("Flow", "sign-in"), before);
}

fn is_about(calls: &[String], part: &str) -> bool {
    calls.iter().any(|call| call.split('/').any(|one| one == part))
}

#[tokio::test]
async fn a_new_tenant_waits_quietly_for_the_rights_that_were_bound_a_moment_ago() {
    let harness = Harness::new();
    let keys = "/api/v1/namespaces/acme/secrets/idflow-keys";
    harness.server.forbid(keys, true);
    harness.add_tenant("acme");
    harness.settle().await;
    assert_eq!(harness.ready_reason("Tenant", "acme"), "Progressing");
    let objects = harness.server.objects();
    let warnings = objects.iter().filter(|object| object["kind"] == "Event" && object["type"] == "Warning");
    assert_eq!(warnings.count(), 0);
    harness.server.forbid(keys, false);
    harness.clock.advance(Span::seconds(2));
    harness.settle().await;
    assert_eq!(harness.ready_reason("Tenant", "acme"), "ExecutorStarting", "asked again in seconds");

    // A right that is taken away later is somebody's doing.
    harness.server.forbid(keys, true);
    harness.server.store(keys, &json!({ "metadata": { "annotations": { "by": "somebody" } } }));
    harness.settle().await;
    assert_eq!(harness.ready_reason("Tenant", "acme"), "ApiError");
}

#[tokio::test]
async fn a_tenant_that_works_is_watched_although_a_look_at_its_keys_is_refused() {
    let first = Harness::signing_in().await;
    let again = Harness::over(Arc::clone(&first.server));
    again.server.forbid("/api/v1/namespaces/acme/secrets/idflow-keys", true);
    again.settle().await;
    assert_eq!(again.ready_reason("Tenant", "acme"), "ApiError");
    assert_eq!(again.watched(), ["acme"]);
}

#[tokio::test]
async fn a_catalog_that_cannot_be_written_is_told_to_those_who_look_after_the_tenant() {
    let harness = Harness::signing_in().await;
    harness.server.forbid(&address("acme", "catalogs", "idflow"), true);
    harness.edit("", "tenants", "acme", |spec| spec["limits"] = json!({ "steps": 20 }));
    harness.settle().await;
    let objects = harness.server.objects();
    let warnings = objects.iter().filter(|object| object["kind"] == "Event" && object["type"] == "Warning");
    let told: Vec<_> = warnings.filter(|event| event["regarding"]["kind"] == "Tenant").collect();
    let [event] = told.as_slice() else { panic!("{told:?}") };
    assert!(event["note"].as_str().unwrap().starts_with("the Catalog is not written"), "{event}");
}
