//! Which revision takes which share of new journeys.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use idflow_api::catalog::{CatalogEntry, CatalogFlow, TenantSettings};
use idflow_api::condition::{
    ACTIVE, Conditions, Progress, READY, RECONCILING, STALLED, Truth, find, time, timestamp,
};
use idflow_api::flow::{Guarantees, ServingRevision};
use idflow_api::flow_revision::FlowRevisionStatus;
use idflow_api::reason::Reason;
use idflow_api::workload::FLOW_TYPE_LABEL;
use idflow_api::{Catalog, CatalogSpec, Flow, FlowRevision, FlowType, Tenant};
use idflow_core::time::{Span, Timestamp};
use idflow_flow::policy::strictest;
use kube::ResourceExt as _;

use crate::collector::plan::is_due;
use crate::flow::grace::{Judged, Listed, graces};
use crate::loaded;
use crate::object::{ages, denied, name_of};

/// The most revisions of one flow that a Catalog lists.
const MAX_ENTRIES: usize = 40;

/// The whole of a new journey's weight.
const ALL: i32 = 100;

/// What a Catalog is made from.
pub(crate) struct Input<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) flows: &'a [Arc<Flow>],
    /// Flows that are there and cannot be read. Nothing changes for them.
    pub(crate) unreadable: &'a BTreeSet<String>,
    pub(crate) revisions: &'a [Arc<FlowRevision>],
    pub(crate) previous: Option<&'a CatalogSpec>,
    pub(crate) now: Timestamp,
}

/// The Catalog as it should be. Publishing has two phases: a revision is listed without weight first, and gets weight
/// when every ready pod has loaded it.
pub(crate) fn catalog(input: &Input<'_>) -> CatalogSpec {
    let mut by_flow: BTreeMap<&str, Vec<&Arc<FlowRevision>>> = BTreeMap::new();
    let listed = input.revisions.iter().filter(|revision| revision.metadata.deletion_timestamp.is_none());
    for revision in listed {
        by_flow.entry(&revision.spec.flow).or_default().push(revision);
    }
    let alive = input.flows.iter().filter(|flow| flow.metadata.deletion_timestamp.is_none());
    let alive: BTreeMap<&str, &Arc<Flow>> = alive.map(|flow| (name_of(flow.as_ref()), flow)).collect();
    let ages = ages(input.flows);
    let previous = input.previous.iter().flat_map(|catalog| &catalog.flows);
    let previous: BTreeMap<&str, &CatalogFlow> = previous.map(|entry| (entry.flow.as_str(), entry)).collect();
    let tenant = settings(input.tenant);
    let flow = |(name, revisions): (&str, Vec<&Arc<FlowRevision>>)| {
        let judged = Judged {
            tenant: &tenant,
            flow: alive.get(name).map(AsRef::as_ref),
            older: ages.get(name).copied().unwrap_or_default(),
        };
        entry(input, name, judged, &revisions, previous.get(name).copied())
    };
    let flows = by_flow.into_iter().filter_map(flow).collect();
    CatalogSpec { flows, tenant, withdrawn: Vec::new() }
}

fn settings(tenant: &Tenant) -> TenantSettings {
    TenantSettings {
        name: tenant.name_any(),
        issuer: tenant.spec.issuer.clone(),
        limits: tenant.spec.limits.clone(),
        policy: tenant.spec.policy.clone(),
        egress: tenant.spec.egress.clone(),
        trusted_proxies: tenant.spec.trusted_proxies.clone(),
        hsts_include_sub_domains: tenant.spec.hsts_include_sub_domains,
    }
}

fn entry(
    input: &Input<'_>,
    name: &str,
    judged: Judged<'_>,
    revisions: &[&Arc<FlowRevision>],
    previous: Option<&CatalogFlow>,
) -> Option<CatalogFlow> {
    let listed = previous.map(|entry| listed(judged, entry, revisions)).unwrap_or_default();
    let graces = graces_of(input, judged, &listed);
    if input.unreadable.contains(name) {
        let before = (&input.previous?.tenant, input.now);
        return Some(unreadable(judged, previous?, &listed, &graces, before));
    }
    // Without the digest of its content a revision is nobody's, and a Catalog cannot name it.
    let revisions: Vec<&FlowRevision> = revisions
        .iter()
        .map(AsRef::as_ref)
        .filter(|one: &&FlowRevision| !one.spec.digest.is_empty())
        .collect();
    let weights = Candidates::of(judged, &revisions, &listed, &graces).weights();
    let kept = kept(input, &revisions, &weights);
    let type_ = kept.first().and_then(|revision| type_of(revision))?;
    let flow = judged.flow;
    Some(CatalogFlow {
        flow: name.to_owned(),
        type_,
        default: flow.is_some_and(|flow| is_default(flow, input.flows)),
        suspended: flow.is_some_and(|flow| flow.spec.suspend),
        guarantees: guarantees(judged, &kept, &weights, previous),
        entries: entries(&kept, &weights, &graces),
    })
}

/// What the Catalog said before of the revisions that are still there.
fn listed<'a>(
    judged: Judged<'_>,
    entry: &CatalogFlow,
    revisions: &[&'a Arc<FlowRevision>],
) -> Vec<Listed<'a>> {
    let listed = entry.entries.iter().filter_map(|entry| {
        let revision = revisions.iter().find(|revision| name_of(revision.as_ref()) == entry.revision)?;
        let serves = entry.weight > 0 && is_own(judged, revision);
        let until = entry.policy_grace_until.as_ref().map(timestamp);
        Some(Listed { revision, serves, weight: entry.weight, until })
    });
    listed.collect()
}

/// The ends of the graces that revisions are in, by revision.
type Graces = BTreeMap<String, Timestamp>;

fn graces_of(input: &Input<'_>, judged: Judged<'_>, listed: &[Listed<'_>]) -> Graces {
    let Some(before) = input.previous.map(|catalog| &catalog.tenant) else { return Graces::new() };
    let grace = |one: &Listed<'_>| Some((one.revision.name_any(), judged.until(one, before, input.now)?));
    listed.iter().filter_map(grace).collect()
}

/// Whether a revision is of the flow that there is now: a deleted one may have had the same name.
fn is_own(judged: Judged<'_>, revision: &FlowRevision) -> bool {
    let uid = judged.flow.and_then(kube::ResourceExt::uid).unwrap_or_default();
    revision.owner_references().iter().any(|owner| owner.uid == uid)
}

/// A flow that cannot be read stays as it was, but its graces end as those of any other, and what the policy does not
/// accept has no weight afterwards.
fn unreadable(
    judged: Judged<'_>,
    entry: &CatalogFlow,
    listed: &[Listed<'_>],
    graces: &Graces,
    (was, now): (&TenantSettings, Timestamp),
) -> CatalogFlow {
    let mut entry = entry.clone();
    for one in &mut entry.entries {
        let mut found = listed.iter().filter(|listed| name_of(listed.revision) == one.revision);
        let is_refused = found.any(|found| judged.breach(found.revision).is_some());
        // How old the flow is cannot be read either: where that may be what counts, the end stays.
        let had_end = one.policy_grace_until.is_some();
        let kept = one
            .policy_grace_until
            .as_ref()
            .map(|end| judged.moved(timestamp(end), was))
            .filter(|end| now < *end);
        let grace = if is_refused { graces.get(&one.revision).copied() } else { kept };
        if grace.is_none() && (is_refused || had_end) {
            one.weight = 0;
        }
        one.policy_grace_until = grace.map(time);
    }
    entry
}

/// The revisions that the Catalog lists.
fn kept<'a>(input: &Input<'_>, revisions: &[&'a FlowRevision], weights: &Weights) -> Vec<&'a FlowRevision> {
    let has_weight = |revision: &FlowRevision| weights.contains_key(name_of(revision));
    // A revision leaves the Catalog before it is deleted, so that no pod looks for something that has gone.
    let is_kept =
        |revision: &&&FlowRevision| has_weight(revision) || !is_due(revision, input.flows, input.now);
    let mut kept: Vec<&FlowRevision> = revisions.iter().filter(is_kept).copied().collect();
    // Those with weight first, then the newest: what is cut off could only matter to very old journeys.
    kept.sort_by_key(|revision| {
        (!has_weight(revision), std::cmp::Reverse(revision.metadata.creation_timestamp.clone()))
    });
    kept.truncate(MAX_ENTRIES);
    kept
}

fn entries(kept: &[&FlowRevision], weights: &Weights, graces: &Graces) -> Vec<CatalogEntry> {
    let entry = |revision: &&FlowRevision| CatalogEntry {
        revision: revision.name_any(),
        digest: revision.spec.digest.clone(),
        weight: weights.get(name_of(*revision)).copied().unwrap_or(0),
        policy_grace_until: graces.get(name_of(*revision)).copied().map(time),
    };
    let mut entries: Vec<CatalogEntry> = kept.iter().map(entry).collect();
    entries.sort_by(|a, b| a.revision.cmp(&b.revision));
    entries
}

/// The strictest of what is guaranteed of the revisions that take new journeys; where none does, of all that are
/// listed. While one does not say, because the operator has not looked at its flow yet, what was in force goes on, and
/// what the flow says now counts besides.
fn guarantees(
    judged: Judged<'_>,
    kept: &[&FlowRevision],
    weights: &Weights,
    previous: Option<&CatalogFlow>,
) -> Option<Guarantees> {
    let counts = |revision: &&&FlowRevision| weights.is_empty() || weights.contains_key(name_of(**revision));
    let said = kept.iter().filter(counts).map(|revision| revision.status.as_ref()?.guarantees.as_ref());
    let said: Vec<Option<&Guarantees>> = said.collect();
    let doubt = said.contains(&None);
    let in_force = previous.and_then(|entry| entry.guarantees.as_ref()).filter(|_| doubt);
    let live = judged.flow.and_then(|flow| flow.spec.guarantees.as_ref()).filter(|_| doubt);
    let strictest = strictest(said.into_iter().flatten().chain(in_force).chain(live));
    (strictest != Guarantees::default()).then_some(strictest)
}

/// The type at the time of minting: the spec may have moved on without compiling.
fn type_of(revision: &FlowRevision) -> Option<FlowType> {
    let word = revision.labels().get(FLOW_TYPE_LABEL)?;
    serde_json::from_value(serde_json::Value::String(word.clone())).ok()
}

fn is_default(flow: &Flow, flows: &[Arc<Flow>]) -> bool {
    flow.spec.default && denied(flow, flows).is_none()
}

/// Shares of new journeys, by revision.
type Weights = BTreeMap<String, i32>;

/// The revisions that may take new journeys of a flow.
struct Candidates<'a> {
    judged: Judged<'a>,
    /// Its own: those of a deleted flow of the same name take no new journeys.
    own: Vec<&'a FlowRevision>,
    /// What took them before, with its share.
    before: Vec<(&'a FlowRevision, i32)>,
    /// What may go on although the policy does not accept it.
    graces: &'a Graces,
}

impl<'a> Candidates<'a> {
    fn of(
        judged: Judged<'a>,
        revisions: &[&'a FlowRevision],
        listed: &[Listed<'a>],
        graces: &'a Graces,
    ) -> Self {
        let own = revisions.iter().copied().filter(|revision| is_own(judged, revision)).collect();
        let serving = listed.iter().filter(|one| one.serves);
        let before = serving.map(|one| (one.revision, one.weight)).collect();
        Self { judged, own, before, graces }
    }

    /// The weights, by revision. The newest revision takes all once every ready pod has loaded it; until then
    /// everything stays as it was, for as long as it can run. Else the newest of the history takes all that can. What
    /// the policy does not accept gets no weight; what had some keeps it while the grace lasts.
    fn weights(&self) -> Weights {
        let Some(status) = self.judged.flow.and_then(|flow| flow.status.as_ref()) else {
            return self.kept(|_| true);
        };
        let newest = status.latest_created_revision.iter().map(String::as_str);
        if let Some(newest) = self.first_able(newest) {
            return newest;
        }
        let able = self.kept(|revision| loaded::refusal(revision).is_none());
        if !able.is_empty() {
            return able;
        }
        // One that some pods cannot run is better than none: the others can.
        let older = status.history.iter().map(|entry| entry.revision.as_str());
        self.first_able(older).unwrap_or_else(|| self.kept(|_| true))
    }

    fn accepts(&self, revision: &FlowRevision) -> bool {
        self.judged.flow.is_some() && self.judged.breach(revision).is_none()
    }

    fn first_able<'n>(&self, mut names: impl Iterator<Item = &'n str>) -> Option<Weights> {
        let able = |name: &str| {
            let mut own = self.own.iter().filter(|revision| name_of(**revision) == name);
            own.any(|revision| loaded::is_loaded(revision) && self.accepts(revision))
        };
        names.find(|name| able(name)).map(|name| BTreeMap::from([(name.to_owned(), ALL)]))
    }

    fn kept(&self, can: impl Fn(&FlowRevision) -> bool) -> Weights {
        let may_go_on =
            |revision: &FlowRevision| self.graces.contains_key(name_of(revision)) || self.accepts(revision);
        let kept = self.before.iter().filter(|(revision, _)| can(revision) && may_go_on(revision));
        kept.map(|(revision, weight)| (revision.name_any(), *weight)).collect()
    }
}

/// How long until a grace ends and weights may change without anybody's doing.
pub(crate) fn next_end(catalog: &CatalogSpec, now: Timestamp) -> Option<Span> {
    graces(catalog).map(|(_, end)| end.since(now).max(Span(0))).min()
}

/// Which revisions of a flow take new journeys.
pub(crate) fn serving(catalog: &Catalog, flow: &str) -> Vec<ServingRevision> {
    let entries =
        catalog.spec.flows.iter().filter(|entry| entry.flow == flow).flat_map(|entry| &entry.entries);
    let serving = entries.filter(|entry| entry.weight > 0);
    serving.map(|entry| ServingRevision { revision: entry.revision.clone(), weight: entry.weight }).collect()
}

/// The part of a revision's status that this controller writes.
pub(crate) fn own_part(revision: &FlowRevision) -> FlowRevisionStatus {
    let mut status = revision.status.clone().unwrap_or_default();
    // The flow's controller writes these.
    (status.guarantees, status.assurance) = (None, None);
    status
        .conditions
        .retain(|condition| [ACTIVE, READY, RECONCILING, STALLED].contains(&condition.type_.as_str()));
    status
}

/// What revisions are there for, by name.
pub(crate) struct Uses<'a> {
    active: BTreeSet<&'a str>,
    newest: BTreeSet<&'a str>,
}

impl<'a> Uses<'a> {
    pub(crate) fn new(catalog: &'a Catalog, flows: &'a [Arc<Flow>]) -> Self {
        let entries = catalog.spec.flows.iter().flat_map(|flow| &flow.entries);
        let active = entries.filter(|entry| entry.weight > 0).map(|entry| entry.revision.as_str()).collect();
        let newest = flows
            .iter()
            .filter_map(|flow| flow.status.as_ref()?.latest_created_revision.as_deref())
            .collect();
        Self { active, newest }
    }
}

/// Whether a revision takes new journeys, and since when it does not.
pub(crate) fn revision_status(
    revision: &FlowRevision,
    uses: &Uses<'_>,
    now: Timestamp,
) -> FlowRevisionStatus {
    let before = own_part(revision);
    let generation = revision.metadata.generation.unwrap_or_default();
    let conditions = Conditions::new(&before.conditions, generation, now);
    let is_active = uses.active.contains(name_of(revision));
    let is_newest = uses.newest.contains(name_of(revision));
    let (conditions, retired_at) = if revision.spec.digest.is_empty() {
        let message =
            "its content is not what its digest stands for: it was damaged or forged, and is never served";
        let never = conditions.set(ACTIVE, Truth::False, Reason::Damaged, message);
        let since = before.retired_at.clone().unwrap_or_else(|| time(now));
        (never.progress(Progress::Stalled, Reason::Damaged, message), Some(since))
    } else if is_active {
        let active = conditions.set(ACTIVE, Truth::True, Reason::Active, "new journeys run on it");
        (active.progress(Progress::Ready, Reason::Active, "new journeys run on it"), None)
    } else if is_newest {
        let message = "it waits until every ready executor pod has loaded it";
        let was_active = find(&before.conditions, ACTIVE).is_some_and(|condition| condition.status == "True");
        let since = before.retired_at.clone().or_else(|| was_active.then(|| time(now)));
        let waits = conditions.set(ACTIVE, Truth::False, Reason::NotLoaded, message);
        (waits.progress(Progress::Reconciling, Reason::NotLoaded, message), since)
    } else {
        let message = "journeys that began on it finish; new ones run on another revision";
        let retired = conditions.set(ACTIVE, Truth::False, Reason::Retired, message);
        let since = before.retired_at.clone().unwrap_or_else(|| time(now));
        (retired.progress(Progress::Ready, Reason::Retired, message), Some(since))
    };
    let observed_generation = Some(generation);
    FlowRevisionStatus {
        observed_generation,
        conditions: conditions.finish(),
        retired_at,
        ..FlowRevisionStatus::default()
    }
}
