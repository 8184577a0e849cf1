//! `setPassword`: asks for a new password and stores it for the identified user.
//!
//! Only somebody who has proven to be the user gets here: by a factor, by an address of the user verified in this
//! journey, or because the user was created in it. Without that the step ends in `error` (design 2, fail closed).
//! Setting a password ends the user's sessions everywhere, this browser's own too (checklist P-11): a flow that is to leave
//! its visitor signed in opens one by its `complete`.
//!
//! ```yaml
//! - id: newPassword
//!   setPassword: {}
//!   outcomes: { next: done }
//! ```

use idflow_core::Value;
use idflow_core::effect::{Answer, Ask, EffectClass, Foreseen, ForeseenNames, Submission, Weakness};
use idflow_core::evidence::{Evidence, Proof};
use idflow_core::secret::SecretText;
use idflow_core::view::{Action, Field, FieldType, Text, View};
use idflow_core::write::Write;
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, ProofFact, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::attributes::is_shown_to_be_the_user;
use crate::shared::throttle::Throttle;
use crate::shared::{answer_mismatch, settings};

/// Settings of `setPassword`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The Directory whose password policy counts. Absent means the namespace's default Directory.
    #[schemars(length(min = 1, max = 253))]
    directory: Option<String>,
}

/// What everybody reads about `setPassword`.
pub static KIND: Kind = Kind {
    name: "setPassword",
    group: Group::Users,
    summary: "Asks for a new password and stores it.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let (directory, content) = compiler.directory(settings.directory.as_deref(), Vec::new());
    let facts = Facts {
        shows_page: true,
        needs_user: true,
        changes_user: Some(directory.clone()),
        outcomes: vec![Outcome::wired("next").proving(ProofFact::Factor("pwd"))],
        effects: vec![EffectClass::Idempotent],
        ..Facts::default()
    };
    let unique = content.attributes.into_iter().filter(|(_, attribute)| attribute.unique);
    Ok(node::plan(facts, SetPassword { directory, unique: unique.map(|(name, _)| name).collect() }))
}

#[derive(Debug)]
struct SetPassword {
    directory: String,
    /// The attributes that no two users share.
    unique: Vec<String>,
}

impl Node for SetPassword {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        if !is_shown_to_be_the_user(cx, &self.unique) {
            return Err(Fault::new("setPassword was reached without proof that the visitor is the user"));
        }
        match event {
            Event::Submitted(_) if cx.is_taken() => {
                Err(Fault::new("setPassword: what the account is called may be somebody else's address"))
            }
            Event::Entered => Ok(show(cx, None)),
            Event::Submitted(submission) => match posted(&submission) {
                None => Ok(show(cx, Some(Text::product("error-required")))),
                Some(password) => Ok(Turn::Ask(Box::new(Ask::HashPassword {
                    directory: self.directory.clone(),
                    personal: cx.user_data().values().filter_map(Value::as_str).map(str::to_owned).collect(),
                    password,
                }))),
            },
            Event::Answered(Answer::Weak(weaknesses)) => Ok(show(cx, weaknesses.first().map(weakness_text))),
            Event::Answered(Answer::Hashed(hash)) => {
                let user = cx.user().ok_or_else(|| Fault::new("setPassword needs an identified user"))?;
                cx.write(Write::SetPassword { user, hash, ends_sessions: true });
                // What was guessed at was another password.
                let of_name = |name| [Throttle::strangers_by_name(name), Throttle::strangers_of_nobody(name)];
                let of_names = self.values(cx).flat_map(of_name);
                let rows = [Throttle::strangers(user), Throttle::devices(user)].into_iter().chain(of_names);
                for row in rows.collect::<Vec<_>>() {
                    cx.count(row.clear());
                }
                Ok(Turn::Finish(Box::new(Finish::by("next"))))
            }
            Event::Answered(_) => Err(answer_mismatch("setPassword")),
        }
    }

    fn foresees(&self, cx: &Cx<'_>) -> Foreseen {
        Foreseen { names: self.names(cx), ..Foreseen::default() }
    }
}

impl SetPassword {
    /// The names of a user whom this journey has made: they become theirs with the password.
    fn names(&self, cx: &Cx<'_>) -> Option<ForeseenNames> {
        let is_new = |evidence: &Evidence| evidence.proof == Proof::Created && evidence.user == cx.user();
        cx.evidence().iter().any(is_new).then(|| ForeseenNames {
            directory: self.directory.clone(),
            unique: self.unique.clone(),
            values: self.values(cx).map(str::to_owned).collect(),
        })
    }

    fn values<'c>(&self, cx: &'c Cx<'_>) -> impl Iterator<Item = &'c str> {
        self.unique.iter().filter_map(|name| cx.user_data().get(name)?.as_str())
    }
}

fn show(cx: &Cx<'_>, error: Option<Text>) -> Turn {
    Turn::Show(Box::new(View {
        kind: "setPassword".to_owned(),
        title: Text::product("set-password-title"),
        lead: None,
        messages: Vec::new(),
        fields: vec![Field {
            error,
            hint: Some(Text::product("set-password-hint")),
            ..Field::asking("password", FieldType::NewPassword)
        }],
        actions: vec![Action::next(Text::product("set-password-submit"))],
        identifier: cx.identifier(),
    }))
}

fn weakness_text(weakness: &Weakness) -> Text {
    match weakness {
        Weakness::TooShort { minimum } => {
            Text::with("weakness-too-short", [("minimum", minimum.to_string())])
        }
        Weakness::TooLong { maximum } => Text::with("weakness-too-long", [("maximum", maximum.to_string())]),
        Weakness::Common => Text::product("weakness-common"),
        Weakness::Repetitive => Text::product("weakness-repetitive"),
        Weakness::Personal => Text::product("weakness-personal"),
    }
}

fn posted(submission: &Submission) -> Option<SecretText> {
    let password = submission.fields.get("password")?.as_str()?;
    (!password.is_empty()).then(|| SecretText::new(password))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({}))
            .resting_on_evidence()
            .posts(json!({ "password": "correct horse battery" }))
            .taking_any("password"),
    ]
}
