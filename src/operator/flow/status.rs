//! What a flow's status says of it.

use std::sync::Arc;

use idflow_api::condition::{
    ACCEPTED, Conditions, POLICY_GRACE, Progress, RESOLVED_REFS, SERVING, Truth, find,
};
use idflow_api::flow::{FlowStatus, HISTORY_LIMIT, HistoryEntry, ServingRevision, UsedBy};
use idflow_api::reason::Reason;
use idflow_api::{Catalog, Flow, FlowRevision, FlowType};
use idflow_core::time::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;

use super::grace::{Grace, Judged};
use super::judge::{Checked, Verdict};
use crate::loaded;
use crate::object::name_of;
use crate::tolerance;

/// What there is to be told about.
pub(crate) struct Seen<'a> {
    pub(crate) checked: &'a Checked,
    /// The revision of the newest generation, if there is one.
    pub(crate) revision: Option<&'a FlowRevision>,
    /// All revisions of the flow.
    pub(crate) revisions: &'a [Arc<FlowRevision>],
    pub(crate) catalog: Option<&'a Catalog>,
    /// The generation since which the Catalog offers what it offers of this flow.
    pub(crate) offered_since: i64,
    /// How many flows of the tenant are older.
    pub(crate) older: usize,
    pub(crate) used_by: Vec<UsedBy>,
}

impl Seen<'_> {
    pub(crate) fn revision(&self, name: &str) -> Option<&FlowRevision> {
        self.revisions.iter().map(AsRef::as_ref).find(|revision| revision.name_any() == name)
    }

    pub(crate) fn grace(&self, flow: &Flow) -> Option<Grace> {
        let catalog = &self.catalog?.spec;
        let entry = catalog.flows.iter().find(|entry| entry.flow == name_of(flow))?;
        let judged = Judged { tenant: &catalog.tenant, flow: Some(flow), older: self.older };
        judged.grace(entry, self.revisions)
    }

    /// Where the flow can be begun; nothing while nothing of it is served.
    fn url(&self, flow: &Flow, serving: &[ServingRevision]) -> Option<String> {
        let is_served = flow.spec.type_ != FlowType::Library && !serving.is_empty();
        let issuer = self.catalog.filter(|_| is_served).map(|catalog| &catalog.spec.tenant.issuer)?;
        Some(format!("{issuer}/flows/{}", name_of(flow)))
    }
}

/// The status that says so.
pub(crate) fn status(flow: &Flow, seen: &Seen<'_>, now: Timestamp) -> FlowStatus {
    let before = flow.status.clone().unwrap_or_default();
    let generation = flow.metadata.generation.unwrap_or_default();
    let created =
        seen.revision.map(kube::ResourceExt::name_any).or_else(|| before.latest_created_revision.clone());
    let newest_loaded = created.as_ref().filter(|name| is_loaded(seen, name)).cloned();
    let serving = seen
        .catalog
        .map_or_else(Vec::new, |catalog| crate::catalog::plan::serving(catalog, &flow.name_any()));
    let served = Served::judge(flow, seen, &before, &serving);
    let grace = seen.grace(flow);
    FlowStatus {
        observed_generation: Some(generation),
        conditions: conditions(flow, seen, &served, grace.as_ref(), &before, now),
        latest_ready_revision: newest_loaded.or_else(|| before.latest_ready_revision.clone()),
        history: history(&before.history, generation, seen.revision),
        steps: seen.checked.steps.or(before.steps),
        assurance: seen.checked.assurance.clone(),
        problems: seen.checked.problems.clone(),
        used_by: seen.used_by.clone(),
        url: seen.url(flow, &serving),
        latest_created_revision: created,
        serving,
    }
}

fn is_loaded(seen: &Seen<'_>, name: &str) -> bool {
    seen.revision(name).is_some_and(loaded::is_loaded)
}

/// Which pod does not run a revision and why, once it is known that it never will.
fn refusal(seen: &Seen<'_>, name: &str) -> Option<(Reason, String)> {
    let (reason, message) = loaded::refusal(seen.revision(name)?)?;
    Some((reason, format!("revision {name}: {message}")))
}

fn history(before: &[HistoryEntry], generation: i64, revision: Option<&FlowRevision>) -> Vec<HistoryEntry> {
    let Some(revision) = revision else { return before.to_vec() };
    let newest = HistoryEntry { generation, revision: revision.name_any() };
    let older = before.iter().filter(|entry| entry.generation != generation).cloned();
    std::iter::once(newest).chain(older).take(HISTORY_LIMIT).collect()
}

/// What new journeys run on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Served {
    /// Nothing: why.
    Nothing(Reason, String),
    /// Something, but not every ready pod has it: why.
    Partly(Reason, String),
    /// Something else than the newest revision.
    Older,
    /// The newest revision.
    Newest,
}

impl Served {
    fn judge(flow: &Flow, seen: &Seen<'_>, before: &FlowStatus, serving: &[ServingRevision]) -> Self {
        if serving.is_empty() {
            return match &seen.checked.verdict {
                Verdict::Waiting(reason @ (Reason::NotAllowed | Reason::LimitReached), _) => Self::Nothing(
                    *reason,
                    "no revision takes new journeys: the Tenant accepts none of the history".to_owned(),
                ),
                _ => Self::Nothing(Reason::NotLoaded, "no revision takes new journeys yet".to_owned()),
            };
        }
        // Once pods follow the Catalog's entry for this flow, another flow's edit changes nothing for it.
        let was_served = before.serving == serving
            && find(&before.conditions, SERVING).is_some_and(|condition| condition.status == "True");
        let is_followed =
            was_served || seen.catalog.is_some_and(|catalog| is_followed(catalog, seen.offered_since));
        if let Some((reason, message)) = serving.iter().find_map(|entry| refusal(seen, &entry.revision)) {
            return Self::Partly(reason, message);
        }
        if !is_followed || !serving.iter().all(|entry| is_loaded(seen, &entry.revision)) {
            let message = "not every ready executor pod has loaded the revision";
            return Self::Partly(Reason::NotLoaded, message.to_owned());
        }
        let newest = seen.revision.map(kube::ResourceExt::name_any);
        match serving {
            [only] if Some(&only.revision) == newest.as_ref() => Self::Newest,
            _ if flow.spec.type_ == FlowType::Library => Self::Newest,
            _ => Self::Older,
        }
    }
}

/// Whether every ready pod follows a Catalog of this generation or a newer one.
fn is_followed(catalog: &Catalog, generation: i64) -> bool {
    catalog
        .status
        .as_ref()
        .and_then(|status| status.followed_generation)
        .is_some_and(|followed| followed >= generation)
}

fn conditions(
    flow: &Flow,
    seen: &Seen<'_>,
    served: &Served,
    grace: Option<&Grace>,
    before: &FlowStatus,
    now: Timestamp,
) -> Vec<Condition> {
    let generation = flow.metadata.generation.unwrap_or_default();
    let list = Conditions::new(&before.conditions, generation, now);
    let list = match &seen.checked.verdict {
        Verdict::Accepted => list.set(ACCEPTED, Truth::True, Reason::Accepted, "the flow compiles"),
        Verdict::Unresolved(_) => {
            list.set(ACCEPTED, Truth::True, Reason::Accepted, "nothing wrong was found so far")
        }
        Verdict::Waiting(reason, message) => list.set(ACCEPTED, Truth::False, *reason, message.as_str()),
        Verdict::Refused(message) => {
            list.set(ACCEPTED, Truth::False, Reason::CompileFailed, message.as_str())
        }
    };
    let list = match &seen.checked.verdict {
        Verdict::Accepted => {
            list.set(RESOLVED_REFS, Truth::True, Reason::Resolved, "every reference was found")
        }
        Verdict::Unresolved(message) => {
            list.set(RESOLVED_REFS, Truth::False, Reason::ReferenceNotFound, message.as_str())
        }
        Verdict::Waiting(..) | Verdict::Refused(_) => {
            list.set(RESOLVED_REFS, Truth::Unknown, Reason::Progressing, "the flow was not accepted")
        }
    };
    let list = if flow.spec.type_ == FlowType::Library { list } else { set_serving(list, served) };
    let list = match grace {
        Some(grace) => list.set(POLICY_GRACE, Truth::True, Reason::PolicyGrace, grace.message()),
        None => list,
    };
    let list = tolerance::told(list, &seen.checked.tolerated);
    let (progress, reason, message) = readiness(flow, seen, served);
    list.progress(progress, reason, message).finish()
}

fn set_serving<'a>(list: Conditions<'a>, served: &Served) -> Conditions<'a> {
    match served {
        Served::Nothing(reason, message) | Served::Partly(reason, message) => {
            list.set(SERVING, Truth::False, *reason, message.as_str())
        }
        Served::Older => {
            list.set(SERVING, Truth::True, Reason::Serving, "an older revision takes new journeys")
        }
        Served::Newest => {
            list.set(SERVING, Truth::True, Reason::Serving, "the newest revision takes new journeys")
        }
    }
}

fn readiness(flow: &Flow, seen: &Seen<'_>, served: &Served) -> (Progress, Reason, String) {
    match &seen.checked.verdict {
        Verdict::Refused(message) => return (Progress::Stalled, Reason::CompileFailed, message.clone()),
        Verdict::Waiting(reason, message) => return (Progress::Reconciling, *reason, message.clone()),
        Verdict::Unresolved(message) => {
            return (Progress::Reconciling, Reason::ReferenceNotFound, message.clone());
        }
        Verdict::Accepted => {}
    }
    if flow.spec.type_ == FlowType::Library {
        return (Progress::Ready, Reason::Library, "other flows may call it".to_owned());
    }
    match served {
        Served::Newest if flow.spec.suspend => {
            (Progress::Ready, Reason::Suspended, "switched off for new journeys by spec.suspend".to_owned())
        }
        Served::Newest => {
            (Progress::Ready, Reason::Serving, "the newest revision takes new journeys".to_owned())
        }
        Served::Older | Served::Partly(..) | Served::Nothing(..) => {
            let newest = seen.revision.and_then(|newest| refusal(seen, &newest.name_any()));
            let loading = || (Reason::NotLoaded, "executor pods are loading the newest revision".to_owned());
            let (reason, message) = newest.unwrap_or_else(loading);
            (Progress::Reconciling, reason, message)
        }
    }
}
