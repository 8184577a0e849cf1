//! One toy node kind whose settings say what it does, well or badly.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_core::counter::{CounterKey, CounterStep, Limit};
use idflow_core::effect::{Answer, Ask, HttpCall, Mail};
use idflow_core::id::UserId;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};
use idflow_core::view::{Action, Text, View};
use idflow_core::write::Write;
use idflow_core::{Data, Value};
use idflow_flow::content::{Content, FORMAT, GraphContent, StepContent};
use idflow_flow::facts::{Call, Callee, End, Facts, Outcome, ProofFact, SettingsError, Sink};
use idflow_flow::kinds::{Group, Kind, Kinds};
use idflow_flow::plan::{Compiler, Plan};
use idflow_flow::program::Program;
use serde::Deserialize;

use crate::bind::Runnable;
use crate::context::Cx;
use crate::node::{self, Node};
use crate::turn::{Complete, EndTurn, Event, Fault, Finish, Turn};

/// What a toy does, in this order.
#[derive(Debug, Deserialize, Default, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "settings of a toy")]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Toy {
    /// Shows a page; only the answer `right` passes it, any other is counted.
    page: bool,
    /// Then asks: `counters`, `user`, `http` or `post`.
    ask: Option<String>,
    /// Then counts, writes, mails, and keeps these values.
    count: bool,
    write: bool,
    mail: bool,
    outputs: Data,
    vars: Data,
    form: Data,
    /// Evaluates expressions into outputs.
    computes: BTreeMap<String, String>,
    /// Then cannot go on.
    fault: bool,
    /// Or finishes by this outcome, else `next`.
    outcome: Option<String>,
    /// Naming this user and this verified address; without it, the one that is proven.
    user: Option<u8>,
    address: Option<String>,
    /// What `next` proves, by the facts: `identified`, `created`, `pwd`, `otp`, `email:…`, `address`.
    proofs: Vec<String>,
    /// Or enters the callee with these arguments.
    enters: Option<Data>,
    /// Or ends: `complete`, `guest`, `fail`, or `exit:<outcome>`.
    end: Option<String>,
}

pub(super) static TOY: Kind =
    Kind { name: "toy", group: Group::Logic, summary: "A toy.", schema: || true.into(), plan };

const TOYS: Kinds = Kinds(&[&TOY]);

fn parsed(value: &Value) -> Toy {
    serde_json::from_value(value.clone()).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "the signature of all kinds")]
fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let toy = parsed(value);
    let facts = Facts {
        outcomes: vec![
            toy.proofs.iter().fold(Outcome::wired("next"), |next, proof| next.proving(fact(proof))),
            Outcome::wired("other"),
            Outcome::optional("locked"),
            Outcome::optional("error"),
        ],
        end: toy.end.as_ref().map(|_| End::Fail),
        call: toy.enters.as_ref().map(|_| Call {
            callee: Callee::Flow("callee".to_owned()),
            pointer: String::new(),
            arguments: Vec::new(),
        }),
        ..Facts::default()
    };
    let compile = |(name, source): (&String, &String)| {
        (name.clone(), compiler.expression("/computes", source, Sink::Variable))
    };
    let computes = toy.computes.iter().map(compile).collect();
    Ok(node::plan(facts, Bound { toy, computes }))
}

fn fact(proof: &str) -> ProofFact {
    match proof {
        "identified" => ProofFact::Identified,
        "created" => ProofFact::Created,
        "pwd" => ProofFact::Factor("pwd"),
        "otp" => ProofFact::Factor("otp"),
        _ => ProofFact::Address(String::new()),
    }
}

#[derive(Debug)]
struct Bound {
    toy: Toy,
    computes: Vec<(String, idflow_sandbox::Expression)>,
}

impl Node for Bound {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered if self.toy.page => show(cx),
            Event::Submitted(submission) => {
                if submission.fields.get("answer") == Some(&Value::from("right")) {
                    return self.ask(cx);
                }
                count(cx);
                show(cx)
            }
            Event::Entered => self.ask(cx),
            Event::Answered(Answer::Unavailable) => Ok(Turn::Finish(Box::new(Finish::by("error")))),
            Event::Answered(_) => self.done(cx),
        }
    }
}

impl Toy {
    fn verified(&self) -> Option<String> {
        let proven = || self.proofs.iter().find(|proof| proof.starts_with("email:"));
        self.address.as_ref().or_else(proven).cloned()
    }
}

impl Bound {
    fn ask(&self, cx: &mut Cx<'_>) -> Result<Turn, Fault> {
        let http = |method: &str| {
            Ask::Http(HttpCall {
                connection: "crm".to_owned(),
                method: method.to_owned(),
                path: "/".to_owned(),
                headers: BTreeMap::new(),
                body: None,
            })
        };
        let ask = match self.toy.ask.as_deref() {
            None => return self.done(cx),
            Some("counters") => Ask::ReadCounters { keys: vec![CounterKey("guess".to_owned())] },
            Some("user") => Ask::ReadUser { user: user(1).id },
            Some("post") => http("POST"),
            Some(_) => http("GET"),
        };
        Ok(Turn::Ask(Box::new(ask)))
    }

    fn done(&self, cx: &mut Cx<'_>) -> Result<Turn, Fault> {
        if self.toy.count {
            count(cx);
        }
        if self.toy.write {
            cx.write(Write::CreateUser { user: user(9), unique: Vec::new() });
        }
        if self.toy.mail {
            let mail = Mail {
                id: cx.effect_id(),
                connection: "mail".to_owned(),
                to: "ada@example.org".to_owned(),
                subject: Text::product("mail-code-subject"),
                body: Vec::new(),
                code: None,
                locale: None,
            };
            cx.mail(mail);
        }
        if self.toy.fault {
            return Err(Fault::new("told to"));
        }
        let mut outputs = self.toy.outputs.clone();
        for (name, expression) in &self.computes {
            outputs.insert(name.clone(), cx.evaluate(expression)?);
        }
        Ok(Turn::Finish(Box::new(Finish {
            outcome: self.toy.outcome.clone().unwrap_or_else(|| "next".to_owned()),
            end: self.toy.end.as_deref().map(|end| ending(end, outputs.clone())),
            outputs,
            form: self.toy.form.clone(),
            vars: self.toy.vars.clone(),
            address: self.toy.verified(),
            user: self.toy.user.map(user),
            enter: self.toy.enters.clone(),
        })))
    }
}

fn count(cx: &mut Cx<'_>) {
    let limit = Limit { max: 5, window: Span::minutes(1) };
    cx.count(CounterStep::AddUnlessFull { key: CounterKey("guess".to_owned()), limit });
}

fn show(cx: &mut Cx<'_>) -> Result<Turn, Fault> {
    let shown: Option<u32> = cx.state()?;
    cx.keep(&(shown.unwrap_or(0) + 1))?;
    Ok(Turn::Show(Box::new(page("page"))))
}

fn page(kind: &str) -> View {
    View {
        kind: kind.to_owned(),
        title: Text::product("form-title"),
        lead: None,
        messages: Vec::new(),
        fields: Vec::new(),
        actions: vec![Action::next(Text::product("form-submit"))],
        identifier: None,
    }
}

fn ending(end: &str, outputs: Data) -> EndTurn {
    match end {
        "fail" => EndTurn::Fail(Box::new(page("fail"))),
        "complete" | "guest" => EndTurn::Complete(Complete {
            guest: end == "guest",
            session_lifetime: Span::hours(8),
            session_idle: Span::hours(4),
            page: Box::new(page("complete")),
        }),
        exit => EndTurn::Exit { outcome: exit.trim_start_matches("exit:").to_owned(), outputs },
    }
}

/// A user of the tests' world.
pub(super) fn user(number: u8) -> User {
    let mut attributes = Data::new();
    attributes.insert("email".to_owned(), Value::from(format!("user{number}@example.org")));
    User {
        id: UserId::from_bytes([number; 16]),
        directory: "people".to_owned(),
        attributes,
        verified: Vec::new(),
        state: UserState::Active,
        created: Timestamp(0),
        updated: Timestamp(0),
    }
}

/// A step: id, settings, and `outcome > target` pairs.
pub(super) type Row<'a> = (&'a str, Value, &'a [(&'a str, &'a str)]);

/// A graph of toys that begins with the first row.
pub(super) fn graph(name: &str, rows: &[Row<'_>]) -> GraphContent {
    let step = |(id, settings, wires): &Row<'_>| StepContent {
        id: (*id).to_owned(),
        kind: TOY.name.to_owned(),
        settings: settings.clone(),
        outcomes: wires.iter().map(|(by, to)| ((*by).to_owned(), (*to).to_owned())).collect(),
    };
    GraphContent {
        name: name.to_owned(),
        start: rows[0].0.to_owned(),
        outcomes: BTreeMap::new(),
        steps: rows.iter().map(step).collect(),
        texts: BTreeMap::new(),
        outputs: BTreeMap::new(),
    }
}

/// A revision of toys, ready to run. Steps that enter enter `flow/callee`.
pub(super) fn runnable(flow_type: &str, graphs: Vec<GraphContent>) -> Runnable {
    let content = Content {
        format: FORMAT,
        flow: "example".to_owned(),
        flow_type: flow_type.to_owned(),
        lifetime: Some(Span::minutes(20)),
        locales: Vec::new(),
        directories: BTreeMap::new(),
        default_directory: None,
        graphs,
    };
    let (content, _) = content.canonical().unwrap();
    Runnable::new(Arc::new(Program::load(&content, TOYS).unwrap())).unwrap()
}

/// A flow of toys that begins with the first row.
pub(super) fn flow(flow_type: &str, rows: &[Row<'_>]) -> Runnable {
    runnable(flow_type, vec![graph("flow/example", rows)])
}
