//! What a Tenant's status says, from what was observed.

use std::sync::Arc;

use idflow_api::Tenant;
use idflow_api::claim;
use idflow_api::condition::{
    ACCEPTED, Conditions, EXECUTOR_AVAILABLE, HIGHLY_AVAILABLE, KEYS_PRESENT, POLICY_GRACE, Progress, Truth,
};
use idflow_api::diagnostic::{MAX_PROBLEMS, Problem};
use idflow_api::reason::Reason;
use idflow_api::tenant::TenantStatus;
use idflow_core::time::Timestamp;
use k8s_openapi::api::apps::v1::StatefulSet;

use super::keys::Verdict;
use crate::failure::{Class, Failure};
use crate::flow::grace::moment;
use crate::tolerance;

/// Whether a tenant may have its namespace and issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It may.
    Granted,
    /// It may never.
    Refused(Reason, String),
    /// It may not now; something else must change first.
    Waits(Reason, String),
}

/// What stands against a tenant's own text.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) refused: Vec<Problem>,
    pub(crate) tolerated: Vec<Problem>,
}

/// What was found and done.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) claim: Claim,
    pub(crate) judged: Judged,
    pub(crate) keys: Option<Verdict>,
    pub(crate) workload: Option<Arc<StatefulSet>>,
    /// The flows of which something goes on although the policy does not accept it, with the end of each.
    pub(crate) graces: Vec<(String, Timestamp)>,
    /// Why not everything could be set up.
    pub(crate) problem: Option<Failure>,
}

/// Decides about a claim. `denied` is what an older Tenant has, and which.
pub(crate) fn claim(
    tenant: &Tenant,
    own_namespace: &str,
    namespace_exists: bool,
    denied: Option<(claim::Claim, String)>,
) -> Claim {
    let namespace = &tenant.spec.namespace;
    if is_system(namespace) || namespace == own_namespace {
        let message =
            format!("namespace {namespace} belongs to the system or to idflow itself; choose another one");
        return Claim::Refused(Reason::NamespaceRefused, message);
    }
    if let Some((claim, holder)) = denied {
        return Claim::Waits(Reason::ClaimedByOther, format!("Tenant {holder} is older and {claim}"));
    }
    if !namespace_exists {
        return Claim::Waits(Reason::NamespaceNotFound, format!("namespace {namespace} does not exist yet"));
    }
    Claim::Granted
}

fn is_system(namespace: &str) -> bool {
    namespace.starts_with("kube-")
}

/// The status that says so.
pub(crate) fn status(tenant: &Tenant, observed: &Observed, now: Timestamp) -> TenantStatus {
    let before = tenant.status.clone().unwrap_or_default();
    let generation = tenant.metadata.generation.unwrap_or_default();
    let conditions = Conditions::new(&before.conditions, generation, now);
    let conditions = accepted(conditions, &observed.claim);
    let conditions = keys_present(conditions, observed.keys.as_ref());
    let conditions = available(conditions, observed.workload.as_deref());
    let conditions = in_grace(conditions, &observed.graces);
    let Judged { refused, tolerated } = &observed.judged;
    let conditions = tolerance::told(conditions, tolerated);
    let (progress, reason, message) = readiness(observed);
    let keys = match &observed.keys {
        // The right ones, which may be others than before: a key is changed while the earlier one stands beside it.
        Some(Verdict::Present(records)) => records.clone(),
        _ => before.keys.clone(),
    };
    TenantStatus {
        observed_generation: Some(generation),
        conditions: conditions.progress(progress, reason, message).finish(),
        problems: refused.iter().chain(tolerated).take(MAX_PROBLEMS).cloned().collect(),
        keys,
    }
}

fn accepted<'a>(conditions: Conditions<'a>, claim: &Claim) -> Conditions<'a> {
    match claim {
        Claim::Granted => {
            conditions.set(ACCEPTED, Truth::True, Reason::Accepted, "the namespace is this tenant's")
        }
        Claim::Refused(reason, message) | Claim::Waits(reason, message) => {
            conditions.set(ACCEPTED, Truth::False, *reason, message.as_str())
        }
    }
}

fn keys_present<'a>(conditions: Conditions<'a>, keys: Option<&Verdict>) -> Conditions<'a> {
    match keys {
        Some(Verdict::Present(_)) => {
            conditions.set(KEYS_PRESENT, Truth::True, Reason::Ready, "all keys are there")
        }
        Some(Verdict::Missing(message)) => {
            conditions.set(KEYS_PRESENT, Truth::False, Reason::KeysMissing, message.as_str())
        }
        Some(Verdict::NeverMade) | None => conditions.set(
            KEYS_PRESENT,
            Truth::Unknown,
            Reason::Progressing,
            "the keys were not looked at yet",
        ),
    }
}

fn available<'a>(conditions: Conditions<'a>, workload: Option<&StatefulSet>) -> Conditions<'a> {
    let (truth, reason, message) = executor(workload);
    conditions.set(EXECUTOR_AVAILABLE, truth, reason, message).set(
        HIGHLY_AVAILABLE,
        Truth::False,
        Reason::EmbeddedStore,
        "the embedded store lives on one volume and one pod",
    )
}

fn in_grace<'a>(conditions: Conditions<'a>, graces: &[(String, Timestamp)]) -> Conditions<'a> {
    let Some((first, end)) = graces.iter().min_by_key(|(_, end)| *end) else { return conditions };
    let others = match graces.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more later"),
    };
    let message = format!(
        "the policy does not accept a revision of flow {first}, which goes on until {}{others}; see its status",
        moment(*end)
    );
    conditions.set(POLICY_GRACE, Truth::True, Reason::PolicyGrace, message)
}

fn executor(workload: Option<&StatefulSet>) -> (Truth, Reason, String) {
    let Some(workload) = workload else {
        return (Truth::False, Reason::NoExecutor, "the executor was not started yet".to_owned());
    };
    let status = workload.status.clone().unwrap_or_default();
    let is_current = status.observed_generation >= workload.metadata.generation;
    let wanted = workload.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let ready = status.ready_replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    if ready == 0 {
        return (Truth::False, Reason::ExecutorStarting, "no executor pod is ready yet".to_owned());
    }
    if !is_current || updated < wanted || ready < wanted {
        let message =
            format!("{ready} of {wanted} executor pods are ready, {updated} have the newest settings");
        return (Truth::True, Reason::ExecutorStarting, message);
    }
    (Truth::True, Reason::ExecutorReady, format!("{ready} of {wanted} executor pods are ready"))
}

fn readiness(observed: &Observed) -> (Progress, Reason, String) {
    match &observed.claim {
        Claim::Refused(reason, message) => return (Progress::Stalled, *reason, message.clone()),
        Claim::Waits(reason, message) => return (Progress::Reconciling, *reason, message.clone()),
        Claim::Granted => {}
    }
    if let Some(Verdict::Missing(message)) = &observed.keys {
        return (Progress::Reconciling, Reason::KeysMissing, message.clone());
    }
    if let Some(failure) = &observed.problem {
        let progress = match failure.class {
            Class::Terminal => Progress::Stalled,
            Class::Waiting | Class::Transient(_) => Progress::Reconciling,
        };
        return (progress, failure.reason, failure.message.clone());
    }
    match executor(observed.workload.as_deref()) {
        (Truth::True, Reason::ExecutorReady, message) => (Progress::Ready, Reason::Ready, message),
        (_, reason, message) => (Progress::Reconciling, reason, message),
    }
}
