//! What people write who come from another language, and what it is called here.

/// Functions by other names.
pub(super) const FUNCTIONS: [(&str, &str); 20] = [
    ("len", "size"),
    ("length", "size"),
    ("count", "size"),
    ("lower", "lowerAscii"),
    ("lowercase", "lowerAscii"),
    ("toLowerCase", "lowerAscii"),
    ("toLower", "lowerAscii"),
    ("upper", "upperAscii"),
    ("uppercase", "upperAscii"),
    ("toUpperCase", "upperAscii"),
    ("toUpper", "upperAscii"),
    ("startswith", "startsWith"),
    ("endswith", "endsWith"),
    ("includes", "contains"),
    ("strip", "trim"),
    ("str", "string"),
    ("toString", "string"),
    ("some", "exists"),
    ("any", "exists"),
    ("every", "all"),
];

/// Words and signs that stand where the parser stops: how what follows begins, and what to write.
const SIGNS: [(&str, &str); 10] = [
    ("and ", "write `&&` for and"),
    ("AND ", "write `&&` for and"),
    ("or ", "write `||` for or"),
    ("OR ", "write `||` for or"),
    ("is ", "write `==` for is"),
    ("eq ", "write `==` for eq"),
    ("not ", "write `!` for not"),
    ("`", "write texts in single or double quotes"),
    ("&", "write `&&` for and"),
    ("|", "write `||` for or"),
];

/// What the same function is called here.
pub(super) fn function(name: &str) -> Option<&'static str> {
    FUNCTIONS.iter().find(|(other, _)| *other == name).map(|(_, ours)| *ours)
}

/// What to write instead of what stands at this place, if it is something that other languages have.
pub(super) fn advice(source: &str, offset: usize) -> Option<&'static str> {
    let (before, rest) = source.split_at_checked(offset)?;
    if source.trim_start().starts_with("{{") {
        return Some("braces are for texts: leave them away, for example `user.email`");
    }
    if let Some(after) = rest.strip_prefix('=') {
        let is_tripled = before.ends_with("==") || after.starts_with("==") || before.ends_with("!=");
        return Some(if is_tripled { "two signs compare: `==`, `!=`" } else { "write `==` to compare" });
    }
    if rest.starts_with('>') && before.ends_with('<') {
        return Some("write `!=` for unequal");
    }
    if before.trim_end().ends_with("not") {
        return Some("write `!` for not");
    }
    if rest.starts_with(['\'', '"']) && rest.contains('\\') {
        return Some("write a backslash twice within quotes, for example `'\\\\d'`");
    }
    // The parser takes the first of both for the beginning of a choice, and stops much later.
    if source.contains("??") {
        return Some(
            "read what may be absent with `.?` and `orValue(…)`, for example `user.?name.orValue('')`",
        );
    }
    SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)).map(|(_, advice)| *advice)
}
