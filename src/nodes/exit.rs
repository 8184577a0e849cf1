//! `exit`: a way out of a flow of type `Library` or of a `FlowNode`.
//!
//! The calling step goes on with the outcome and offers the outputs.
//!
//! ```yaml
//! - id: verified
//!   exit: { outcome: next, outputs: { address: steps.code.address } }
//! ```

use idflow_core::Value;
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{EndTurn, Event, Fault, Finish, Turn};
use idflow_flow::facts::{End, Facts, SettingsError, Sink};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::answer_mismatch;
use crate::shared::settings::{self, Expressions, Sources};

/// Settings of `exit`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The outcome of the calling step. lowerCamelCase.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][A-Za-z0-9]*$"))]
    outcome: String,
    /// What the calling step puts out: name, and a CEL expression for the value. Absent means nothing.
    #[schemars(extend("maxProperties" = 32))]
    outputs: Option<Sources>,
}

/// What everybody reads about `exit`.
pub static KIND: Kind = Kind {
    name: "exit",
    group: Group::End,
    summary: "A way out of a Library flow or a FlowNode.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let outputs = settings.outputs.unwrap_or_default();
    let outputs = Expressions::compile(compiler, "/outputs", &outputs, Sink::Variable);
    let end = End::Exit { outcome: settings.outcome.clone(), outputs: outputs.places() };
    let facts = Facts { end: Some(end), ..Facts::default() };
    Ok(node::plan(facts, Exit { outcome: settings.outcome, outputs }))
}

#[derive(Debug)]
struct Exit {
    outcome: String,
    outputs: Expressions,
}

impl Node for Exit {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("exit")) };
        let end = EndTurn::Exit { outcome: self.outcome.clone(), outputs: self.outputs.evaluate(cx)? };
        Ok(Turn::Finish(Box::new(Finish { end: Some(end), ..Finish::default() })))
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![Example::of(json!({ "outcome": "next", "outputs": { "email": "form.email" } })).leaving_by("error")]
}
