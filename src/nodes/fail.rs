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
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{EndTurn, Event, Fault, Finish, Turn};
use idflow_flow::facts::{End, Facts, SettingsError};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{AuthoredText, Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::{answer_mismatch, settings, text};

/// Settings of `fail`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The key of the flow's text that says why. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    text: Option<String>,
}

/// What everybody reads about `fail`.
pub static KIND: Kind = Kind {
    name: "fail",
    group: Group::End,
    summary: "The journey ends without having reached its goal.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let text = text::on_page(compiler, "/text", settings.text.as_deref());
    Ok(node::plan(Facts { end: Some(End::Fail), ..Facts::default() }, Failed { text }))
}

#[derive(Debug)]
struct Failed {
    text: Option<AuthoredText>,
}

impl Node for Failed {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        let Event::Entered = event else { return Err(answer_mismatch("fail")) };
        let page = View {
            kind: "fail".to_owned(),
            title: Text::product("fail-title"),
            lead: Some(text::or_product_at_last(cx, self.text.as_ref(), "fail-lead")?),
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
