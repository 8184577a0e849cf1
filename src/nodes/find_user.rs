//! `findUser`: looks a user up by a value the journey already has.
//!
//! Identifies the user and proves nothing else. Put it after a verified address when the visitor must not learn
//! whether an account exists.
//!
//! ```yaml
//! - id: account
//!   findUser: { by: form.email }
//!   outcomes: { next: newPassword, notFound: noAccount }
//! ```

use idflow_core::Value;
use idflow_core::effect::{Answer, Ask, EffectClass};
use idflow_core::user::UserState;
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{AttributeUse, Facts, Outcome, ProofFact, SettingsError, Sink};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan, origin};
use idflow_sandbox::{Expression, Type};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::{answer_mismatch, settings};

/// Settings of `findUser`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// A CEL expression for the value to look for, for example `form.email`.
    #[schemars(length(min = 1, max = 1024))]
    by: String,
    /// The Directory to look in. Absent means the namespace's default Directory.
    #[schemars(length(min = 1, max = 253))]
    directory: Option<String>,
    /// The unique attributes to compare with, in order. Absent means the Directory's identifiers.
    #[schemars(length(min = 1, max = 8), inner(length(min = 1, max = 63)))]
    attributes: Option<Vec<String>>,
}

/// What everybody reads about `findUser`.
pub static KIND: Kind = Kind {
    name: "findUser",
    group: Group::Users,
    summary: "Looks a user up by a value the journey already has.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let by = compiler.expression_of("/by", &settings.by, Sink::Decision, &Type::String);
    let uses = settings.attributes.iter().flatten().enumerate().map(|(index, name)| AttributeUse {
        pointer: format!("/attributes/{index}"),
        name: name.clone(),
        identifies: true,
    });
    let (directory, content) = compiler.directory(settings.directory.as_deref(), uses.collect());
    let attributes = settings.attributes.unwrap_or(content.identifiers);
    let mut next = Outcome::wired("next").proving(ProofFact::Identified);
    if let Some(place) = origin(&by) {
        next = next.proving(ProofFact::Named { place, directory: directory.clone() });
    }
    let facts = Facts {
        outcomes: vec![next, Outcome::wired("notFound")],
        effects: vec![EffectClass::ReadOnly],
        ..Facts::default()
    };
    Ok(node::plan(facts, FindUser { by, directory, attributes }))
}

#[derive(Debug)]
struct FindUser {
    by: Expression,
    directory: String,
    attributes: Vec<String>,
}

impl Node for FindUser {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => match cx.evaluate(&self.by)? {
                Value::String(value) if !value.trim().is_empty() => Ok(Turn::Ask(Box::new(Ask::FindUser {
                    directory: self.directory.clone(),
                    attributes: self.attributes.clone(),
                    value,
                }))),
                _ => Ok(Turn::Finish(Box::new(Finish::by("notFound")))),
            },
            Event::Answered(Answer::User(Some(user))) if user.state == UserState::Active => {
                Ok(Turn::Finish(Box::new(Finish { user: Some(user), ..Finish::by("next") })))
            }
            // A locked account looks like none: only who proves more may learn about it.
            Event::Answered(Answer::User(_)) => Ok(Turn::Finish(Box::new(Finish::by("notFound")))),
            Event::Answered(_) | Event::Submitted(_) => Err(answer_mismatch("findUser")),
        }
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "by": "'ADA@example.org '" })),
        Example::of(json!({ "by": "form.email" })).leaving_by("notFound"),
    ]
}
