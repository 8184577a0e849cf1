//! A revision is a guest: one that cannot run, or is not what it claims, costs nobody but itself.

use std::time::Duration;

use idflow_test_support::revision::{digest, forged};
use idflow_test_support::wait;
use idflow_test_support::world::{World, condition_of};
use serde_json::Value;

use crate::ready_world;

const SOON: Duration = Duration::from_secs(30);

fn revision(world: &World, name: &str) -> Value {
    world.cluster.get(&world.namespace, &format!("flowrevision/{name}"))
}

/// Waits for a reason of a revision's condition.
fn wait_for_reason(world: &World, name: &str, condition: &str, reason: &str) -> Value {
    wait::until(SOON, &format!("{name}: {condition} because {reason}"), || {
        let found = condition_of(&revision(world, name), condition).clone();
        if found["reason"] == reason { Ok(found) } else { Err(found.to_string()) }
    })
}

#[test]
fn a_revision_that_pods_cannot_run_takes_no_flow_out_of_service() {
    let Some(world) = ready_world("a_revision_that_pods_cannot_run", "guest") else { return };
    world.sign_up("ada@test.example");
    let newer = content(&world).replace("\"format\":", "\"format\":9");
    world.apply(&forged("sign-up-g2-format22", "sign-up", &digest(&newer), &newer).to_string());
    let loaded = wait_for_reason(&world, "sign-up-g2-format22", "Loaded", "Unusable");
    let message = loaded["message"].as_str().expect("a message");
    assert!(
        message.starts_with("pod idflow-executor-0 does not run it: ") && message.contains("format 9"),
        "{message}"
    );
    world.kubelet.kill("idflow-executor-0");
    wait::until(SOON, "the pod is back", || {
        let pod = world.cluster.get(&world.namespace, "pod/idflow-executor-0");
        let is_back = world.kubelet.restarts("idflow-executor-0") > 0
            && condition_of(&pod, "Ready")["status"] == "True";
        if is_back { Ok(()) } else { Err(world.kubelet.log()) }
    });
    world.wait_until_ready();
    world.sign_in("ada@test.example");
}

#[test]
fn a_revision_that_claims_the_next_digest_is_stepped_around() {
    let Some(world) = ready_world("a_revision_that_claims_the_next_digest", "squat") else { return };
    let present = content(&world);
    let next = digest(&present.replace("First title", "Second title"));
    world.apply(&forged("aaa-squatter", "sign-in", &next, &present).to_string());
    world.apply(&world.manifest_of("Flow", "sign-in").replace("First title", "Second title"));
    let flow = world.wait_for("flow/sign-in", "Ready", "True");
    let served = flow["status"]["latestReadyRevision"].as_str().expect("a revision");
    assert!(served.starts_with("sign-in-g"), "{served}");
    assert_eq!(revision(&world, served)["spec"]["digest"], next.as_str());
    wait_for_reason(&world, "aaa-squatter", "Ready", "Damaged");
    world.sign_up("ada@test.example");
    world.sign_in("ada@test.example");
}

/// What the sign-in is served from.
fn content(world: &World) -> String {
    let served = world.revisions("sign-in").first().expect("a revision").clone();
    revision(world, &served)["spec"]["content"].as_str().expect("a content").to_owned()
}
