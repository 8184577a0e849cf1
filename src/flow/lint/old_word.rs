//! A word that is called otherwise now.
//!
//! A flow in old words goes on as it was: it is read as if it were written in today's, and revisions of before run
//! on. `idflow lint --fix` rewrites a manifest and leaves comments, and everything that it does not touch, as they are.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { connection: mail }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Run `idflow lint --fix`, or write today's word.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "old-word",
    severity: Severity::Warning,
    why: "Documentation and editors know today's word; the old one is read for as long as flows are written in it",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let of_object = cx.graph().edits.iter().map(|edit| RULE.at(cx.at_key(edit.at.clone()), &*edit.says, HELP));
    let of_steps = cx.steps().flat_map(|(_, step)| {
        let place = |at: &str| cx.at_key(format!("{}{at}", step.pointer));
        step.edits.iter().map(move |edit| RULE.at(place(&edit.at), &*edit.says, HELP))
    });
    of_object.chain(of_steps).collect()
}

const HELP: &str = "`idflow lint --fix` rewrites it";
