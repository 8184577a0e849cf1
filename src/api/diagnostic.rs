//! A finding about an object, in the form that `status.problems` and the tools' JSON show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::Text;

/// The most problems one status lists.
pub const MAX_PROBLEMS: usize = 20;

/// One finding: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The stable kebab-case name of the rule, for example `unknown-outcome`.
    #[schemars(with = "Text<64>")]
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it is inside the object, for example `spec.steps[identify].form.fields`.
    #[schemars(with = "Text<512>")]
    pub path: String,
    /// What is wrong and why that matters.
    #[schemars(with = "Text<1024>")]
    pub message: String,
    /// What to do about it. Absent: the message says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Text<1024>>")]
    pub fix: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Severity {
    /// The object cannot be used.
    Error,
    /// It works, but probably not as meant.
    Warning,
    /// Worth knowing.
    Info,
}

impl Problem {
    /// The same problem with every text cut to what a status may hold.
    #[must_use]
    pub fn clipped(mut self) -> Self {
        clip(&mut self.code, 64);
        clip(&mut self.path, 512);
        clip(&mut self.message, 1024);
        if let Some(fix) = &mut self.fix {
            clip(fix, 1024);
        }
        self
    }
}

/// Cuts a text to at most `max` characters, marking the cut.
pub fn clip(text: &mut String, max: usize) {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
        text.pop();
        text.push('…');
    }
    if text.is_empty() {
        text.push('-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_character_and_marked() {
        let mut text = "ä".repeat(70);
        clip(&mut text, 64);
        assert_eq!(text.chars().count(), 64);
        assert!(text.ends_with('…'));
    }

    #[test]
    fn short_texts_stay() {
        let mut text = "ä".repeat(64);
        clip(&mut text, 64);
        assert_eq!(text, "ä".repeat(64));
    }
}
