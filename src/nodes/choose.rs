//! `choose`: lets the visitor take one of several steps, for example another way to prove who they are.
//!
//! Proves nothing itself: the chosen step does, and choosing is recorded for this visit only (checklist J-2). A
//! single option is taken without a page. Each option is an outcome, and `outcomes` says to which step it leads.
//!
//! ```yaml
//! - id: secondFactor
//!   choose: { options: [passkey, code] }
//!   outcomes: { passkey: passkey, code: code }
//! ```

use std::collections::BTreeMap;

use idflow_core::Value;
use idflow_core::view::{Action, ActionStyle, Message, Text, View};
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, SettingsError, Sink};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{AuthoredText, Compiler, Plan};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::{action, answer_mismatch, kebab_case, no_such_action, settings, text};

/// Settings of `choose`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// What to choose from, the best first. Each is an outcome. lowerCamelCase.
    #[schemars(length(min = 1, max = 16))]
    options: Vec<Choice>,
    /// The key of the flow's text that is the heading. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    title: Option<String>,
    /// Keys of the flow's texts on the buttons, by option. An option without one is called by the product's text for
    /// the node kind of the step to which it leads. Absent means none.
    #[schemars(extend("maxProperties" = 16))]
    labels: Option<BTreeMap<String, Key>>,
}

/// One option, in lowerCamelCase.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
struct Choice(#[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][A-Za-z0-9]*$"))] String);

/// The key of one of the flow's texts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
struct Key(#[schemars(length(min = 1, max = 63))] String);

/// What everybody reads about `choose`.
pub static KIND: Kind = Kind {
    name: "choose",
    group: Group::Input,
    summary: "Lets the visitor take one of several steps.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let mut offered: Vec<&str> = Vec::new();
    for (index, Choice(name)) in settings.options.iter().enumerate() {
        action::check_name(format!("/options/{index}"), name, &offered)?;
        offered.push(name);
    }
    if offered.is_empty() {
        return Err(SettingsError {
            pointer: "/options".to_owned(),
            message: "there is nothing to choose from".to_owned(),
            help: "name at least one option".to_owned(),
        });
    }
    let labels = settings.labels.unwrap_or_default();
    if let Some(stray) = labels.keys().find(|name| !offered.contains(&name.as_str())) {
        return Err(SettingsError {
            pointer: format!("/labels/{}", settings::escaped(stray)),
            message: format!("{stray} is not among the options"),
            help: "remove it, or add it to options".to_owned(),
        });
    }
    let facts = Facts {
        shows_page: offered.len() > 1,
        outcomes: offered.iter().copied().map(Outcome::wired).collect(),
        ..Facts::default()
    };
    let title = text::on_page(compiler, "/title", settings.title.as_deref());
    let offers = settings.options.iter().enumerate().map(|(index, Choice(name))| {
        let kind = compiler.kind_behind(format!("/options/{index}"), name);
        let label = match labels.get(name) {
            Some(Key(key)) => {
                let pointer = format!("/labels/{}", settings::escaped(name));
                Label::Authored(compiler.text(pointer, key, Sink::Page))
            }
            None => Label::Product(format!("method-{}", kebab_case(kind))),
        };
        Offer { outcome: name.clone(), label }
    });
    let offers = offers.collect();
    Ok(node::plan(facts, Choose { title, offers }))
}

#[derive(Debug)]
struct Choose {
    title: Option<AuthoredText>,
    offers: Vec<Offer>,
}

#[derive(Debug)]
struct Offer {
    outcome: String,
    label: Label,
}

#[derive(Debug)]
enum Label {
    Product(String),
    Authored(AuthoredText),
}

impl Node for Choose {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match (event, self.offers.as_slice()) {
            (Event::Entered, [only]) => Ok(take(only)),
            (Event::Entered, _) => self.show(cx, Vec::new()),
            (Event::Submitted(submission), offers) => {
                match offers.iter().find(|offer| offer.outcome == submission.action) {
                    Some(offer) => Ok(take(offer)),
                    None => self.show(cx, vec![no_such_action()]),
                }
            }
            (Event::Answered(_), _) => Err(answer_mismatch("choose")),
        }
    }
}

impl Choose {
    fn show(&self, cx: &Cx<'_>, messages: Vec<Message>) -> Result<Turn, Fault> {
        let button = |offer: &Offer| {
            let label = match &offer.label {
                Label::Product(key) => Text::product(key.as_str()),
                Label::Authored(text) => cx.text(text)?,
            };
            Ok(Action { name: offer.outcome.clone(), label, style: ActionStyle::Secondary, skips_fields: true })
        };
        Ok(Turn::Show(Box::new(View {
            kind: "choose".to_owned(),
            title: text::or_product(cx, self.title.as_ref(), "choose-title")?,
            lead: None,
            messages,
            fields: Vec::new(),
            actions: self.offers.iter().map(button).collect::<Result<_, Fault>>()?,
            identifier: cx.identifier(),
        })))
    }
}

fn take(offer: &Offer) -> Turn {
    Turn::Finish(Box::new(Finish::by(offer.outcome.as_str())))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "options": ["red", "blue"], "labels": { "red": "hello", "blue": "other" } })).pressing("blue").leaving_by("blue"),
        Example::of(json!({ "options": ["only"] })).leaving_by("only"),
    ]
}
