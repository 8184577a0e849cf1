//! What a change costs of the API server, and what it does not touch.

use std::sync::PoisonError;
use std::time::Duration;

use idflow_test_support::cluster::Cluster;
use idflow_test_support::wait;

use crate::{OPERATOR, operated, ready_world};

/// So many tenants once made 308 calls of one annotation.
const TENANTS: usize = 22;

/// Long enough for whatever follows from a change.
const QUIET: Duration = Duration::from_secs(4);

const PATIENCE: Duration = Duration::from_mins(1);

#[test]
fn an_annotation_on_one_of_many_tenants_costs_no_call() {
    let Some(cluster) = operated("an_annotation_on_one_of_many_tenants") else { return };
    let tenants: Vec<String> = (0..TENANTS).map(|_| cluster.namespace("calm")).collect();
    let manifests: Vec<String> = tenants.iter().map(|name| manifest(name)).collect();
    cluster.apply(&tenants[0], &manifests.join("---\n")).expect("the tenants");
    for tenant in &tenants {
        wait::until(PATIENCE, "a workload", || {
            let answer = cluster.kubectl(&["get", "-n", tenant, "statefulset/idflow-executor"]);
            if answer.ok { Ok(()) } else { Err(answer.stderr) }
        });
    }
    // A new operator looks at everything once.
    let operator = OPERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    let before = at_rest(cluster, &tenants);
    assert!(before.len() > 10 * TENANTS, "the log misses what made them: {before:?}");
    let tenant = format!("tenant/{}", tenants[3]);
    cluster.kubectl(&["annotate", &tenant, "team=blue"]).expect("an annotation");
    std::thread::sleep(QUIET);
    let after = cluster.requests_about(&tenants);
    drop(operator);
    let names = tenants.iter().map(String::as_str);
    let delete: Vec<&str> = ["delete", "tenant", "--wait=false"].into_iter().chain(names).collect();
    cluster.kubectl(&delete).expect("the end of the tenants");
    assert_eq!(after[before.len()..], [""; 0]);
}

#[test]
fn an_edit_of_a_tenant_does_not_touch_its_flows() {
    let Some(world) = ready_world("an_edit_of_a_tenant_does_not_touch_its_flows", "edited") else { return };
    let flows = || world.cluster.list(&world.namespace, "flows");
    let before = flows();
    let tenant = world.manifest_of("Tenant", &world.namespace);
    let edited = tenant.trim_end().to_owned() + "\n  limits: { journeysPerSecond: 77 }\n";
    world.apply(&edited);
    wait::until(PATIENCE, "the executors' settings follow", || {
        let catalog = world.cluster.get(&world.namespace, "catalog/idflow");
        let limit = &catalog["spec"]["tenant"]["limits"]["journeysPerSecond"];
        if *limit == 77 { Ok(()) } else { Err(catalog["spec"]["tenant"].to_string()) }
    });
    std::thread::sleep(QUIET);
    assert_eq!(flows(), before);
}

fn manifest(name: &str) -> String {
    format!(
        "apiVersion: idflow.dev/v1alpha1\nkind: Tenant\nmetadata: {{ name: {name} }}\nspec:\n  namespace: {name}\n  \
         issuer: https://{name}.example\n  store: {{ embedded: {{}} }}\n"
    )
}

/// What was asked until nothing more was asked for a while.
fn at_rest(cluster: &Cluster, tenants: &[String]) -> Vec<String> {
    wait::until(PATIENCE, "nothing more to do", || {
        let before = cluster.requests_about(tenants);
        std::thread::sleep(QUIET);
        let after = cluster.requests_about(tenants);
        if after.len() == before.len() { Ok(after) } else { Err(after[before.len()..].join("\n")) }
    })
}
