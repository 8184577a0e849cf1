//! Writing status: once per look, only when it says something new, and with an event when readiness changed.

use std::fmt;

use idflow_api::condition::{POLICY_GRACE, READY, STALLED, TOLERATED, find};
use idflow_api::diagnostic::clip;
use idflow_api::reason::Reason;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Event, EventType};
use kube::{Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::failure::Failure;
use crate::route::Controller;

/// A change of readiness, worth an event.
#[derive(Debug, PartialEq)]
pub(crate) struct Transition {
    /// Whether somebody should have a look: readiness was lost, or only an edit can help. Waiting is normal.
    is_warning: bool,
    reason: String,
    message: String,
    /// What it is about besides. Events of equal reason about the same are counted, and only the first is shown.
    related: Option<ObjectReference>,
}

impl Transition {
    /// The change from one list of conditions to another, if readiness or its reason is different.
    pub(crate) fn between(before: &[Condition], after: &[Condition]) -> Option<Self> {
        let now = find(after, READY)?;
        let old = find(before, READY);
        let same = old.is_some_and(|old| old.status == now.status && old.reason == now.reason);
        let is_lost = old.is_some_and(|old| old.status == "True") && now.status != "True";
        let is_warning = is_lost || find(after, STALLED).is_some();
        let (reason, message) = (now.reason.clone(), now.message.clone());
        (!same).then_some(Self { is_warning, reason, message, related: None })
    }

    /// Something worth telling that is no change of readiness.
    pub(crate) fn news(reason: Reason, message: String) -> Self {
        Self { is_warning: false, reason: reason.as_str().to_owned(), message, related: None }
    }

    /// Something that somebody should look at and that is no change of readiness.
    pub(crate) fn alarm(reason: Reason, message: String) -> Self {
        Self { is_warning: true, ..Self::news(reason, message) }
    }

    /// A policy's grace that begins, which is no change of readiness.
    pub(crate) fn grace(before: &[Condition], after: &[Condition]) -> Option<Self> {
        Self::alarm_of(POLICY_GRACE, after, find(before, POLICY_GRACE).is_none())
    }

    /// A rule that begins to be broken by what goes on all the same, or another than was told before.
    pub(crate) fn tolerated(before: &[Condition], after: &[Condition]) -> Option<Self> {
        Self::alarm_of(TOLERATED, after, is_other(TOLERATED, before, after))
    }

    /// The same of a revision, and one of another than was told before.
    pub(crate) fn grace_of(
        revision: Option<ObjectReference>,
        before: &[Condition],
        after: &[Condition],
    ) -> Option<Self> {
        let told = Self::alarm_of(POLICY_GRACE, after, is_other(POLICY_GRACE, before, after))?;
        Some(Self { related: revision, ..told })
    }

    fn alarm_of(type_: &str, after: &[Condition], is_news: bool) -> Option<Self> {
        let told = find(after, type_).filter(|_| is_news)?;
        let (reason, message) = (told.reason.clone(), told.message.clone());
        Some(Self { is_warning: true, reason, message, related: None })
    }

    /// The event, its note cut to what an event may hold.
    pub(crate) fn event(&self, controller: Controller) -> Event {
        let mut note = self.message.clone();
        clip(&mut note, 250);
        Event {
            type_: if self.is_warning { EventType::Warning } else { EventType::Normal },
            reason: self.reason.clone(),
            note: Some(note),
            action: controller.name().to_owned(),
            secondary: self.related.clone(),
        }
    }
}

/// Whether a condition says something else than before.
fn is_other(type_: &str, before: &[Condition], after: &[Condition]) -> bool {
    let message = |list| find(list, type_).map(|condition| &condition.message);
    message(before) != message(after)
}

/// Applies a status and returns the object as the server now has it. An object that has gone is no failure.
pub(crate) async fn write<K, S>(
    api: &Api<K>,
    controller: Controller,
    object: &K,
    status: &S,
) -> Result<Option<K>, Failure>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + fmt::Debug,
    S: Serialize,
{
    let patch = json!({
        "apiVersion": K::api_version(&()),
        "kind": K::kind(&()),
        // The uid makes the server refuse a status for an object that was replaced meanwhile.
        "metadata": { "name": object.name_any(), "uid": object.uid() },
        "status": status,
    });
    let parameters = PatchParams::apply(controller.manager()).force();
    match api.patch_status(&object.name_any(), &parameters, &Patch::Apply(&patch)).await {
        Ok(written) => Ok(Some(written)),
        Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::NOW;
    use idflow_api::condition::{Conditions, Progress};

    fn conditions(progress: Progress, reason: Reason) -> Vec<Condition> {
        Conditions::new(&[], 1, NOW).progress(progress, reason, "m").finish()
    }

    #[test]
    fn an_event_tells_of_a_transition_once_and_warns_only_when_somebody_should_look() {
        let new = Vec::new();
        let waiting = conditions(Progress::Reconciling, Reason::NotLoaded);
        let ready = conditions(Progress::Ready, Reason::Serving);
        let stalled = conditions(Progress::Stalled, Reason::CompileFailed);
        let keyless = conditions(Progress::Reconciling, Reason::KeysMissing);
        for (what, before, after, expected) in [
            ("new and waiting", &new, &waiting, Some(EventType::Normal)),
            ("waiting as before", &waiting, &waiting, None),
            ("ready", &waiting, &ready, Some(EventType::Normal)),
            ("stalled", &waiting, &stalled, Some(EventType::Warning)),
            ("readiness lost", &ready, &keyless, Some(EventType::Warning)),
        ] {
            let event = Transition::between(before, after).map(|one| one.event(Controller::Flow).type_);
            assert_eq!(event, expected, "{what}");
        }
    }
}
