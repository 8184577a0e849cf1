//! Small questions to single objects, and to objects among their like.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::claim::{Claim, Claimant, Claims, Holders};
use idflow_api::condition::{ACCEPTED, find, timestamp};
use idflow_api::{Flow, FlowRevision, Tenant};
use idflow_core::digest::Digest;
use idflow_flow::content::{requires, steps};
use kube::core::object::HasSpec;
use kube::{Resource, ResourceExt};

/// Whether a Tenant was accepted, and is not going away.
pub(crate) fn is_accepted(tenant: &Tenant) -> bool {
    let conditions = tenant.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let is_true = find(conditions, ACCEPTED).is_some_and(|condition| condition.status == "True");
    is_true && tenant.metadata.deletion_timestamp.is_none()
}

/// An object, with what decides which of two keeps what both claim.
pub(crate) fn claimant<K: Resource + HasSpec>(object: &K) -> Claimant<'_, K::Spec> {
    let created = object.meta().creation_timestamp.as_ref().map(timestamp);
    Claimant { name: name_of(object), created, spec: object.spec() }
}

/// What an object claims and an older one of `all` has, and the name of that one.
pub(crate) fn denied<K: Resource + HasSpec<Spec: Claims>>(
    object: &K,
    all: &[Arc<K>],
) -> Option<(Claim, String)> {
    let holders = Holders::among(all.iter().map(|one| claimant(one.as_ref())));
    let (claim, holder) = holders.denied(&claimant(object))?;
    Some((claim, holder.to_owned()))
}

/// How many of `all` are older than each, by name.
pub(crate) fn ages(all: &[Arc<Flow>]) -> BTreeMap<&str, usize> {
    let mut claimants: Vec<_> = all.iter().map(|flow| claimant(flow.as_ref())).collect();
    claimants.sort_by_key(Claimant::seniority);
    claimants.into_iter().enumerate().map(|(older, flow)| (flow.name, older)).collect()
}

/// Objects by name.
pub(crate) fn by_name<K: ResourceExt>(all: Vec<Arc<K>>) -> BTreeMap<String, Arc<K>> {
    all.into_iter().map(|one| (one.name_any(), one)).collect()
}

/// The name of an object that has one, without a copy.
pub(crate) fn name_of(object: &impl Resource) -> &str {
    object.meta().name.as_deref().unwrap_or_default()
}

/// Drops what is not worth the memory.
///
/// Who claims a digest that is not that of the content has none: such a revision is found by nobody and never
/// served. What the content requires, and how many steps it has, is told for revisions of the first versions too.
pub(crate) fn without_content(revision: &mut FlowRevision) {
    let spec = &mut revision.spec;
    if spec.content.is_empty() {
        return;
    }
    if spec.digest != Digest::of(&spec.content).to_string() {
        spec.digest.clear();
    }
    if spec.requires.is_none() {
        spec.requires = requires(&spec.content);
    }
    if spec.steps.is_none() {
        spec.steps = steps(&spec.content);
    }
    spec.content.clear();
    spec.authored = None;
}
