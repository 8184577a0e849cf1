//! Additional buttons of a page; each is an outcome of its step.

use idflow_core::effect::Submission;
use idflow_core::view::{Action, ActionStyle, Text};
use idflow_engine::context::Cx;
use idflow_engine::turn::Fault;
use idflow_flow::facts::{Outcome, SettingsError};
use idflow_flow::plan::{AuthoredText, Compiler};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::{kebab_case, text};

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

/// Buttons that pages have by themselves, and outcomes that the engine brings about.
const TAKEN: [&str; 6] = ["next", "back", "cancel", "error", "timeout", "locked"];

/// Whether a button may have this name, which no other button of the page has.
pub fn check_name(pointer: String, name: &str, others: &[&str]) -> Result<(), SettingsError> {
    if !TAKEN.contains(&name) && !others.contains(&name) {
        return Ok(());
    }
    let message = format!("another button or outcome of this step is called {name}");
    Err(SettingsError { pointer, message, help: "choose another name".to_owned() })
}

/// Compiles the buttons, if they can be told apart.
pub fn compile(
    compiler: &mut Compiler<'_>,
    actions: Option<&[ActionSetting]>,
) -> Result<Vec<BoundAction>, SettingsError> {
    let mut bound: Vec<BoundAction> = Vec::new();
    for (index, ActionSetting { name, label }) in actions.unwrap_or_default().iter().enumerate() {
        let others: Vec<&str> = bound.iter().map(|other| other.name.as_str()).collect();
        check_name(format!("/actions/{index}/name"), name, &others)?;
        let label = text::on_page(compiler, format!("/actions/{index}/label"), label.as_deref());
        bound.push(BoundAction { name: name.clone(), label });
    }
    Ok(bound)
}

/// The outcomes of the buttons.
pub fn outcomes(actions: &[BoundAction]) -> impl Iterator<Item = Outcome> + '_ {
    actions.iter().map(|action| Outcome::wired(action.name.clone()))
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
