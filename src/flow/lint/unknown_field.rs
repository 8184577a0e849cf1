//! A field that the kind does not have.
//!
//! The API server drops unknown fields or refuses the object; either way the line does nothing. Mostly it is a typing
//! error.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! liftime: 20m
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
//! Correct the name, or remove the field.

use crate::diagnostic::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    code: "unknown-field",
    severity: Severity::Error,
    why: "A field that does not exist has no effect, and the API server drops it or refuses the object",
};
