//! Whether a served flow still has its tenant's blessing, and until when it goes on without (design 7).
//!
//! The beginning is remembered in the transition time of the Flow's condition `PolicyGrace`, and in the Catalog, which
//! says the end: an executor that was told one must not be told a later one because a look at the Flow failed.

use idflow_api::catalog::TenantSettings;
use idflow_api::condition::{POLICY_GRACE, find, time, timestamp};
use idflow_api::flow::Assurance;
use idflow_api::tenant::{Limits, Policy, TenantSpec};
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
        self.breach_of(self.tenant.policy.as_ref(), self.tenant.limits.as_ref(), revision)
    }

    fn breach_of(
        &self,
        policy: Option<&Policy>,
        limits: Option<&Limits>,
        revision: &FlowRevision,
    ) -> Option<Breach> {
        let told = || told(self.flow?, revision);
        let said = Offer::of_revision(&revision.spec);
        let offer = Offer { older: Some(self.older), assurance: said.assurance.or_else(told), ..said };
        breaches(policy, limits, &offer).into_iter().next()
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

    /// The end of the grace that a flow is in; nothing when it is in none, or it is over. It begins when the tenant
    /// ceases to accept what takes new journeys, or what may still finish some, and does not begin again. A change of
    /// its length counts for one under way.
    pub(crate) fn until(&self, was: &Was<'_>, now: Timestamp) -> Option<Timestamp> {
        let breaching: Vec<&Listed<'_>> =
            was.listed.iter().filter(|one| self.breach(one.revision).is_some()).collect();
        let serving: Vec<&Listed<'_>> = breaching.iter().copied().filter(|one| one.serves).collect();
        let known = was.begun();
        let begun = if serving.is_empty() {
            let is_new = breaching.iter().any(|one| one.has_served() && self.was_accepted(one, was));
            known.filter(|_| !breaching.is_empty()).or(is_new.then_some(now))
        } else {
            let is_new = serving.iter().all(|one| self.was_accepted(one, was));
            let told = self.flow.and_then(begun);
            let known = known.filter(|_| !is_new);
            Some(told.into_iter().chain(known).min().unwrap_or(now))
        };
        let end = end(timestamp(&time(begun?)), self.tenant.policy.as_ref());
        (now < end).then_some(end)
    }

    fn was_accepted(&self, one: &Listed<'_>, was: &Was<'_>) -> bool {
        self.breach_of(was.tenant.policy.as_ref(), was.tenant.limits.as_ref(), one.revision).is_none()
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
}

impl Listed<'_> {
    /// Whether journeys may run on it.
    fn has_served(&self) -> bool {
        let status = self.revision.status.as_ref();
        self.weight > 0 || status.is_some_and(|status| status.retired_at.is_some())
    }
}

/// What the Catalog said of a flow before.
#[derive(Debug, Clone)]
pub(crate) struct Was<'a> {
    pub(crate) tenant: &'a TenantSettings,
    /// Until when it was in a grace.
    pub(crate) until: Option<Timestamp>,
    pub(crate) listed: Vec<Listed<'a>>,
}

impl Was<'_> {
    fn begun(&self) -> Option<Timestamp> {
        Some(self.until?.plus(Span(-length(self.tenant.policy.as_ref()).0)))
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
