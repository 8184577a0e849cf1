//! The flow that a step is tried in: somebody arrives, the step runs, and every outcome leads to a page that stays.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use idflow_core::Value;
use idflow_core::time::Span;
use idflow_core::view::{Text, View};
use idflow_engine::bind::Runnable;
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::content::{Content, FORMAT, GraphContent, StepContent};
use idflow_flow::facts::{Facts, Outcome, ProofFact, SettingsError, ValueType};
use idflow_flow::kinds::{Group, Kind, Kinds};
use idflow_flow::pinned::{AttributeContent, Directories, DirectoryContent, Texts};
use idflow_flow::plan::Scope;
use idflow_flow::program::Program;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::example::Example;
use super::person::Person;

static ARRIVE: Kind = Kind {
    name: "arrive",
    group: Group::Logic,
    summary: "Somebody is here, identified or not.",
    schema: || true.into(),
    plan: |settings, _| {
        let arrival = Arrival::deserialize(settings).unwrap();
        let proofs = [
            (arrival.identified, ProofFact::Identified),
            (arrival.factor, ProofFact::Factor("pwd")),
            (arrival.address, ProofFact::Address("form.email".to_owned())),
        ];
        let proofs = proofs.into_iter().filter(|(proven, _)| *proven).map(|(_, proof)| proof);
        let next = Outcome { proofs: proofs.collect(), ..Outcome::wired("next") };
        Ok(node::plan(Facts { outcomes: vec![next], ..Facts::default() }, Arrive(arrival)))
    },
};

static HALT: Kind = Kind {
    name: "halt",
    group: Group::Logic,
    summary: "A page that stays.",
    schema: || true.into(),
    plan: |_, _| Ok(node::plan(Facts { shows_page: true, ..Facts::default() }, Halt)),
};

/// The kinds, and those of the stage.
static KINDS: LazyLock<Vec<&Kind>> = LazyLock::new(|| [crate::KINDS, &[&ARRIVE, &HALT]].concat());

/// Who comes to the step, and what was proven before.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each may be so or not, in every combination")]
pub(super) struct Arrival {
    /// A user is identified.
    pub(super) identified: bool,
    /// The user has shown a factor.
    pub(super) factor: bool,
    /// The visitor reads `form.email`, which is nobody's identifier.
    pub(super) address: bool,
    /// The user is called by that address.
    pub(super) namesake: bool,
}

#[derive(Debug)]
struct Arrive(Arrival);

impl Node for Arrive {
    fn turn(&self, cx: &mut Cx<'_>, _: Event) -> Result<Turn, Fault> {
        let who = cx.query().and_then(|query| query.get("who")).map_or("", String::as_str);
        let mut finish = Finish::by("next");
        let email = format!("new-{who}@example.org");
        finish.form.insert("email".to_owned(), Value::from(email.as_str()));
        if self.0.identified {
            finish.user = Person::named(who).map(Person::user);
        }
        if let Some(user) = finish.user.as_mut().filter(|_| self.0.namesake) {
            user.attributes.insert("name".to_owned(), Value::from(email.as_str()));
        }
        finish.address = self.0.address.then(|| format!("email:{email}"));
        Ok(Turn::Finish(Box::new(finish)))
    }
}

#[derive(Debug)]
struct Halt;

impl Node for Halt {
    fn turn(&self, _: &mut Cx<'_>, _: Event) -> Result<Turn, Fault> {
        Ok(Turn::Show(Box::new(View {
            kind: "message".to_owned(),
            title: Text::product("message-title"),
            lead: None,
            messages: Vec::new(),
            fields: Vec::new(),
            actions: Vec::new(),
            identifier: None,
        })))
    }
}

fn step(id: &str, kind: &str, settings: Value) -> StepContent {
    StepContent { id: id.to_owned(), kind: kind.to_owned(), settings, outcomes: BTreeMap::new() }
}

/// The plan of an example as the compiler sees it: no Directory is known yet.
pub(super) fn facts(kind: &Kind, settings: &Value) -> Result<Facts, SettingsError> {
    let (texts, steps, directories) = (texts(), BTreeMap::new(), Directories::default());
    let wires = BTreeMap::new();
    let scope = Scope {
        texts: &texts,
        locales: &[],
        steps: &steps,
        wires: &wires,
        shared: &wires,
        directories: &directories,
    };
    kind.planned(settings, scope).map(|(plan, _)| plan.facts)
}

/// The flow around an example. Steps named for outcomes are pages that stay.
pub(super) fn runnable(kind: &'static Kind, example: &Example) -> Runnable {
    let (identified, factor) = (example.identified, example.identified);
    runnable_after(Arrival { identified, factor, ..Arrival::default() }, kind, &example.settings)
}

/// The same for settings, after somebody arrived in this way.
pub(super) fn runnable_after(arrival: Arrival, kind: &'static Kind, settings: &Value) -> Runnable {
    let facts = facts(kind, settings).unwrap();
    let mut outcomes: Vec<String> = facts.outcomes.iter().map(|outcome| outcome.name.clone()).collect();
    outcomes.extend(["next", "error", "locked"].map(str::to_owned));
    outcomes.sort();
    outcomes.dedup();
    let mut steps = vec![step("arrive", ARRIVE.name, serde_json::to_value(arrival).unwrap())];
    steps.push(step("tried", kind.name, settings.clone()));
    steps.extend(outcomes.iter().map(|outcome| step(outcome, HALT.name, Value::Null)));
    steps[0].outcomes = BTreeMap::from([("next".to_owned(), "tried".to_owned())]);
    steps[1].outcomes = outcomes.iter().map(|outcome| (outcome.clone(), outcome.clone())).collect();
    let graph = |name: &str, start: &str, steps: Vec<StepContent>| GraphContent {
        name: name.to_owned(),
        start: start.to_owned(),
        outcomes: BTreeMap::new(),
        steps,
        texts: texts(),
        outputs: BTreeMap::new(),
    };
    let inner = || vec![step("inner", HALT.name, Value::Null)];
    let content = Content {
        format: FORMAT,
        flow: "tried".to_owned(),
        flow_type: "Custom".to_owned(),
        lifetime: Some(Span::hours(1)),
        locales: vec!["en".to_owned()],
        directories: BTreeMap::from([("people".to_owned(), people())]),
        default_directory: Some("people".to_owned()),
        graphs: vec![
            graph("flow/tried", "arrive", steps),
            graph("flow/inner", "inner", inner()),
            graph("node/inner", "inner", inner()),
        ],
    };
    let (content, _) = content.canonical().unwrap();
    Runnable::new(Arc::new(Program::load(&content, Kinds(&KINDS)).unwrap())).unwrap()
}

/// The texts that examples may name.
fn texts() -> Texts {
    let text = |key: &str| {
        let by_locale = [("en", "Hello from {{ flow.name }}"), ("de", "Hallo von {{ flow.name }}")];
        let owned = by_locale.map(|(locale, text)| (locale.to_owned(), text.to_owned()));
        (key.to_owned(), BTreeMap::from(owned))
    };
    BTreeMap::from(["hello", "other"].map(text))
}

fn people() -> DirectoryContent {
    let text = |unique| AttributeContent { value_type: ValueType::String, unique, required: unique };
    DirectoryContent {
        identifiers: vec!["email".to_owned()],
        attributes: BTreeMap::from([("email".to_owned(), text(true)), ("name".to_owned(), text(false))]),
    }
}

/// The attributes of a person.
pub(super) fn attributes(email: &str) -> idflow_core::Data {
    json!({ "email": email, "name": "Somebody" }).as_object().cloned().unwrap_or_default()
}
