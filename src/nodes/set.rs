//! `set`: computes values and keeps them as `vars`, or with the session as `session`.
//!
//! Shows no page and proves nothing. Values are computed over what stood before the step: none of them sees another.
//! What is kept with the session outlives the journey: later journeys of the browser read it as `session.<name>`, and so
//! do the claims of an `OIDCClient`, also where an application gets its answer from the session without a journey. Where
//! the same person signs in once more, what that journey does not set stays as it is.
//!
//! ```yaml
//! - id: greeting
//!   set:
//!     values: { greeting: "'Hello ' + form.name" }
//!     session: { organization: form.organization }
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
    /// Absent: none.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    values: Option<Sources>,
    /// Attributes of the session that the journey opens: name, and a CEL expression for the value; null removes one.
    /// Together at most 4 KiB. Applications may be told of them, so none may be a secret. Absent: none.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 32))]
    session: Option<Sources>,
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
    if settings.values.is_none() && settings.session.is_none() {
        return Err(SettingsError {
            pointer: String::new(),
            message: "the step sets nothing".to_owned(),
            help: "add values, session, or both".to_owned(),
        });
    }
    let mut compile = |setting, sources: Option<Sources>| {
        Expressions::compile(compiler, setting, &sources.unwrap_or_default(), Sink::Variable)
    };
    let values = compile("/values", settings.values);
    let session = compile("/session", settings.session);
    let vars = values.iter().map(|(name, value)| Output {
        repeats: origin(value),
        computed: Some(value.clone()),
        ..Output::after("next", name, None)
    });
    // A flow that is called may set the same attribute, and nobody who called it is told: nothing that was proven of a
    // value is said of the attribute.
    let kept = session
        .iter()
        .map(|(name, value)| Output { computed: Some(value.clone()), ..Output::after("next", name, None) });
    let facts = Facts {
        outcomes: vec![Outcome::wired("next")],
        vars: vars.collect(),
        session: kept.collect(),
        ..Facts::default()
    };
    Ok(node::plan(facts, Set { values, session }))
}

#[derive(Debug)]
struct Set {
    values: Expressions,
    session: Expressions,
}

impl Node for Set {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("set")) };
        let (vars, session) = (self.values.evaluate(cx)?, self.session.evaluate(cx)?);
        let finish = Finish { vars, session, ..Finish::by("next") };
        Ok(Turn::Finish(Box::new(finish)))
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    let too_much: idflow_core::Data =
        (0..30).map(|n| (format!("a{n}"), format!("'{}'", "x".repeat(200)).into())).collect();
    vec![
        Example::of(json!({ "values": { "greeting": "'Hello ' + form.email", "number": "1 + 1" } })),
        Example::of(json!({ "session": { "organization": "form.email", "nothing": "null" } })),
        Example::of(json!({ "session": too_much })).leaving_by("error"),
        Example::of(json!({ "values": { "greeting": "form.nothing" } })).leaving_by("error"),
    ]
}
