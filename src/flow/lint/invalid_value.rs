//! A value of the wrong type, outside its bounds or not among the choices.
//!
//! The API server refuses the object.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! lifetime: 20
//! steps:
//!   - id: password
//!     password: { identify: true }
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
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Write a value that the field takes.

use crate::diagnostic::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    code: "invalid-value",
    severity: Severity::Error,
    why: "The API server refuses an object with it",
};

/// The same where nothing stands behind the field's name.
pub(crate) const NOTHING: Rule =
    Rule { severity: Severity::Warning, why: "The API server takes it as if the field were not there", ..RULE };
