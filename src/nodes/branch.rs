//! `branch`: takes the way of the first condition that holds.
//!
//! Shows no page and proves nothing.
//!
//! ```yaml
//! - id: country
//!   branch:
//!     cases: [{ when: "form.country == 'DE'", outcome: german }]
//!     otherwise: other
//!   outcomes: { german: consent, other: done }
//! ```

use idflow_core::Value;
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, SettingsError, Sink};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use idflow_sandbox::{Expression, Type};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::{answer_mismatch, settings};

/// Settings of `branch`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// Conditions in the order they are tried.
    #[schemars(length(min = 1, max = 32))]
    cases: Vec<Case>,
    /// The outcome when no condition holds. lowerCamelCase.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][A-Za-z0-9]*$"))]
    otherwise: String,
}

/// A condition and where it leads.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    /// A CEL expression that is true or false, for example `form.age >= 18`.
    #[schemars(length(min = 1, max = 1024))]
    when: String,
    /// The outcome when it is true. Several cases may have the same. lowerCamelCase.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][A-Za-z0-9]*$"))]
    outcome: String,
}

/// What everybody reads about `branch`.
pub static KIND: Kind = Kind {
    name: "branch",
    group: Group::Decision,
    summary: "Takes the way of the first condition that holds.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let mut names: Vec<&str> = settings.cases.iter().map(|case| case.outcome.as_str()).collect();
    names.push(&settings.otherwise);
    names.sort_unstable();
    names.dedup();
    let facts = Facts { outcomes: names.into_iter().map(Outcome::wired).collect(), ..Facts::default() };
    let cases = settings.cases.into_iter().enumerate().map(|(index, case)| {
        let when = compiler.expression_of(format!("/cases/{index}/when"), &case.when, Sink::Decision, &Type::Boolean);
        (when, case.outcome)
    });
    let cases = cases.collect();
    Ok(node::plan(facts, Branch { cases, otherwise: settings.otherwise }))
}

#[derive(Debug)]
struct Branch {
    cases: Vec<(Expression, String)>,
    otherwise: String,
}

impl Node for Branch {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("branch")) };
        for (when, outcome) in &self.cases {
            match cx.evaluate(when)? {
                Value::Bool(true) => return Ok(leave(outcome)),
                Value::Bool(false) => {}
                _ => return Err(Fault::new(format!("`{}` is neither true nor false", when.source()))),
            }
        }
        Ok(leave(&self.otherwise))
    }
}

fn leave(outcome: &str) -> Turn {
    Turn::Finish(Box::new(Finish::by(outcome)))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "cases": [{ "when": "form.email == 'x'", "outcome": "same" },
            { "when": "form.email.endsWith('example.org')", "outcome": "here" }], "otherwise": "elsewhere" }))
        .leaving_by("here"),
        Example::of(json!({ "cases": [{ "when": "false", "outcome": "same" }], "otherwise": "elsewhere" }))
            .leaving_by("elsewhere"),
        Example::of(json!({ "cases": [{ "when": "form.email", "outcome": "same" }], "otherwise": "elsewhere" }))
            .leaving_by("error"),
    ]
}
