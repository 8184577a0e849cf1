//! A small table of kinds for the tests of this room: it must not depend on how the real ones behave.

use std::collections::BTreeMap;

use idflow_core::Value;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::facts::{
    AttributeUse, Call, Callee, End, Facts, Outcome, Output, ProofFact, ReferenceKind, SettingsError, Sink,
    ValueType,
};
use crate::kinds::{Group, Kind, Kinds};
use crate::plan::{Behaviour, Compiler, Plan};

macro_rules! kinds {
    ($($name:literal $group:ident $facts:ident),+ $(,)?) => {
        pub(crate) const KINDS: Kinds = Kinds(&[$(&Kind {
            name: $name,
            group: Group::$group,
            summary: "A toy.",
            schema: any_object,
            plan: |value, compiler| Ok(Plan { facts: $facts(value, compiler)?, behaviour: Behaviour::new(()) }),
        }),+]);
    };
}

kinds! {
    "form" Input form,
    "message" Input message,
    "choose" Input choose,
    "password" Authentication password,
    "oneTimeCode" Authentication one_time_code,
    "findUser" Users find_user,
    "createUser" Users create_user,
    "setPassword" Users set_password,
    "http" Integration http,
    "set" Logic set,
    "call" Logic call,
    "node" Logic node,
    "complete" End complete,
    "fail" End fail,
    "exit" End exit,
}

fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, SettingsError> {
    serde_json::from_value(value.clone()).map_err(|error| SettingsError {
        pointer: String::new(),
        message: error.to_string(),
        help: "correct the settings".to_owned(),
    })
}

fn members(compiler: &mut Compiler<'_>, base: &str, sources: &BTreeMap<String, String>, sink: Sink) {
    for (name, source) in sources {
        compiler.expression(format!("{base}/{name}"), source, sink);
    }
}

fn text(compiler: &mut Compiler<'_>, pointer: &str, key: Option<String>) {
    if let Some(key) = key {
        compiler.text(pointer, &key, Sink::Page);
    }
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

fn form(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Form = parse(value)?;
    let field = |field: &Field| Output {
        optional: !field.required,
        ..Output::after("next", &field.name, ValueType::String)
    };
    let actions = settings.actions.iter().map(|action| Outcome::wired(&action.name));
    text(compiler, "/title", settings.title);
    Ok(Facts {
        shows_page: true,
        outcomes: std::iter::once(Outcome::wired("next")).chain(actions).collect(),
        form: settings.fields.iter().map(field).collect(),
        ..Facts::default()
    })
}

settings!(Message { title: Option<String> });

fn message(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Message = parse(value)?;
    text(compiler, "/title", settings.title);
    Ok(Facts { shows_page: true, outcomes: vec![Outcome::wired("next")], ..Facts::default() })
}

settings!(Choose { from: Vec<String> });

fn choose(value: &Value, _: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Choose = parse(value)?;
    let offered = settings.from.into_iter();
    let offered = offered.map(|step| Outcome { implied_target: Some(step.clone()), ..Outcome::wired(step) });
    Ok(Facts { shows_page: true, outcomes: offered.collect(), ..Facts::default() })
}

settings!(Password { identify: bool, directory: Option<String> });

fn password(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Password = parse(value)?;
    let mut next = Outcome::wired("next").proving(ProofFact::Factor("pwd"));
    if settings.identify {
        next = next.proving(ProofFact::Identified);
    }
    compiler.directory(settings.directory.as_deref(), Vec::new());
    Ok(Facts {
        shows_page: true,
        needs_user: !settings.identify,
        outcomes: vec![next, Outcome::optional("locked")],
        ..Facts::default()
    })
}

settings!(OneTimeCode { connection: String, to: Option<String> });

fn one_time_code(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: OneTimeCode = parse(value)?;
    let to = settings.to.unwrap_or_else(|| "user.email".to_owned());
    let mut next = Outcome::wired("next").proving(ProofFact::Address(to.clone()));
    if to.starts_with("user.") {
        next = next.proving(ProofFact::Factor("otp"));
    }
    compiler.expression("/to", &to, Sink::Mail);
    let own = to.strip_prefix("user.").map(|name| AttributeUse {
        pointer: "/to".to_owned(),
        name: name.to_owned(),
        identifies: false,
    });
    compiler.connection(ReferenceKind::SmtpConnection, settings.connection);
    Ok(Facts {
        shows_page: true,
        needs_user: own.is_some(),
        rests_on: own.into_iter().collect(),
        outcomes: vec![next, Outcome::optional("locked")],
        ..Facts::default()
    })
}

settings!(FindUser { by: String, attributes: Vec<String>, directory: Option<String> });

fn find_user(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: FindUser = parse(value)?;
    let attribute = |(index, name): (usize, String)| AttributeUse {
        pointer: format!("/attributes/{index}"),
        name,
        identifies: true,
    };
    compiler.expression("/by", &settings.by, Sink::Decision);
    let attributes = settings.attributes.into_iter().enumerate().map(attribute).collect();
    compiler.directory(settings.directory.as_deref(), attributes);
    Ok(Facts {
        outcomes: vec![Outcome::wired("next").proving(ProofFact::Identified), Outcome::wired("notFound")],
        ..Facts::default()
    })
}

settings!(CreateUser { attributes: BTreeMap<String, String>, directory: Option<String> });

fn create_user(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: CreateUser = parse(value)?;
    let attribute = |name: &String| AttributeUse {
        pointer: format!("/attributes/{name}"),
        name: name.clone(),
        identifies: false,
    };
    let next = Outcome::wired("next").proving(ProofFact::Identified).proving(ProofFact::Created);
    members(compiler, "/attributes", &settings.attributes, Sink::Store);
    compiler.directory(settings.directory.as_deref(), settings.attributes.keys().map(attribute).collect());
    Ok(Facts { outcomes: vec![next, Outcome::wired("exists")], ..Facts::default() })
}

settings!(Empty {});

fn set_password(value: &Value, _: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
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
fn http(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Http = parse(value)?;
    members(compiler, "/body", &settings.body, Sink::Request);
    compiler.connection(ReferenceKind::HttpConnection, settings.connection);
    Ok(Facts {
        outcomes: vec![Outcome::wired("next"), Outcome::optional("error")],
        outputs: vec![
            Output::after("next", "status", ValueType::Integer),
            Output { secret: true, ..Output::after("next", "token", ValueType::String) },
        ],
        ..Facts::default()
    })
}

settings!(Set { values: BTreeMap<String, String> });

fn set(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Set = parse(value)?;
    members(compiler, "/values", &settings.values, Sink::Variable);
    Ok(Facts {
        outcomes: vec![Outcome::wired("next")],
        vars: settings.values.keys().map(|name| Output::always(name, ValueType::Any)).collect(),
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

fn entering(
    value: &Value,
    compiler: &mut Compiler<'_>,
    callee: fn(String) -> Callee,
    pointer: &str,
) -> Result<Facts, SettingsError> {
    let settings: CallSettings = parse(value)?;
    members(compiler, "/with", &settings.with, Sink::Variable);
    Ok(Facts {
        call: Some(Call {
            callee: callee(settings.flow),
            pointer: pointer.to_owned(),
            arguments: settings.with.into_iter().collect(),
        }),
        ..Facts::default()
    })
}

fn call(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    entering(value, compiler, Callee::Flow, "/flow")
}

fn node(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    entering(value, compiler, Callee::FlowNode, "/name")
}

settings!(Complete { subject: Option<String> });

fn complete(value: &Value, _: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Complete = parse(value)?;
    let guest = settings.subject.as_deref() == Some("Guest");
    Ok(Facts { end: Some(End::Complete { guest }), ..Facts::default() })
}

settings!(Fail { text: Option<String> });

fn fail(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Fail = parse(value)?;
    text(compiler, "/text", settings.text);
    Ok(Facts { end: Some(End::Fail), ..Facts::default() })
}

settings!(Exit { outcome: String, outputs: BTreeMap<String, String> });

fn exit(value: &Value, compiler: &mut Compiler<'_>) -> Result<Facts, SettingsError> {
    let settings: Exit = parse(value)?;
    members(compiler, "/outputs", &settings.outputs, Sink::Variable);
    Ok(Facts {
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
    - { name: workEmail, type: Email, editableBy: [User, Administrator] }
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
