//! Whether a flow is accepted, which revision it becomes, and what its status says.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::condition::{ACCEPTED, Conditions, LOADED, Progress, RESOLVED_REFS, SERVING, Truth, find};
use idflow_api::diagnostic::{MAX_PROBLEMS, Problem, Severity};
use idflow_api::flow::{
    Assurance, FlowStatus, Guarantees, HISTORY_LIMIT, HistoryEntry, ServingRevision, UsedBy,
};
use idflow_api::flow_revision::{FlowRevisionSpec, Source};
use idflow_api::reason::Reason;
use idflow_api::tenant::{DEFAULT_FLOWS, TenantSpec};
use idflow_api::workload::{FLOW_TYPE_LABEL, MANAGED_BY_LABEL, MANAGER};
use idflow_api::{Catalog, Flow, FlowRevision, FlowType};
use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;
use idflow_flow::{Compiled, Revision};
use kube::core::ObjectMeta;
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;

/// The annotation of a revision with the lifetime of its journeys, for collection.
pub(crate) const LIFETIME_ANNOTATION: &str = "idflow.dev/lifetime";

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
}

impl From<Revision> for Content {
    fn from(revision: Revision) -> Self {
        Self { text: revision.content, digest: revision.digest, sources: revision.sources }
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
    let not_allowed = policy_problems(flow, tenant, &compiled.assurance);
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
        content: compiled.revision.map(Content::from),
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

/// What the Tenant forbids. Executors check the same again when they load a revision.
fn policy_problems(flow: &Flow, tenant: &TenantSpec, assurance: &[Assurance]) -> Vec<Problem> {
    let policy = tenant.policy.clone().unwrap_or_default();
    let mut problems = Vec::new();
    if let Some(limit) = tenant.limits.as_ref().and_then(|limits| limits.steps)
        && flow.spec.steps.len() > usize::try_from(limit).unwrap_or(0)
    {
        problems.push(not_allowed("spec.steps", format!("the tenant allows {limit} steps per flow")));
    }
    for step in &flow.spec.steps {
        if let Some((kind, _)) = step.node()
            && policy.forbidden_node_kinds.iter().any(|forbidden| forbidden == kind)
        {
            let path = format!("spec.steps[{}].{kind}", step.id);
            problems.push(not_allowed(&path, format!("the tenant does not allow {kind} steps")));
        }
    }
    if let (FlowType::Login, Some(minimum)) = (flow.spec.type_, &policy.login) {
        let short = assurance.iter().filter_map(|end| shortfall(end, minimum).map(|what| (end, what)));
        problems.extend(short.map(|(end, what)| not_allowed(&format!("spec.steps[{}]", end.step), what)));
    }
    problems
}

fn not_allowed(path: &str, message: String) -> Problem {
    Problem {
        code: "not-allowed-by-tenant".to_owned(),
        severity: Severity::Error,
        path: path.to_owned(),
        message,
        fix: Some("change the flow, or ask whoever administers the Tenant".to_owned()),
    }
    .clipped()
}

/// What an end of a flow lacks of the least that must be proven.
fn shortfall(end: &Assurance, minimum: &Guarantees) -> Option<String> {
    if minimum.identified && !end.identified {
        return Some(
            "a path reaches this step without an identified user, which the tenant forbids".to_owned(),
        );
    }
    if let Some(missing) = minimum.factors.iter().find(|factor| !end.factors.contains(factor)) {
        return Some(format!(
            "a path reaches this step without the factor {missing}, which the tenant demands"
        ));
    }
    let least = usize::try_from(minimum.minimum_factors.unwrap_or(0)).unwrap_or(0);
    (end.factors.len() < least).then(|| {
        format!("a path reaches this step with {} factors; the tenant demands {least}", end.factors.len())
    })
}

/// The revision as a whole. One with equal content is taken up again under its own name, whoever made it.
pub(crate) fn revision(
    flow: &Flow,
    catalog: &Catalog,
    content: &Content,
    existing: &[Arc<FlowRevision>],
    is_taken: impl Fn(&str) -> bool,
) -> FlowRevision {
    let digest = content.digest.to_string();
    let equal = existing.iter().find(|revision| revision.spec.digest == digest);
    let generation = flow.metadata.generation.unwrap_or(1);
    let name =
        equal.map_or_else(|| new_name(&flow.name_any(), generation, &digest, is_taken), |one| one.name_any());
    let spec = FlowRevisionSpec {
        flow: flow.name_any(),
        generation: equal.map_or(generation, |one| one.spec.generation),
        digest,
        content: content.text.clone(),
        sources: equal.map_or_else(|| content.sources.clone(), |one| one.spec.sources.clone()),
    };
    let mut revision = FlowRevision::new(&name, spec);
    revision.metadata = ObjectMeta {
        name: Some(name),
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
fn new_name(flow: &str, generation: i64, digest: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let name = |digits: usize| format!("{flow}-g{generation}-{}", digest.get(..digits).unwrap_or(digest));
    [8, 12, 16, 32].into_iter().map(name).find(|name| !is_taken(name)).unwrap_or_else(|| name(64))
}

/// Whether a revision has the owners it should have.
pub(crate) fn has_owners(known: &FlowRevision, wanted: &FlowRevision) -> bool {
    let has = |uid: &str| known.owner_references().iter().any(|owner| owner.uid == uid);
    wanted.owner_references().iter().all(|owner| has(&owner.uid))
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
    pub(crate) issuer: Option<&'a str>,
    pub(crate) used_by: Vec<UsedBy>,
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
    let is_library = flow.spec.type_ == FlowType::Library;
    FlowStatus {
        observed_generation: Some(generation),
        conditions: conditions(flow, seen, served, &before, now),
        latest_ready_revision: newest_loaded.or_else(|| before.latest_ready_revision.clone()),
        history: history(&before.history, generation, seen.revision),
        steps: seen.checked.steps.or(before.steps),
        assurance: seen.checked.assurance.clone(),
        problems: seen.checked.problems.clone(),
        used_by: seen.used_by.clone(),
        url: seen
            .issuer
            .filter(|_| !is_library && !serving.is_empty())
            .map(|issuer| format!("{issuer}/flows/{}", flow.name_any())),
        latest_created_revision: created,
        serving,
    }
}

fn is_loaded(seen: &Seen<'_>, name: &str) -> bool {
    let revision = seen.revisions.iter().find(|revision| revision.name_any() == name);
    let status = revision.and_then(|revision| revision.status.as_ref());
    status.and_then(|status| find(&status.conditions, LOADED)).is_some_and(|loaded| loaded.status == "True")
}

fn history(before: &[HistoryEntry], generation: i64, revision: Option<&FlowRevision>) -> Vec<HistoryEntry> {
    let Some(revision) = revision else { return before.to_vec() };
    let newest = HistoryEntry { generation, revision: revision.name_any() };
    let older = before.iter().filter(|entry| entry.generation != generation).cloned();
    std::iter::once(newest).chain(older).take(HISTORY_LIMIT).collect()
}

/// What new journeys run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Served {
    /// Nothing.
    Nothing,
    /// Something, but not every ready pod has it.
    Partly,
    /// Something else than the newest revision.
    Older,
    /// The newest revision.
    Newest,
}

impl Served {
    fn judge(flow: &Flow, seen: &Seen<'_>, before: &FlowStatus, serving: &[ServingRevision]) -> Self {
        if serving.is_empty() {
            return Self::Nothing;
        }
        // Once pods follow the Catalog's entry for this flow, another flow's edit changes nothing for it.
        let was_served = before.serving == serving
            && find(&before.conditions, SERVING).is_some_and(|condition| condition.status == "True");
        let is_followed = was_served
            || seen.catalog.as_deref().is_some_and(|catalog| is_followed(catalog, seen.offered_since));
        if !is_followed || !serving.iter().all(|entry| is_loaded(seen, &entry.revision)) {
            return Self::Partly;
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
    served: Served,
    before: &FlowStatus,
    now: Timestamp,
) -> Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
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
    let (progress, reason, message) = readiness(flow, seen, served);
    list.progress(progress, reason, message).finish()
}

fn set_serving(list: Conditions<'_>, served: Served) -> Conditions<'_> {
    match served {
        Served::Nothing => {
            list.set(SERVING, Truth::False, Reason::NotLoaded, "no revision takes new journeys yet")
        }
        Served::Partly => list.set(
            SERVING,
            Truth::False,
            Reason::NotLoaded,
            "not every ready executor pod has loaded the revision",
        ),
        Served::Older => {
            list.set(SERVING, Truth::True, Reason::Serving, "an older revision takes new journeys")
        }
        Served::Newest => {
            list.set(SERVING, Truth::True, Reason::Serving, "the newest revision takes new journeys")
        }
    }
}

fn readiness(flow: &Flow, seen: &Seen<'_>, served: Served) -> (Progress, Reason, String) {
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
        Served::Older | Served::Partly | Served::Nothing => {
            let message = "executor pods are loading the newest revision".to_owned();
            (Progress::Reconciling, Reason::NotLoaded, message)
        }
    }
}
