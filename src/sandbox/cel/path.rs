//! Plain paths such as `user.email`: the commonest expressions, answered without CEL.

use idflow_core::{Data, Value};

use super::convert;
use super::evaluate::EvaluationError;

/// Words that CEL reads otherwise than as a name.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// The segments, when the source is nothing but names joined by dots that begin with a root.
pub(super) fn segments(source: &str) -> Option<Vec<String>> {
    let segments: Vec<&str> = source.trim_matches([' ', '\t', '\n', '\r']).split('.').collect();
    let plain = segments.iter().all(|segment| is_name(segment) && !RESERVED.contains(segment));
    (plain && super::ROOTS.contains(segments.first()?) && segments.len() <= 16)
        .then(|| segments.into_iter().map(str::to_owned).collect())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}

/// The value at the path, with numbers as CEL would see them.
pub(super) fn read(segments: &[String], roots: &Data) -> Result<Value, EvaluationError> {
    let (root, fields) = segments.split_first().ok_or_else(|| EvaluationError::missing(""))?;
    let Some(mut value) = roots.get(root) else {
        return match fields.first() {
            None => Ok(Value::Object(Data::new())),
            Some(field) => Err(EvaluationError::missing(field)),
        };
    };
    for field in fields {
        value = match value {
            Value::Object(object) => object.get(field).ok_or_else(|| EvaluationError::missing(field))?,
            other => return Err(EvaluationError::no_field(field, convert::type_name(other))),
        };
    }
    convert::normalized(value)
}
