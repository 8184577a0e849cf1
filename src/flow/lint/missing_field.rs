//! A field that must be there and is not.
//!
//! The API server refuses the object.
//!
//! ```yaml,invalid
//! type: Login
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
//! Add the field.

use crate::diagnostic::{Rule, Severity};

pub(crate) const RULE: Rule = Rule {
    code: "missing-field",
    severity: Severity::Error,
    why: "The API server refuses an object without it",
};
