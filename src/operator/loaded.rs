//! What the executors say of a revision, as its condition `Loaded` keeps it.

use idflow_api::FlowRevision;
use idflow_api::condition::{LOADED, find};
use idflow_api::reason::Reason;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// The condition itself.
pub(crate) fn condition(revision: &FlowRevision) -> Option<&Condition> {
    find(&revision.status.as_ref()?.conditions, LOADED)
}

/// Whether every ready pod holds it.
pub(crate) fn is_loaded(revision: &FlowRevision) -> bool {
    condition(revision).is_some_and(|condition| condition.status == "True")
}

/// Which pod will not run it and why, however long one waits.
pub(crate) fn refusal(revision: &FlowRevision) -> Option<(Reason, &str)> {
    let condition = condition(revision)?;
    let refusals = [Reason::Unusable, Reason::Forbidden];
    let refused = refusals.into_iter().find(|reason| condition.reason == reason.as_str());
    Some((refused?, &condition.message))
}
