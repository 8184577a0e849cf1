//! Where somebody can go who cannot go on where they are: a way on here, a way back to the application that waits, and
//! what support can be told.

use idflow_core::view::Text;
use minijinja::Value;
use serde::Serialize;

use crate::pages::{Link, Visit};
use crate::place::place;
use crate::say::Say;

/// What belongs to this one case.
#[derive(Debug, Clone, Copy, Default)]
pub struct Aftermath<'a> {
    /// What whoever is signed in is called, where the page says that somebody is.
    pub account: Option<&'a str>,
    /// Under which the audit record has the reason. Absent where nothing went wrong.
    pub reference: Option<&'a str>,
    /// Where the visitor can go on: a path on this origin.
    pub onward: Option<&'a str>,
    /// The issuer, where the page is shown at another name: there the visitor goes on.
    pub issuer: Option<&'a str>,
    /// The application that sent the visitor.
    pub application: Option<Application<'a>>,
}

/// An application and the way back to it.
#[derive(Debug, Clone, Copy)]
pub struct Application<'a> {
    /// What visitors know it as.
    pub name: &'a str,
    /// An absolute URL that was matched against the client before, with its response parameters.
    pub target: &'a str,
}

/// As the templates show it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct AftermathContext {
    ways: Vec<Link>,
    support: Option<Support>,
    reference: Option<Value>,
}

#[derive(Debug, Serialize)]
struct Support {
    label: Value,
    address: String,
}

impl AftermathContext {
    /// `key` is the text on the way on.
    pub(crate) fn new(
        visit: &Visit<'_>,
        say: &Say<'_>,
        after: Aftermath<'_>,
        key: &str,
        is_error: bool,
    ) -> Self {
        let own = after.onward.filter(|href| is_own_path(href));
        let own = own.map(|path| format!("{}{path}", after.issuer.unwrap_or_default()));
        let own = own.map(|href| Link { label: say.key(key), href });
        let back = after.application.and_then(|application| {
            let text = Text::with("action-back-to", [("application", application.name.to_owned())]);
            Some(Link { label: say.html(&text), href: place(application.target)? })
        });
        let support = visit.theme.theme().support_email.as_ref().filter(|_| is_error);
        Self {
            ways: own.into_iter().chain(back).collect(),
            support: support.map(|address| Support { label: say.key("support"), address: address.clone() }),
            reference: after
                .reference
                .map(|id| say.html(&Text::with("reference", [("reference", id.to_owned())]))),
        }
    }
}

/// A path on this origin, in every browser's reading (checklist B-1).
fn is_own_path(href: &str) -> bool {
    href.starts_with('/')
        && !href.starts_with("//")
        && href.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

#[cfg(test)]
mod tests {
    use super::is_own_path;

    #[test]
    fn b_1_the_way_on_stays_on_this_origin() {
        assert!(is_own_path("/flows/sign-in?x=1"));
        for foreign in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!is_own_path(foreign), "{foreign}");
        }
    }
}
