//! When a revision is made, and when none is.

use std::collections::BTreeMap;
use std::time::Duration;

use idflow_test_support::world::World;

use crate::ready_world;

/// Long enough for a controller that fights itself to show it.
const QUIET: Duration = Duration::from_secs(4);

#[test]
fn a_second_apply_changes_nothing() {
    let Some(world) = ready_world("a_second_apply_changes_nothing", "again") else { return };
    let before = versions(&world);
    world.apply(&world.manifests());
    std::thread::sleep(QUIET);
    assert_eq!(before, versions(&world));
}

#[test]
fn an_edited_flow_mints_a_revision_and_an_edited_description_does_not() {
    let Some(world) = ready_world("an_edited_flow_mints_a_revision", "minting") else { return };
    let first = world.revisions("sign-in");
    assert_eq!(first.len(), 1, "{first:?}");
    let manifest = world.manifest_of("Flow", "sign-in");

    world.apply(&manifest.replace("type: Login", "type: Login\n  description: How people get in"));
    let described = world.wait_for("flow/sign-in", "Ready", "True");
    assert_eq!(world.revisions("sign-in"), first);
    assert_eq!(described["status"]["latestReadyRevision"], first[0].as_str());

    world.apply(&manifest.replace("First title", "Second title"));
    let edited = world.wait_for("flow/sign-in", "Ready", "True");
    assert_eq!(world.revisions("sign-in").len(), 2);
    assert_ne!(edited["status"]["latestReadyRevision"], first[0].as_str());
    let generation = edited["metadata"]["generation"].to_string();
    let latest = edited["status"]["latestReadyRevision"].as_str().expect("a revision");
    assert!(latest.starts_with(&format!("sign-in-g{generation}-")), "{latest} at generation {generation}");

    world.apply(&manifest);
    let rolled_back = world.wait_for("flow/sign-in", "Ready", "True");
    assert_eq!(
        rolled_back["status"]["latestReadyRevision"],
        first[0].as_str(),
        "equal content is the same revision"
    );
    assert_eq!(world.revisions("sign-in").len(), 2);
}

#[test]
fn the_status_of_a_flow_follows_kstatus() {
    let Some(world) = ready_world("the_status_of_a_flow_follows_kstatus", "kstatus") else { return };
    let flow = world.cluster.get(&world.namespace, "flow/sign-in");
    let generation = &flow["metadata"]["generation"];
    assert_eq!(&flow["status"]["observedGeneration"], generation);
    for condition in flow["status"]["conditions"].as_array().expect("conditions") {
        assert_eq!(&condition["observedGeneration"], generation, "{condition}");
        assert!(
            !["Reconciling", "Stalled"].contains(&condition["type"].as_str().expect("a type")),
            "{condition}"
        );
    }
    let wait = ["wait", "--for=condition=Ready", "--timeout=5s", "-n", &world.namespace, "flow/sign-in"];
    world.cluster.kubectl(&wait).expect("kubectl wait");
}

/// The resource version of every object in the namespace that the operator writes or reads.
fn versions(world: &World) -> BTreeMap<String, String> {
    let kinds = "flows,flowrevisions,catalogs,directories,connections,oidcclients,statefulsets,services,\
                 serviceaccounts,roles,rolebindings,secrets";
    let tenant = world.cluster.get(&world.namespace, &format!("tenant/{}", world.namespace));
    let mut objects = world.cluster.list(&world.namespace, kinds);
    objects.push(tenant);
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let entry = |object: &serde_json::Value| {
        let metadata = &object["metadata"];
        (format!("{}/{}", text(&object["kind"]), text(&metadata["name"])), text(&metadata["resourceVersion"]))
    };
    objects.iter().map(entry).collect()
}
