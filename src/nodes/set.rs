//! `set`: computes values and keeps them as `vars`.
//!
//! Shows no page and proves nothing. Values are computed over what stood before the step: none of them sees another.
//!
//! ```yaml
//! - id: greeting
//!   set: { values: { greeting: "'Hello ' + form.name" } }
//!   outcomes: { next: done }
//! ```

use idflow_core::Value;
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, Output, SettingsError, Sink};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan, origin};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::settings::{self, Expressions, Sources};
use crate::shared::answer_mismatch;

/// Settings of `set`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The variables: name, and a CEL expression for the value. Later steps read them as `vars.<name>`.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    values: Sources,
}

/// What everybody reads about `set`.
pub static KIND: Kind = Kind {
    name: "set",
    group: Group::Logic,
    summary: "Computes values and keeps them.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let values = Expressions::compile(compiler, "/values", &settings.values, Sink::Variable);
    let vars = values.iter().map(|(name, value)| Output {
        repeats: origin(value),
        ..Output::after("next", name, None)
    });
    let facts = Facts { outcomes: vec![Outcome::wired("next")], vars: vars.collect(), ..Facts::default() };
    Ok(node::plan(facts, Set { values }))
}

#[derive(Debug)]
struct Set {
    values: Expressions,
}

impl Node for Set {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("set")) };
        let finish = Finish { vars: self.values.evaluate(cx)?, ..Finish::by("next") };
        Ok(Turn::Finish(Box::new(finish)))
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "values": { "greeting": "'Hello ' + form.email", "number": "1 + 1" } })),
        Example::of(json!({ "values": { "greeting": "form.nothing" } })).leaving_by("error"),
    ]
}
