//! Whether every ready pod has something.

use std::sync::Arc;

use idflow_api::condition::{Conditions, LOADED, Progress, Truth, find};
use idflow_api::reason::Reason;
use idflow_core::time::{Span, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;

use super::pods::Heard;

/// How long a ready pod may be silent before nothing is believed of it any more. Shorter silences change nothing, so
/// a restart of the operator does not show.
pub(crate) const PATIENCE: Span = Span::seconds(30);

/// One executor pod.
#[derive(Debug, Clone, Default)]
pub(crate) struct Executor {
    pub(crate) name: String,
    pub(crate) is_ready: bool,
    pub(crate) heard: Heard,
}

impl Executor {
    pub(crate) fn of(pod: &Arc<Pod>, heard: Heard) -> Self {
        let conditions =
            pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
        let is_ready =
            conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
        Self { name: pod.name_any(), is_ready, heard }
    }

    /// Whether its last report names the digest.
    pub(crate) fn holds(&self, digest: &str) -> bool {
        let report = self.heard.report.as_ref();
        report.is_some_and(|report| report.revisions.iter().any(|held| held.digest == digest))
    }

    /// The generation of the Catalog it follows.
    pub(crate) fn catalog(&self) -> i64 {
        self.heard.report.as_ref().map_or(0, |report| report.catalog)
    }
}

/// The condition `Loaded`: whether every ready pod `has` the thing. Nothing while that cannot be told and what was
/// known before stays.
pub(crate) fn loaded(
    before: Option<&Condition>,
    generation: i64,
    executors: &[Executor],
    has: impl Fn(&Executor) -> bool,
    now: Timestamp,
) -> Option<Vec<Condition>> {
    let previous: Vec<Condition> = before.cloned().into_iter().collect();
    let ready: Vec<&Executor> = executors.iter().filter(|executor| executor.is_ready).collect();
    let (truth, reason, message) = if ready.is_empty() {
        (Truth::False, Reason::NoExecutor, "no executor pod is ready".to_owned())
    } else if let Some(silent) = ready.iter().find(|executor| executor.heard.report.is_none()) {
        let is_patient = silent.heard.silent_since.is_none_or(|since| now.since(since) < PATIENCE);
        if is_patient && before.is_some() {
            return None;
        }
        (Truth::Unknown, Reason::NotLoaded, format!("pod {} does not report what it has loaded", silent.name))
    } else if let Some(lacking) = ready.iter().find(|executor| !has(executor)) {
        (Truth::False, Reason::NotLoaded, format!("pod {} has not loaded it yet", lacking.name))
    } else {
        (Truth::True, Reason::Loaded, "every ready executor pod has loaded it".to_owned())
    };
    Some(Conditions::new(&previous, generation, now).set(LOADED, truth, reason, message).finish())
}

/// The newest Catalog that every ready pod follows. A pod that is silent for now leaves it as it was.
pub(crate) fn followed(before: Option<i64>, executors: &[Executor]) -> Option<i64> {
    let ready = || executors.iter().filter(|executor| executor.is_ready);
    if ready().any(|executor| executor.heard.report.is_none()) {
        return before;
    }
    ready().map(Executor::catalog).min()
}

/// Adds readiness to a Catalog's `Loaded`.
pub(crate) fn with_readiness(
    before: &[Condition],
    loaded: Vec<Condition>,
    generation: i64,
    now: Timestamp,
) -> Vec<Condition> {
    let Some(condition) = find(&loaded, LOADED) else { return loaded };
    let list = Conditions::new(before, generation, now);
    let list = if condition.status == "True" {
        list.progress(Progress::Ready, Reason::Loaded, condition.message.clone())
    } else {
        list.progress(Progress::Reconciling, Reason::NotLoaded, condition.message.clone())
    };
    let mut all = list.finish();
    all.splice(0..0, loaded);
    all
}
