//! The types of values: one list for Directories, fields of forms, inputs and outputs. Each of them takes those that
//! make sense there.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum ValueType {
    /// Text.
    String,
    /// An e-mail address; a journey can verify it.
    Email,
    /// A telephone number.
    Phone,
    /// A calendar date, as `2024-02-29`.
    Date,
    /// A whole number.
    Integer,
    /// A number, with or without decimals.
    Number,
    /// True or false.
    Boolean,
    /// A list of values.
    List,
    /// Named values.
    Object,
}

/// What a Directory knows of a user.
const OF_ATTRIBUTE: &[&str] = &["String", "Email", "Integer", "Boolean"];
/// What a page asks for.
const OF_FIELD: &[&str] = &["String", "Email", "Phone", "Date", "Integer", "Boolean"];
/// What flows and nodes pass to each other, and services answer.
const PASSED: &[&str] = &["String", "Integer", "Number", "Boolean", "List", "Object"];

impl ValueType {
    /// The type of what is kept: an address, a number to call and a date are texts.
    #[must_use]
    pub const fn plain(self) -> Self {
        match self {
            Self::Email | Self::Phone | Self::Date => Self::String,
            other => other,
        }
    }
}

/// The schema of an attribute's type.
pub(crate) fn of_attribute(_: &mut SchemaGenerator) -> Schema {
    among(OF_ATTRIBUTE)
}

/// The schema of a field's type.
pub fn of_field(_: &mut SchemaGenerator) -> Schema {
    among(OF_FIELD)
}

/// The schema of the type of an input, an output, or what an answer has.
pub fn passed(_: &mut SchemaGenerator) -> Schema {
    among(PASSED)
}

fn among(names: &[&str]) -> Schema {
    let mut schema = schemars::schema_for!(ValueType);
    schema.remove("$schema");
    schema.remove("title");
    schema.remove("description");
    if let Some(Value::Array(branches)) = schema.get_mut("oneOf") {
        branches.retain(|branch| branch["const"].as_str().is_some_and(|name| names.contains(&name)));
    }
    schema
}
