//! `http`: calls an HTTP API through a Connection and hands its JSON answer on.
//!
//! The visitor waits for the answer. Anything but a status from 200 to 299 leads to `error`, and so does an answer that
//! is not what `answer` says: a page that a proxy puts in its place, or "yes" where true is meant, decides nothing.
//! Methods other than GET carry a stable `Idempotency-Key`, so the API can tell a repetition.
//!
//! ```yaml
//! - id: lookUp
//!   http:
//!     connection: crm
//!     path: "/customers/{{ form.email }}"
//!     answer: [{ name: number, type: Integer }, { name: address.city, type: String, optional: true }]
//!   outcomes: { next: done, error: crmDown }
//! ```

use std::collections::BTreeMap;

use idflow_core::effect::{Answer, Ask, EffectClass, HttpCall};
use idflow_core::Value;
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Member, Outcome, Output, Outside, ReferenceKind, SettingsError, Sink, ValueType};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use idflow_sandbox::{Escape, Template};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::settings::{self, Expressions, Sources};
use crate::shared::answer::{self, MemberSetting};
use crate::shared::answer_mismatch;

/// Settings of `http`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The Connection of kind http that is called.
    #[schemars(length(min = 1, max = 253))]
    connection: String,
    /// The method. Absent means GET.
    method: Option<Method>,
    /// The path and query below the Connection's address, a template. Values are escaped for the place they land in.
    #[schemars(length(min = 1, max = 1024))]
    path: String,
    /// The JSON object to send: a CEL expression for each member. Absent means no body.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 64))]
    body: Option<Sources>,
    /// The members that the JSON answer must have; with a missing one, or one of another type, the step ends by
    /// `error`. Later steps read them as `steps.<id>.body.<name>`; nothing else of the answer is kept. Absent means
    /// that no step reads the answer.
    #[schemars(length(min = 1, max = 64))]
    answer: Option<Vec<MemberSetting>>,
    /// Whether the answer's body is a secret, such as a token. It then reaches no page, mail, request or variable.
    /// Absent means false.
    secret: Option<bool>,
}

/// A request method (RFC 9110 section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum Method {
    /// Reads.
    #[serde(rename = "GET")]
    Get,
    /// Creates or starts something.
    #[serde(rename = "POST")]
    Post,
    /// Replaces something.
    #[serde(rename = "PUT")]
    Put,
    /// Changes something.
    #[serde(rename = "PATCH")]
    Patch,
    /// Removes something.
    #[serde(rename = "DELETE")]
    Delete,
}

impl Method {
    const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What everybody reads about `http`.
pub static KIND: Kind = Kind {
    name: "http",
    group: Group::Integration,
    summary: "Calls an HTTP API and hands its JSON answer on.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    let settings: Settings = settings::parse(value)?;
    let method = settings.method.unwrap_or(Method::Get);
    if !settings.path.starts_with('/') || settings.path.starts_with("//") {
        return Err(SettingsError {
            pointer: "/path".to_owned(),
            message: "the path must begin with one slash".to_owned(),
            help: "the host comes from the Connection; write for example /customers".to_owned(),
        });
    }
    if method == Method::Get && settings.body.is_some() {
        return Err(SettingsError {
            pointer: "/body".to_owned(),
            message: "a GET request has no body".to_owned(),
            help: "remove the body, or choose another method".to_owned(),
        });
    }
    let answer = settings.answer.as_deref().map(|declared| answer::members("/answer", declared)).transpose()?;
    let outside = answer.clone().map_or(Outside::Undescribed("answer"), Outside::Described);
    let body = Output { secret: settings.secret.unwrap_or(false), outside: Some(outside), ..body(answer.is_some()) };
    let facts = Facts {
        outcomes: vec![Outcome::wired("next"), Outcome::optional("error")],
        outputs: vec![Output::always("status", ValueType::Integer), body],
        effects: vec![if method == Method::Get { EffectClass::ReadOnly } else { EffectClass::Idempotent }],
        ..Facts::default()
    };
    let body = settings.body.as_ref();
    let http = Http {
        method,
        path: compiler.template("/path", &settings.path, Sink::Request),
        body: body.map(|members| Expressions::compile(compiler, "/body", members, Sink::Request)),
        connection: compiler.connection("/connection", ReferenceKind::HttpConnection, settings.connection),
        answer,
    };
    Ok(node::plan(facts, http))
}

/// What is declared is there once the answer was that; else whatever came stands there.
fn body(is_declared: bool) -> Output {
    if is_declared { Output::after("next", "body", ValueType::Object) } else { Output::always("body", None) }
}

#[derive(Debug)]
struct Http {
    connection: String,
    method: Method,
    path: Template,
    body: Option<Expressions>,
    answer: Option<Vec<Member>>,
}

impl Node for Http {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => Ok(Turn::Ask(Box::new(Ask::Http(self.call(cx)?)))),
            Event::Answered(Answer::Http { status, body }) => Ok(self.answered(status, body)),
            Event::Answered(Answer::Unavailable) => Ok(self.unanswered("no answer")),
            Event::Answered(Answer::Gone) => Ok(self.unanswered("the Connection cannot be used")),
            Event::Answered(_) | Event::Submitted(_) => Err(answer_mismatch("http")),
        }
    }
}

impl Http {
    fn answered(&self, status: u16, body: Value) -> Turn {
        let is_good = (200..300).contains(&status);
        let outcome = if is_good { "next" } else { "error" };
        let Some(members) = &self.answer else { return finish(outcome, status, Some(body), format!("status {status}")) };
        if !is_good {
            return finish(outcome, status, None, format!("status {status}"));
        }
        match answer::fitting(members, &body) {
            Ok(body) => finish("next", status, Some(body), format!("status {status}")),
            Err(mismatch) => finish("error", status, None, format!("status {status}, and {mismatch}")),
        }
    }

    fn unanswered(&self, why: &str) -> Turn {
        finish("error", 0, Some(Value::Null).filter(|_| self.answer.is_none()), why.to_owned())
    }

    fn call(&self, cx: &mut Cx<'_>) -> Result<HttpCall, Fault> {
        let body = self.body.as_ref().map(|members| members.evaluate(cx)).transpose()?;
        Ok(HttpCall {
            connection: self.connection.clone(),
            method: self.method.name().to_owned(),
            path: cx.render(&self.path, Escape::UrlComponent)?,
            headers: BTreeMap::new(),
            body: body.map(Value::Object),
        })
    }
}

fn finish(outcome: &str, status: u16, body: Option<Value>, detail: String) -> Turn {
    let mut finish = Finish { detail: Some(detail), ..Finish::by(outcome) };
    finish.outputs.insert("status".to_owned(), Value::from(status));
    finish.outputs.extend(body.map(|body| ("body".to_owned(), body)));
    Turn::Finish(Box::new(finish))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "connection": "crm", "path": "/customers/{{ form.email }}" })),
        Example::of(json!({ "connection": "crm", "path": "/customers", "answer": [
            { "name": "number", "type": "Integer" },
            { "name": "address.city", "type": "String", "optional": true },
        ] })),
        Example::of(json!({ "connection": "crm", "method": "POST", "path": "/customers", "body": { "email": "form.email" } })),
        Example::of(json!({ "connection": "crm", "path": "/token", "secret": true, "answer": [{ "name": "token", "type": "String" }] })).leaving_by("error"),
    ]
}
