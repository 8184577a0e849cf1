//! `http`: calls an HTTP API through a Connection and hands its JSON answer on.
//!
//! The visitor waits for the answer. Anything but a status from 200 to 299 leads to `error`. Methods other than GET
//! carry a stable `Idempotency-Key`, so the API can tell a repetition.
//!
//! ```yaml
//! - id: lookUp
//!   http: { connection: crm, method: GET, path: "/customers/{{ form.email }}" }
//!   outcomes: { next: done, error: crmDown }
//! ```

use std::collections::BTreeMap;

use idflow_core::effect::{Answer, Ask, EffectClass, HttpCall};
use idflow_core::Value;
use idflow_engine::node::{self, Node};
use idflow_engine::context::Cx;
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::{Facts, Outcome, Output, ReferenceKind, SettingsError, Sink, ValueType};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{Compiler, Plan};
use idflow_sandbox::{Escape, Template};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::settings::{self, Expressions, Sources};
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
    let facts = Facts {
        outcomes: vec![Outcome::wired("next"), Outcome::optional("error")],
        outputs: vec![
            Output::always("status", ValueType::Integer),
            Output { secret: settings.secret.unwrap_or(false), ..Output::always("body", None) },
        ],
        effects: vec![if method == Method::Get { EffectClass::ReadOnly } else { EffectClass::Idempotent }],
        ..Facts::default()
    };
    let body = settings.body.as_ref();
    let http = Http {
        method,
        path: compiler.template("/path", &settings.path, Sink::Request),
        body: body.map(|members| Expressions::compile(compiler, "/body", members, Sink::Request)),
        connection: compiler.connection("/connection", ReferenceKind::HttpConnection, settings.connection),
    };
    Ok(node::plan(facts, http))
}

#[derive(Debug)]
struct Http {
    connection: String,
    method: Method,
    path: Template,
    body: Option<Expressions>,
}

impl Node for Http {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => Ok(Turn::Ask(Box::new(Ask::Http(self.call(cx)?)))),
            Event::Answered(Answer::Http { status, body }) => {
                let outcome = if (200..300).contains(&status) { "next" } else { "error" };
                Ok(finish(outcome, status, body, format!("status {status}")))
            }
            Event::Answered(Answer::Unavailable) => Ok(unanswered("no answer")),
            Event::Answered(Answer::Gone) => Ok(unanswered("the Connection cannot be used")),
            Event::Answered(_) | Event::Submitted(_) => Err(answer_mismatch("http")),
        }
    }
}

impl Http {
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

fn unanswered(why: &str) -> Turn {
    finish("error", 0, Value::Null, why.to_owned())
}

fn finish(outcome: &str, status: u16, body: Value, detail: String) -> Turn {
    let mut finish = Finish { detail: Some(detail), ..Finish::by(outcome) };
    finish.outputs.insert("status".to_owned(), Value::from(status));
    finish.outputs.insert("body".to_owned(), body);
    Turn::Finish(Box::new(finish))
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "connection": "crm", "path": "/customers/{{ form.email }}" })),
        Example::of(json!({ "connection": "crm", "method": "POST", "path": "/customers", "body": { "email": "form.email" } })),
        Example::of(json!({ "connection": "crm", "path": "/token", "secret": true })),
    ]
}
