//! What an executor's account may do, and what is refused to everybody.

use idflow_test_support::world::World;

use crate::ready_world;

#[test]
fn k_4_an_executor_reads_its_tenant_and_nothing_else() {
    let Some(world) = ready_world("k_4_an_executor_reads_its_tenant_and_nothing_else", "rights") else {
        return;
    };
    let account = account(&world);
    for (verb, what) in [
        ("watch", "catalogs.idflow.dev"),
        ("get", "flowrevisions.idflow.dev"),
        ("watch", "connections.idflow.dev"),
    ] {
        assert!(may(&world, &account, &[verb, what]), "it needs to {verb} {what}");
    }
    for (verb, what) in [
        ("list", "secrets"),
        ("create", "flowrevisions.idflow.dev"),
        ("update", "catalogs.idflow.dev"),
        ("update", "flows.idflow.dev"),
        ("create", "pods"),
        ("get", "tenants.idflow.dev"),
    ] {
        assert!(!may(&world, &account, &[verb, what]), "it must not {verb} {what}");
    }
}

#[test]
fn the_pod_that_the_operator_asks_for_is_restricted() {
    let Some(world) = ready_world("the_pod_that_the_operator_asks_for_is_restricted", "restricted") else {
        return;
    };
    let enforce = "pod-security.kubernetes.io/enforce=restricted";
    let dry = ["label", "--dry-run=server", "--overwrite", "namespace", &world.namespace, enforce];
    let answer = world.cluster.kubectl(&dry);
    assert!(answer.ok && !answer.stderr.contains("violate"), "{}", answer.stderr);
    let set = &world.cluster.list(&world.namespace, "statefulsets")[0];
    let container = &set["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true, "{container}");
    assert!(container["resources"]["limits"]["memory"].is_string(), "{container}");
}

fn account(world: &World) -> String {
    let set = &world.cluster.list(&world.namespace, "statefulsets")[0];
    let name = set["spec"]["template"]["spec"]["serviceAccountName"].as_str().expect("an account of its own");
    format!("system:serviceaccount:{}:{name}", world.namespace)
}

fn may(world: &World, account: &str, what: &[&str]) -> bool {
    let ask = ["auth", "can-i", "-n", &world.namespace, "--as", account];
    world.cluster.kubectl(&[&ask[..], what].concat()).ok
}
