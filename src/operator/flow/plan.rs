//! Which revision a flow becomes.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::flow_revision::{FlowRevisionSpec, FlowRevisionStatus, MAX_AUTHORED};
use idflow_api::workload::{FLOW_TYPE_LABEL, LIFETIME_ANNOTATION, MANAGED_BY_LABEL, MANAGER};
use idflow_api::{Catalog, Flow, FlowRevision};
use idflow_core::digest::Digest;
use kube::core::ObjectMeta;
use kube::{Resource as _, ResourceExt as _};

use super::judge::Content;

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
        steps: content.steps,
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

/// This controller's part of a revision's status. A spec never changes, and of one content a flow may promise more or
/// less from generation to generation.
pub(crate) fn own_part(known: &FlowRevision, flow: &Flow, content: &Content) -> FlowRevisionStatus {
    FlowRevisionStatus {
        guarantees: Some(flow.spec.guarantees.clone().unwrap_or_default()),
        // One of the first version; of equal content everything is proven alike.
        assurance: known.spec.assurance.is_none().then(|| content.assurance.clone()),
        ..FlowRevisionStatus::default()
    }
}

/// Whether a revision says so already.
pub(crate) fn is_told(known: &FlowRevision, own_part: &FlowRevisionStatus) -> bool {
    let said = known.status.as_ref().map(|status| (&status.guarantees, &status.assurance));
    said == Some((&own_part.guarantees, &own_part.assurance))
}
