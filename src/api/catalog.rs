//! `Catalog`: what a tenant's executors serve. Only the operator writes it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::{Cidr, Label, Moment, ObjectName, Sha256, Text};
use crate::flow::{FlowType, Guarantees};
use crate::tenant::{Egress, Limits, Policy};

/// The name of the one Catalog of a namespace.
pub const NAME: &str = "idflow";

/// What a tenant's executors serve. Its `metadata.generation` is the counter executors report.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "Catalog",
    namespaced,
    status = "CatalogStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "cat",
    doc = "What a tenant's executors serve: revisions with their weights, and the tenant's settings. Made by the \
           operator; never edited.",
    printcolumn(name = "Tenant", type_ = "string", json_path = ".spec.tenant.name"),
    printcolumn(name = "Generation", type_ = "integer", json_path = ".metadata.generation"),
    printcolumn(
        name = "Loaded",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Loaded\")].status"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name == 'idflow'")
        .message("a namespace has one Catalog, named idflow")
)]
#[serde(rename_all = "camelCase")]
pub struct CatalogSpec {
    /// The tenant, as its executors need to know it.
    pub tenant: TenantSettings,
    /// Every flow that is served or whose revisions still have journeys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    // One writer: a list of entries that may have several would be kept twice over in `managedFields`, and with
    // hundreds of flows the object would be too large for the cluster's store.
    #[schemars(length(max = 5000), extend("x-kubernetes-list-type" = "atomic"))]
    pub flows: Vec<CatalogFlow>,
    /// Digests of revisions that must not run any more; journeys on them end. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Sha256>", length(max = 500), extend("x-kubernetes-list-type" = "set"))]
    pub withdrawn: Vec<String>,
}

impl crate::ResourceFacts for Catalog {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: Catalog
metadata: { name: idflow }
spec:
  tenant: { name: acme, issuer: https://login.acme.example }
";
}

/// The tenant, as its executors need to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantSettings {
    /// The Tenant's name.
    #[schemars(with = "Label")]
    pub name: String,
    /// The tenant's issuer.
    #[schemars(with = "Text<255>")]
    pub issuer: String,
    /// How much the tenant may use. Absent: the defaults of its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What the tenant's flows must and must not do. Absent: nothing in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Where the executor may connect to. Absent: every public address, no private one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
    /// Address ranges of proxies whose `X-Forwarded-For` is believed. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Cidr>", length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub trusted_proxies: Vec<String>,
    /// Whether browsers are told to come by https to every name below the issuer's too. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hsts_include_sub_domains: bool,
}

/// What is served of one flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogFlow {
    /// The Flow's name.
    #[schemars(with = "Label")]
    pub flow: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_: FlowType,
    /// Whether it is the flow of its type when a client names none. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// Whether it takes no new journeys. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspended: bool,
    /// What its author guarantees of every sign-in: a session must have shown as much to be used instead of one. The
    /// strictest of what is guaranteed of the revisions with weight. Absent: nothing in particular.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarantees: Option<Guarantees>,
    /// Its revisions: those with weight take new journeys, the others only finish theirs or are being loaded.
    #[schemars(length(max = 40), extend("x-kubernetes-list-type" = "atomic"))]
    pub entries: Vec<CatalogEntry>,
}

/// One revision of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogEntry {
    /// The FlowRevision's name.
    #[schemars(with = "ObjectName")]
    pub revision: String,
    /// The SHA-256 of its content, 64 hexadecimal digits.
    #[schemars(with = "Sha256")]
    pub digest: String,
    /// Its share of new journeys in percent.
    #[schemars(range(min = 0, max = 100))]
    pub weight: i32,
    /// Until when it may run although the Tenant's policy or limits do not accept it any more. Absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Moment>")]
    pub policy_grace_until: Option<Time>,
}

/// What the operator observed about a Catalog.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CatalogStatus {
    /// The metadata.generation this status is about. Absent or -1: the operator has not seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The newest generation that every ready executor pod follows. Absent while no pod is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_generation: Option<i64>,
    /// `Loaded` and `Ready`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::condition::schema")]
    pub conditions: Vec<Condition>,
}
