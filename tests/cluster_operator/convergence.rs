//! An operator that is killed in the middle comes to the same objects.

use std::time::Duration;

use idflow_test_support::world::{self, World};

use crate::{OPERATOR, PROGRAM, operated};

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
