//! A value in a text that nobody fills in.
//!
//! Values stand between two braces on each side: `{{ user.name }}`. Between single ones, or behind a dollar sign, people
//! read the name of the value itself.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! texts:
//!   hello: { en: "Hello { user.email }" }
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: hello }
//!   - id: hello
//!     message: { title: hello }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! texts:
//!   hello: { en: "Hello ${user.email}" }
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: hello }
//!   - id: hello
//!     message: { title: hello }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: password
//! texts:
//!   hello: { en: "Hello {{ user.email }}" }
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: hello }
//!   - id: hello
//!     message: { title: hello }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Write two braces.

use idflow_sandbox::ROOTS;

use crate::diagnostic::{Finding, Rule, Severity, token};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "unrendered-value",
    severity: Severity::Warning,
    why: "People read the name of the value instead of the value",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let texts = cx.part.flow.into_iter().flat_map(|flow| &flow.spec.texts);
    let by_locale = texts.flat_map(|(key, texts)| texts.iter().map(move |(locale, text)| (key, locale, text)));
    let found = by_locale.filter_map(|(key, locale, text)| {
        let (written, value) = unrendered(text)?;
        let place = cx.at(format!("/spec/texts/{}/{}", token(key), token(locale))).narrowed(written);
        Some(RULE.at(place, format!("`{written}` is shown as it stands"), format!("write {{{{ {value} }}}}")))
    });
    found.collect()
}

/// The first value between single braces: as it is written, and what is meant.
fn unrendered(text: &str) -> Option<(&str, &str)> {
    let mut from = 0;
    while let Some(start) = text.get(from..)?.find('{').map(|at| from + at) {
        let inside = text.get(start + 1..)?;
        if let Some(rest) = inside.strip_prefix('{') {
            from = start + 2 + rest.find("}}").map_or(rest.len(), |end| end + 2);
            continue;
        }
        let end = start + 1 + inside.find('}')?;
        let value = text.get(start + 1..end)?.trim();
        if is_value(value) {
            let start = if text.get(..start)?.ends_with('$') { start - 1 } else { start };
            return Some((text.get(start..=end)?, value));
        }
        from = start + 1;
    }
    None
}

/// Whether it is a path from one of the roots of expressions.
fn is_value(text: &str) -> bool {
    let (root, rest) = text.split_once('.').unwrap_or((text, ""));
    let is_path = |letter: char| letter.is_ascii_alphanumeric() || "._?".contains(letter);
    ROOTS.contains(&root) && !rest.is_empty() && rest.chars().all(is_path)
}
