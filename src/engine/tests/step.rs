//! The one kind of these tests: a step that declares and does what the test beside it says, well or badly.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use idflow_core::counter::{CounterKey, CounterStep, Limit};
use idflow_core::effect::{Answer, Ask, HttpCall, Mail};
use idflow_core::id::UserId;
use idflow_core::time::{Span, Timestamp};
use idflow_core::user::{User, UserState};
use idflow_core::view::{Action, Text, View};
use idflow_core::write::Write;
use idflow_core::{Data, Value};
use idflow_flow::content::{Content, FORMAT, GraphContent, StepContent};
use idflow_flow::facts::{Call, Callee, End, Facts, Outcome, ProofFact};
use idflow_flow::kinds::{Group, Kind, Kinds};
use idflow_flow::program::Program;
use idflow_sandbox::Expression;

use crate::bind::Runnable;
use crate::context::Cx;
use crate::node::{self, Node};
use crate::turn::{Complete, EndTurn, Event, Fault, Finish, Turn};

/// Something a step does before it is left.
type Act = dyn Fn(&mut Cx<'_>, &mut Finish) -> Result<(), Fault> + Send + Sync;

#[derive(Clone)]
pub(super) struct Step {
    is_page: bool,
    ask: Option<Ask>,
    facts: Facts,
    acts: Vec<Arc<Act>>,
}

/// A step that goes on at once.
pub(super) fn step() -> Step {
    let outcomes = vec![
        Outcome::wired("next"),
        Outcome::wired("other"),
        Outcome::optional("locked"),
        Outcome::optional("error"),
    ];
    Step { is_page: false, ask: None, facts: Facts { outcomes, ..Facts::default() }, acts: Vec::new() }
}

/// A step that shows a page: only the answer `right` passes it, any other is counted.
pub(super) fn page() -> Step {
    Step { is_page: true, ..step() }
}

impl Step {
    /// The same, asking this first.
    pub(super) fn asking(self, ask: Ask) -> Self {
        Self { ask: Some(ask), ..self }
    }

    /// The same, doing this too.
    fn and(
        mut self,
        act: impl Fn(&mut Cx<'_>, &mut Finish) -> Result<(), Fault> + Send + Sync + 'static,
    ) -> Self {
        self.acts.push(Arc::new(act));
        self
    }

    /// The same, leaving like this.
    fn leaving(self, how: impl Fn(&mut Finish) + Send + Sync + 'static) -> Self {
        self.and(move |_, finish| {
            how(finish);
            Ok(())
        })
    }

    /// The same, keeping these values as `form`.
    pub(super) fn form(self, values: Value) -> Self {
        self.leaving(move |finish| finish.form = data(&values))
    }

    /// The same, keeping these values as `vars`.
    pub(super) fn vars(self, values: Value) -> Self {
        self.leaving(move |finish| finish.vars = data(&values))
    }

    /// The same, putting these values out.
    pub(super) fn outputs(self, values: Value) -> Self {
        self.leaving(move |finish| finish.outputs = data(&values))
    }

    /// The same with what this expression gives as an output.
    pub(super) fn computing(self, name: &'static str, source: &str) -> Self {
        let expression = Expression::compile(source).unwrap();
        self.and(move |cx, finish| {
            finish.outputs.insert(name.to_owned(), cx.evaluate(&expression)?);
            Ok(())
        })
    }

    /// The same, counting a guess.
    pub(super) fn counting(self) -> Self {
        self.and(|cx, _| {
            count(cx);
            Ok(())
        })
    }

    /// The same, creating a user.
    pub(super) fn writing(self) -> Self {
        self.and(|cx, _| {
            cx.write(Write::CreateUser { user: user(9), unique: Vec::new() });
            Ok(())
        })
    }

    /// The same, sending a mail.
    pub(super) fn mailing(self) -> Self {
        self.and(|cx, _| {
            let (id, to) = (cx.effect_id(), "ada@example.org".to_owned());
            let subject = Text::product("mail-code-subject");
            let connection = "mail".to_owned();
            cx.mail(Mail { id, connection, to, subject, body: Vec::new(), code: None, locale: None });
            Ok(())
        })
    }

    /// The same, by another outcome.
    pub(super) fn by(self, outcome: &'static str) -> Self {
        self.leaving(move |finish| finish.outcome = outcome.to_owned())
    }

    /// The same, having verified this address.
    pub(super) fn verifying(self, address: &'static str) -> Self {
        self.leaving(move |finish| finish.address = Some(address.to_owned()))
    }

    /// The same, unable to go on.
    pub(super) fn failing(self) -> Self {
        self.and(|_, _| Err(Fault::new("told to")))
    }

    /// The same, naming this user.
    pub(super) fn naming(self, number: u8) -> Self {
        self.leaving(move |finish| finish.user = Some(user(number)))
    }

    /// The same, proving this by `next`.
    pub(super) fn proving(mut self, proofs: impl IntoIterator<Item = ProofFact>) -> Self {
        self.facts.outcomes[0].proofs.extend(proofs);
        self
    }

    /// The same, entering `flow/callee` with these arguments.
    pub(super) fn entering(mut self, arguments: Value) -> Self {
        let callee = Callee::Flow("callee".to_owned());
        self.facts.call = Some(Call { callee, pointer: String::new(), arguments: Vec::new() });
        self.leaving(move |finish| finish.enter = Some(data(&arguments)))
    }

    /// The same as an end.
    pub(super) fn ending(mut self, end: impl Fn() -> EndTurn + Send + Sync + 'static) -> Self {
        self.facts.end = Some(End::Fail);
        self.leaving(move |finish| finish.end = Some(end()))
    }

    /// The same as a way out of `flow/callee`, with its outputs.
    pub(super) fn exiting(mut self, outcome: &'static str) -> Self {
        self.facts.end = Some(End::Fail);
        self.leaving(move |finish| {
            finish.end = Some(EndTurn::Exit { outcome: outcome.to_owned(), outputs: finish.outputs.clone() });
        })
    }

    fn left(&self, cx: &mut Cx<'_>) -> Result<Turn, Fault> {
        let mut finish = Finish::by("next");
        self.acts.iter().try_for_each(|act| act(cx, &mut finish))?;
        Ok(Turn::Finish(Box::new(finish)))
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

impl Node for Step {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Answered(Answer::Unavailable) => Ok(Turn::Finish(Box::new(Finish::by("error")))),
            Event::Answered(_) => self.left(cx),
            Event::Submitted(post) if post.fields.get("answer") != Some(&Value::from("right")) => {
                count(cx);
                show(cx)
            }
            Event::Entered if self.is_page => show(cx),
            Event::Entered | Event::Submitted(_) => match &self.ask {
                Some(ask) => Ok(Turn::Ask(Box::new(ask.clone()))),
                None => self.left(cx),
            },
        }
    }
}

fn count(cx: &mut Cx<'_>) {
    let limit = Limit { max: 5, window: Span::minutes(1), pace: None };
    cx.count(CounterStep::AddUnlessFull { key: CounterKey::of("guess"), limit });
}

fn show(cx: &mut Cx<'_>) -> Result<Turn, Fault> {
    let shown: Option<u32> = cx.state()?;
    cx.keep(&(shown.unwrap_or(0) + 1))?;
    Ok(Turn::Show(Box::new(view("page"))))
}

fn view(kind: &str) -> View {
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

pub(super) fn an_address() -> ProofFact {
    ProofFact::Address(String::new())
}

pub(super) fn complete() -> EndTurn {
    EndTurn::Complete(Complete {
        guest: false,
        session_lifetime: Span::hours(8),
        session_idle: Span::hours(4),
        page: Box::new(view("complete")),
    })
}

pub(super) fn failure() -> EndTurn {
    EndTurn::Fail(Box::new(view("fail")))
}

pub(super) fn data(value: &Value) -> Data {
    value.as_object().cloned().unwrap_or_default()
}

pub(super) fn counters() -> Ask {
    Ask::ReadCounters { keys: vec![CounterKey::of("guess")] }
}

pub(super) fn call(method: &str) -> Ask {
    Ask::Http(HttpCall {
        connection: "crm".to_owned(),
        method: method.to_owned(),
        path: "/".to_owned(),
        headers: BTreeMap::new(),
        body: None,
    })
}

/// A user of the tests' world.
pub(super) fn user(number: u8) -> User {
    User {
        id: UserId::from_bytes([number; 16]),
        directory: "people".to_owned(),
        attributes: Data::from_iter([("email".to_owned(), Value::from(format!("user{number}@example.org")))]),
        verified: Vec::new(),
        groups: Vec::new(),
        state: UserState::Active,
        created: Timestamp(0),
        updated: Timestamp(0),
        reserved: None,
    }
}

/// The steps that programs were made of. Their settings are a place in here.
static STEPS: Mutex<Vec<Step>> = Mutex::new(Vec::new());

static KIND: Kind = Kind {
    name: "step",
    group: Group::Logic,
    summary: "A step of a test.",
    schema: || true.into(),
    plan: |settings, _| {
        let index = usize::try_from(settings.as_u64().unwrap()).unwrap();
        let step = STEPS.lock().unwrap()[index].clone();
        Ok(node::plan(step.facts.clone(), step))
    },
};

static KINDS: Kinds = Kinds(&[&KIND]);

/// A step with its id and its wires.
pub(super) type Row<'a> = (&'a str, Step, &'a [(&'a str, &'a str)]);

/// A graph that begins with the first row.
pub(super) fn graph(name: &str, rows: &[Row<'_>]) -> GraphContent {
    let mut known = STEPS.lock().unwrap();
    let content = |(id, step, wires): &Row<'_>| {
        known.push(step.clone());
        StepContent {
            id: (*id).to_owned(),
            kind: KIND.name.to_owned(),
            settings: Value::from(known.len() - 1),
            outcomes: wires.iter().map(|(by, to)| ((*by).to_owned(), (*to).to_owned())).collect(),
        }
    };
    GraphContent {
        name: name.to_owned(),
        start: rows[0].0.to_owned(),
        outcomes: BTreeMap::new(),
        steps: rows.iter().map(content).collect(),
        texts: BTreeMap::new(),
        outputs: BTreeMap::new(),
    }
}

/// A revision, ready to run.
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
    Runnable::new(Arc::new(Program::load(&content, KINDS).unwrap())).unwrap()
}

/// A flow that begins with the first row.
pub(super) fn flow(flow_type: &str, rows: &[Row<'_>]) -> Runnable {
    runnable(flow_type, vec![graph("flow/example", rows)])
}
