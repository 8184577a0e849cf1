//! Which names an author may choose.
//!
//! Expressions read steps, fields and variables by name, and `kubectl` reads YAML 1.1: a name must mean the same
//! to both. CEL reads a dash as minus, and YAML 1.1 reads `on` as a boolean.

/// The pattern of step ids and of field, action, variable, attribute and output names.
pub const LOWER_CAMEL_CASE: &str = "^[a-z][A-Za-z0-9]*$";

/// What the schema answers when a name is reserved.
pub const RESERVED_MESSAGE: &str = "this name means something else to YAML 1.1 or to CEL (for example on, yes, no, \
     true, null, in, for, return): choose another one";

/// What the schema answers when a key is reserved. An unquoted `on` arrives as `true`.
pub const RESERVED_KEY_MESSAGE: &str = "a key is a word that YAML 1.1 reads as a boolean or as nothing (for example on, yes, no, null): choose another one";

/// The most characters of a lowerCamelCase name and of a DNS label.
pub const MAX_LENGTH: usize = 63;

/// The most characters of a Flow's name: its revisions append generation and digest.
pub const MAX_FLOW_NAME: usize = 48;

/// Words that YAML 1.1 does not read as text, in lower case. They are refused in any case.
pub const YAML_WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"];

/// Words that CEL does not accept as an identifier.
pub const CEL_WORDS: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "package",
    "return",
    "var",
    "void",
    "while",
];

/// Whether YAML 1.1 or CEL reads the word as something other than a name.
pub fn is_reserved(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    YAML_WORDS.contains(&lower.as_str()) || CEL_WORDS.contains(&word)
}

/// Whether the text is a lowerCamelCase name of at most 63 characters that nothing reserves.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_alphanumeric())
        && text.len() <= MAX_LENGTH
        && !is_reserved(text)
}

/// Whether the text is a DNS label (RFC 1123) of at most 63 characters.
pub fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty()
        && text.len() <= MAX_LENGTH
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The CEL rule that `subject` (an expression for a string) is not reserved.
pub fn not_reserved(subject: &str) -> String {
    let words = |words: &[&str]| words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(",");
    format!(
        "!({subject}.lowerAscii() in [{}]) && !({subject} in [{}])",
        words(&YAML_WORDS),
        words(&CEL_WORDS)
    )
}

/// The CEL rule that no key of the map `self` is one that YAML 1.1 makes of a boolean or of nothing.
///
/// It looks the few words up instead of walking the keys: the API server prices keys as if they were unbounded.
pub fn no_reserved_key() -> String {
    let words: Vec<String> = YAML_WORDS.iter().map(|word| format!("'{word}'")).collect();
    format!("![{}].exists(word, word in self)", words.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_camel_case() {
        for good in ["a", "next", "secondFactor", "step2", "iN"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "Next", "second-factor", "second_factor", "2nd", "ü", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn yaml_words_are_refused_in_any_case_and_cel_words_as_written() {
        for word in
            ["on", "oFF", "yes", "nO", "y", "tRUE", "null", "in", "for", "return", "void", "namespace"]
        {
            assert!(!is_name(word), "{word}");
        }
    }

    #[test]
    fn dns_labels() {
        assert!(is_dns_label("sign-in") && is_dns_label("2fa"));
        for bad in ["", "-a", "a-", "A", "a.b", &"a".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad}");
        }
    }
}
