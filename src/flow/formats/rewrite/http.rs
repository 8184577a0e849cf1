//! `http: { answer }`: what the step expects, which the first version did not say.

use crate::formats::{Edit, Words, members};

pub(super) const fn edits(_: &Words<'_>) -> Vec<Edit> {
    Vec::new()
}

pub(super) fn is_new(step: &Words<'_>) -> bool {
    step.kind == "http" && members(step.settings)("answer")
}
