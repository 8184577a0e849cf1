//! Whether a served flow still has its tenant's blessing, and until when it goes on without (design 7).
//!
//! The beginning is remembered nowhere but in the transition time of the Flow's condition `PolicyGrace`.

use idflow_api::condition::{POLICY_GRACE, find, time, timestamp};
use idflow_api::flow::Assurance;
use idflow_api::tenant::Policy;
use idflow_api::{Flow, FlowRevision, FlowType};
use idflow_core::time::Timestamp;
use idflow_flow::policy::{Breach, Offer, breaches};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;

/// A served revision that the policy does not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grace {
    revision: String,
    breach: Breach,
    pub(crate) end: Timestamp,
}

impl Grace {
    /// The grace of a flow of which these revisions take new journeys; nothing when the policy accepts them all.
    pub(crate) fn of<'a>(
        policy: Option<&Policy>,
        flow: &Flow,
        served: impl IntoIterator<Item = &'a FlowRevision>,
        now: Timestamp,
    ) -> Option<Self> {
        let conditions = flow.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        let (revision, breach) = served
            .into_iter()
            .find_map(|revision| Some((revision.name_any(), breach(policy, flow, revision)?)))?;
        let end = begin(conditions, now).plus(policy.cloned().unwrap_or_default().grace());
        Some(Self { revision, breach, end })
    }

    pub(crate) fn lasts(&self, now: Timestamp) -> bool {
        now < self.end
    }

    pub(crate) fn message(&self) -> String {
        format!(
            "revision {} goes on until {} although {}; serve another one until then",
            self.revision,
            moment(self.end),
            self.breach
        )
    }
}

/// When the grace began that these conditions tell of; now, when they tell of none.
pub(crate) fn begin(conditions: &[Condition], now: Timestamp) -> Timestamp {
    let begun = find(conditions, POLICY_GRACE).filter(|condition| condition.status == "True");
    begun.map_or_else(|| timestamp(&time(now)), |condition| timestamp(&condition.last_transition_time))
}

/// A moment as people and `kubectl` read it.
pub(crate) fn moment(at: Timestamp) -> String {
    time(at).0.to_string()
}

/// Why the policy does not accept a revision of a flow. A revision of the first version does not say what it proves; of
/// what the flow's newest generation runs on, the flow's status does.
pub(crate) fn breach(policy: Option<&Policy>, flow: &Flow, revision: &FlowRevision) -> Option<Breach> {
    let mut offer = Offer::of_revision(&revision.spec);
    offer.assurance = offer.assurance.or_else(|| told(flow, revision));
    breaches(policy, None, &offer).into_iter().next()
}

fn told<'a>(flow: &'a Flow, revision: &FlowRevision) -> Option<&'a [Assurance]> {
    let status = flow.status.as_ref().filter(|_| flow.spec.type_ == FlowType::Login)?;
    let newest = status.history.first()?;
    let is_newest =
        newest.revision == revision.name_any() && Some(newest.generation) == flow.metadata.generation;
    (is_newest && status.observed_generation == flow.metadata.generation)
        .then_some(status.assurance.as_slice())
}
