//! `choose`: lets the visitor take one of several steps, for example another way to prove who they are.
//!
//! Proves nothing itself: the chosen step does, and choosing is recorded for this visit only (checklist J-2). A
//! single offer is taken without a page. Each offered step is an outcome by itself; no wiring is needed.
//!
//! ```yaml
//! - id: secondFactor
//!   choose: { from: [passkey, code] }
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
    /// The ids of the steps to choose from, the best first.
    #[schemars(length(min = 1, max = 16))]
    from: Vec<StepId>,
    /// The key of the flow's text that is the heading. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    title: Option<String>,
    /// Keys of the flow's texts on the buttons, by step id. A step without one is called by the product's text for
    /// its node kind. Absent means none.
    #[schemars(extend("maxProperties" = 16))]
    labels: Option<BTreeMap<String, Key>>,
}

/// The id of a step, in lowerCamelCase.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
struct StepId(#[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][A-Za-z0-9]*$"))] String);

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
    for (index, StepId(id)) in settings.from.iter().enumerate() {
        action::check_name(format!("/from/{index}"), id, &offered)?;
        offered.push(id);
    }
    if offered.is_empty() {
        return Err(SettingsError {
            pointer: "/from".to_owned(),
            message: "there is nothing to choose from".to_owned(),
            help: "name at least one step".to_owned(),
        });
    }
    let labels = settings.labels.unwrap_or_default();
    if let Some(stray) = labels.keys().find(|id| !offered.contains(&id.as_str())) {
        return Err(SettingsError {
            pointer: format!("/labels/{}", settings::escaped(stray)),
            message: format!("{stray} is not among the steps to choose from"),
            help: "remove it, or add the step to from".to_owned(),
        });
    }
    let outcome = |id: &&str| Outcome { implied_target: Some((*id).to_owned()), ..Outcome::optional(*id) };
    let facts = Facts {
        shows_page: offered.len() > 1,
        outcomes: offered.iter().map(outcome).collect(),
        ..Facts::default()
    };
    let title = text::on_page(compiler, "/title", settings.title.as_deref());
    let offers = settings.from.iter().enumerate().map(|(index, StepId(id))| {
        let kind = compiler.kind_of(format!("/from/{index}"), id);
        let label = match labels.get(id) {
            Some(Key(key)) => {
                let pointer = format!("/labels/{}", settings::escaped(id));
                Label::Authored(compiler.text(pointer, key, Sink::Page))
            }
            None => Label::Product(format!("method-{}", kebab_case(kind))),
        };
        Offer { step: id.clone(), label }
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
    step: String,
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
                match offers.iter().find(|offer| offer.step == submission.action) {
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
            Ok(Action { name: offer.step.clone(), label, style: ActionStyle::Secondary, skips_fields: true })
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
    Turn::Finish(Box::new(Finish::by(offer.step.as_str())))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "from": ["red", "blue"], "labels": { "red": "hello", "blue": "other" } })).pressing("blue").leaving_by("blue"),
        Example::of(json!({ "from": ["only"] })).leaving_by("only"),
    ]
}
