//! The flow that a step is tried in: somebody arrives, the step runs, and every outcome leads to a page that stays.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_core::Value;
use idflow_core::digest::Digest;
use idflow_core::evidence::Proof;
use idflow_core::time::Span;
use idflow_core::view::{Text, View};
use idflow_engine::bind::Runnable;
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Node, NodeKind, Turn};
use idflow_flow::kinds::{Facts, Group, Kind, Outcome, ProofFact, ValueType};
use idflow_flow::program::{AttributeContent, DirectoryContent, Graph, Program, Step, Wire};
use serde_json::json;

use super::example::Example;
use super::person::Person;

static ARRIVE: NodeKind = NodeKind {
    kind: &Kind {
        name: "arrive",
        group: Group::Logic,
        summary: "Somebody is here, identified or not.",
        schema: || true.into(),
        facts: |_| {
            let next =
                Outcome::wired("next").proving(ProofFact::Identified).proving(ProofFact::Factor("pwd"));
            Ok(Facts { outcomes: vec![next], ..Facts::default() })
        },
    },
    bind: |settings, _| Ok(Box::new(Arrive { identified: settings == &Value::Bool(true) })),
};

static HALT: NodeKind = NodeKind {
    kind: &Kind {
        name: "halt",
        group: Group::Logic,
        summary: "A page that stays.",
        schema: || true.into(),
        facts: |_| Ok(Facts { shows_page: true, ..Facts::default() }),
    },
    bind: |_, _| Ok(Box::new(Halt)),
};

struct Arrive {
    identified: bool,
}

impl Node for Arrive {
    fn turn(&self, cx: &mut Cx<'_>, _: Event) -> Result<Turn, Fault> {
        let who = cx.query().and_then(|query| query.get("who")).map_or("", String::as_str);
        let mut finish = Finish::by("next");
        finish.form.insert("email".to_owned(), Value::from(format!("new-{who}@example.org")));
        if self.identified {
            finish.user = Person::named(who).map(Person::user);
            finish.proofs = vec![Proof::Identified, Proof::Factor("pwd".to_owned())];
        }
        Ok(Turn::Finish(Box::new(finish)))
    }
}

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

fn step(id: &str, kind: &NodeKind, settings: Value) -> Step {
    Step { id: id.to_owned(), kind: kind.kind, settings, wires: Vec::new(), callee: None }
}

/// The flow around an example. Steps named for outcomes are pages that stay.
pub(super) fn runnable(kind: &'static NodeKind, example: &Example) -> Runnable {
    let facts = (kind.kind.facts)(&example.settings).unwrap();
    let mut outcomes: Vec<String> = facts.outcomes.iter().map(|outcome| outcome.name.clone()).collect();
    outcomes.extend(["next", "error", "locked"].map(str::to_owned));
    outcomes.sort();
    outcomes.dedup();
    let mut steps = vec![step("arrive", &ARRIVE, Value::Bool(example.identified))];
    steps.push(step("tried", kind, example.settings.clone()));
    steps.extend(outcomes.iter().map(|outcome| step(outcome, &HALT, Value::Null)));
    steps[0].wires = vec![Wire { outcome: "next".to_owned(), to: 1 }];
    steps[1].wires =
        outcomes.iter().zip(2..).map(|(outcome, to)| Wire { outcome: outcome.clone(), to }).collect();
    steps[1].callee = facts.call.map(|_| 1);
    let graph = |name: &str, steps: Vec<Step>| Graph {
        name: name.to_owned(),
        start: 0,
        steps,
        texts: texts(),
        outputs: Vec::new(),
    };
    let program = Program {
        digest: Digest::of(format!("{}{}", kind.kind.name, example.settings)),
        flow: "tried".to_owned(),
        flow_type: "Custom".to_owned(),
        lifetime: Span::hours(1),
        locales: vec!["en".to_owned()],
        directories: BTreeMap::from([("people".to_owned(), people())]),
        default_directory: Some("people".to_owned()),
        graphs: vec![
            graph("flow/tried", steps),
            graph("flow/inner", vec![step("inner", &HALT, Value::Null)]),
        ],
    };
    let mut kinds: Vec<&NodeKind> = crate::all().to_vec();
    kinds.extend([&ARRIVE, &HALT]);
    Runnable::bind(Arc::new(program), &kinds).unwrap()
}

/// The texts that examples may name.
fn texts() -> BTreeMap<String, BTreeMap<String, String>> {
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
