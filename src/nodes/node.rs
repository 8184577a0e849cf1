//! `node`: runs a `FlowNode` and goes on with its outcome.
//!
//! Its outcomes and outputs are those that the `FlowNode` declares. The node sees its inputs and the user, not
//! the caller's fields, steps and variables.
//!
//! ```yaml
//! - id: score
//!   node: { name: risk-score, with: { email: form.email } }
//!   outcomes: { low: done, high: secondFactor }
//! ```

use idflow_core::Value;
use idflow_flow::facts::{Callee, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
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
    /// The node's inputs: name, and a CEL expression for the value. Absent means none.
    #[schemars(extend("maxProperties" = 32))]
    with: Option<Sources>,
}

/// What everybody reads about `node`.
pub static KIND: Kind = Kind {
    name: "node",
    group: Group::Logic,
    summary: "Runs a FlowNode and goes on with its outcome.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    Ok(enter::plan(compiler, Callee::FlowNode(settings.name), "/name", settings.with.as_ref()))
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
