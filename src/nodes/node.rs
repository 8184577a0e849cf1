//! `node`: runs a `FlowNode` and goes on with its outcome.
//!
//! Its outcomes and outputs are those that the `FlowNode` declares. The node sees its parameters and the user, not
//! the caller's fields, steps and variables.
//!
//! ```yaml
//! - id: score
//!   node: { name: risk-score, with: { email: form.email } }
//!   outcomes: { low: done, high: secondFactor }
//! ```

use idflow_core::Value;
use idflow_engine::bind::{BindError, Binder};
use idflow_engine::turn::{Node, NodeKind};
use idflow_flow::kinds::{Callee, Facts, Group, Kind, SettingsError};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::enter;
use crate::shared::settings::{self, Sources};

/// Settings of `node`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::doc_markdown, reason = "kubectl explain shows these as plain text")]
struct Settings {
    /// The name of the FlowNode.
    #[schemars(length(min = 1, max = 63))]
    name: String,
    /// The node's parameters: name, and a CEL expression for the value. Absent means none.
    #[schemars(extend("maxProperties" = 32))]
    with: Option<Sources>,
}

/// What everybody reads about `node`.
pub static KIND: NodeKind = NodeKind {
    kind: &Kind {
        name: "node",
        group: Group::Logic,
        summary: "Runs a FlowNode and goes on with its outcome.",
        schema: || schemars::schema_for!(Settings),
        facts,
    },
    bind,
};

fn facts(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    Ok(enter::facts(Callee::FlowNode(settings.name), "/name", settings.with.as_ref()))
}

fn bind(value: &Value, binder: &Binder<'_>) -> Result<Box<dyn Node>, BindError> {
    let settings: Settings = binder.settings(value)?;
    enter::bind(settings.with.as_ref(), binder)
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "name": "inner", "with": { "email": "form.email" } })).leaving_by("inner"),
        Example::of(json!({ "name": "inner", "with": { "email": "form.nothing" } })).leaving_by("error"),
    ]
}
