//! What an unquoted YAML word means to `kubectl` (YAML 1.1 as go-yaml 2 reads it).

use idflow_core::Value;
use serde_json::Number;

/// What an unquoted word means.
#[derive(Debug, PartialEq)]
pub(crate) enum Plain {
    /// The same in YAML 1.1 and 1.2.
    Value(Value),
    /// A boolean in YAML 1.1 and a text in YAML 1.2, for example `on`.
    Word(bool),
    /// Infinity or not a number.
    NotJson,
}

/// What an unquoted word means.
pub(crate) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Value(Value::Null),
        "true" | "True" | "TRUE" => Plain::Value(Value::Bool(true)),
        "false" | "False" | "FALSE" => Plain::Value(Value::Bool(false)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Plain::Word(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Plain::Word(false),
        _ => number(text).unwrap_or_else(|| Plain::Value(Value::from(text))),
    }
}

fn number(text: &str) -> Option<Plain> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN") {
        return Some(Plain::NotJson);
    }
    if !unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let digits = unsigned.replace('_', "");
    let number = integer(&digits, text.starts_with('-')).or_else(|| float(&digits, text.starts_with('-')))?;
    Some(Plain::Value(Value::Number(number)))
}

fn integer(digits: &str, negative: bool) -> Option<Number> {
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'o' | b'O', ..] => (digits.get(2..)?, 8),
        [b'0', b'b' | b'B', ..] => (digits.get(2..)?, 2),
        [b'0', b'0'..=b'7', ..] => (digits.get(1..)?, 8),
        _ => (digits, 10),
    };
    if digits.starts_with(['-', '+']) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if negative { Some(Number::from(0_i64.checked_sub_unsigned(value)?)) } else { Some(Number::from(value)) }
}

fn float(digits: &str, negative: bool) -> Option<Number> {
    let is_float = digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'));
    let value: f64 = if is_float { digits.parse().ok()? } else { return None };
    Number::from_f64(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_what_kubectl_makes_of_them() {
        for (text, value) in [
            ("0", json!(0)),
            ("007", json!(7)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("1_000", json!(1000)),
            ("-5", json!(-5)),
            ("+5", json!(5)),
            ("1.5", json!(1.5)),
            ("1e3", json!(1000.0)),
            (".5", json!(0.5)),
        ] {
            assert_eq!(plain(text), Plain::Value(value), "{text}");
        }
        for text in ["1.2.3", "20m", "2001-01-01", "-", ".", "1-2", "0x", "e5", "127.0.0.1:80"] {
            assert_eq!(plain(text), Plain::Value(json!(text)), "{text}");
        }
    }

    #[test]
    fn words_of_yaml_1_1_are_told_apart_from_text() {
        for word in ["on", "yes", "y", "On", "YES"] {
            assert_eq!(plain(word), Plain::Word(true), "{word}");
        }
        for word in ["off", "no", "n", "N"] {
            assert_eq!(plain(word), Plain::Word(false), "{word}");
        }
        assert_eq!(plain("oN"), Plain::Value(json!("oN")));
    }
}
