//! A compiled revision: index-based, so that nothing is looked up by name while it runs.

use std::collections::BTreeMap;

use idflow_core::Value;
use idflow_core::digest::Digest;
use idflow_core::time::Span;

use serde::{Deserialize, Serialize};

use crate::kinds::{Kind, ValueType};

/// Index of a graph within [`Program::graphs`]; 0 is the flow itself.
pub type GraphIndex = u16;

/// Index of a step within [`Graph::steps`].
pub type StepIndex = u16;

/// A compiled revision.
#[derive(Debug, Clone)]
pub struct Program {
    /// The digest of the content it was compiled from.
    pub digest: Digest,
    /// The flow's name.
    pub flow: String,
    /// The flow's type, for example `Login`, as written in the manifest.
    pub flow_type: String,
    /// How long one journey may take.
    pub lifetime: Span,
    /// The flow's locales, the default first; never empty.
    pub locales: Vec<String>,
    /// The directories its steps use, by name.
    pub directories: BTreeMap<String, DirectoryContent>,
    /// The directory of steps that name none.
    pub default_directory: Option<String>,
    /// The flow itself, then every library flow and node it enters.
    pub graphs: Vec<Graph>,
}

/// What a revision pins of a `Directory`: names and types of its attributes. Everything else of it is live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryContent {
    /// Attributes that identify a user, in the order they are tried.
    pub identifiers: Vec<String>,
    /// Attributes by name.
    pub attributes: BTreeMap<String, AttributeContent>,
}

/// What a revision pins of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeContent {
    /// Its type.
    #[serde(rename = "type")]
    pub value_type: ValueType,
    /// Whether no two users may share a value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// Whether every user must have it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
}

/// One flow or node.
#[derive(Debug, Clone)]
pub struct Graph {
    /// `flow/<name>` or `node/<name>`, for logs.
    pub name: String,
    /// Where it begins.
    pub start: StepIndex,
    /// Its steps, sorted by id.
    pub steps: Vec<Step>,
    /// Its texts: key → locale → template source.
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
    /// For nodes: outputs computed on every exit, name → CEL source.
    pub outputs: Vec<(String, String)>,
}

/// One step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// Its node kind.
    pub kind: &'static Kind,
    /// The node's settings, as written and resolved.
    pub settings: Value,
    /// Where each outcome leads. An outcome that is not listed takes its safe default.
    pub wires: Vec<Wire>,
    /// For `call` and `node`: the graph that is entered.
    pub callee: Option<GraphIndex>,
}

impl Step {
    /// Where an outcome leads, if it is wired.
    pub fn target(&self, outcome: &str) -> Option<StepIndex> {
        self.wires.iter().find(|wire| wire.outcome == outcome).map(|wire| wire.to)
    }
}

/// One wired outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// The outcome.
    pub outcome: String,
    /// The step it leads to.
    pub to: StepIndex,
}
