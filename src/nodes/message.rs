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
use idflow_engine::bind::{AuthoredText, BindError, Binder};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Node, NodeKind, Turn};
use idflow_flow::kinds::{Facts, Group, Kind, Outcome, SettingsError};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::action::{self, ActionSetting, BoundAction};
use crate::shared::text::{self, page_text};
use crate::shared::{answer_mismatch, no_such_action, settings};

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
pub static KIND: NodeKind = NodeKind {
    kind: &Kind {
        name: "message",
        group: Group::Input,
        summary: "Tells the visitor something and waits until it is read.",
        schema: || schemars::schema_for!(Settings),
        facts,
    },
    bind,
};

fn facts(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    action::check(settings.actions.as_deref())?;
    let actions = settings.actions.as_deref();
    let mut texts = page_text("/title", settings.title.as_deref());
    texts.extend(page_text("/text", settings.text.as_deref()));
    texts.extend(action::texts(actions));
    Ok(Facts {
        shows_page: true,
        outcomes: std::iter::once(Outcome::wired("next")).chain(action::outcomes(actions)).collect(),
        texts,
        ..Facts::default()
    })
}

fn bind(value: &Value, binder: &Binder<'_>) -> Result<Box<dyn Node>, BindError> {
    let settings: Settings = binder.settings(value)?;
    Ok(Box::new(ShowMessage {
        title: text::bind(settings.title.as_deref(), binder)?,
        text: text::bind(settings.text.as_deref(), binder)?,
        actions: action::bind(settings.actions.as_deref(), binder)?,
    }))
}

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
        Example::of(json!({ "actions": [{ "name": "later" }] })).pressing("later").leaving_by("later"),
    ]
}
