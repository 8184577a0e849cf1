//! What every released version has stored is accepted by the present definitions and read by the present types.

use std::path::PathBuf;

use idflow_api::{Catalog, Connection, Directory, Flow, FlowRevision, OIDCClient, Tenant};
use idflow_test_support::repository;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::installed;

fn recorded() -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(repository::path("tests/releases")).expect("releases");
    let folders = entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir());
    folders.map(|folder| folder.join("objects.json"))
}

#[test]
fn the_objects_of_every_release_are_accepted_with_their_status_and_read() {
    let Some(cluster) = installed("the_objects_of_every_release_are_accepted") else { return };
    for file in recorded() {
        let text = std::fs::read_to_string(&file).expect("the objects");
        let objects: Value = serde_json::from_str(&text).expect("JSON");
        let namespace = cluster.namespace("released");
        for object in objects["items"].as_array().expect("items") {
            let mut own = object.clone();
            if own["metadata"]["namespace"].is_string() {
                own["metadata"]["namespace"] = json!(namespace);
            } else {
                // Other tests have cluster-wide objects of their own, by other names.
                own["metadata"]["name"] = json!(namespace);
            }
            let what = format!("{}/{} of {}", own["kind"], own["metadata"]["name"], file.display());
            let own = own.to_string();
            cluster.kubectl_with(&["create", "--validate=strict", "-f", "-"], &own).expect(&what);
            let status = ["replace", "--validate=strict", "--subresource=status", "-f", "-"];
            cluster.kubectl_with(&status, &own).expect(&what);
            read(object);
        }
        cluster.kubectl(&["delete", "tenant", &namespace, "--wait=false"]).expect("the Tenant goes");
    }
}

fn read(object: &Value) {
    match object["kind"].as_str().expect("a kind") {
        "Tenant" => same::<Tenant>(object),
        "Directory" => same::<Directory>(object),
        "Connection" => same::<Connection>(object),
        "OIDCClient" => same::<OIDCClient>(object),
        "Flow" => same::<Flow>(object),
        "FlowRevision" => same::<FlowRevision>(object),
        "Catalog" => same::<Catalog>(object),
        kind => panic!("nobody reads {kind} here: add it"),
    }
}

/// Reads the object and finds everything that it says.
fn same<T: DeserializeOwned + serde::Serialize>(object: &Value) {
    let read: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{object}: {error}"));
    let again = serde_json::to_value(read).expect("JSON");
    for part in ["spec", "status"] {
        assert_eq!(again[part], object[part], "{part} of {}/{}", object["kind"], object["metadata"]["name"]);
    }
}
