//! What to write instead of a value of another type.

use super::Type;

/// The advice for a value that is written so, and of one type where another is wanted.
pub(super) fn advice(written: &str, found: &Type, wanted: &Type) -> String {
    literal(written, found, wanted)
        .or_else(|| computed(written, found, wanted))
        .unwrap_or_else(|| format!("give {wanted}"))
}

/// The same advice for what an operator stands before that binds more tightly than a comparison.
pub(super) fn in_parentheses(advice: &str) -> String {
    let mut parts: Vec<String> = advice.split('`').map(str::to_owned).collect();
    for code in parts.iter_mut().skip(1).step_by(2).filter(|code| code.contains([' ', '>'])) {
        *code = format!("({code})");
    }
    parts.join("`")
}

/// A literal is written otherwise.
fn literal(written: &str, found: &Type, wanted: &Type) -> Option<String> {
    if let Some(text) = unquoted(written) {
        let is_number = text.parse::<i64>().is_ok();
        return Some(match wanted {
            Type::Integer if is_number => format!("write {text} without quotes"),
            Type::Boolean if matches!(text, "true" | "false") => format!("write {text} without quotes"),
            Type::Boolean => "write true or false".to_owned(),
            Type::Duration => "write for example `duration('24h')`".to_owned(),
            Type::Timestamp if text.contains('-') => format!("write `timestamp({written})`"),
            Type::Bytes => format!("write b{written}"),
            Type::List(_) => format!("write [{written}]"),
            _ => format!("give {wanted}"),
        });
    }
    match (found, wanted) {
        _ if !is_literal(written) => None,
        (_, Type::String) => Some(format!("write '{written}' in quotes")),
        (_, Type::Boolean) => Some("write true or false".to_owned()),
        (Type::Integer, Type::Double) => Some(format!("write {written}.0")),
        (Type::Integer, Type::Unsigned) => Some(format!("write {written}u")),
        _ => Some(format!("give {wanted}")),
    }
}

/// What is computed is converted, or compared.
fn computed(written: &str, found: &Type, wanted: &Type) -> Option<String> {
    match (found, wanted) {
        (Type::Optional(inner), _) if inner.fits(wanted) => {
            Some(format!("say what holds without it: `{written}.orValue({})`", wanted.neutral()))
        }
        (Type::String, Type::Boolean) => Some(format!("compare it, for example `{written} == 'yes'`")),
        (Type::List(_), Type::Boolean) => Some(format!("write `size({written}) > 0`")),
        (Type::Integer | Type::Double | Type::Unsigned, Type::Boolean) => {
            Some(format!("compare it, for example `{written} > {}`", found.neutral()))
        }
        (found, Type::List(inner)) if found.fits(inner) => Some(format!("write `[{written}]`")),
        _ => conversion(found, wanted).map(|function| format!("write `{function}({written})`")),
    }
}

/// The function that makes one type of another.
pub(super) fn conversion(found: &Type, wanted: &Type) -> Option<&'static str> {
    match (found, wanted) {
        (
            Type::Boolean | Type::Integer | Type::Unsigned | Type::Double | Type::Timestamp | Type::Duration,
            Type::String,
        ) => Some("string"),
        (Type::String | Type::Double | Type::Unsigned | Type::Timestamp, Type::Integer) => Some("int"),
        (Type::String | Type::Integer | Type::Unsigned, Type::Double) => Some("double"),
        (Type::String, Type::Timestamp) => Some("timestamp"),
        (Type::String, Type::Duration) => Some("duration"),
        (Type::String, Type::Bytes) => Some("bytes"),
        _ => None,
    }
}

/// Whether a text, a number or a truth value is written out.
pub(super) fn is_literal(written: &str) -> bool {
    unquoted(written).is_some() || written.parse::<f64>().is_ok() || matches!(written, "true" | "false")
}

/// What stands between the quotes of a literal text.
fn unquoted(written: &str) -> Option<&str> {
    let inner = |quote| written.strip_prefix(quote)?.strip_suffix(quote);
    inner('\'').or_else(|| inner('"'))
}
