//! `Flow`: a journey as its author writes it.

use std::collections::BTreeMap;

use idflow_core::time::Span;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::{Duration, Label, Locale, Name, ObjectName, Text};
use crate::claim::{Claim, Claims};
use crate::diagnostic::Problem;
use crate::name;
use crate::value_type::{self, ValueType};

/// Revisions that `status.history` and garbage collection keep per flow.
pub const HISTORY_LIMIT: usize = 10;

/// A journey that people or programs run through: a graph of steps.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "Flow",
    namespaced,
    status = "FlowStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "fl",
    doc = "A journey such as a sign-in: a graph of steps that people or programs run through.",
    selectable = ".spec.type",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(
        name = "Serving",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Serving\")].status"
    ),
    printcolumn(name = "Generation", type_ = "integer", json_path = ".metadata.generation"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason"
    ),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.latestReadyRevision", priority = "1"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("size(self.metadata.name) <= 48 && !self.metadata.name.contains('.')").message(
        "a flow's name is at most 48 characters and has no dot: its revisions append generation and digest to it"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.steps.exists(step, step.id == self.start)")
        .message("start names no step: it must be the id of one of the steps")
        .field_path(".start"),
    validation = Rule::new("!has(self.inputs) || self.type == 'Library'")
        .message("only a flow of type Library has inputs: other flows read flow.query")
        .field_path(".inputs"),
    validation = Rule::new("!has(self.default) || !self.default || self.type != 'Library'")
        .message("a Library flow cannot be the default of its type: it runs only when another flow calls it")
        .field_path(".default")
)]
pub struct FlowSpec {
    /// What the journey is for, for people who read it. Absent: nothing is shown. Never part of a revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<1024>>")]
    pub description: Option<String>,
    /// What kind of journey this is. It decides which checks apply and who may start it.
    #[serde(rename = "type")]
    pub type_: FlowType,
    /// Whether this is the flow of its type when a client names none. Absent means false. If two flows of one
    /// type say so, the older one keeps it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// The id of the step a journey begins with.
    #[schemars(with = "Name")]
    pub start: String,
    /// How long one journey may take, waiting included, for example `20m`. Absent means 30m; at most 2160h
    /// (90 days).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Duration>")]
    pub lifetime: Option<Span>,
    /// Switches the flow off for new journeys; journeys under way finish. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// Where outcomes lead that a step does not wire itself: outcome to step id. Absent: every step wires its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Name>", extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new(name::no_reserved_key()).message(name::RESERVED_KEY_MESSAGE))]
    pub outcomes: BTreeMap<String, String>,
    /// The steps, at least one and at most 200. Their order means nothing.
    #[schemars(
        length(min = 1, max = 200),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"])
    )]
    pub steps: Vec<Step>,
    /// Texts that steps show by key, each in one or more languages: key to language to text. A text may hold
    /// expressions such as `{{ user.email }}`. Absent: the steps show built-in texts only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Translations>", extend("maxProperties" = 200))]
    #[x_kube(validation = Rule::new(name::no_reserved_key()).message(name::RESERVED_KEY_MESSAGE))]
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
    /// Names of ConfigMaps with further texts; the key of an entry is the language, its value a YAML map of texts.
    /// The content is copied into each revision. `texts` wins over a ConfigMap, an earlier name over a later one.
    /// Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<ObjectName>", length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub texts_from: Vec<String>,
    /// Languages the flow promises to speak and offers on its pages; every text must exist in each of them. The first
    /// one is shown when a visitor's language is none of them. idflow's own texts appear in English where they do not
    /// exist in one. Absent: idflow's languages and those of the texts are offered, and nothing is promised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Locale>", length(max = 32), extend("x-kubernetes-list-type" = "atomic"))]
    pub locales: Vec<String>,
    /// What a caller passes to a flow of type Library. Absent: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub inputs: Vec<Input>,
    /// What must be proven before this flow completes, whichever path is taken; a graph that could complete with
    /// less is refused. Absent: what the flow's type and the Tenant's policy ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarantees: Option<Guarantees>,
}

impl Claims for FlowSpec {
    fn claims(&self, _: &str) -> Vec<Claim> {
        self.default.then_some(Claim::DefaultFlow(self.type_)).into_iter().collect()
    }

    fn without(self, _: &Claim) -> Option<Self> {
        Some(Self { default: false, ..self })
    }
}

impl crate::ResourceFacts for Flow {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: sign-in }
spec:
  type: Login
  start: password
  steps:
    - { id: password, password: { identify: true }, outcomes: { next: done } }
    - { id: done, complete: {} }
";
    const STEPS: Option<&'static str> = Some("/properties/spec/properties/steps/items");
}

/// What kind of journey a flow is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum FlowType {
    /// Signs a user in.
    Login,
    /// Ends sessions.
    Logout,
    /// Creates an account.
    Registration,
    /// Lets a user who forgot the password set a new one.
    ResetPassword,
    /// Lets a signed-in user change the password.
    UpdatePassword,
    /// Invites somebody.
    InviteUser,
    /// Deletes an account.
    DeleteUser,
    /// Locks an account.
    LockUser,
    /// Unlocks an account.
    UnlockUser,
    /// Asks whether an application may have what it asks for.
    Consent,
    /// Started by another program, without pages.
    API,
    /// Runs only when another flow calls it.
    Library,
    /// Anything else.
    Custom,
}

impl FlowType {
    /// The word in `spec.type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "Login",
            Self::Logout => "Logout",
            Self::Registration => "Registration",
            Self::ResetPassword => "ResetPassword",
            Self::UpdatePassword => "UpdatePassword",
            Self::InviteUser => "InviteUser",
            Self::DeleteUser => "DeleteUser",
            Self::LockUser => "LockUser",
            Self::UnlockUser => "UnlockUser",
            Self::Consent => "Consent",
            Self::API => "API",
            Self::Library => "Library",
            Self::Custom => "Custom",
        }
    }
}

impl std::fmt::Display for FlowType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One step: an id, exactly one node, and where its outcomes lead.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The step's name, unique within the flow. Expressions read its outputs as `steps.<id>.<output>`.
    #[schemars(with = "Name")]
    pub id: String,
    /// Where the step's outcomes lead: outcome to step id. Absent: the flow's own `outcomes` apply. `error`,
    /// `cancel`, `back`, `timeout` and `locked` have safe defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Name>", extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new(name::no_reserved_key()).message(name::RESERVED_KEY_MESSAGE))]
    pub outcomes: BTreeMap<String, String>,
    /// The node object, raw: its kind is the only key that a valid step has here. CRD generation joins the
    /// schemas of the kinds; the compiler reads it strictly.
    #[serde(flatten)]
    #[schemars(skip)]
    pub node: serde_json::Map<String, serde_json::Value>,
}

impl Step {
    /// The node kind and its settings, if the step has exactly one.
    pub fn node(&self) -> Option<(&str, &serde_json::Value)> {
        let mut entries = self.node.iter();
        let (kind, settings) = entries.next()?;
        entries.next().is_none().then_some((kind.as_str(), settings))
    }
}

/// Schema of one text in its languages.
struct Translations;

impl JsonSchema for Translations {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Translations".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "maxProperties": 32,
            "additionalProperties": { "type": "string", "minLength": 1, "maxLength": 4096 },
            "x-kubernetes-validations": [{
                "rule": name::no_reserved_key(),
                "message": "a language is a word that YAML 1.1 reads as a boolean: for Norwegian write nb or nn"
            }]
        })
    }
}

/// A value that a caller passes in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    /// Its name.
    #[schemars(with = "Name")]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schemars(schema_with = "value_type::passed")]
    pub type_: ValueType,
    /// What it is for. Absent: nothing is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<512>>")]
    pub description: Option<String>,
    /// Whether a caller must pass it. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// What must be proven on every path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Guarantees {
    /// Whether a user must be identified. Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identified: bool,
    /// Authentication methods that must all have been shown, as RFC 8176 `amr` values such as `pwd` or `otp`.
    /// Absent: none in particular.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Label>", length(max = 8), extend("x-kubernetes-list-type" = "set"))]
    pub factors: Vec<String>,
    /// How many different authentication methods must have been shown. Absent means none; 2 asks for
    /// multi-factor sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4))]
    pub minimum_factors: Option<i32>,
}

/// What the operator observed about a Flow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlowStatus {
    /// The metadata.generation this status is about. Absent or -1: the operator has not seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Accepted`, `ResolvedRefs`, `Serving`, `Ready`, and while true `PolicyGrace`, `Tolerated`,
    /// `Reconciling` or `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::condition::schema")]
    pub conditions: Vec<Condition>,
    /// The revision made from the newest generation that compiled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub latest_created_revision: Option<String>,
    /// The newest revision that every ready executor pod has loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub latest_ready_revision: Option<String>,
    /// Which revisions new journeys run on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 8),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["revision"])
    )]
    pub serving: Vec<ServingRevision>,
    /// Which generation runs which revision, newest first, at most 10.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 10),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["generation"])
    )]
    pub history: Vec<HistoryEntry>,
    /// How many steps the newest revision has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 200))]
    pub steps: Option<i32>,
    /// The weakest that is proven over all paths into each step that completes the journey; at most 20 steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 20),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["step"])
    )]
    pub assurance: Vec<Assurance>,
    /// What is wrong or doubtful about the newest generation, worst first, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub problems: Vec<Problem>,
    /// Objects that refer to this flow, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub used_by: Vec<UsedBy>,
    /// Where a journey of this flow begins. Absent for Library flows and while nothing serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<512>>")]
    pub url: Option<String>,
}

/// A revision that takes new journeys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServingRevision {
    /// The FlowRevision's name.
    #[schemars(with = "ObjectName")]
    pub revision: String,
    /// Its share of new journeys in percent.
    #[schemars(range(min = 0, max = 100))]
    pub weight: i32,
}

/// Which revision a generation became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The Flow's metadata.generation.
    pub generation: i64,
    /// The FlowRevision's name.
    #[schemars(with = "ObjectName")]
    pub revision: String,
}

/// The weakest evidence with which one step is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Assurance {
    /// The step that completes the journey.
    #[schemars(with = "Name")]
    pub step: String,
    /// Whether a user is always identified there.
    pub identified: bool,
    /// Whether the session that is opened there is nobody's (`subject: Guest`). Absent means false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guest: bool,
    /// The authentication methods always shown by then, as RFC 8176 `amr` values.
    #[schemars(with = "Vec<Label>", length(max = 16), extend("x-kubernetes-list-type" = "atomic"))]
    pub factors: Vec<String>,
    /// The fewest different methods that a path shows: more than there are `factors` where a person chooses between
    /// several. Absent: as many as there are `factors`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 16))]
    pub minimum_factors: Option<i32>,
}

/// An object that refers to this one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsedBy {
    /// Its kind.
    #[schemars(with = "Text<63>")]
    pub kind: String,
    /// Its name.
    #[schemars(with = "ObjectName")]
    pub name: String,
}

/// What the operator observed about an object that only needs to be valid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReferencedStatus {
    /// The metadata.generation this status is about. Absent or -1: the operator has not seen the object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// `Accepted`, `ResolvedRefs`, `Ready`, and while true `Tolerated`, `Reconciling` or `Stalled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::condition::schema")]
    pub conditions: Vec<Condition>,
    /// What is wrong or doubtful, worst first, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub problems: Vec<Problem>,
    /// Objects that refer to this one, at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("x-kubernetes-list-type" = "atomic"))]
    pub used_by: Vec<UsedBy>,
}
