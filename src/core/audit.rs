//! Security events: structured, without secrets (checklist J-22).

use serde::{Deserialize, Serialize};

use crate::id::{JourneyId, UserId};
use crate::time::Timestamp;

/// One security event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEvent {
    /// When it happened.
    pub at: Timestamp,
    /// What happened, for example `step.finished`, `journey.ended`, `token.issued`, `refresh.reused`.
    pub name: String,
    /// In which journey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journey: Option<JourneyId>,
    /// Concerning which user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The flow's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// The revision the journey runs: the first digits of its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The step by its path, `signUp/verify/code`: the calling steps first, then its own id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The outcome, the refusal's code, or the key of the text that says what was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// How it came to the outcome, where that is not told by it: the status of an outside answer. Never a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What a visitor was shown to tell support, where somebody could not go on. Random, and opens nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The application concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}
