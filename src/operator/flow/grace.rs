//! Whether a served flow still has its tenant's blessing, and until when it goes on without (design 7).
//!
//! The beginning is remembered nowhere but in the transition time of the Flow's condition `PolicyGrace`.

use idflow_api::catalog::{CatalogFlow, CatalogSpec};
use idflow_api::condition::{POLICY_GRACE, find, time, timestamp};
use idflow_api::flow::Assurance;
use idflow_api::tenant::{Policy, TenantSpec};
use idflow_api::{Flow, FlowRevision, FlowType};
use idflow_core::time::{Span, Timestamp};
use idflow_flow::policy::{Breach, Offer, breaches};
use kube::ResourceExt as _;

/// A flow before its tenant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged<'a> {
    pub(crate) tenant: &'a TenantSpec,
    /// Nothing when it is gone and only its revisions are left.
    pub(crate) flow: Option<&'a Flow>,
    /// How many flows of the tenant are older.
    pub(crate) older: usize,
}

impl Judged<'_> {
    /// Why the tenant does not accept a revision. One of the first version does not say what it proves; of what the
    /// flow's newest generation runs on, the flow's status does.
    pub(crate) fn breach(&self, revision: &FlowRevision) -> Option<Breach> {
        let told = || told(self.flow?, revision);
        let said = Offer::of_revision(&revision.spec);
        let offer = Offer { older: Some(self.older), assurance: said.assurance.or_else(told), ..said };
        breaches(self.tenant.policy.as_ref(), self.tenant.limits.as_ref(), &offer).into_iter().next()
    }

    /// The grace while these revisions take new journeys; nothing when the tenant accepts them all.
    pub(crate) fn grace<'r>(
        &self,
        served: impl IntoIterator<Item = &'r FlowRevision>,
        now: Timestamp,
    ) -> Option<Grace> {
        let begun = begun(self.flow?).unwrap_or_else(|| timestamp(&time(now)));
        let (revision, breach) =
            served.into_iter().find_map(|revision| Some((revision.name_any(), self.breach(revision)?)))?;
        Some(Grace { revision, breach, end: end(begun, self.tenant.policy.as_ref()) })
    }

    /// The end of a grace in which something else began to take new journeys: what the tenant does not accept finishes
    /// its own until then. A change of the grace's length counts for it too.
    pub(crate) fn carried<'r>(
        &self,
        previous: &CatalogSpec,
        entry: &CatalogFlow,
        listed: impl IntoIterator<Item = &'r FlowRevision>,
    ) -> Option<Timestamp> {
        let until = timestamp(entry.policy_grace_until.as_ref()?);
        let begun = until.plus(Span(-length(previous.tenant.policy.as_ref()).0));
        let is_needed = listed.into_iter().any(|revision| self.breach(revision).is_some());
        is_needed.then(|| end(begun, self.tenant.policy.as_ref()))
    }
}

/// A served revision that the tenant does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grace {
    revision: String,
    breach: Breach,
    pub(crate) end: Timestamp,
}

impl Grace {
    pub(crate) fn message(&self) -> String {
        format!(
            "revision {} goes on until {} although {}; afterwards it takes no new journeys",
            self.revision,
            moment(self.end),
            self.breach
        )
    }
}

/// The end of the grace that a flow is in, as its condition tells.
pub(crate) fn ongoing(flow: &Flow, policy: Option<&Policy>) -> Option<Timestamp> {
    Some(end(begun(flow)?, policy))
}

/// Since when a flow is in a grace, as its condition tells.
pub(crate) fn begun(flow: &Flow) -> Option<Timestamp> {
    let condition = find(&flow.status.as_ref()?.conditions, POLICY_GRACE)?;
    (condition.status == "True").then(|| timestamp(&condition.last_transition_time))
}

fn end(begun: Timestamp, policy: Option<&Policy>) -> Timestamp {
    begun.plus(length(policy))
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
