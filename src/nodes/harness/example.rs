//! A step to try everything on.

use idflow_core::Value;

/// Settings with what happens when everything is right.
///
/// In `posts`, `$email`, `$password` and `$code` stand for the person's own address and password, and for the code
/// that was last mailed in the person's journey.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    /// The settings.
    pub(crate) settings: Value,
    /// Whether the person was identified by a factor before.
    pub(crate) identified: bool,
    /// Whether the step passes only on what this user has proven before.
    pub(crate) rests_on_evidence: bool,
    /// The right post; nothing when the step never waits.
    pub(crate) posts: Option<Value>,
    /// The field of it that takes any text.
    pub(crate) free_text: Option<&'static str>,
    /// The button of that post.
    pub(crate) action: &'static str,
    /// The outcome that follows, or how the journey ends.
    pub(crate) leaves_by: &'static str,
}

impl Example {
    /// A step that asks nobody and goes on by `next`.
    pub(crate) fn of(settings: Value) -> Self {
        Self {
            settings,
            identified: false,
            rests_on_evidence: false,
            posts: None,
            free_text: None,
            action: "next",
            leaves_by: "next",
        }
    }

    /// The same after somebody was identified by a factor.
    pub(crate) fn for_user(self) -> Self {
        Self { identified: true, ..self }
    }

    /// The same, passing only on what this user has proven before.
    pub(crate) fn resting_on_evidence(self) -> Self {
        Self { rests_on_evidence: true, ..self.for_user() }
    }

    /// The same, waiting for this post.
    pub(crate) fn posts(self, fields: Value) -> Self {
        Self { posts: Some(fields), ..self }
    }

    /// The same, with a field that takes any text.
    pub(crate) fn taking_any(self, field: &'static str) -> Self {
        Self { free_text: Some(field), ..self }
    }

    /// The same, waiting for this button.
    pub(crate) fn pressing(self, action: &'static str) -> Self {
        Self { action, ..self.posts(Value::Object(idflow_core::Data::new())) }
    }

    /// The same, going on by another outcome.
    pub(crate) fn leaving_by(self, outcome: &'static str) -> Self {
        Self { leaves_by: outcome, ..self }
    }
}
