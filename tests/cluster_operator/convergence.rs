//! What it takes until everything is as it should be: with an operator that is killed in the middle, with many flows.

use std::time::Duration;

use idflow_test_support::wait;
use idflow_test_support::world::{self, SETTLED, World, condition_of};

use crate::{OPERATOR, PROGRAM, operated, ready_world};

#[test]
fn an_operator_killed_in_the_middle_converges_to_the_same_objects() {
    let Some(cluster) = operated("an_operator_killed_in_the_middle") else { return };
    let calm = World::start(cluster, PROGRAM, "calm");
    calm.wait_until_ready();

    let stormy = World::start(cluster, PROGRAM, "stormy");
    for pause in [50, 200, 400, 700, 1200] {
        std::thread::sleep(Duration::from_millis(pause));
        let mut operator = OPERATOR.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Dropping it is kill -9: the lease is not given back.
        operator.take();
        *operator = Some(world::start_operator(cluster, PROGRAM));
    }
    stormy.wait_until_ready();
    assert_eq!(names(&stormy), names(&calm));
    let keys = |world: &World| {
        world.cluster.get(&world.namespace, &format!("tenant/{}", world.namespace))["status"]["keys"].clone()
    };
    assert_eq!(
        keys(&stormy).as_array().map(Vec::len),
        keys(&calm).as_array().map(Vec::len),
        "keys are made once"
    );
    stormy.sign_up("ada@test.example");
}

/// Kinds and names of everything in the namespace that somebody made for the tenant.
fn names(world: &World) -> Vec<String> {
    let kinds = "flowrevisions,catalogs,statefulsets,services,serviceaccounts,roles,rolebindings,secrets";
    let objects = world.cluster.list(&world.namespace, kinds);
    let name = |object: &serde_json::Value| format!("{}/{}", object["kind"], object["metadata"]["name"]);
    objects.iter().map(name).map(|name| name.replace(&world.namespace, "NAMESPACE")).collect()
}

/// So many flows are applied at once.
const FLOWS: usize = 40;

#[test]
fn many_flows_that_are_applied_at_once_settle_soon() {
    let Some(world) = ready_world("many_flows_that_are_applied_at_once_settle_soon", "many") else { return };
    let one = world.manifest_of("Flow", "sign-in").replace("default: true", "default: false");
    let named = |number| one.replace("name: sign-in", &format!("name: many-{number}"));
    let flows: Vec<String> = (0..FLOWS).map(named).collect();
    let place = [world.namespace.clone()];
    let before = world.cluster.requests_about(&place).len();
    let (applied, ()) = wait::timed(|| world.apply(&flows.join("---\n")));
    let (settled, ()) = wait::timed(|| {
        wait::until(SETTLED, "every flow is Ready", || {
            let flows = world.cluster.list(&world.namespace, "flows");
            let is_ready = |flow: &&serde_json::Value| condition_of(flow, "Ready")["status"] == "True";
            let ready = flows.iter().filter(is_ready).count();
            if ready == flows.len() && ready >= FLOWS { Ok(()) } else { Err(ready) }
        });
    });
    let calls = world.cluster.requests_about(&place).len() - before;
    println!(
        "{FLOWS} flows: applied in {applied:?}, Ready {settled:?} after that; {calls} calls of operator and executor"
    );
}
