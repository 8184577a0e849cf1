//! What a revision pins: everything the author wrote that runs, resolved.
//!
//! Inside a format no default and no meaning ever changes, so an upgrade of idflow mints nothing. Absent settings
//! stay absent: a default belongs to the program that reads the content, and is fixed with the format.

use std::collections::{BTreeMap, BTreeSet};

use idflow_api::flow_revision::Requires;
use idflow_core::Value;
use idflow_core::digest::Digest;
use idflow_core::time::Span;
use serde::{Deserialize, Serialize};

use crate::canonical::to_canonical;
use crate::pinned::{DirectoryContent, Texts};

/// The newest format that this program reads and writes. Numbers are never reused.
pub const FORMAT: u32 = 2;

/// The first format. What its words can say is still written in it, as the author wrote it: so that an upgrade mints
/// nothing, and executors of the version before run what is minted.
pub const FIRST_FORMAT: u32 = 1;

/// Whether this program reads a format.
pub fn is_read(format: u32) -> bool {
    (FIRST_FORMAT..=FORMAT).contains(&format)
}

/// The longest canonical content, in bytes: objects in the cluster's store have a limit, and a `FlowRevision` holds
/// the content as one string.
pub const MAX_CONTENT: usize = 160 * 1024;

/// What a revision pins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Content {
    /// The format: the first whose words say it.
    pub format: u32,
    /// The flow's name.
    pub flow: String,
    /// The flow's type, for example `Login`.
    #[serde(rename = "type")]
    pub flow_type: String,
    /// How long one journey may take, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Span>,
    /// The flow's locales, the default first, as written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locales: Vec<String>,
    /// The directories that steps use: what is used of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub directories: BTreeMap<String, DirectoryContent>,
    /// The directory of steps that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_directory: Option<String>,
    /// The flow itself, then every library flow and node that is entered, sorted by name.
    pub graphs: Vec<GraphContent>,
}

/// One flow or node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GraphContent {
    /// `flow/<name>` or `node/<name>`.
    pub name: String,
    /// The id of the first step.
    pub start: String,
    /// Wiring that every step inherits unless it has its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outcomes: BTreeMap<String, String>,
    /// Its steps, sorted by id.
    pub steps: Vec<StepContent>,
    /// Its texts that are used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: Texts,
    /// For nodes: outputs computed on every exit, name → CEL source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepContent {
    /// Its id.
    pub id: String,
    /// Its node kind.
    pub kind: String,
    /// The node's settings as written, without what was written as null.
    pub settings: Value,
    /// Outcome → step id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outcomes: BTreeMap<String, String>,
}

impl Content {
    /// The canonical JSON text and its digest.
    pub fn canonical(&self) -> Result<(String, Digest), serde_json::Error> {
        let text = to_canonical(&serde_json::to_value(self)?);
        let digest = Digest::of(&text);
        Ok((text, digest))
    }
}

/// What an executor must know to run this content; nothing when it is no content at all. Of content in an unknown
/// format the kinds are those that are named where this format names them.
pub fn requires(content: &str) -> Option<Requires> {
    let content: Value = serde_json::from_str(content).ok()?;
    let format = content.get("format")?.as_i64().and_then(|format| i32::try_from(format).ok())?;
    let steps = list(&content, "graphs").iter().flat_map(|graph| list(graph, "steps"));
    let kinds: BTreeSet<String> =
        steps.filter_map(|step| Some(step.get("kind")?.as_str()?.to_owned())).collect();
    Some(Requires { format, node_kinds: kinds.into_iter().collect() })
}

/// How many steps the flow itself has; nothing when this is no content at all.
pub fn steps(content: &str) -> Option<i32> {
    let content: Value = serde_json::from_str(content).ok()?;
    i32::try_from(list(list(&content, "graphs").first()?, "steps").len()).ok()
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value.get(member).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
