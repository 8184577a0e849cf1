//! The page that ends a journey by sending the browser on to the application.
//!
//! Not a redirect: browsers apply `form-action 'self'` to every hop after a post, and would stop at the
//! application's address. An own page with a `Refresh` header passes, also to loopback and to custom schemes.

use std::fmt::Write as _;

use minijinja::Value;
use serde::Serialize;

use crate::notice::{Notice, NoticePage};
use crate::pages::{Base, Page, Pages, RenderError, Visit};
use crate::say::Say;

/// Schemes that run or show their own content instead of naming a place (checklist B-2).
const NO_PLACES: &[&str] =
    &["javascript", "data", "vbscript", "blob", "file", "filesystem", "about", "view-source"];

/// Where the browser goes.
#[derive(Debug, Clone, Copy)]
pub struct OnwardPage<'a> {
    /// An absolute URL that was matched against the client before, with its response parameters.
    pub target: &'a str,
    /// For the case that the target is no place to go to.
    pub reference: Option<&'a str>,
}

impl Pages {
    /// Renders the way on: status 200, `Refresh: 0`, and a link. A target that is no place is a [`Notice::BadRequest`].
    pub fn onward(&self, visit: &Visit<'_>, page: &OnwardPage<'_>) -> Result<Page, RenderError> {
        let say = Say::new(self.texts(), visit.locale, &visit.theme.theme().product_name);
        self.onward_saying(&say, visit, page)
    }

    pub(crate) fn onward_saying(
        &self,
        say: &Say<'_>,
        visit: &Visit<'_>,
        page: &OnwardPage<'_>,
    ) -> Result<Page, RenderError> {
        let Some(target) = place(page.target) else {
            let notice = NoticePage { notice: Notice::BadRequest, reference: page.reference, onward: None };
            return self.notice_saying(say, visit, &notice);
        };
        let context = OnwardContext {
            base: Base::new(self, visit, say, &say.plain_key("onward-title"), false),
            heading: say.key("onward-title"),
            lead: say.key("onward-lead"),
            label: say.key("action-continue"),
            target: target.clone(),
        };
        let mut response = self.page("onward", 200, visit, context)?;
        response.headers.push(("refresh", format!("0; url={target}").into()));
        Ok(response)
    }
}

#[derive(Debug, Serialize)]
struct OnwardContext {
    base: Base,
    heading: Value,
    lead: Value,
    label: Value,
    target: String,
}

/// The URL with everything escaped that a header cannot hold; nothing when its scheme names no place.
fn place(target: &str) -> Option<String> {
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
