//! Whether every ready pod has something.

use std::sync::Arc;

use idflow_api::condition::{Conditions, LOADED, Progress, Truth, find};
use idflow_api::reason::Reason;
use idflow_core::time::{Span, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;

use super::pods::{Heard, Refusal, Refused};

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
    fn holds(&self, digest: &str) -> bool {
        let report = self.heard.report.as_ref();
        report.is_some_and(|report| report.revisions.iter().any(|held| held.digest == digest))
    }

    /// Why it will not run the digest, however long one waits.
    fn refuses(&self, digest: &str) -> Option<&Refused> {
        self.heard.report.as_ref()?.refused.iter().find(|refused| refused.digest == digest)
    }

    /// What is the matter with the digest there.
    pub(crate) fn lacks(&self, digest: &str) -> Option<(Reason, String)> {
        if let Some(refused) = self.refuses(digest) {
            let reason = match refused.state {
                Refusal::Unusable => Reason::Unusable,
                Refusal::Forbidden => Reason::Forbidden,
            };
            return Some((reason, format!("pod {} does not run it: {}", self.name, refused.reason)));
        }
        (!self.holds(digest)).then(|| not_yet(self))
    }

    /// What is the matter with a Catalog of this generation there.
    pub(crate) fn is_behind(&self, generation: i64) -> Option<(Reason, String)> {
        (self.catalog() < generation).then(|| not_yet(self))
    }

    /// The generation of the Catalog it follows.
    fn catalog(&self) -> i64 {
        self.heard.report.as_ref().map_or(0, |report| report.catalog)
    }
}

fn not_yet(executor: &Executor) -> (Reason, String) {
    (Reason::NotLoaded, format!("pod {} has not loaded it yet", executor.name))
}

/// The condition `Loaded`: whether no ready pod `lacks` the thing. Nothing while that cannot be told and what was
/// known before stays. Who never will have it is named before those who only do not have it yet.
pub(crate) fn loaded(
    before: Option<&Condition>,
    generation: i64,
    executors: &[Executor],
    lacks: impl Fn(&Executor) -> Option<(Reason, String)>,
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
    } else if let Some((reason, message)) = ready
        .iter()
        .filter_map(|executor| lacks(executor))
        .min_by_key(|(reason, _)| *reason == Reason::NotLoaded)
    {
        (Truth::False, reason, message)
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
