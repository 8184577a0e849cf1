//! One input: which control, which keyboard, which autofill token (`WCAG` 1.3.5).

use idflow_core::view::{Choice, Field, FieldType};
use minijinja::Value;
use serde::Serialize;

use crate::markup;
use crate::say::Say;

/// Up to this many choices are shown at once; more are a list to open.
const MOST_RADIOS: usize = 6;

/// A short form may take the focus at once; on a long one that would skip what stands above it.
const MOST_FIELDS_FOCUSED: usize = 2;

#[derive(Debug, Serialize)]
pub(crate) struct FieldContext {
    id: String,
    name: String,
    control: &'static str,
    #[serde(flatten)]
    input: Input,
    label: Value,
    optional: Option<Value>,
    hint: Option<Value>,
    error: Option<Value>,
    described_by: Option<String>,
    value: Option<String>,
    required: bool,
    focused: bool,
    choices: Vec<ChoiceContext>,
}

#[derive(Debug, Serialize)]
struct ChoiceContext {
    id: String,
    value: String,
    label: String,
    chosen: bool,
}

/// The attributes of an `input` (designer-and-pages 7.3).
#[derive(Debug, Clone, Copy, Serialize)]
struct Input {
    kind: &'static str,
    autocomplete: Option<&'static str>,
    keyboard: Option<&'static str>,
    /// Neither capitalized nor spell-checked: it is a name for machines, always written left to right.
    verbatim: bool,
}

impl Input {
    const fn new(kind: &'static str, autocomplete: Option<&'static str>) -> Self {
        Self { kind, autocomplete, keyboard: None, verbatim: false }
    }

    const fn verbatim(self) -> Self {
        Self { verbatim: true, ..self }
    }

    const fn keyboard(self, keyboard: &'static str) -> Self {
        Self { keyboard: Some(keyboard), ..self }
    }

    const fn of(field_type: FieldType) -> Self {
        match field_type {
            // Exactly these two tokens: browsers ignore passkeys when there are others.
            FieldType::Identifier => {
                Self::new("text", Some("username webauthn")).keyboard("email").verbatim()
            }
            FieldType::Email => Self::new("email", Some("email")).verbatim(),
            FieldType::Phone => Self::new("tel", Some("tel")).verbatim(),
            FieldType::Name => Self::new("text", Some("name")),
            FieldType::GivenName => Self::new("text", Some("given-name")),
            FieldType::FamilyName => Self::new("text", Some("family-name")),
            // Not `type=number`: it scrolls away what was entered and tells screen readers little.
            FieldType::Integer => Self::new("text", None).keyboard("numeric").verbatim(),
            FieldType::Date => Self::new("date", None),
            FieldType::Password => Self::new("password", Some("current-password")).verbatim(),
            FieldType::NewPassword => Self::new("password", Some("new-password")).verbatim(),
            FieldType::Code => Self::new("text", Some("one-time-code")).keyboard("numeric").verbatim(),
            FieldType::Text | FieldType::Select | FieldType::Boolean => Self::new("text", None),
        }
    }
}

/// The id of the field at this place. By place, because a name may hold what an id list must not.
pub(crate) fn id(index: usize) -> String {
    format!("f{index}")
}

/// Whether the field can be shown and hidden.
pub(crate) const fn is_password(field_type: FieldType) -> bool {
    matches!(field_type, FieldType::Password | FieldType::NewPassword)
}

/// The fields in order; the first empty one of a short form takes the focus when nothing else does.
pub(crate) fn contexts(fields: &[Field], say: &Say<'_>, may_focus: bool) -> Vec<FieldContext> {
    let may_focus = may_focus && fields.len() <= MOST_FIELDS_FOCUSED;
    let first_empty = fields.iter().position(|field| field.value.as_ref().is_none_or(String::is_empty));
    let context = |(index, field)| context(index, field, say, may_focus && first_empty == Some(index));
    fields.iter().enumerate().map(context).collect()
}

fn context(index: usize, field: &Field, say: &Say<'_>, focused: bool) -> FieldContext {
    let id = id(index);
    let notes = [(field.hint.is_some(), "hint"), (field.error.is_some(), "error")];
    let notes: Vec<String> =
        notes.iter().filter(|(shown, _)| *shown).map(|(_, note)| format!("{id}-{note}")).collect();
    FieldContext {
        control: control(field),
        input: Input::of(field.field_type),
        label: say.html(&field.label),
        optional: is_marked_optional(field).then(|| say.key("field-optional")),
        hint: field.hint.as_ref().map(|hint| say.html(hint)),
        error: field.error.as_ref().map(|error| say.html(error)),
        described_by: (!notes.is_empty()).then(|| notes.join(" ")),
        value: field.value.clone().filter(|_| !field.field_type.is_secret()),
        required: field.required,
        focused,
        choices: field
            .options
            .iter()
            .enumerate()
            .map(|(at, choice)| choice_context(&id, at, choice, field, say))
            .collect(),
        name: field.name.clone(),
        id,
    }
}

fn choice_context(id: &str, at: usize, choice: &Choice, field: &Field, say: &Say<'_>) -> ChoiceContext {
    ChoiceContext {
        // The first one carries the field's id, so that the error summary's link lands there.
        id: if at == 0 { id.to_owned() } else { format!("{id}-{at}") },
        value: choice.value.clone(),
        label: markup::single_line(&say.plain(&choice.label)),
        chosen: field.value.as_ref() == Some(&choice.value),
    }
}

fn control(field: &Field) -> &'static str {
    match field.field_type {
        FieldType::Boolean => "checkbox",
        FieldType::Select if field.options.len() <= MOST_RADIOS => "radios",
        FieldType::Select => "select",
        FieldType::Code => "code",
        FieldType::Password | FieldType::NewPassword => "password",
        _ => "input",
    }
}

fn is_marked_optional(field: &Field) -> bool {
    !field.required && field.field_type != FieldType::Boolean
}
