//! Whether a served flow still has its tenant's blessing, and until when it goes on without (design 7).
//!
//! The Catalog says the end, to the executors as to everybody who is told: a look at a Flow that fails moves nothing
//! on, and what people read is what runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::catalog::{CatalogEntry, CatalogFlow, TenantSettings};
use idflow_api::condition::{ACTIVE, time, timestamp};
use idflow_api::flow::Assurance;
use idflow_api::tenant::Policy;
use idflow_api::{CatalogSpec, Flow, FlowRevision, FlowType};
use idflow_core::time::{Span, Timestamp};
use idflow_flow::policy::{Breach, Offer, breaches};
use kube::ResourceExt as _;

use crate::collector::plan::due;

/// A flow before its tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged<'a> {
    pub(crate) tenant: &'a TenantSettings,
    /// Nothing when it is gone and only its revisions are left.
    pub(crate) flow: Option<&'a Flow>,
    /// How many flows of the tenant are older.
    pub(crate) older: usize,
}

impl Judged<'_> {
    /// Why the tenant does not accept a revision.
    pub(crate) fn breach(&self, revision: &FlowRevision) -> Option<Breach> {
        self.breach_before(self.tenant, revision)
    }

    fn breach_before(&self, tenant: &TenantSettings, revision: &FlowRevision) -> Option<Breach> {
        let offer = Offer {
            older: Some(self.older),
            assurance: self.proven(revision),
            is_login: self.flow.is_some_and(|flow| flow.spec.type_ == FlowType::Login),
            ..Offer::of_revision(&revision.spec)
        };
        breaches(tenant.policy.as_ref(), tenant.limits.as_ref(), &offer).into_iter().next()
    }

    /// What a revision proves. One of the first version does not say it in its spec: its status does since its flow was
    /// accepted by this version, and until then, of what the flow's newest generation runs on, the flow's.
    fn proven<'r>(&self, revision: &'r FlowRevision) -> Option<&'r [Assurance]>
    where
        Self: 'r,
    {
        let status = revision.status.as_ref().and_then(|status| status.assurance.as_deref());
        revision.spec.assurance.as_deref().or(status).or_else(|| told(self.flow?, revision))
    }

    /// A grace's end with the length that the policy says now.
    pub(crate) fn moved(&self, end: Timestamp, was: &TenantSettings) -> Timestamp {
        end.plus(Span(length(self.tenant.policy.as_ref()).0 - length(was.policy.as_ref()).0))
    }

    /// The grace that the Catalog gives a flow; nothing when it gives none. What takes new journeys is named before
    /// what only finishes some.
    pub(crate) fn grace(&self, entry: &CatalogFlow, revisions: &[Arc<FlowRevision>]) -> Option<Grace> {
        let breaching = entry.entries.iter().filter_map(|listed| {
            let end = listed.policy_grace_until.as_ref().map(timestamp)?;
            let revision = revisions.iter().find(|revision| revision.name_any() == listed.revision)?;
            let breach = self.breach(revision)?;
            Some(Grace { revision: revision.name_any(), serves: listed.weight > 0, breach, end })
        });
        breaching.min_by_key(|grace| (!grace.serves, grace.end))
    }

    /// The end of the grace that a revision is in; nothing when it is in none, or it is over. It begins when the tenant
    /// ceases to accept what takes new journeys, or may still finish some, and does not begin again. A change of its
    /// length counts for one under way.
    pub(crate) fn until(&self, one: &Listed<'_>, was: &TenantSettings, now: Timestamp) -> Option<Timestamp> {
        let known = one.until.map(|end| self.moved(end, was));
        let is_unknown = self.proven(one.revision).is_none();
        let begins = || now.plus(length(self.tenant.policy.as_ref()));
        let end = match (self.breach(one.revision), self.breach_before(was, one.revision)) {
            // What it was judged by is not told any more.
            (None, _) => known.filter(|_| is_unknown),
            (Some(_), None) => one.has_journeys(now).then(begins),
            (Some(_), Some(_)) => known.or_else(|| one.serves.then(begins)),
        }?;
        (now < end).then_some(end)
    }
}

/// A revision that the Catalog listed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Listed<'a> {
    pub(crate) revision: &'a FlowRevision,
    /// Whether it takes new journeys for the flow that there is now.
    pub(crate) serves: bool,
    /// Its share of new journeys.
    pub(crate) weight: i32,
    /// Until when it was in a grace.
    pub(crate) until: Option<Timestamp>,
}

impl Listed<'_> {
    /// Whether journeys may run on it still. What lost its weight a moment ago may not be marked as retired yet.
    fn has_journeys(&self, now: Timestamp) -> bool {
        let conditions = self.revision.status.iter().flat_map(|status| &status.conditions);
        let mut active = conditions.filter(|one| one.type_ == ACTIVE && one.status == "True");
        self.weight > 0 || active.next().is_some() || due(self.revision).is_some_and(|end| now < end)
    }
}

/// A revision that the tenant does not accept, and that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grace {
    pub(crate) revision: String,
    serves: bool,
    breach: Breach,
    end: Timestamp,
}

impl Grace {
    pub(crate) fn message(&self) -> String {
        let Self { revision, serves, breach, end } = self;
        let (what, afterwards) = if *serves {
            (format!("revision {revision} goes on"), "it takes no new journeys and those under way end")
        } else {
            (format!("journeys under way on revision {revision} go on"), "they end")
        };
        format!("{what} until {} although {breach}; afterwards {afterwards}", moment(*end))
    }
}

/// What a Catalog gives a grace, by flow: revisions with their ends.
pub(crate) fn ends(catalog: &CatalogSpec) -> BTreeMap<&str, Vec<(&str, Timestamp)>> {
    let of_flows = catalog.flows.iter().map(|flow| (flow.flow.as_str(), ends_of(flow).collect::<Vec<_>>()));
    of_flows.filter(|(_, ends)| !ends.is_empty()).collect()
}

fn ends_of(flow: &CatalogFlow) -> impl Iterator<Item = (&str, Timestamp)> {
    let end = |entry: &'_ CatalogEntry| entry.policy_grace_until.as_ref().map(timestamp);
    flow.entries.iter().filter_map(move |entry| Some((entry.revision.as_str(), end(entry)?)))
}

/// The flows of which a Catalog gives something a grace, each with the first end.
pub(crate) fn graces(catalog: &CatalogSpec) -> impl Iterator<Item = (&str, Timestamp)> {
    catalog.flows.iter().filter_map(|flow| {
        let first = ends_of(flow).map(|(_, end)| end).min()?;
        Some((flow.flow.as_str(), first))
    })
}

fn length(policy: Option<&Policy>) -> Span {
    policy.cloned().unwrap_or_default().grace()
}

/// A moment as people and `kubectl` read it.
pub(crate) fn moment(at: Timestamp) -> String {
    time(at).0.to_string()
}

fn told<'a>(flow: &'a Flow, revision: &FlowRevision) -> Option<&'a [Assurance]> {
    let status = flow.status.as_ref().filter(|_| flow.spec.type_ == FlowType::Login)?;
    let newest = status.history.first()?;
    let is_newest =
        newest.revision == revision.name_any() && Some(newest.generation) == flow.metadata.generation;
    (is_newest && status.observed_generation == flow.metadata.generation)
        .then_some(status.assurance.as_slice())
}
