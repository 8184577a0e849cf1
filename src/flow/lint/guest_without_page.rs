//! A session for nobody that a link alone opens.
//!
//! `complete: { subject: Guest }` opens a session. Where no page comes before it, whoever is led to the flow by a link on
//! any site would have one, and lose their own with all that applications got from it. So an executor opens none.
//!
//! ```yaml,invalid
//! type: Login
//! start: done
//! steps:
//!   - id: done
//!     complete: { subject: Guest }
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Put a page before it, such as a `message` or a `form`.

use crate::assurance::session_ends;
use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::lint::Subject;
use crate::ways::Ways;

pub(super) const RULE: Rule = Rule {
    code: "guest-without-page",
    severity: Severity::Error,
    why: "A link on any site would open the session and end the visitor's own (checklist J-11)",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let ends = session_ends(cx.resolved, cx.part);
    let unasked = Ways::without(cx.resolved, cx.graph(), |step, _| step.facts.shows_page);
    let guests = cx.steps().filter(|(index, step)| {
        matches!(step.facts.end, Some(End::Complete { guest: true, .. })) && ends.contains(index)
    });
    let found = guests.filter_map(|(index, step)| Some((step, unasked.to(index)?))).map(|(step, way)| {
        let title = format!("the path {way} opens a session for a guest and shows no page");
        RULE.at(cx.at(&step.pointer), title, "put a page before it, such as a message or a form")
    });
    found.collect()
}
