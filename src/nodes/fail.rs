//! `fail`: the journey ends without having reached its goal.
//!
//! Opens no session, and an application that waits is told so by the visitor only.
//!
//! ```yaml
//! - id: locked
//!   fail: { text: account-locked }
//! ```

use idflow_core::Value;
use idflow_core::view::{Text, View};
use idflow_engine::bind::{AuthoredText, BindError, Binder};
use idflow_engine::context::Cx;
use idflow_engine::turn::{EndTurn, Event, Fault, Finish, Node, NodeKind, Turn};
use idflow_flow::kinds::{End, Facts, Group, Kind, SettingsError};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::text::{self, page_text};
use crate::shared::{answer_mismatch, settings};

/// Settings of `fail`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The key of the flow's text that says why. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    text: Option<String>,
}

/// What everybody reads about `fail`.
pub static KIND: NodeKind = NodeKind {
    kind: &Kind {
        name: "fail",
        group: Group::End,
        summary: "The journey ends without having reached its goal.",
        schema: || schemars::schema_for!(Settings),
        facts,
    },
    bind,
};

fn facts(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    Ok(Facts {
        texts: page_text("/text", settings.text.as_deref()),
        end: Some(End::Fail),
        ..Facts::default()
    })
}

fn bind(value: &Value, binder: &Binder<'_>) -> Result<Box<dyn Node>, BindError> {
    let settings: Settings = binder.settings(value)?;
    Ok(Box::new(Failed { text: text::bind(settings.text.as_deref(), binder)? }))
}

struct Failed {
    text: Option<AuthoredText>,
}

impl Node for Failed {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("fail")) };
        let page = View {
            kind: "fail".to_owned(),
            title: Text::product("fail-title"),
            lead: Some(text::or_product(cx, self.text.as_ref(), "fail-lead")?),
            messages: Vec::new(),
            fields: Vec::new(),
            actions: Vec::new(),
            identifier: None,
        };
        let end = Some(EndTurn::Fail(Box::new(page)));
        Ok(Turn::Finish(Box::new(Finish { end, ..Finish::default() })))
    }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({})).leaving_by("failed"),
        Example::of(json!({ "text": "hello" })).leaving_by("failed"),
    ]
}
