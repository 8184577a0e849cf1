//! The quickstart, applied as its readme says.

use std::path::PathBuf;

use idflow_test_support::kubelet::Kubelet;
use idflow_test_support::{repository, wait, world};

use crate::{PROGRAM, operated};

#[test]
fn kubectl_apply_of_the_quickstart_ends_with_every_object_ready() {
    let Some(cluster) = operated("kubectl_apply_of_the_quickstart") else { return };
    let folder = repository::path("examples/quickstart");
    let namespace = namespace_of(&folder);
    cluster.kubectl(&["create", "namespace", &namespace]);
    let kubelet = Kubelet::start(cluster, &namespace, PROGRAM);
    cluster.kubectl(&["apply", "-f", &folder.display().to_string()]).expect("kubectl apply");

    let kinds = "tenants,directories,flows,flownodes,oidcclients,connections,themes";
    wait::until(world::SETTLED, "every object of the quickstart is Ready", || {
        let mut objects = cluster.list(&namespace, kinds);
        // Tenants of other tests are in the cluster too.
        objects.retain(|object| object["kind"] != "Tenant" || object["spec"]["namespace"] == *namespace);
        let waiting: Vec<String> = objects
            .iter()
            .filter(|object| world::condition_of(object, "Ready")["status"] != "True")
            .map(|object| format!("{}/{}: {}", object["kind"], object["metadata"]["name"], object["status"]))
            .collect();
        let done = waiting.is_empty() && objects.len() > 6;
        if done { Ok(()) } else { Err(format!("{}\n{}", waiting.join("\n"), kubelet.log())) }
    });
}

/// The namespace that the quickstart's Tenant gets.
fn namespace_of(folder: &PathBuf) -> String {
    let files =
        std::fs::read_dir(folder).expect("the quickstart").map(|entry| entry.expect("an entry").path());
    let texts: Vec<String> = files.filter_map(|file| std::fs::read_to_string(file).ok()).collect();
    let tenant = texts.iter().find(|text| text.contains("kind: Tenant")).expect("a Tenant");
    let line = tenant.lines().find(|line| line.trim().starts_with("namespace:")).expect("its namespace");
    line.split(':').nth(1).expect("a value").trim().to_owned()
}
