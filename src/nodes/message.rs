//! `message`: tells the visitor something and waits until it is read.
//!
//! Proves nothing. With `actions` it asks a question that has a few answers.
//!
//! ```yaml
//! - id: welcome
//!   message: { title: welcome-title, text: welcome-text, actions: [{ name: later }] }
//!   outcomes: { next: newPassword, later: done }
//! ```

use idflow_core::Value;
use idflow_core::view::{Action, Message, Text, View};
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{AuthoredText, Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::action::{self, ActionSetting, BoundAction};
use crate::shared::{answer_mismatch, no_such_action, settings, text};

/// Settings of `message`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The key of the flow's text that is the heading. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    title: Option<String>,
    /// The key of the flow's text below the heading. Absent means none.
    #[schemars(length(min = 1, max = 63))]
    text: Option<String>,
    /// More buttons; each is an outcome. Absent means none.
    #[schemars(length(max = 8))]
    actions: Option<Vec<ActionSetting>>,
}

/// What everybody reads about `message`.
pub static KIND: Kind = Kind {
    name: "message",
    group: Group::Input,
    summary: "Tells the visitor something and waits until it is read.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let message = ShowMessage {
        title: text::on_page(compiler, "/title", settings.title.as_deref()),
        text: text::on_page(compiler, "/text", settings.text.as_deref()),
        actions: action::compile(compiler, settings.actions.as_deref())?,
    };
    let outcomes = std::iter::once(Outcome::wired("next")).chain(action::outcomes(&message.actions)).collect();
    Ok(node::plan(Facts { shows_page: true, outcomes, ..Facts::default() }, message))
}

#[derive(Debug)]
struct ShowMessage {
    title: Option<AuthoredText>,
    text: Option<AuthoredText>,
    actions: Vec<BoundAction>,
}

impl Node for ShowMessage {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => self.show(cx, Vec::new()),
            Event::Submitted(submission) if submission.action == "next" => Ok(leave("next")),
            Event::Submitted(submission) => match action::pressed(&self.actions, &submission) {
                Some(action) => Ok(leave(action)),
                None => self.show(cx, vec![no_such_action()]),
            },
            Event::Answered(_) => Err(answer_mismatch("message")),
        }
    }
}

impl ShowMessage {
    fn show(&self, cx: &Cx<'_>, messages: Vec<Message>) -> Result<Turn, Fault> {
        let mut actions = vec![Action::next(Text::product("message-submit"))];
        actions.extend(action::views(&self.actions, cx)?);
        Ok(Turn::Show(Box::new(View {
            kind: "message".to_owned(),
            title: text::or_product(cx, self.title.as_ref(), "message-title")?,
            lead: self.text.as_ref().map(|text| cx.text(text)).transpose()?,
            messages,
            fields: Vec::new(),
            actions,
            identifier: None,
        })))
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
        Example::of(json!({ "title": "hello", "text": "other" })).pressing("next"),
        Example::of(json!({ "actions": [{ "name": "later", "label": "other" }] })).pressing("later").leaving_by("later"),
    ]
}
