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
    /// The step's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The outcome, or the refusal's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The application concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}
