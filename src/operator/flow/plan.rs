//! Whether a flow is accepted, which revision it becomes, and what its status says.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::condition::{
    ACCEPTED, Conditions, POLICY_GRACE, Progress, RESOLVED_REFS, SERVING, Truth, find,
};
use idflow_api::diagnostic::{MAX_PROBLEMS, Problem, Severity};
use idflow_api::flow::{Assurance, FlowStatus, HISTORY_LIMIT, HistoryEntry, ServingRevision, UsedBy};
use idflow_api::flow_revision::{FlowRevisionSpec, MAX_AUTHORED, Requires, Source};
use idflow_api::reason::Reason;
use idflow_api::tenant::{DEFAULT_FLOWS, TenantSpec};
use idflow_api::workload::{FLOW_TYPE_LABEL, LIFETIME_ANNOTATION, MANAGED_BY_LABEL, MANAGER};
use idflow_api::{Catalog, Flow, FlowRevision, FlowType};
use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;
use idflow_flow::diagnostic::{ObjectId, Place, Rule};
use idflow_flow::policy::{self, Breach, Offer};
use idflow_flow::{Compiled, Revision};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::core::ObjectMeta;
use kube::{Resource as _, ResourceExt as _};
use serde_json::{Value, json};

use super::grace::Grace;
use crate::loaded;

/// The finding that stands for errors of another object; correcting that one helps.
const ERRORS_ELSEWHERE: &str = "broken-callee";

/// Whether a flow can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It can.
    Accepted,
    /// Something it refers to does not exist yet.
    Unresolved(String),
    /// Something else must change first.
    Waiting(Reason, String),
    /// Only an edit of the flow can help.
    Refused(String),
}

/// What a revision is made from.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Canonical JSON.
    pub(crate) text: String,
    pub(crate) digest: Digest,
    pub(crate) sources: Vec<Source>,
    pub(crate) requires: Requires,
    /// What is proven where a session may be opened.
    pub(crate) assurance: Vec<Assurance>,
}

impl Content {
    fn new(revision: Revision, assurance: Vec<Assurance>) -> Self {
        let Revision { content, digest, sources, requires, .. } = revision;
        Self { text: content, digest, sources, requires, assurance }
    }
}

/// A checked flow.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) verdict: Verdict,
    pub(crate) content: Option<Content>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) assurance: Vec<Assurance>,
    pub(crate) steps: Option<i32>,
}

impl Checked {
    /// A flow that could not be checked.
    pub(crate) fn not(verdict: Verdict) -> Self {
        Self { verdict, content: None, problems: Vec::new(), assurance: Vec::new(), steps: None }
    }
}

/// Judges a compiled flow by its tenant's rules. `default_holder` is an older flow that is the default of the type
/// already; `older` is how many flows of the namespace are older.
pub(crate) fn judge(
    flow: &Flow,
    tenant: &TenantSpec,
    compiled: Compiled,
    default_holder: Option<String>,
    older: usize,
) -> Checked {
    let object = json!(flow);
    let mut problems: Vec<Problem> =
        compiled.findings.iter().map(|finding| finding.problem(&object)).collect();
    let own_errors = own_errors(&problems);
    let not_allowed = policy_problems(flow, tenant, &compiled, &object);
    let verdict = if own_errors > 0 {
        Verdict::Refused(summary(&problems))
    } else if let Some(holder) = default_holder {
        let message = format!("Flow {holder} is older and already the default of type {}", flow.spec.type_);
        Verdict::Waiting(Reason::ClaimedByOther, message)
    } else if older >= usize::try_from(flow_limit(tenant)).unwrap_or(usize::MAX) {
        Verdict::Waiting(Reason::LimitReached, format!("the tenant may have {} flows", flow_limit(tenant)))
    } else if let Some(first) = not_allowed.first() {
        Verdict::Waiting(Reason::NotAllowed, first.message.clone())
    } else if !compiled.missing.is_empty() {
        let names: Vec<String> = compiled.missing.iter().take(5).map(ToString::to_string).collect();
        Verdict::Unresolved(format!("waiting for {}", names.join(", ")))
    } else if compiled.has_errors() {
        Verdict::Waiting(Reason::ReferenceNotReady, summary(&problems))
    } else {
        Verdict::Accepted
    };
    problems.splice(0..0, not_allowed);
    problems.truncate(MAX_PROBLEMS);
    Checked {
        verdict,
        problems,
        assurance: compiled.assurance.into_iter().take(20).collect(),
        steps: i32::try_from(compiled.steps).ok(),
        content: compiled.revision.map(|revision| Content::new(revision, compiled.session_assurance)),
    }
}

fn own_errors(problems: &[Problem]) -> usize {
    problems.iter().filter(|one| one.severity == Severity::Error && one.code != ERRORS_ELSEWHERE).count()
}

fn summary(problems: &[Problem]) -> String {
    let mut errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let Some(first) = errors.next() else { return "the flow does not compile".to_owned() };
    let first_words = format!("{}: {}", first.path, first.message);
    match errors.count() {
        0 => first_words,
        more => format!("{first_words} ({more} more in status.problems)"),
    }
}

fn flow_limit(tenant: &TenantSpec) -> i32 {
    tenant.limits.as_ref().and_then(|limits| limits.flows).unwrap_or(DEFAULT_FLOWS)
}

const NOT_ALLOWED: Rule = Rule {
    code: "not-allowed-by-tenant",
    severity: Severity::Error,
    why: "Whoever administers the Tenant decided so",
};

/// What the Tenant does not accept, of the flow with everything that it enters.
fn policy_problems(flow: &Flow, tenant: &TenantSpec, compiled: &Compiled, object: &Value) -> Vec<Problem> {
    let offer = Offer {
        steps: Some(compiled.steps),
        node_kinds: compiled.node_kinds.keys().map(String::as_str).collect(),
        assurance: Some(&compiled.session_assurance),
    };
    let breaches = policy::breaches(tenant.policy.as_ref(), tenant.limits.as_ref(), &offer);
    let problem = |breach: &Breach| {
        let (place, title) = place_of(breach, flow, compiled);
        let help = "change the flow, or ask whoever administers the Tenant";
        NOT_ALLOWED.at(place, title, help).problem(object)
    };
    breaches.iter().map(problem).collect()
}

/// Where a breach is in the flow, and what to say there. What is hidden in another object is named.
fn place_of(breach: &Breach, flow: &Flow, compiled: &Compiled) -> (Place, String) {
    let own = ObjectId::new("Flow", flow.name_any());
    match breach {
        Breach::TooManySteps(_) => (own.at("/spec/steps"), breach.to_string()),
        Breach::TooWeak { step, .. } => {
            let index = flow.spec.steps.iter().position(|one| one.id == *step).unwrap_or_default();
            (own.at(format!("/spec/steps/{index}")), breach.to_string())
        }
        Breach::ForbiddenKind(kind) => match compiled.node_kinds.get(kind) {
            Some(found) if found.object == own => (own.at(&found.pointer), breach.to_string()),
            Some(found) => (own.at(&found.pointer), format!("{breach}, and {} has one", found.object)),
            None => (own.at("/spec/steps"), breach.to_string()),
        },
    }
}

/// The revision that has this content already. One whose content is not what its digest stands for has no digest here.
pub(crate) fn equal<'a>(existing: &'a [Arc<FlowRevision>], digest: &Digest) -> Option<&'a Arc<FlowRevision>> {
    let digest = digest.to_string();
    existing.iter().find(|revision| revision.spec.digest == digest)
}

/// What a new revision is. What the author wrote is left out where it is longer than a revision may hold.
pub(crate) fn spec(flow: &Flow, content: &Content) -> FlowRevisionSpec {
    let fits = |text: &String| text.len() <= usize::try_from(MAX_AUTHORED).unwrap_or(0);
    FlowRevisionSpec {
        flow: flow.name_any(),
        generation: flow.metadata.generation.unwrap_or(1),
        digest: content.digest.to_string(),
        content: content.text.clone(),
        sources: content.sources.clone(),
        requires: Some(content.requires.clone()),
        assurance: Some(content.assurance.clone()),
        authored: serde_json::to_string(&flow.spec).ok().filter(fits),
    }
}

/// The revision as a whole.
pub(crate) fn revision(flow: &Flow, catalog: &Catalog, name: &str, spec: FlowRevisionSpec) -> FlowRevision {
    let mut revision = FlowRevision::new(name, spec);
    revision.metadata = ObjectMeta {
        name: Some(name.to_owned()),
        namespace: flow.namespace(),
        labels: Some(BTreeMap::from([
            (MANAGED_BY_LABEL.to_owned(), MANAGER.to_owned()),
            (FLOW_TYPE_LABEL.to_owned(), flow.spec.type_.to_string()),
        ])),
        annotations: flow
            .spec
            .lifetime
            .map(|span| BTreeMap::from([(LIFETIME_ANNOTATION.to_owned(), span.to_string())])),
        owner_references: Some(
            flow.controller_owner_ref(&()).into_iter().chain(catalog.owner_ref(&())).collect(),
        ),
        ..ObjectMeta::default()
    };
    revision
}

/// `<flow>-g<generation>-<first digits of the digest>`, with as many digits as it takes to be new.
pub(crate) fn new_name(spec: &FlowRevisionSpec, is_taken: impl Fn(&str) -> bool) -> String {
    let FlowRevisionSpec { flow, generation, digest, .. } = spec;
    let name = |digits: usize| format!("{flow}-g{generation}-{}", digest.get(..digits).unwrap_or(digest));
    [8, 12, 16, 32].into_iter().map(name).find(|name| !is_taken(name)).unwrap_or_else(|| name(64))
}

/// Whether a revision has the owners it should have: its Flow and the Catalog.
pub(crate) fn has_owners(known: &FlowRevision, flow: &Flow, catalog: &Catalog) -> bool {
    let has =
        |uid: Option<String>| known.owner_references().iter().any(|owner| Some(&owner.uid) == uid.as_ref());
    has(flow.uid()) && has(catalog.uid())
}

/// What there is to be told about.
pub(crate) struct Seen<'a> {
    pub(crate) checked: &'a Checked,
    /// The revision of the newest generation, if there is one.
    pub(crate) revision: Option<&'a FlowRevision>,
    /// All revisions of the flow.
    pub(crate) revisions: &'a [Arc<FlowRevision>],
    pub(crate) catalog: Option<Arc<Catalog>>,
    /// The generation since which the Catalog offers what it offers of this flow.
    pub(crate) offered_since: i64,
    /// The flow's tenant; nothing while there is none.
    pub(crate) tenant: Option<&'a TenantSpec>,
    pub(crate) used_by: Vec<UsedBy>,
}

impl Seen<'_> {
    fn revision(&self, name: &str) -> Option<&FlowRevision> {
        self.revisions.iter().map(AsRef::as_ref).find(|revision| revision.name_any() == name)
    }

    /// The grace of what is served now. Without a tenant there is nobody to judge.
    fn grace(&self, flow: &Flow, serving: &[ServingRevision], now: Timestamp) -> Option<Grace> {
        let served = serving.iter().filter_map(|entry| self.revision(&entry.revision));
        Grace::of(self.tenant?.policy.as_ref(), flow, served, now)
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
        .as_deref()
        .map_or_else(Vec::new, |catalog| crate::catalog::plan::serving(catalog, &flow.name_any()));
    let served = Served::judge(flow, seen, &before, &serving);
    let grace = seen.grace(flow, &serving, now);
    let is_library = flow.spec.type_ == FlowType::Library;
    FlowStatus {
        observed_generation: Some(generation),
        conditions: conditions(flow, seen, &served, grace.as_ref(), &before, now),
        latest_ready_revision: newest_loaded.or_else(|| before.latest_ready_revision.clone()),
        history: history(&before.history, generation, seen.revision),
        steps: seen.checked.steps.or(before.steps),
        assurance: seen.checked.assurance.clone(),
        problems: seen.checked.problems.clone(),
        used_by: seen.used_by.clone(),
        url: seen
            .tenant
            .filter(|_| !is_library && !serving.is_empty())
            .map(|tenant| format!("{}/flows/{}", tenant.issuer, flow.name_any())),
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
                Verdict::Waiting(Reason::NotAllowed, _) => Self::Nothing(
                    Reason::NotAllowed,
                    "no revision takes new journeys: the Tenant's policy accepts none of the history"
                        .to_owned(),
                ),
                _ => Self::Nothing(Reason::NotLoaded, "no revision takes new journeys yet".to_owned()),
            };
        }
        // Once pods follow the Catalog's entry for this flow, another flow's edit changes nothing for it.
        let was_served = before.serving == serving
            && find(&before.conditions, SERVING).is_some_and(|condition| condition.status == "True");
        let is_followed = was_served
            || seen.catalog.as_deref().is_some_and(|catalog| is_followed(catalog, seen.offered_since));
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
    // The beginning of the grace outlives a moment in which there is no Tenant.
    let known = find(&before.conditions, POLICY_GRACE).filter(|_| seen.tenant.is_none());
    let message = grace.map(Grace::message).or_else(|| known.map(|condition| condition.message.clone()));
    let list = match message {
        Some(message) => list.set(POLICY_GRACE, Truth::True, Reason::PolicyGrace, message),
        None => list,
    };
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
