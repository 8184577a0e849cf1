//! Addresses outside, which a page links or leads to.

use std::fmt::Write as _;

/// Schemes that run or show their own content instead of naming a place (checklist B-2).
const NO_PLACES: &[&str] =
    &["javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source"];

/// The URL with everything escaped that a header cannot hold; nothing when its scheme names no place.
pub(crate) fn place(target: &str) -> Option<String> {
    let (scheme, rest) = target.split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || rest.is_empty() || NO_PLACES.contains(&scheme.to_ascii_lowercase().as_str()) {
        return None;
    }
    let mut escaped = String::with_capacity(target.len());
    for byte in target.bytes() {
        match byte {
            b'!' | b'#'..=b'&' | b'('..=b';' | b'=' | b'?'..=b'[' | b']' | b'_' | b'a'..=b'z' | b'~' => {
                escaped.push(char::from(byte));
            }
            other => {
                let _ = write!(escaped, "%{other:02X}");
            }
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn every_kind_of_client_is_a_place_to_go_to() {
        for target in [
            "https://app.example/cb?code=a&state=b%20c",
            "http://127.0.0.1:8080/cb",
            "com.example.app:/cb?code=a",
        ] {
            assert_eq!(place(target).as_deref(), Some(target));
        }
    }

    #[test]
    fn b_2_what_would_run_or_show_itself_is_no_place() {
        for target in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "java\tscript:x",
            "/cb",
            "",
            ":x",
            "https:",
        ] {
            assert_eq!(place(target), None, "{target}");
        }
    }

    #[test]
    fn b_1_nothing_in_a_target_ends_the_header_or_the_attribute() {
        let escaped = place("https://app.example/cb?state=\"'<>\r\nSet-Cookie: a=b\u{e9}").unwrap();
        assert_eq!(escaped, "https://app.example/cb?state=%22%27%3C%3E%0D%0ASet-Cookie:%20a=b%C3%A9");
    }
}
