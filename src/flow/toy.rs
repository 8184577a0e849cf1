//! A small table of kinds for the tests of this room: it must not depend on how the real ones behave.

use std::collections::BTreeMap;

use idflow_core::Value;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::kinds::{
    AttributeUse, Call, Callee, End, ExpressionUse, Facts, Group, Kind, Kinds, Outcome, Output, ProofFact,
    Reference, ReferenceKind, SettingsError, Sink, TextUse, ValueType,
};

pub(crate) const KINDS: Kinds = Kinds(&[
    &kind("form", Group::Input, form),
    &kind("message", Group::Input, message),
    &kind("choose", Group::Input, choose),
    &kind("password", Group::Authentication, password),
    &kind("oneTimeCode", Group::Authentication, one_time_code),
    &kind("findUser", Group::Users, find_user),
    &kind("createUser", Group::Users, create_user),
    &kind("setPassword", Group::Users, set_password),
    &kind("http", Group::Integration, http),
    &kind("set", Group::Logic, set),
    &kind("call", Group::Logic, call),
    &kind("node", Group::Logic, node),
    &kind("complete", Group::End, complete),
    &kind("fail", Group::End, fail),
    &kind("exit", Group::End, exit),
]);

type FactsOf = fn(&Value) -> Result<Facts, SettingsError>;

const fn kind(name: &'static str, group: Group, facts: FactsOf) -> Kind {
    Kind { name, group, summary: "A toy.", schema: any_object, facts }
}

fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, SettingsError> {
    serde_json::from_value(value.clone()).map_err(|error| SettingsError {
        pointer: String::new(),
        message: error.to_string(),
        help: "correct the settings".to_owned(),
    })
}

fn expression(pointer: impl Into<String>, source: &str, sink: Sink) -> ExpressionUse {
    ExpressionUse { pointer: pointer.into(), source: source.to_owned(), expects: ValueType::Any, sink }
}

fn members(base: &str, sources: &BTreeMap<String, String>, sink: Sink) -> Vec<ExpressionUse> {
    sources.iter().map(|(name, source)| expression(format!("{base}/{name}"), source, sink)).collect()
}

fn text(pointer: &str, key: Option<String>) -> Vec<TextUse> {
    key.into_iter().map(|key| TextUse { pointer: pointer.to_owned(), key, sink: Sink::Page }).collect()
}

fn directory(name: Option<String>, attributes: Vec<AttributeUse>) -> Reference {
    Reference { pointer: "/directory".to_owned(), kind: ReferenceKind::Directory, name, attributes }
}

fn connection(kind: ReferenceKind, name: String) -> Reference {
    Reference { pointer: "/connection".to_owned(), kind, name: Some(name), attributes: Vec::new() }
}

macro_rules! settings {
    ($name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "camelCase")]
        struct $name { $(#[serde(default)] $field: $type),* }
    };
}

settings!(Form { fields: Vec<Field>, actions: Vec<Action>, title: Option<String> });
settings!(Field { name: String, required: bool });
settings!(Action { name: String });

fn form(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Form = parse(value)?;
    let field = |field: &Field| Output {
        optional: !field.required,
        ..Output::after("next", &field.name, ValueType::String)
    };
    let actions = settings.actions.iter().map(|action| Outcome::wired(&action.name));
    Ok(Facts {
        shows_page: true,
        outcomes: std::iter::once(Outcome::wired("next")).chain(actions).collect(),
        form: settings.fields.iter().map(field).collect(),
        texts: text("/title", settings.title),
        ..Facts::default()
    })
}

settings!(Message { title: Option<String> });

fn message(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Message = parse(value)?;
    Ok(Facts {
        shows_page: true,
        outcomes: vec![Outcome::wired("next")],
        texts: text("/title", settings.title),
        ..Facts::default()
    })
}

settings!(Choose { from: Vec<String> });

fn choose(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Choose = parse(value)?;
    let offered = settings.from.into_iter();
    let offered = offered.map(|step| Outcome { implied_target: Some(step.clone()), ..Outcome::wired(step) });
    Ok(Facts { shows_page: true, outcomes: offered.collect(), ..Facts::default() })
}

settings!(Password { identify: bool, directory: Option<String> });

fn password(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Password = parse(value)?;
    let mut next = Outcome::wired("next").proving(ProofFact::Factor("pwd"));
    if settings.identify {
        next = next.proving(ProofFact::Identified);
    }
    Ok(Facts {
        shows_page: true,
        needs_user: !settings.identify,
        outcomes: vec![next, Outcome::optional("locked")],
        references: vec![directory(settings.directory, Vec::new())],
        ..Facts::default()
    })
}

settings!(OneTimeCode { connection: String, to: Option<String> });

fn one_time_code(value: &Value) -> Result<Facts, SettingsError> {
    let settings: OneTimeCode = parse(value)?;
    let to = settings.to.unwrap_or_else(|| "user.email".to_owned());
    let mut next = Outcome::wired("next").proving(ProofFact::Address(to.clone()));
    if to.starts_with("user.") {
        next = next.proving(ProofFact::Factor("otp"));
    }
    Ok(Facts {
        shows_page: true,
        needs_user: to.starts_with("user."),
        outcomes: vec![next, Outcome::optional("locked")],
        expressions: vec![expression("/to", &to, Sink::Mail)],
        references: vec![connection(ReferenceKind::SmtpConnection, settings.connection)],
        ..Facts::default()
    })
}

settings!(FindUser { by: String, attributes: Vec<String>, directory: Option<String> });

fn find_user(value: &Value) -> Result<Facts, SettingsError> {
    let settings: FindUser = parse(value)?;
    let attribute = |(index, name): (usize, String)| AttributeUse {
        pointer: format!("/attributes/{index}"),
        name,
        identifies: true,
    };
    Ok(Facts {
        outcomes: vec![Outcome::wired("next").proving(ProofFact::Identified), Outcome::wired("notFound")],
        expressions: vec![expression("/by", &settings.by, Sink::Decision)],
        references: vec![directory(
            settings.directory,
            settings.attributes.into_iter().enumerate().map(attribute).collect(),
        )],
        ..Facts::default()
    })
}

settings!(CreateUser { attributes: BTreeMap<String, String>, directory: Option<String> });

fn create_user(value: &Value) -> Result<Facts, SettingsError> {
    let settings: CreateUser = parse(value)?;
    let attribute = |name: &String| AttributeUse {
        pointer: format!("/attributes/{name}"),
        name: name.clone(),
        identifies: false,
    };
    let next = Outcome::wired("next").proving(ProofFact::Identified).proving(ProofFact::Created);
    Ok(Facts {
        outcomes: vec![next, Outcome::wired("exists")],
        expressions: members("/attributes", &settings.attributes, Sink::Store),
        references: vec![directory(settings.directory, settings.attributes.keys().map(attribute).collect())],
        ..Facts::default()
    })
}

settings!(Empty {});

fn set_password(value: &Value) -> Result<Facts, SettingsError> {
    let Empty {} = parse(value)?;
    Ok(Facts {
        shows_page: true,
        needs_user: true,
        outcomes: vec![Outcome::wired("next")],
        ..Facts::default()
    })
}

settings!(Http { connection: String, body: BTreeMap<String, String> });

/// Its output `token` is secret.
fn http(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Http = parse(value)?;
    Ok(Facts {
        outcomes: vec![Outcome::wired("next"), Outcome::optional("error")],
        outputs: vec![
            Output::after("next", "status", ValueType::Integer),
            Output { secret: true, ..Output::after("next", "token", ValueType::String) },
        ],
        expressions: members("/body", &settings.body, Sink::Request),
        references: vec![connection(ReferenceKind::HttpConnection, settings.connection)],
        ..Facts::default()
    })
}

settings!(Set { values: BTreeMap<String, String> });

fn set(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Set = parse(value)?;
    Ok(Facts {
        outcomes: vec![Outcome::wired("next")],
        vars: settings.values.keys().map(|name| Output::always(name, ValueType::Any)).collect(),
        expressions: members("/values", &settings.values, Sink::Variable),
        ..Facts::default()
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallSettings {
    #[serde(alias = "name")]
    flow: String,
    #[serde(default)]
    with: BTreeMap<String, String>,
}

fn entering(value: &Value, callee: fn(String) -> Callee, pointer: &str) -> Result<Facts, SettingsError> {
    let settings: CallSettings = parse(value)?;
    Ok(Facts {
        expressions: members("/with", &settings.with, Sink::Variable),
        call: Some(Call {
            callee: callee(settings.flow),
            pointer: pointer.to_owned(),
            arguments: settings.with.into_iter().collect(),
        }),
        ..Facts::default()
    })
}

fn call(value: &Value) -> Result<Facts, SettingsError> {
    entering(value, Callee::Flow, "/flow")
}

fn node(value: &Value) -> Result<Facts, SettingsError> {
    entering(value, Callee::FlowNode, "/name")
}

settings!(Complete { subject: Option<String> });

fn complete(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Complete = parse(value)?;
    let guest = settings.subject.as_deref() == Some("Guest");
    Ok(Facts { end: Some(End::Complete { guest }), ..Facts::default() })
}

settings!(Fail { text: Option<String> });

fn fail(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Fail = parse(value)?;
    Ok(Facts { end: Some(End::Fail), texts: text("/text", settings.text), ..Facts::default() })
}

settings!(Exit { outcome: String, outputs: BTreeMap<String, String> });

fn exit(value: &Value) -> Result<Facts, SettingsError> {
    let settings: Exit = parse(value)?;
    Ok(Facts {
        expressions: members("/outputs", &settings.outputs, Sink::Variable),
        end: Some(End::Exit { outcome: settings.outcome, outputs: settings.outputs.into_iter().collect() }),
        ..Facts::default()
    })
}

/// The objects that examples and tests may name.
pub(crate) const WORLD: &str = r#"
apiVersion: idflow.dev/v1alpha1
kind: Directory
metadata: { name: people }
spec:
  default: true
  identifiers: [email]
  attributes:
    - { name: email, type: Email, unique: true, required: true }
    - { name: name, type: String }
    - { name: age, type: Integer }
---
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: mail }
spec: { smtp: { host: mail.example.com, from: no-reply@example.com } }
---
apiVersion: idflow.dev/v1alpha1
kind: Connection
metadata: { name: crm }
spec: { http: { url: "https://crm.example.com" } }
---
apiVersion: idflow.dev/v1alpha1
kind: Flow
metadata: { name: verify-email }
spec:
  type: Library
  inputs: [{ name: email, type: String, required: true }]
  start: code
  steps:
    - id: code
      oneTimeCode: { connection: mail, to: input.email }
      outcomes: { next: verified }
    - id: verified
      exit: { outcome: next, outputs: { address: input.email } }
---
apiVersion: idflow.dev/v1alpha1
kind: FlowNode
metadata: { name: score }
spec:
  parameters: [{ name: email, type: String, required: true }]
  outputs: [{ name: score, type: Integer, value: "has(steps.ask.status) ? steps.ask.status : 0" }]
  outcomes: [low, high]
  implementation:
    steps:
      start: ask
      steps:
        - id: ask
          http: { connection: crm, body: { email: input.email } }
          outcomes: { next: low, error: high }
        - id: low
          exit: { outcome: low }
        - id: high
          exit: { outcome: high }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: german }
data:
  de: |
    welcome: Willkommen
"#;

/// A manifest of a flow with this spec.
pub(crate) fn flow(spec: &str) -> String {
    let spec: Vec<String> = spec.lines().map(|line| format!("  {line}")).collect();
    let spec = spec.join("\n");
    format!("apiVersion: idflow.dev/v1alpha1\nkind: Flow\nmetadata: {{ name: example }}\nspec:\n{spec}\n")
}

fn any_object() -> schemars::Schema {
    schemars::json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}
