//! `FlowNode`: a reusable node that authors build from other nodes.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::{Name, Text};
use crate::claim::Claims;
use crate::flow::{Input, ReferencedStatus, Step};
use crate::name;
use crate::value_type::{self, ValueType};

/// A reusable node: inputs, outputs and outcomes over an implementation.
#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "idflow.dev",
    version = "v1alpha1",
    kind = "FlowNode",
    namespaced,
    status = "ReferencedStatus",
    derive = "PartialEq",
    category = "idflow",
    shortname = "fn",
    doc = "A reusable node that flows use as a step: inputs, outputs and outcomes over an implementation.",
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
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.inputs) || !has(self.parameters)")
        .message("parameters are called inputs now: write them once, as inputs")
        .field_path(".inputs")
)]
pub struct FlowNodeSpec {
    /// What the node does, for people who choose it. Absent: nothing is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<1024>>")]
    pub description: Option<String>,
    /// What a step passes in; the implementation reads it as `input.<name>`. Absent: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    inputs: Vec<Input>,
    /// What `inputs` were called once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(skip)]
    parameters: Vec<Input>,
    /// What later steps read as `steps.<id>.<name>`. Absent: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub outputs: Vec<Output>,
    /// The ways the node can finish; an `exit` step of the implementation names one. Absent means `next` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Name>", length(max = 16), extend("x-kubernetes-list-type" = "set"))]
    pub outcomes: Vec<String>,
    /// How the node works.
    pub implementation: Implementation,
}

impl Claims for FlowNodeSpec {}

impl FlowNodeSpec {
    /// What a step passes in.
    pub fn inputs(&self) -> &[Input] {
        if self.inputs.is_empty() { &self.parameters } else { &self.inputs }
    }

    /// Whether this is called so, of what has another name now: a JSON pointer.
    pub fn has(&self, pointer: &str) -> bool {
        match pointer {
            "/spec/inputs" => !self.inputs.is_empty(),
            "/spec/parameters" => !self.parameters.is_empty(),
            "/spec/implementation/graph" => self.implementation.graph.is_some(),
            "/spec/implementation/steps" => self.implementation.steps.is_some(),
            _ => false,
        }
    }
}

impl Implementation {
    /// The graph of steps, and where it stands: a JSON pointer.
    pub fn graph(&self) -> Option<(&Graph, &'static str)> {
        let old = || self.steps.as_ref().map(|graph| (graph, "/spec/implementation/steps"));
        self.graph.as_ref().map(|graph| (graph, "/spec/implementation/graph")).or_else(old)
    }
}

impl crate::ResourceFacts for FlowNode {
    const SAMPLE: &'static str = "
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: check }
spec:
  implementation:
    graph:
      start: end
      steps:
        - { id: end, exit: { outcome: next } }
";
    const STEPS: Option<&'static str> =
        Some("/properties/spec/properties/implementation/properties/graph/properties/steps/items");
    const OLD_NAMES: &'static [(&'static str, &'static str)] = &[
        ("/properties/spec/properties/inputs", "parameters"),
        ("/properties/spec/properties/implementation/properties/graph", "steps"),
    ];
}

/// A value that a node puts out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    /// Its name.
    #[schemars(with = "Name")]
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    #[schemars(schema_with = "value_type::passed")]
    pub type_: ValueType,
    /// The CEL expression for it, evaluated when the implementation ends, for example `steps.check.score`.
    #[schemars(with = "Text<4096>")]
    pub value: String,
}

/// How a node works; exactly one way.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.graph) != has(self.steps)")
        .message("an implementation has exactly one way to work: write graph")
)]
pub struct Implementation {
    /// By a graph of steps that ends in `exit` steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    graph: Option<Graph>,
    /// What `graph` was called once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    steps: Option<Graph>,
}

/// A graph of steps.
#[derive(KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.steps.exists(step, step.id == self.start)")
        .message("start names no step: it must be the id of one of the steps")
        .field_path(".start")
)]
pub struct Graph {
    /// The id of the step it begins with.
    #[schemars(with = "Name")]
    pub start: String,
    /// Where outcomes lead that a step does not wire itself: outcome to step id. Absent: every step wires its own.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    #[schemars(with = "std::collections::BTreeMap<String, Name>", extend("maxProperties" = 32))]
    #[x_kube(validation = Rule::new(name::no_reserved_key()).message(name::RESERVED_KEY_MESSAGE))]
    pub outcomes: std::collections::BTreeMap<String, String>,
    /// The steps, at least one and at most 50. Their order means nothing.
    #[schemars(
        length(min = 1, max = 50),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"])
    )]
    pub steps: Vec<Step>,
}
