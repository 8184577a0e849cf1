//! Checking what a visitor entered into a field, by the field's type.

use idflow_core::Value;
use idflow_core::name::{self, with_ascii_digits};
use idflow_core::view::{FieldType, Text};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The type.
    pub field_type: FieldType,
    /// Whether something must be entered.
    pub required: bool,
    /// The longest text, in characters.
    pub max_length: u32,
    /// The values of a `Select`.
    pub options: &'a [String],
}

impl Entry<'_> {
    /// The value to store, or why it is not accepted. Null stands for an optional field that was left empty.
    pub fn accept(&self, posted: Option<&Value>) -> Result<Value, Text> {
        match (self.field_type, posted) {
            (FieldType::Boolean, posted) => self.tick(posted),
            (FieldType::Integer, Some(Value::Number(number))) => {
                number.as_i64().map(Value::from).ok_or_else(|| Text::product("error-integer"))
            }
            (_, None | Some(Value::Null)) => self.empty(),
            (FieldType::Integer | FieldType::Phone | FieldType::Date, Some(Value::String(text))) => {
                self.filled(&name::shown(&with_ascii_digits(text)))
            }
            (FieldType::Select, Some(Value::String(text))) => self.filled(text.trim()),
            (_, Some(Value::String(text))) => self.filled(&name::shown(text)),
            _ => Err(Text::product("error-invalid")),
        }
    }

    fn filled(&self, text: &str) -> Result<Value, Text> {
        if text.is_empty() { self.empty() } else { self.text(text) }
    }

    fn tick(&self, posted: Option<&Value>) -> Result<Value, Text> {
        let ticked = match posted {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Bool(true)) => true,
            Some(Value::String(text)) if text == "true" => true,
            Some(Value::String(text)) if text.is_empty() || text == "false" => false,
            Some(_) => return Err(Text::product("error-invalid")),
        };
        if self.required && !ticked {
            Err(Text::product("error-required-tick"))
        } else {
            Ok(Value::Bool(ticked))
        }
    }

    fn empty(&self) -> Result<Value, Text> {
        match (self.required, self.field_type) {
            (false, _) => Ok(Value::Null),
            (true, FieldType::Select) => Err(Text::product("error-required-choice")),
            (true, _) => Err(Text::product("error-required")),
        }
    }

    fn text(&self, text: &str) -> Result<Value, Text> {
        let too_long = usize::try_from(self.max_length).is_ok_and(|most| text.chars().count() > most);
        if too_long {
            return Err(Text::with("error-too-long", [("maximum", self.max_length.to_string())]));
        }
        if text.chars().any(char::is_control) {
            return Err(Text::product("error-invalid"));
        }
        let problem = match self.field_type {
            FieldType::Email => {
                return name::address(text).map(Value::from).ok_or_else(|| Text::product("error-email"));
            }
            FieldType::Phone if !is_phone(text) => Some("error-phone"),
            FieldType::Date if !is_date(text) => Some("error-date"),
            FieldType::Select if !self.options.iter().any(|option| option == text) => Some("error-choice"),
            FieldType::Integer => {
                let number = text.parse::<i64>();
                return number.map(Value::from).map_err(|_| Text::product("error-integer"));
            }
            _ => None,
        };
        problem.map_or_else(|| Ok(Value::from(text)), |key| Err(Text::product(key)))
    }
}

/// Digits with a plus before and the usual marks between (ITU-T E.164 allows 15 digits).
fn is_phone(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let rest = text.strip_prefix('+').unwrap_or(text);
    (5..=15).contains(&digits) && rest.chars().all(|c| c.is_ascii_digit() || " -()./".contains(c))
}

/// A day of the Gregorian calendar as `YYYY-MM-DD` (RFC 3339 section 5.6).
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let number = |part: &str, digits: usize| {
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse::<u32>().ok() } else { None }
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(field_type: FieldType) -> Entry<'static> {
        Entry { field_type, required: true, max_length: 20, options: &[] }
    }

    #[test]
    fn values_are_accepted_by_type() {
        let options = ["red".to_owned(), "blue".to_owned()];
        for (field_type, posted, stored) in [
            (FieldType::Text, json!(" Ada "), json!("Ada")),
            (FieldType::Email, json!("ada@example.org"), json!("ada@example.org")),
            (FieldType::Phone, json!("+49 30 123456"), json!("+49 30 123456")),
            (
                FieldType::Phone,
                json!("\u{202a}+\u{0664}\u{0669} \u{0663}\u{0660} 123456\u{202c}"),
                json!("+49 30 123456"),
            ),
            (
                FieldType::Email,
                json!("A.a\u{0308}sa\u{200b}@EXA\u{0308}MPLE.se "),
                json!("A.äsa@xn--exmple-cua.se"),
            ),
            (FieldType::Identifier, json!("\u{feff}Zoe\u{0308} "), json!("Zoë")),
            (
                FieldType::Date,
                json!("\u{0662}\u{0660}\u{0662}\u{0664}-\u{0660}\u{0662}-\u{0662}\u{0669}"),
                json!("2024-02-29"),
            ),
            (FieldType::Integer, json!("\u{ff14}\u{06f2}"), json!(42)),
            (FieldType::Integer, json!("42"), json!(42)),
            (FieldType::Integer, json!(-7), json!(-7)),
            (FieldType::Boolean, json!("true"), json!(true)),
            (FieldType::Date, json!("2024-02-29"), json!("2024-02-29")),
            (FieldType::Select, json!("red"), json!("red")),
        ] {
            let entry = Entry { options: &options, ..entry(field_type) };
            assert_eq!(entry.accept(Some(&posted)), Ok(stored), "{field_type:?}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_reason() {
        let long = "x".repeat(21);
        for (field_type, posted, reason) in [
            (FieldType::Text, json!(" "), "error-required"),
            (FieldType::Text, json!(null), "error-required"),
            (FieldType::Text, json!(["a"]), "error-invalid"),
            (FieldType::Text, json!(7), "error-invalid"),
            (FieldType::Text, json!("a\u{0}b"), "error-invalid"),
            (FieldType::Text, json!(long), "error-too-long"),
            (FieldType::Email, json!("ada"), "error-email"),
            (FieldType::Phone, json!("call me"), "error-phone"),
            (FieldType::Integer, json!("4.2"), "error-integer"),
            (FieldType::Integer, json!(4.2), "error-integer"),
            (FieldType::Boolean, json!("maybe"), "error-invalid"),
            (FieldType::Boolean, json!("false"), "error-required-tick"),
            (FieldType::Date, json!("2023-02-29"), "error-date"),
            (FieldType::Date, json!("29.2.2024"), "error-date"),
            (FieldType::Select, json!("green"), "error-choice"),
            (FieldType::Select, json!(""), "error-required-choice"),
        ] {
            match entry(field_type).accept(Some(&posted)) {
                Err(Text::Product { key, .. }) => assert_eq!(key, reason, "{field_type:?} {posted}"),
                other => panic!("{field_type:?} {posted}: {other:?}"),
            }
        }
    }

    #[test]
    fn an_optional_field_may_be_left_empty() {
        let optional = Entry { required: false, ..entry(FieldType::Email) };
        assert_eq!(optional.accept(None), Ok(Value::Null));
        assert_eq!(optional.accept(Some(&json!("  "))), Ok(Value::Null));
    }
}
