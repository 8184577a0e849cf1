//! What a page says, never how it looks: a view becomes HTML in `pages` and JSON for headless clients.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A text in a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Text {
    /// A text of the product, by its Fluent key, with arguments. Themes may replace it.
    Product {
        /// The Fluent message id, for example `password-title`.
        key: String,
        /// Values for the message's variables. Shown as text, never as markup.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        arguments: BTreeMap<String, String>,
    },
    /// A text of the flow's revision, not in any language yet: a page's reader may switch.
    Pinned {
        /// The graph of the revision that has the text, by its index.
        graph: u16,
        /// Its key there.
        key: String,
        /// What its expressions gave, by their source. One that only another language has, and that gave nothing, is
        /// absent.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        values: BTreeMap<String, String>,
    },
    /// A text the flow's author wrote, already rendered, by locale (BCP 47). A visitor without a matching locale sees
    /// `default_locale`.
    Authored {
        /// The locale to fall back to; always a key of `by_locale`.
        default_locale: String,
        /// Plain text by locale.
        by_locale: BTreeMap<String, String>,
    },
}

impl Text {
    /// A text of the product without arguments.
    pub fn product(key: impl Into<String>) -> Self {
        Self::Product { key: key.into(), arguments: BTreeMap::new() }
    }

    /// A text of the product with arguments.
    pub fn with<const N: usize>(key: impl Into<String>, arguments: [(&str, String); N]) -> Self {
        let arguments = arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Self::Product { key: key.into(), arguments }
    }
}

/// One page of a journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct View {
    /// The node kind that shows it, for example `form`.
    pub kind: String,
    /// The heading.
    pub title: Text,
    /// A sentence under the heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lead: Option<Text>,
    /// What went well or wrong, shown before the fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// The inputs, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// The buttons, in order. The first primary one is what Enter presses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Who is signing in, shown beside the heading and sent along as a read-only user name field, so that
    /// password managers store the pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
}

impl View {
    /// Asks whether the visitor, who is called so, wants to sign out: nobody else may decide that.
    pub fn sign_out(identifier: Option<String>) -> Self {
        Self {
            kind: "endSessions".to_owned(),
            title: Text::product("end-sessions-title"),
            lead: Some(Text::product("end-sessions-lead")),
            messages: Vec::new(),
            fields: Vec::new(),
            actions: vec![Action::next(Text::product("action-sign-out"))],
            identifier,
        }
    }

    /// The same page with other texts in place of its own.
    #[must_use]
    pub fn with_texts(mut self, mut other: impl FnMut(&Text) -> Text) -> Self {
        let messages = self.messages.iter_mut().map(|message| &mut message.text);
        let fields = self.fields.iter_mut().flat_map(|field| {
            let choices = field.options.iter_mut().map(|choice| &mut choice.label);
            std::iter::once(&mut field.label).chain(&mut field.hint).chain(&mut field.error).chain(choices)
        });
        let actions = self.actions.iter_mut().map(|action| &mut action.label);
        let all = std::iter::once(&mut self.title).chain(&mut self.lead).chain(messages).chain(fields);
        all.chain(actions).for_each(|text| *text = other(text));
        self
    }

    /// The key of the first text that says what was not accepted; never what was entered.
    pub fn problem(&self) -> Option<&str> {
        let messages = self.messages.iter().filter(|message| message.severity == Severity::Error);
        let errors = messages
            .map(|message| &message.text)
            .chain(self.fields.iter().filter_map(|field| field.error.as_ref()));
        errors.into_iter().find_map(|text| match text {
            Text::Product { key, .. } => Some(&**key),
            Text::Pinned { .. } | Text::Authored { .. } => None,
        })
    }
}

/// Something to tell the visitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// How it is shown and announced.
    pub severity: Severity,
    /// What it says.
    pub text: Text,
}

/// How a message is shown and announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Neutral.
    Info,
    /// Something succeeded.
    Success,
    /// Something deserves care.
    Warning,
    /// Something the visitor entered was not accepted.
    Error,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// The name it is posted under.
    pub name: String,
    /// What it asks for; decides input type, keyboard and autofill token (WCAG 1.3.5).
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// The label.
    pub label: Text,
    /// A hint under the label, for example password rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
    /// The value to show again. Never a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Why the value was not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Text>,
    /// Whether it must be filled in.
    pub required: bool,
    /// The longest value taken, in characters.
    pub max_length: u32,
    /// The choices of a `Select`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
}

impl Field {
    /// A field that must be filled in, empty, with the product's label for its name.
    pub fn asking(name: &str, field_type: FieldType) -> Self {
        Self {
            name: name.to_owned(),
            field_type,
            label: Text::product(format!("field-{name}")),
            hint: None,
            value: None,
            error: None,
            required: true,
            max_length: if field_type.is_secret() { 1024 } else { 256 },
            options: Vec::new(),
        }
    }
}

/// One choice of a `Select` field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// The posted value.
    pub value: String,
    /// What the visitor reads.
    pub label: Text,
}

/// What an input asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldType {
    /// A user name or whatever else names an account.
    Identifier,
    /// Free text.
    Text,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The whole name.
    Name,
    /// The given name.
    GivenName,
    /// The family name.
    FamilyName,
    /// A whole number.
    Integer,
    /// A yes or no, posted as `true` or left out.
    Boolean,
    /// One of several choices.
    Select,
    /// A calendar date, `YYYY-MM-DD`.
    Date,
    /// The current password.
    Password,
    /// A new password.
    NewPassword,
    /// A one-time code.
    Code,
}

impl FieldType {
    /// Whether the value may never be shown again, stored in a journey or read by an expression.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Password | Self::NewPassword | Self::Code)
    }
}

/// One button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// The value posted as `action`.
    pub name: String,
    /// What the button says.
    pub label: Text,
    /// How prominent it is.
    pub style: ActionStyle,
    /// Whether pressing it ignores the fields, so that the browser does not demand them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skips_fields: bool,
}

impl Action {
    /// The main button, named `next`.
    pub fn next(label: Text) -> Self {
        Self { name: "next".to_owned(), label, style: ActionStyle::Primary, skips_fields: false }
    }

    /// A less prominent button that ignores the fields.
    pub fn aside(name: impl Into<String>, label: Text) -> Self {
        Self { name: name.into(), label, style: ActionStyle::Link, skips_fields: true }
    }
}

/// How prominent a button is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ActionStyle {
    /// The expected way on.
    Primary,
    /// Another way of equal standing.
    Secondary,
    /// A way aside: back, cancel, send again.
    Link,
}
