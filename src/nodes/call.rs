//! `call`: runs a flow of type `Library` and goes on with its outcome.
//!
//! Its outcomes are those of the flow's `exit` steps, its outputs what they hand out. What the flow proves holds in
//! the caller too. The flow sees its inputs and the user, not the caller's fields, steps and variables.
//!
//! ```yaml
//! - id: verify
//!   call: { flow: verify-email, with: { email: form.email } }
//!   outcomes: { next: account }
//! ```

use idflow_core::Value;
use idflow_flow::facts::{Callee, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::enter;
use crate::shared::settings::{self, Sources};

/// Settings of `call`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The name of the flow; its type is Library.
    #[schemars(length(min = 1, max = 48))]
    flow: String,
    /// The flow's inputs: name, and a CEL expression for the value. Absent means none.
    #[schemars(extend("maxProperties" = 32))]
    with: Option<Sources>,
}

/// What everybody reads about `call`.
pub static KIND: Kind = Kind {
    name: "call",
    group: Group::Logic,
    summary: "Runs a Library flow and goes on with its outcome.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    Ok(enter::plan(compiler, Callee::Flow(settings.flow), "/flow", settings.with.as_ref()))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![Example::of(json!({ "flow": "inner", "with": { "email": "form.email" } })).leaving_by("inner")]
}
