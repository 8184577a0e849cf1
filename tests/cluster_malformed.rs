//! An object that its kind's types cannot read. By itself, because a loose definition is loose for everybody.
#![allow(clippy::expect_used, clippy::panic, reason = "a panic is the failure report of a test")]

use std::time::Duration;

use idflow_test_support::cluster::Cluster;
use idflow_test_support::world::{self, World};
use idflow_test_support::{repository, wait};

const PROGRAM: &str = env!("CARGO_BIN_EXE_idflow");

#[test]
fn k_15_a_malformed_object_stops_nobody_else() {
    let Some(cluster) = Cluster::shared("k_15_a_malformed_object_stops_nobody_else") else { return };
    world::install(cluster);
    let _operator = world::start_operator(cluster, PROGRAM);
    let world = World::start(cluster, PROGRAM, "malformed");
    // Selectable fields must be in the schema, and the loose one names none.
    let loose = r#"[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema","value":{"type":"object","x-kubernetes-preserve-unknown-fields":true}},
        {"op":"remove","path":"/spec/versions/0/selectableFields"}]"#;
    cluster
        .kubectl(&["patch", "crd", "flows.idflow.dev", "--type=json", "-p", loose])
        .expect("a loose schema");
    let malformed =
        "{ apiVersion: idflow.dev/v1alpha1, kind: Flow, metadata: { name: malformed }, spec: { steps: 7 } }";
    wait::until(Duration::from_secs(20), "a malformed Flow is stored", || {
        let answer = cluster.apply(&world.namespace, malformed);
        if answer.ok { Ok(()) } else { Err(answer.stderr) }
    });
    let strict = repository::path("crds").display().to_string();
    cluster.kubectl(&["apply", "-f", &strict]).expect("the strict schema again");
    world.wait_until_ready();
    let edited = world.manifest_of("Flow", "sign-in").replace("First title", "Second title");
    world.apply(&edited);
    world.wait_for("flow/sign-in", "Ready", "True");
    assert_eq!(world.revisions("sign-in").len(), 2);
}
