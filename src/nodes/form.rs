//! `form`: asks for values and keeps them as `form`.
//!
//! A field shows what the journey knows already: what was entered before, its `value`, what the visitor was called on an
//! earlier page, or `login_hint` of the application or of the link.
//!
//! Proves nothing: what somebody typed is a claim. Passwords and codes have nodes of their own (`password`,
//! `setPassword`, `oneTimeCode`), because a form keeps what was entered.
//!
//! ```yaml
//! - id: details
//!   form:
//!     fields:
//!       - { name: email, type: Email }
//!       - { name: name, purpose: Name, optional: true }
//!     actions: [{ name: signIn }]
//!   outcomes: { next: code, signIn: signIn }
//! ```

use idflow_core::effect::Submission;
use idflow_core::view::{Action, Choice, Field, FieldType, Message, Text, View};
use idflow_core::{Data, Value, name};
use idflow_engine::context::Cx;
use idflow_engine::node::{self, Node};
use idflow_engine::turn::{Event, Fault, Finish, Turn};
use idflow_flow::facts::value_type;
use idflow_flow::facts::{Facts, Outcome, Output, SettingsError, Sink, ValueType, of_value};
use idflow_flow::kinds::{Group, Kind};
use idflow_flow::plan::{AuthoredText, Compiler, Plan};
use idflow_sandbox::Expression;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::shared::action::{self, ActionSetting, BoundAction};
use crate::shared::entry::Entry;
use crate::shared::{answer_mismatch, no_such_action, settings, text};

/// Settings of `form`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    /// The fields, in order.
    #[schemars(length(min = 1, max = 32))]
    fields: Vec<FieldSetting>,
    /// More buttons; each is an outcome, and pressing it ignores the fields. Absent means none.
    #[schemars(length(max = 8))]
    actions: Option<Vec<ActionSetting>>,
    /// The key of the flow's text that is the heading. Absent means the product's.
    #[schemars(length(min = 1, max = 63))]
    title: Option<String>,
    /// The key of the flow's text below the heading. Absent means none.
    #[schemars(length(min = 1, max = 63))]
    lead: Option<String>,
}

/// One field.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FieldSetting {
    /// The name; later steps read the value as `form.<name>`. lowerCamelCase.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z][A-Za-z0-9]*$"))]
    name: String,
    /// Its type. Decides what is accepted and the keyboard. Absent means String.
    #[serde(rename = "type", default)]
    #[schemars(schema_with = "value_type::of_field")]
    value_type: Option<ValueType>,
    /// What a String is for, which decides what browsers fill in. Absent means nothing in particular.
    purpose: Option<Purpose>,
    /// The key of the flow's text that is the label. Absent means the product's text for this name.
    #[schemars(length(min = 1, max = 63))]
    label: Option<String>,
    /// The key of the flow's text that helps to fill it in. Absent means none.
    #[schemars(length(min = 1, max = 63))]
    hint: Option<String>,
    /// A CEL expression for what the field shows at first, for example `user.name`. Absent means nothing, or for the
    /// purpose Identifier and the type Email what the visitor was called before or what `login_hint` says.
    #[schemars(length(min = 1, max = 1024))]
    value: Option<String>,
    /// Whether it may be left empty. Absent means false; a Boolean must then be ticked.
    optional: Option<bool>,
    /// The only values that a String can have, in order, to choose from. Absent means that it is typed.
    #[schemars(length(min = 1, max = 64))]
    options: Option<Vec<OptionSetting>>,
}

/// One choice.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OptionSetting {
    /// The value that is kept.
    #[schemars(length(min = 1, max = 63))]
    value: String,
    /// The key of the flow's text that the visitor reads. Absent means the value itself is shown.
    #[schemars(length(min = 1, max = 63))]
    label: Option<String>,
}

/// What a value is for (WCAG 2.2, 1.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum Purpose {
    /// A user name or whatever else names an account.
    Identifier,
    /// The whole name.
    Name,
    /// The given name.
    GivenName,
    /// The family name.
    FamilyName,
}

impl Purpose {
    const fn field_type(self) -> FieldType {
        match self {
            Self::Identifier => FieldType::Identifier,
            Self::Name => FieldType::Name,
            Self::GivenName => FieldType::GivenName,
            Self::FamilyName => FieldType::FamilyName,
        }
    }
}

impl FieldSetting {
    fn value_type(&self) -> ValueType {
        self.value_type.unwrap_or(ValueType::String)
    }

    fn is_optional(&self) -> bool {
        self.optional.unwrap_or(false)
    }

    fn output(&self) -> Output {
        let optional = self.is_optional() && self.value_type() != ValueType::Boolean;
        Output { optional, ..Output::after("next", self.name.as_str(), self.value_type().plain()) }
    }

    /// What the page asks for.
    ///
    /// # Errors
    /// What does not go together: the setting, what is wrong with it, and what to do.
    fn field_type(&self) -> Result<FieldType, (&'static str, String, &'static str)> {
        let choice = self.options.as_ref().map(|_| FieldType::Select);
        let text = match (choice, self.purpose) {
            (Some(_), Some(_)) => {
                return Err(("purpose", "what is chosen is not filled in".to_owned(), "remove the purpose or the options"));
            }
            (choice, purpose) => choice.or(purpose.map(Purpose::field_type)),
        };
        let typed = match self.value_type() {
            ValueType::String => return Ok(text.unwrap_or(FieldType::Text)),
            ValueType::Email => FieldType::Email,
            ValueType::Phone => FieldType::Phone,
            ValueType::Date => FieldType::Date,
            ValueType::Integer => FieldType::Integer,
            ValueType::Boolean => FieldType::Boolean,
            other @ (ValueType::Number | ValueType::List | ValueType::Object) => {
                return Err(("type", format!("a field cannot ask for the type {other:?}"), "ask for a String or an Integer"));
            }
        };
        match text {
            None => Ok(typed),
            Some(FieldType::Select) => Err(("options", "options are for fields of type String".to_owned(), "remove the options or the type")),
            Some(_) => Err(("purpose", "a purpose is for fields of type String".to_owned(), "remove the purpose or the type")),
        }
    }

    fn compile(&self, compiler: &mut Compiler<'_>, index: usize) -> Result<BoundField, SettingsError> {
        let at = |setting: &str| format!("/fields/{index}/{setting}");
        let label = text::on_page(compiler, at("label"), self.label.as_deref());
        let hint = text::on_page(compiler, at("hint"), self.hint.as_deref());
        let options = self.options.as_deref().unwrap_or_default().iter().enumerate();
        let options = options.map(|(choice, option)| {
            let pointer = at(&format!("options/{choice}/label"));
            (option.value.clone(), text::on_page(compiler, pointer, option.label.as_deref()))
        });
        let (options, option_labels) = options.unzip();
        let asked = self.field_type();
        let asked = asked.map_err(|(setting, message, help)| problem(at(setting), message, help))?;
        let field = Field { required: !self.is_optional(), ..Field::asking(&self.name, asked) };
        let first = self.value.as_deref();
        let wanted = of_value(self.value_type());
        let first = first.map(|source| compiler.expression_of(at("value"), source, Sink::Page, &wanted));
        Ok(BoundField { field, label, hint, options, option_labels, first })
    }
}

/// What everybody reads about `form`.
pub static KIND: Kind = Kind {
    name: "form",
    group: Group::Input,
    summary: "Asks for values and keeps them.",
    schema: || schemars::schema_for!(Settings),
    plan,
};

fn plan(value: &Value, compiler: &mut Compiler<'_>) -> Result<Plan, SettingsError> {
    refuse_secrets(value)?;
    let settings: Settings = settings::parse(value)?;
    check_fields(&settings.fields)?;
    let fields = settings.fields.iter().enumerate();
    let fields = fields.map(|(index, field)| field.compile(compiler, index)).collect::<Result<_, _>>()?;
    let form = Form {
        title: text::on_page(compiler, "/title", settings.title.as_deref()),
        lead: text::on_page(compiler, "/lead", settings.lead.as_deref()),
        fields,
        actions: action::compile(compiler, settings.actions.as_deref())?,
    };
    let facts = Facts {
        shows_page: true,
        outcomes: std::iter::once(Outcome::wired("next")).chain(action::outcomes(&form.actions)).collect(),
        form: settings.fields.iter().map(FieldSetting::output).collect(),
        ..Facts::default()
    };
    Ok(node::plan(facts, form))
}

fn problem(pointer: String, message: impl Into<String>, help: &str) -> SettingsError {
    SettingsError { pointer, message: message.into(), help: help.to_owned() }
}

fn refuse_secrets(value: &Value) -> Result<(), SettingsError> {
    let fields = value.get("fields").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, field) in fields.iter().enumerate() {
        let wanted = field.get("type").and_then(Value::as_str).unwrap_or_default();
        let node = match wanted {
            "Password" => "use a `password` step",
            "NewPassword" => "use a `setPassword` step",
            "Code" => "use a `oneTimeCode` step",
            _ => continue,
        };
        let message = format!("a form cannot ask for a {wanted}: it keeps what was entered");
        return Err(problem(format!("/fields/{index}/type"), message, node));
    }
    Ok(())
}

fn check_fields(fields: &[FieldSetting]) -> Result<(), SettingsError> {
    if fields.is_empty() {
        return Err(problem(
            "/fields".to_owned(),
            "a form without fields asks for nothing",
            "use a `message` step",
        ));
    }
    for (index, field) in fields.iter().enumerate() {
        let name = field.name.as_str();
        if ["token", "action"].contains(&name) || fields.iter().take(index).any(|other| other.name == name) {
            let message = format!("the page already posts something called {name}");
            return Err(problem(format!("/fields/{index}/name"), message, "choose another name"));
        }
    }
    Ok(())
}

#[derive(Debug)]
struct Form {
    fields: Vec<BoundField>,
    actions: Vec<BoundAction>,
    title: Option<AuthoredText>,
    lead: Option<AuthoredText>,
}

#[derive(Debug)]
struct BoundField {
    field: Field,
    label: Option<AuthoredText>,
    hint: Option<AuthoredText>,
    options: Vec<String>,
    option_labels: Vec<Option<AuthoredText>>,
    /// What it shows at first.
    first: Option<Expression>,
}

impl Node for Form {
    fn turn(&self, cx: &mut Cx<'_>, event: Event) -> Result<Turn, Fault> {
        match event {
            Event::Entered => self.show(cx, &self.known(cx)?, &[], Vec::new()),
            Event::Submitted(submission) => self.submitted(cx, &submission),
            Event::Answered(_) => Err(answer_mismatch("form")),
        }
    }
}

impl Form {
    fn submitted(&self, cx: &Cx<'_>, submission: &Submission) -> Result<Turn, Fault> {
        if let Some(action) = action::pressed(&self.actions, submission) {
            return Ok(Turn::Finish(Box::new(Finish {
                typed: self.typed(&submission.fields),
                ..Finish::by(action)
            })));
        }
        if submission.action != "next" {
            return self.show(cx, &submission.fields, &[], vec![no_such_action()]);
        }
        let mut finish = Finish::by("next");
        let mut errors = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let name = &field.field.name;
            match field.entry().accept(submission.fields.get(name)) {
                Ok(value) => {
                    finish.form.insert(name.clone(), value);
                    errors.push(None);
                }
                Err(error) => errors.push(Some(error)),
            }
        }
        if errors.iter().any(Option::is_some) {
            return self.show(cx, &submission.fields, &errors, Vec::new());
        }
        finish.typed = self.typed(&finish.form);
        Ok(Turn::Finish(Box::new(finish)))
    }

    /// What the visitor is called by what they entered.
    fn typed(&self, values: &Data) -> Option<String> {
        let named = self.fields.iter().filter(|field| field.names_somebody());
        let mut texts = named.filter_map(|field| values.get(&field.field.name)?.as_str());
        texts.find_map(|text| Some(name::shown(text).into_owned()).filter(|text| !text.is_empty()))
    }

    /// What the journey knows already: earlier entries, what the author wants to be shown, and who this may be.
    fn known(&self, cx: &Cx<'_>) -> Result<Data, Fault> {
        let mut known = Data::new();
        for field in &self.fields {
            let name = &field.field.name;
            let value = match (cx.form().get(name), &field.first) {
                (Some(entered), _) => Some(entered.clone()),
                (None, Some(first)) => Some(cx.evaluate(first)?).filter(|value| !value.is_null()),
                (None, None) => None,
            };
            let hint = || cx.login_hint().filter(|hint| field.takes_hint(hint)).map(Value::from);
            known.extend(value.or_else(hint).map(|value| (name.clone(), value)));
        }
        Ok(known)
    }

    fn show(
        &self,
        cx: &Cx<'_>,
        values: &Data,
        errors: &[Option<Text>],
        messages: Vec<Message>,
    ) -> Result<Turn, Fault> {
        let view = |(index, field): (usize, &BoundField)| {
            field.view(cx, values.get(&field.field.name), errors.get(index).cloned().flatten())
        };
        let mut actions = vec![Action::next(Text::product("form-submit"))];
        actions.extend(action::views(&self.actions, cx)?);
        Ok(Turn::Show(Box::new(View {
            kind: "form".to_owned(),
            title: text::or_product(cx, self.title.as_ref(), "form-title")?,
            lead: self.lead.as_ref().map(|lead| cx.text(lead)).transpose()?,
            messages,
            fields: self.fields.iter().enumerate().map(view).collect::<Result<_, Fault>>()?,
            actions,
            identifier: None,
        })))
    }
}

impl BoundField {
    const fn names_somebody(&self) -> bool {
        matches!(self.field.field_type, FieldType::Identifier | FieldType::Email)
    }

    /// Whether the field asks for what a hint may be: not every name is an address.
    fn takes_hint(&self, hint: &str) -> bool {
        match self.field.field_type {
            FieldType::Identifier => true,
            FieldType::Email => name::address(hint).is_some(),
            _ => false,
        }
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            field_type: self.field.field_type,
            required: self.field.required,
            max_length: self.field.max_length,
            options: &self.options,
        }
    }

    fn view(&self, cx: &Cx<'_>, value: Option<&Value>, error: Option<Text>) -> Result<Field, Fault> {
        let choice = |(value, label): (&String, &Option<AuthoredText>)| {
            let label = match label {
                Some(label) => cx.text(label)?,
                None => literal(value),
            };
            Ok(Choice { value: value.clone(), label })
        };
        let label = self.label.as_ref().map(|label| cx.text(label)).transpose()?;
        Ok(Field {
            label: label.unwrap_or_else(|| self.field.label.clone()),
            hint: self.hint.as_ref().map(|hint| cx.text(hint)).transpose()?,
            value: value.and_then(shown),
            error,
            options: self
                .options
                .iter()
                .zip(&self.option_labels)
                .map(choice)
                .collect::<Result<_, Fault>>()?,
            ..self.field.clone()
        })
    }
}

/// A value as a field can show it again.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(true) => Some("true".to_owned()),
        _ => None,
    }
}

/// A text that is the same in every language.
fn literal(text: &str) -> Text {
    let by_locale = std::iter::once(("und".to_owned(), text.to_owned())).collect();
    Text::Authored { default_locale: "und".to_owned(), by_locale }
}

#[cfg(test)]
pub(crate) fn examples() -> Vec<crate::harness::Example> {
    use serde_json::json;

    use crate::harness::Example;

    vec![
        Example::of(json!({ "fields": [
            { "name": "username", "purpose": "Identifier" },
            { "name": "email", "type": "Email", "label": "hello", "hint": "other" },
            { "name": "age", "type": "Integer", "label": "other", "value": "40 + 2" },
            { "name": "terms", "type": "Boolean", "label": "other" },
            { "name": "born", "type": "Date", "label": "other" },
            { "name": "phone", "type": "Phone" },
            { "name": "color", "label": "other", "options": [{ "value": "red" }, { "value": "blue", "label": "hello" }] },
        ], "title": "hello" }))
        .posts(json!({ "username": "ada", "email": "ada@example.org", "age": "42", "terms": "true",
            "born": "1815-12-10", "phone": "+44 20 7946 0000", "color": "red" })).taking_any("username"),
        Example::of(json!({ "fields": [{ "name": "email", "type": "Email" }], "actions": [{ "name": "signIn" }] }))
            .pressing("signIn")
            .leaving_by("signIn"),
    ]
}
