//! `deleteUser`: removes the identified user for good.
//!
//! Only somebody who has shown to be the user gets here, as at `setPassword`; without that the step ends by `error`. The
//! account, its names, its password and what else it signs in with go in one write, and every session, refresh token and
//! journey of before is worth nothing from then on; their records go when their time is up. The id is never given to
//! anybody else. The journey goes on with nobody: show a `message` before, which asks, and another one behind.
//!
//! ```yaml
//! - id: delete
//!   deleteUser: { notice: { connection: mail } }
//!   outcomes: { next: gone }
//! ```

use idflow_core::Value;
use idflow_core::effect::{Answer, Ask, EffectClass};
use idflow_core::write::Write;
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::answer_mismatch;
use crate::shared::attributes::is_shown_to_be_the_user;
use crate::shared::notice::{Notice, NoticeSetting};
use crate::shared::settings;

/// Settings of `deleteUser`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The Directory that the user lives in. Absent means the namespace's default Directory.
    #[schemars(length(min = 1, max = 253))]
    directory: Option<String>,
    /// Tells the user's addresses that the account is gone. Absent: nobody is told.
    notice: Option<NoticeSetting>,
}

/// What everybody reads about `deleteUser`.
pub static KIND: Kind = Kind {
    name: "deleteUser",
    group: Group::Users,
    summary: "Removes the identified user for good.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let (directory, content) = compiler.directory(settings.directory.as_deref(), Vec::new());
    let notice = settings.notice.map(|notice| Notice::compile(compiler, notice, "mail-account-deleted"));
    let facts = Facts {
        needs_user: true,
        changes_user: Some(directory.clone()),
        outcomes: vec![Outcome { forgets_user: true, ..Outcome::wired("next") }],
        effects: vec![if notice.is_some() { EffectClass::AtMostOnce } else { EffectClass::Idempotent }],
        ..Facts::default()
    };
    let unique = content.attributes.into_iter().filter(|(_, attribute)| attribute.unique);
    Ok(node::plan(facts, DeleteUser { directory, unique: unique.map(|(name, _)| name).collect(), notice }))
}

#[derive(Debug)]
struct DeleteUser {
    directory: String,
    /// The attributes that no two users share.
    unique: Vec<String>,
    notice: Option<Notice>,
}

impl Node for DeleteUser {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        if !is_shown_to_be_the_user(cx, &self.unique) {
            return Err(Fault::new("deleteUser was reached without proof that the visitor is the user"));
        }
        match event {
            Event::Entered if cx.is_taken() => {
                Err(Fault::new("deleteUser: what the account is called may be somebody else's address"))
            }
            Event::Entered => {
                let user = cx.user().ok_or_else(|| Fault::new("deleteUser needs an identified user"))?;
                Ok(Turn::Ask(Box::new(Ask::ReadUser { user })))
            }
            Event::Answered(Answer::User(Some(previous))) if previous.directory != self.directory => {
                let Self { directory, .. } = self;
                Err(Fault::new(format!("deleteUser is for users of {directory}, and this one lives in {}", previous.directory)))
            }
            Event::Answered(Answer::User(Some(previous))) => {
                if let Some(notice) = &self.notice {
                    let is_known = |name: &&String| self.unique.contains(name) || previous.has_proven(name);
                    notice.send(cx, &previous, previous.attributes.keys().filter(is_known));
                }
                cx.write(Write::DeleteUser { previous });
                Ok(Turn::Finish(Box::new(Finish::by("next"))))
            }
            Event::Answered(Answer::User(None)) => Err(Fault::new("deleteUser: the user is gone already")),
            Event::Answered(_) | Event::Submitted(_) => Err(answer_mismatch("deleteUser")),
        }
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({})).resting_on_evidence(),
        Example::of(json!({ "notice": { "connection": "mail" } })).resting_on_evidence(),
    ]
}
