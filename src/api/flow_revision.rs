//! `FlowRevision`: a frozen, resolved Flow. Only the operator writes it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::{Label, Moment, ObjectName, Sha256, Text};
use crate::flow::{Assurance, Guarantees};

/// The most characters of a revision's content.
pub const MAX_CONTENT: u32 = 1_000_000;

/// The most characters of what the author wrote.
pub const MAX_AUTHORED: u32 = 262_144;

/// A frozen, resolved Flow.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "FlowRevision",
    namespaced,
    status = "FlowRevisionStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "frev",
    doc = "A frozen, resolved Flow that journeys run on. Made by the operator; never edited.",
    selectable = ".spec.flow",
    selectable = ".spec.digest",
    printcolumn(name = "Flow", type_ = "string", json_path = ".spec.flow"),
    printcolumn(name = "Generation", type_ = "integer", json_path = ".spec.generation"),
    printcolumn(
        name = "Loaded",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Loaded\")].status"
    ),
    printcolumn(
        name = "Active",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Active\")].status"
    ),
    printcolumn(name = "Digest", type_ = "string", json_path = ".spec.digest", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.spec == oldSelf.spec").message("a revision never changes: edit the Flow instead")
)]
#[serde(rename_all = "camelCase")]
pub struct FlowRevisionSpec {
    /// The Flow's name.
    #[schemars(with = "Label")]
    pub flow: String,
    /// The Flow's metadata.generation at which this content was first seen.
    #[schemars(range(min = 1))]
    pub generation: i64,
    /// The SHA-256 of the content, 64 hexadecimal digits.
    #[schemars(with = "Sha256")]
    pub digest: String,
    /// The resolved flow as canonical JSON (RFC 8785).
    #[schemars(with = "Text<MAX_CONTENT>")]
    pub content: String,
    /// Every object that went into the content.
    #[schemars(length(max = 300), extend("x-kubernetes-list-type" = "atomic"))]
    pub sources: Vec<Source>,
    /// What an executor must know to run the content, so that one that does not can say so before it reads it.
    /// Absent in revisions of the first version: format 1 and the node kinds of that version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// The weakest that is proven at each step where a session may be opened; none for a flow that opens none.
    /// Absent in revisions of the first version: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 200),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["step"])
    )]
    pub assurance: Option<Vec<Assurance>>,
    /// How many steps the Flow itself has. Absent in revisions of the first versions: to be counted in the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200))]
    pub steps: Option<i32>,
    /// The Flow's spec as its author wrote it, as JSON; not part of the digest. Absent in revisions of the first
    /// version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<MAX_AUTHORED>>")]
    pub authored: Option<String>,
}

/// What an executor must know to run a revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Requires {
    /// The format of the content.
    #[schemars(range(min = 1))]
    pub format: i32,
    /// The kinds of all its nodes, sorted.
    #[schemars(with = "Vec<Text<63>>", length(max = 200), extend("x-kubernetes-list-type" = "set"))]
    pub node_kinds: Vec<String>,
}

impl crate::ResourceFacts for FlowRevision {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: FlowRevision
metadata: { name: sign-in-g1-aaaaaaaa }
spec:
  flow: sign-in
  generation: 1
  digest: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  content: '{}'
  sources: []
";
}

/// An object that went into a revision's content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// Its kind.
    #[schemars(with = "Text<63>")]
    pub kind: String,
    /// Its name.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Its metadata.uid. Absent: it did not come from an API server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<64>>")]
    pub uid: Option<String>,
    /// Its metadata.generation. Absent: its kind has none, as a ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<i64>,
}

/// What the operator observed about a revision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowRevisionStatus {
    /// The metadata.generation this status is about. Absent or -1: the operator has not seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Loaded`, `Active` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::condition::schema")]
    pub conditions: Vec<Condition>,
    /// When the revision stopped receiving new journeys. Absent while it receives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    pub retired_at: Option<Time>,
    /// What the Flow's author guarantees of every sign-in on it, as said by the newest generation of the Flow that
    /// compiled to this revision. Absent: not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarantees: Option<Guarantees>,
    /// What the weakest path to each end proves, of a revision whose spec does not say it. Absent: its spec does, or it
    /// is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200), extend("x-kubernetes-list-type" = "atomic"))]
    pub assurance: Option<Vec<Assurance>>,
}
