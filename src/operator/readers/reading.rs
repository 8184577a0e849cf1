//! What operator and executors make of objects.

use std::collections::{BTreeMap, BTreeSet};

use idflow_api::{Catalog, FlowRevision, ResourceKind};
use idflow_core::digest::Digest;
use idflow_executor::configuration::Connection;
use idflow_executor::revisions::{Facts, Revisions};
use idflow_executor::source::Snapshot;
use idflow_executor::source::live::Live;
use idflow_executor::source::shared_secret::SharedSecret;
use idflow_flow::program::Program;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fixtures::NOW;
use crate::harness::Harness;

/// What became of the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether every object is accepted, and why not.
    pub(super) verdicts: BTreeMap<String, String>,
    /// What the operator made and tells, and what executors serve by: text by what it is of.
    pub(super) made: BTreeMap<String, String>,
}

/// Lets the operator work on the objects until it rests, and executors load what it made.
pub(super) async fn read(objects: &[Value]) -> Reading {
    let harness = Harness::new();
    for object in objects {
        harness.put(object);
    }
    harness.settle().await;
    harness.load_everything();
    harness.settle().await;
    let all = harness.server.objects();
    let mut reading = Reading { verdicts: BTreeMap::new(), made: BTreeMap::new() };
    for object in &all {
        let (Some(kind), Some(name)) = (object["kind"].as_str(), object["metadata"]["name"].as_str()) else {
            continue;
        };
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let id = format!("{kind} {namespace}/{name}");
        match ResourceKind::named(kind) {
            Some(ResourceKind::FlowRevision) => revision(&mut reading, object),
            Some(ResourceKind::Catalog) => {
                catalog(&mut reading, &id, object);
                executor(&mut reading, &id, namespace, &all);
            }
            Some(_) => status(&mut reading, &id, &object["status"]),
            None if ["Event", "Secret", "ConfigMap", "Namespace"].contains(&kind) => {}
            None => drop(
                reading.made.insert(
                    id,
                    without(
                        object,
                        &[
                            "metadata/resourceVersion",
                            "metadata/generation",
                            "metadata/uid",
                            "metadata/ownerReferences",
                        ],
                    )
                    .to_string(),
                ),
            ),
        }
    }
    reading
}

fn without(object: &Value, pointers: &[&str]) -> Value {
    let mut object = object.clone();
    for pointer in pointers {
        let (parent, member) = pointer
            .rsplit_once('/')
            .map_or((String::new(), *pointer), |(parent, member)| (format!("/{parent}"), member));
        if let Some(parent) = object.pointer_mut(&parent).and_then(Value::as_object_mut) {
            parent.remove(member);
        }
    }
    object
}

/// What is judged of an object, and what its status tells of it. What names the content or its findings counts for
/// nothing: it differs with every edit.
fn status(reading: &mut Reading, id: &str, status: &Value) {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let conditions = conditions.map(|one| format!("{} {} {}", one["type"], one["status"], one["reason"]));
    reading.verdicts.insert(id.to_owned(), conditions.collect::<Vec<_>>().join(", "));
    let told = without(
        status,
        &[
            "conditions",
            "problems",
            "history",
            "latestCreatedRevision",
            "latestReadyRevision",
            "serving",
            "observedGeneration",
            "keys",
            "usedBy",
        ],
    );
    reading.made.insert(format!("status of {id}"), told.to_string());
}

/// What a Catalog says of flows. The tenant's settings are only handed on in it.
fn catalog(reading: &mut Reading, id: &str, object: &Value) {
    for flow in object["spec"]["flows"].as_array().into_iter().flatten() {
        let weights: Vec<&Value> =
            flow["entries"].as_array().into_iter().flatten().map(|entry| &entry["weight"]).collect();
        let told = format!("{} {weights:?}", without(flow, &["entries"]));
        reading.made.insert(format!("{id} {}", flow["flow"]), told);
    }
}

/// What a revision says of itself, and its content compiled.
fn revision(reading: &mut Reading, object: &Value) {
    let revision: FlowRevision = read_as(object);
    let mut program = Program::load(&revision.spec.content, idflow_nodes::kinds()).expect("a program");
    program.digest = Digest::of("");
    let spec = without(&object["spec"], &["digest", "content", "authored", "sources", "generation"]);
    let told = format!(
        "{spec} {} {program:?}",
        json!([object["metadata"]["labels"], object["metadata"]["annotations"]])
    );
    let id = format!("revision {}/{}", object["metadata"]["namespace"], revision.spec.flow);
    reading.made.insert(id, told);
}

/// What executors of the namespace serve by.
fn executor(reading: &mut Reading, id: &str, namespace: &str, all: &[Value]) {
    let snapshot = snapshot(namespace, all);
    let revisions = Revisions::new(idflow_nodes::kinds());
    let mut configuration = snapshot.prepare(&revisions, NOW).configuration;
    configuration.flows.clear();
    configuration.policy = None;
    let secrets: Vec<String> = configuration.connections.values().map(hidden).collect();
    reading.made.insert(format!("configuration of {id}"), format!("{configuration:?} {secrets:?}"));
}

/// What a connection does not show.
fn hidden(connection: &Connection) -> String {
    match connection {
        Connection::Smtp(smtp) => format!(
            "{:?}",
            smtp.login.as_ref().map(|(user, password)| (user, password.expose_for("comparison")))
        ),
        Connection::Http(http) => format!(
            "{:?}",
            http.headers
                .iter()
                .map(|(name, value)| (name, value.expose_for("comparison")))
                .collect::<Vec<_>>()
        ),
    }
}

fn snapshot(namespace: &str, all: &[Value]) -> Snapshot {
    let mine = || all.iter().filter(|object| object["metadata"]["namespace"] == namespace);
    let of_kind = |kind: &'static str| mine().filter(move |object| object["kind"] == kind);
    let catalog: Catalog = of_kind("Catalog").next().map(read_as).expect("a Catalog");
    let revisions: Vec<FlowRevision> = of_kind("FlowRevision").map(read_as).collect();
    let digest = |revision: &FlowRevision| revision.spec.digest.parse().expect("a digest");
    macro_rules! live {
        (
            source { $($Source:ident $sources:ident),+ }
            live { $($Kind:ident $plural:ident),+ }
            product { $($Product:ident $products:ident),+ }
        ) => {
            Live {
                $($plural: of_kind(stringify!($Kind)).map(|object| (name_of(object), read_as(&object["spec"]))).collect(),)+
                secrets: of_kind("Secret").map(|object| (name_of(object), secret(object))).collect(),
            }
        };
    }
    Snapshot {
        catalog: 1,
        tenant: catalog.spec.tenant,
        flows: catalog.spec.flows,
        withdrawn: Vec::new(),
        contents: revisions
            .iter()
            .map(|revision| (digest(revision), revision.spec.content.clone()))
            .collect(),
        facts: revisions.iter().map(|revision| (digest(revision), Facts::of(&revision.spec))).collect(),
        damaged: BTreeSet::new(),
        live: idflow_api::custom_resources!(live),
    }
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("a name").to_owned()
}

fn read_as<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("the form of its kind")
}

fn secret(object: &Value) -> SharedSecret {
    let secret: Secret = read_as(object);
    let text = |bytes: ByteString| String::from_utf8(bytes.0).expect("text");
    SharedSecret {
        labels: secret.metadata.labels.unwrap_or_default(),
        annotations: secret.metadata.annotations.unwrap_or_default(),
        data: secret.data.unwrap_or_default().into_iter().map(|(name, value)| (name, text(value))).collect(),
    }
}
