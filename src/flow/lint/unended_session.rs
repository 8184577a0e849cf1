//! A sign-out that none of its steps says.
//!
//! Whoever completes a flow of type Logout is signed out, whatever its steps say: what they have left, the browser's
//! session with all that applications got from it, ends with the last one. On a path without `endSessions` the flow does
//! not show it: steps before the end still find the visitor signed in, and who only followed a link is asked by a page of
//! the product instead of one of the flow.
//!
//! ```yaml,invalid
//! type: Logout
//! start: hello
//! steps:
//!   - id: hello
//!     message: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Logout
//! start: signOut
//! steps:
//!   - id: signOut
//!     endSessions: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Put `endSessions` on that path, or lead it to `fail`.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::End;
use crate::graph::{Role, Step};
use crate::lint::Subject;
use crate::ways::Ways;

pub(super) const RULE: Rule = Rule {
    code: "unended-session",
    severity: Severity::Warning,
    why: "Whoever completes it is signed out all the same, as no step says, and at the last moment; where the flow asks nothing, a page of the product asks in its place",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let is_logout = matches!(&cx.graph().role, Role::Journey(flow_type) if flow_type == "Logout");
    if !is_logout || !cx.is_known() {
        return Vec::new();
    }
    let open = Ways::without(cx.resolved, cx.graph(), ends_by);
    let completes = cx.steps().filter(|(_, step)| matches!(step.facts.end, Some(End::Complete { .. })));
    let found = completes.filter_map(|(index, step)| Some((step, open.to(index)?))).map(|(step, way)| {
        let title = format!("the path {way} completes without endSessions");
        RULE.at(cx.at(&step.pointer), title, "put endSessions on this path, or lead it to fail")
    });
    found.collect()
}

/// Whether a step that is left by this outcome has signed out.
fn ends_by(step: &Step<'_>, outcome: &str) -> bool {
    step.facts.ends_session && outcome == "next"
}
