//! Additional buttons of a page; each is an outcome of its step.

use idflow_core::effect::Submission;
use idflow_core::view::{Action, ActionStyle, Text};
use idflow_engine::bind::{AuthoredText, BindError, Binder};
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_flow::kinds::{Outcome, Sink, TextUse};
use schemars::JsonSchema;
use serde::Deserialize;

/// A button beside the main one.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ActionSetting {
    /// The outcome that pressing the button leads to. lowerCamelCase.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][A-Za-z0-9]*$"))]
    pub name: String,
    /// The key of the flow's text on the button. Absent means the product's text for this name.
    #[schemars(length(min = 1, max = 63))]
    pub label: Option<String>,
}

/// An [`ActionSetting`] with its text compiled.
#[derive(Debug)]
pub struct BoundAction {
    name: String,
    label: Option<AuthoredText>,
}

/// The outcomes of the buttons.
pub fn outcomes(actions: Option<&[ActionSetting]>) -> impl Iterator<Item = Outcome> + '_ {
    actions.unwrap_or_default().iter().map(|action| Outcome::wired(action.name.clone()))
}

/// The texts on the buttons.
pub fn texts(actions: Option<&[ActionSetting]>) -> Vec<TextUse> {
    let labels = actions.unwrap_or_default().iter().enumerate();
    labels
        .filter_map(|(index, action)| {
            let key = action.label.clone()?;
            Some(TextUse { pointer: format!("/actions/{index}/label"), key, sink: Sink::Page })
        })
        .collect()
}

/// Compiles the buttons' texts.
pub fn bind(actions: Option<&[ActionSetting]>, binder: &Binder<'_>) -> Result<Vec<BoundAction>, BindError> {
    let bind_one = |action: &ActionSetting| {
        let label = action.label.as_deref().map(|key| binder.text(key)).transpose()?;
        Ok(BoundAction { name: action.name.clone(), label })
    };
    actions.unwrap_or_default().iter().map(bind_one).collect()
}

/// The buttons as the page shows them.
pub fn views(actions: &[BoundAction], cx: &Cx<'_>) -> Result<Vec<Action>, Fault> {
    let view = |action: &BoundAction| {
        let label = match &action.label {
            Some(label) => cx.text(label)?,
            None => Text::product(format!("action-{}", kebab_case(&action.name))),
        };
        Ok(Action { name: action.name.clone(), label, style: ActionStyle::Link, skips_fields: true })
    };
    actions.iter().map(view).collect()
}

/// The additional button that was pressed, if it was one of these.
pub fn pressed<'a>(actions: &'a [BoundAction], submission: &Submission) -> Option<&'a str> {
    actions.iter().map(|action| action.name.as_str()).find(|name| *name == submission.action)
}

fn kebab_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}
