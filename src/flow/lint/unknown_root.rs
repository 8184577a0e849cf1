//! An expression that reads a name that does not exist.
//!
//! Expressions read `form`, `steps`, `vars`, `user`, `session`, `client` (`id`, `name`), `flow` (`name`, `type`, `locale`,
//! `error`, `query`), `request` (`address`, `locale`) and, in library flows and nodes, `input`. There is nothing else.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { mail: "usr.email" } }
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
//!     outcomes: { next: note }
//!   - id: note
//!     set: { values: { mail: "user.email" } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Begin with one of the names that exist.

use idflow_sandbox::{ROOTS, Reference};

use crate::diagnostic::{Finding, Rule, Severity, nearest};
use crate::facts::Use;
use crate::lint::Subject;
use crate::roots::fields;

pub(super) const RULE: Rule = Rule {
    code: "unknown-root",
    severity: Severity::Error,
    why: "The expression fails whenever it is evaluated",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let unknown = cx.uses().flat_map(|used| {
        let reads = used.reads.iter().filter(|read| !ROOTS.contains(&read.root()));
        reads.map(move |read| (used, read.root()))
    });
    let unknown = unknown
        .map(|(used, root)| {
            let help = match nearest(root, ROOTS) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("expressions read {}", ROOTS.join(", ")),
            };
            RULE.at(cx.at(&used.pointer).narrowed(root), format!("there is no {root} to read from"), help)
        });
    let strange = cx.uses().flat_map(|used| used.reads.iter().filter_map(|read| unknown_field(cx, used, read)));
    unknown.chain(strange).collect()
}

/// A field of a root that always has the same ones.
fn unknown_field(cx: &Subject<'_, '_>, used: &Use, read: &Reference) -> Option<Finding> {
    let (root, name) = (read.root(), read.path.get(1)?);
    let names = || fields(root).into_iter().flatten().map(|field| field.name);
    if names().next().is_none() || names().any(|known| known == name) {
        return None;
    }
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean {root}.{near}?"),
        None => format!("{root} has {}", names().collect::<Vec<_>>().join(", ")),
    };
    let place = cx.at(&used.pointer).narrowed(format!("{root}.{name}"));
    Some(RULE.at(place, format!("{root} has no {name}"), help))
}
