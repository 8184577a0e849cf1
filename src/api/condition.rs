//! Conditions as kstatus reads them.
//!
//! `Ready` is always there. `Reconciling` and `Stalled` are abnormal-true: present only while true, never both.
//! `Stalled` means that nothing which arrives later could help; a missing reference is waiting. A condition's
//! `lastTransitionTime` moves only when its status does.

use idflow_core::time::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::{Schema, SchemaGenerator, json_schema};

use crate::diagnostic::clip;
use crate::reason::Reason;

/// The object does what it asks for.
pub const READY: &str = "Ready";
/// The object is valid.
pub const ACCEPTED: &str = "Accepted";
/// Everything the object refers to exists and may be used.
pub const RESOLVED_REFS: &str = "ResolvedRefs";
/// Every ready executor pod reports the revisions that have weight.
pub const SERVING: &str = "Serving";
/// The revision is loaded by every ready executor pod.
pub const LOADED: &str = "Loaded";
/// The revision receives new journeys.
pub const ACTIVE: &str = "Active";
/// The tenant's executor is running.
pub const EXECUTOR_AVAILABLE: &str = "ExecutorAvailable";
/// The tenant's keys are those its status names.
pub const KEYS_PRESENT: &str = "KeysPresent";
/// The tenant survives the loss of one pod or volume.
pub const HIGHLY_AVAILABLE: &str = "HighlyAvailable";
/// The Tenant's policy does not accept something that journeys run on, and its grace lasts. The message says its end.
pub const POLICY_GRACE: &str = "PolicyGrace";
/// A request of the application was refused for what its registration says; nothing where none was of late.
pub const REFUSED: &str = "Refused";
/// The object breaks a rule that is younger than it: it goes on, and its next edit is refused.
pub const TOLERATED: &str = "Tolerated";
/// Work is under way.
pub const RECONCILING: &str = "Reconciling";
/// Only an edit of this object can help.
pub const STALLED: &str = "Stalled";

const MAX_MESSAGE: usize = 1024;

/// What a condition says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told.
    Unknown,
}

impl Truth {
    /// The word in `status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// How far the object is as a whole; decides `Ready`, `Reconciling` and `Stalled` together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Done.
    Ready,
    /// Under way, or waiting for something that may still arrive.
    Reconciling,
    /// Nothing that arrives later could help.
    Stalled,
}

/// Builds the conditions of one object from those it had.
#[derive(Debug)]
pub struct Conditions<'a> {
    previous: &'a [Condition],
    generation: i64,
    now: Timestamp,
    list: Vec<Condition>,
}

impl<'a> Conditions<'a> {
    /// Starts an empty list for the object's `generation`, keeping transition times of `previous`.
    pub const fn new(previous: &'a [Condition], generation: i64, now: Timestamp) -> Self {
        Self { previous, generation, now, list: Vec::new() }
    }

    /// Sets one condition; the last call for a type counts.
    #[must_use]
    pub fn set(mut self, type_: &str, truth: Truth, reason: Reason, message: impl Into<String>) -> Self {
        let mut message = message.into();
        clip(&mut message, MAX_MESSAGE);
        let status = truth.as_str().to_owned();
        let same = self.previous.iter().find(|old| old.type_ == type_ && old.status == status);
        let last_transition_time =
            same.map_or_else(|| time(self.now), |old| old.last_transition_time.clone());
        self.list.retain(|condition| condition.type_ != type_);
        self.list.push(Condition {
            type_: type_.to_owned(),
            status,
            reason: reason.as_str().to_owned(),
            message,
            observed_generation: Some(self.generation),
            last_transition_time,
        });
        self
    }

    /// Sets `Ready` and, where they apply, `Reconciling` or `Stalled`.
    #[must_use]
    pub fn progress(self, progress: Progress, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        let ready = self.set(READY, Truth::from(progress == Progress::Ready), reason, message.clone());
        match progress {
            Progress::Ready => ready,
            Progress::Reconciling => ready.set(RECONCILING, Truth::True, reason, message),
            Progress::Stalled => ready.set(STALLED, Truth::True, reason, message),
        }
    }

    /// The finished list, sorted by type, so that equal content is equal bytes.
    pub fn finish(mut self) -> Vec<Condition> {
        self.list.sort_by(|a, b| a.type_.cmp(&b.type_));
        self.list
    }
}

/// The condition of that type, if the list has it.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether the condition is there, true, and about `generation`.
pub fn is_true(conditions: &[Condition], type_: &str, generation: Option<i64>) -> bool {
    find(conditions, type_)
        .is_some_and(|found| found.status == "True" && found.observed_generation == generation)
}

/// A moment in the API's form, to the second, as every Kubernetes clock writes it.
pub fn time(moment: Timestamp) -> Time {
    Time(jiff::Timestamp::from_second(moment.seconds()).unwrap_or_default())
}

/// The moment an API time means.
pub fn timestamp(time: &Time) -> Timestamp {
    Timestamp(time.0.as_millisecond())
}

/// The schema of a list of conditions, with the bounds the Kubernetes types carry.
pub fn schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "description": "One observed fact about the object.",
            "required": ["type", "status", "lastTransitionTime", "reason", "message"],
            "properties": {
                "type": {
                    "type": "string", "minLength": 1, "maxLength": 316,
                    "description": "What is observed, for example Ready."
                },
                "status": {
                    "type": "string", "enum": ["True", "False", "Unknown"],
                    "description": "Whether it holds."
                },
                "observedGeneration": {
                    "type": "integer", "format": "int64", "minimum": 0,
                    "description": "The metadata.generation that was looked at."
                },
                "lastTransitionTime": {
                    "type": "string", "format": "date-time", "maxLength": 40,
                    "description": "When the status last changed."
                },
                "reason": {
                    "type": "string", "minLength": 1, "maxLength": 128,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                    "description": "Why, as one word for programs."
                },
                "message": {
                    "type": "string", "maxLength": 32768,
                    "description": "Why, as a sentence for people."
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Timestamp = Timestamp(90_000);

    fn ready(previous: &[Condition], truth: Truth, generation: i64, now: Timestamp) -> Condition {
        let list = Conditions::new(previous, generation, now).set(READY, truth, Reason::Ready, "m").finish();
        list[0].clone()
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let first = ready(&[], Truth::True, 1, Timestamp(1000));
        let same = ready(std::slice::from_ref(&first), Truth::True, 2, LATER);
        assert_eq!(same.last_transition_time, first.last_transition_time);
        assert_eq!(same.observed_generation, Some(2));
        let other = ready(std::slice::from_ref(&first), Truth::False, 2, LATER);
        assert_eq!(other.last_transition_time, time(LATER));
    }

    #[test]
    fn reconciling_and_stalled_are_present_only_while_true_and_never_both() {
        for (progress, present) in [
            (Progress::Ready, vec![READY]),
            (Progress::Reconciling, vec![READY, RECONCILING]),
            (Progress::Stalled, vec![READY, STALLED]),
        ] {
            let list = Conditions::new(&[], 1, LATER).progress(progress, Reason::Ready, "m").finish();
            let types: Vec<&str> = list.iter().map(|condition| condition.type_.as_str()).collect();
            assert_eq!(types, present);
            assert_eq!(is_true(&list, READY, Some(1)), progress == Progress::Ready);
        }
    }

    #[test]
    fn an_older_generation_does_not_count() {
        let list = Conditions::new(&[], 1, LATER).progress(Progress::Ready, Reason::Ready, "m").finish();
        assert!(!is_true(&list, READY, Some(2)));
    }
}
