//! Whose page it is.

use minijinja::Value;
use serde::Serialize;

use crate::markup;
use crate::say::Say;

/// Who is signing in, or is signed in, as the templates show it.
#[derive(Debug, Serialize)]
pub(crate) struct Identity {
    label: Value,
    name: String,
    /// Whether a password manager must find the name beside the password.
    posted: bool,
}

impl Identity {
    pub(crate) fn new(say: &Say<'_>, name: &str, posted: bool) -> Self {
        Self { label: say.key("identity-label"), name: markup::single_line(name), posted }
    }
}
