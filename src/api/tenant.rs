//! `Tenant`: gives one namespace to one tenant. Guard rails only.

use idflow_core::time::Span;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::address;
use crate::bounds::{Bytes, Cidr, Cores, Duration, Host, Label, Name, ObjectName, Text};
use crate::claim::{Claim, Claims};
use crate::diagnostic::Problem;
use crate::flow::Guarantees;

/// Flows a tenant may have when its limits say nothing.
pub const DEFAULT_FLOWS: i32 = 500;

/// `limits.steps` of a tenant that says nothing.
pub const DEFAULT_STEPS: i32 = 200;

/// How long a served flow goes on that a changed policy does not accept any more, when the policy does not say.
pub const DEFAULT_GRACE: Span = Span::hours(24);

/// Gives one existing namespace to one tenant.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "Tenant",
    status = "TenantStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "ten",
    doc = "Gives one existing namespace to one tenant: its issuer, executor, store and limits.",
    selectable = ".spec.namespace",
    selectable = ".spec.issuer",
    printcolumn(name = "Namespace", type_ = "string", json_path = ".spec.namespace"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Issuer", type_ = "string", json_path = ".spec.issuer", priority = "1"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')")
        .message("a tenant's name is at most 63 characters and has no dot")
)]
#[serde(rename_all = "camelCase")]
pub struct TenantSpec {
    /// The namespace the tenant gets. It must exist, belongs to one Tenant only, and cannot be changed.
    #[schemars(with = "Label")]
    #[x_kube(
        validation = Rule::new("self == oldSelf").message("namespace cannot be changed: create another Tenant"),
        validation = Rule::new("!self.startsWith('kube-')")
            .message("namespaces that begin with kube- belong to the system: give the tenant one of its own")
    )]
    pub namespace: String,
    /// The origin under which everything of the tenant is reached, also the `iss` of its tokens: https, a host name,
    /// perhaps a port, no path. http only on loopback addresses. It cannot be changed.
    #[schemars(with = "Text<255>")]
    #[x_kube(
        validation = Rule::new("self == oldSelf")
            .message("issuer cannot be changed: applications know the tenant by it; create another Tenant"),
        validation = Rule::new(
            "self.matches('^(https://[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://(localhost|127[.][0-9]{1,3}[.][0-9]{1,3}[.][0-9]{1,3}|\\\\[::1\\\\]))(:[0-9]{1,5})?$')"
        )
        .message("issuer is an https origin without a path, such as https://login.example.com (http only on loopback); its host is in small letters and ASCII, an international name as xn--…"),
        validation = Rule::new(address::NO_OWN_PORT).message(address::NO_OWN_PORT_MESSAGE),
        validation = Rule::new(address::REAL_PORT).message(address::REAL_PORT_MESSAGE)
    )]
    pub issuer: String,
    /// Where the tenant's users, sessions and journeys are kept. It cannot be changed to another kind of store.
    pub store: TenantStore,
    /// How the executor runs. Absent: the defaults of its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executor: Option<ExecutorSettings>,
    /// How much the tenant may use. Absent: the defaults of its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What the tenant's flows must and must not do. Absent: nothing beyond the checks every flow passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
    /// Where the executor may connect to. Absent: every public address, no private one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress: Option<Egress>,
    /// Address ranges of proxies whose `X-Forwarded-For` is believed. Absent: none, the peer is the visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Cidr>", length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub trusted_proxies: Vec<String>,
    /// Whether browsers are told to come by https to every name below the issuer's too (`includeSubDomains` of HSTS). Only
    /// for a host below which nothing else is served by http: browsers remember it for two years. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hsts_include_sub_domains: bool,
    /// What happens to keys and stored data when the Tenant is deleted. Absent means Retain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<Deletion>,
}

impl Claims for TenantSpec {
    fn claims(&self, _: &str) -> Vec<Claim> {
        vec![Claim::Namespace(self.namespace.clone()), Claim::Issuer(self.issuer.clone())]
    }
}

impl crate::ResourceFacts for Tenant {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: Tenant
metadata: { name: acme }
spec:
  namespace: acme
  issuer: https://login.acme.example
  store: { embedded: {} }
";
}

/// Where a tenant's data is kept; exactly one.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.embedded)").message("a store has exactly one kind, for example embedded")
)]
pub struct TenantStore {
    /// A database file on the executor's own volume: one pod, not highly available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<EmbeddedStore>,
}

/// A database file on the executor's own volume.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)")
        .message("storageClassName cannot be changed: a volume does not move between classes")
)]
pub struct EmbeddedStore {
    /// The size of the volume, for example `10Gi`. Absent means 1Gi. It counts when the volume is made; an existing
    /// one is not resized.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes>")]
    pub size: Option<String>,
    /// The storage class of the volume. Absent: the cluster's default class. It cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub storage_class_name: Option<String>,
}

/// How the executor runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorSettings {
    /// The container image. Absent: the one the operator was installed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<512>>", regex(pattern = "^[^\\s]+$"))]
    pub image: Option<String>,
    /// Processor and memory of one pod. Absent: the defaults of its fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<Resources>,
}

/// Processor and memory of one pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Processor time that is set aside, for example `500m` for half a core. Absent means 100m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Cores>")]
    pub cpu: Option<String>,
    /// Memory that is set aside and not exceeded, for example `512Mi`. Absent means 180Mi and 19Mi more for each of
    /// `limits.hashingSlots`: 256Mi in all with 4. Who sets it leaves that much room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Bytes>")]
    pub memory: Option<String>,
}

/// How much a tenant may use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The most Flows that are served; the oldest ones are. When it is lowered, those beyond it go on for
    /// `policy.grace`. Absent means 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5000))]
    pub flows: Option<i32>,
    /// The most steps of one Flow. When it is lowered, what is served already goes on for `policy.grace`. Absent means
    /// 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 200))]
    pub steps: Option<i32>,
    /// The most new journeys per second and pod; beyond it visitors are asked to wait. Absent means 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000))]
    pub journeys_per_second: Option<i32>,
    /// The most password checks at one time per pod, each with 19 MiB of memory. Absent means 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub hashing_slots: Option<i32>,
    /// The longest a session may last after a factor was last shown, whatever a flow asks for. It counts for open
    /// sessions too. Absent means 720h (30 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Duration>")]
    pub session_lifetime: Option<Span>,
}

/// What the tenant's flows must and must not do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Node kinds that no flow may use, for example `http`. Absent: all may be used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Name>", length(max = 64), extend("x-kubernetes-list-type" = "set"))]
    pub forbidden_node_kinds: Vec<String>,
    /// What every path must have proven that ends in a session: of every Login flow, of every Registration flow that
    /// signs the new user in, and of a session that is used again for another application. Absent: that a user is
    /// identified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Guarantees>,
    /// Whether flows may open a session for nobody in particular, by `complete: { subject: Guest }`: such a session has no
    /// user, and no application gets tokens by it. Absent means Refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guests: Option<Guests>,
    /// How long a flow that is served already goes on when a change of this policy, or of `limits`, does not accept
    /// it any more, for example `72h`; open sessions and refresh tokens of such a flow do too. Afterwards its newest
    /// revision that the policy accepts is served, or none. Never for a new revision. Absent means 24h; `0s` stops it
    /// at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Duration>")]
    pub grace: Option<Span>,
}

/// Whether there may be guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Guests {
    /// Every session is somebody's.
    Refused,
    /// A session may be nobody's.
    Allowed,
}

impl Policy {
    /// How long a served flow goes on that the policy does not accept any more.
    pub fn grace(&self) -> Span {
        self.grace.unwrap_or(DEFAULT_GRACE)
    }
}

/// Where the executor may connect to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Egress {
    /// Host names that may be called; `*.example.com` covers every name below. Absent: all public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<Host>>", length(max = 100), extend("x-kubernetes-list-type" = "set"))]
    pub allowed_hosts: Option<Vec<String>>,
    /// Private address ranges that may be called all the same. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Cidr>", length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub private_ranges: Vec<String>,
}

/// What happens to keys and stored data when the Tenant is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Deletion {
    /// They stay; a new Tenant of the same name, namespace and issuer finds them.
    Retain,
    /// They are deleted. Nothing sealed with the keys can be read again.
    Delete,
}

/// What the operator observed about a Tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TenantStatus {
    /// The metadata.generation this status is about. Absent or -1: the operator has not seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Accepted`, `KeysPresent`, `ExecutorAvailable`, `HighlyAvailable`, `Ready`, and while true `PolicyGrace`,
    /// `Tolerated`, `Reconciling` or `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::condition::schema")]
    pub conditions: Vec<Condition>,
    /// What is wrong with the Tenant, worst first; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub problems: Vec<Problem>,
    /// The keys of the tenant. They are made once; if one is missing from the keys Secret, it is not made anew. One that
    /// is changed by hand is taken while the earlier one stands beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"])
    )]
    pub keys: Vec<KeyRecord>,
}

/// A key that was made for a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeyRecord {
    /// The key's id: a fingerprint that tells nothing about the key.
    #[schemars(with = "Text<63>")]
    pub id: String,
    /// What it is for.
    pub purpose: KeyPurpose,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum KeyPurpose {
    /// Seals what the store keeps.
    Sealing,
    /// Signs tokens with ES256.
    ES256,
    /// Signs tokens with RS256.
    RS256,
}
