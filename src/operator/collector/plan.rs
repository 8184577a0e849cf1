//! When a revision may go.

use std::sync::Arc;

use idflow_api::condition::timestamp;
use idflow_api::workload::LIFETIME_ANNOTATION;
use idflow_api::{Catalog, Flow, FlowRevision};
use idflow_core::time::{Span, Timestamp};
use idflow_flow::compile::DEFAULT_LIFETIME;
use kube::ResourceExt as _;

/// The longest lifetime there is; also what counts when a lifetime cannot be read.
const LONGEST_LIFETIME: Span = Span::hours(90 * 24);

/// What a clock may be wrong by, and a pod may be late with its Catalog.
const GRACE: Span = Span::minutes(10);

/// What to delete now, and when to look again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Collection {
    pub(crate) delete: Vec<Arc<FlowRevision>>,
    pub(crate) next: Option<Span>,
    /// Whether the Catalog lists something that is due.
    pub(crate) unlist: bool,
}

/// Deletes what is due and listed no more; what is due and still listed leaves the Catalog first.
pub(crate) fn collect(
    revisions: &[Arc<FlowRevision>],
    flows: &[Arc<Flow>],
    catalog: &Catalog,
    now: Timestamp,
) -> Collection {
    let is_listed = |revision: &FlowRevision| {
        let entries = catalog.spec.flows.iter().flat_map(|flow| &flow.entries);
        entries
            .into_iter()
            .any(|entry| entry.digest == revision.spec.digest && entry.revision == revision.name_any())
    };
    let mut collection = Collection::default();
    for revision in revisions.iter().filter(|revision| revision.metadata.deletion_timestamp.is_none()) {
        if is_due(revision, flows, now) {
            if is_listed(revision) {
                collection.unlist = true;
            } else {
                collection.delete.push(Arc::clone(revision));
            }
            continue;
        }
        let wait = due(revision).map(|due| due.since(now)).filter(|wait| wait.0 > 0);
        collection.next = [collection.next, wait].into_iter().flatten().min();
    }
    collection
}

/// Whether nobody needs the revision: its flow does not point to it, its history does not name it, and the last
/// journey that can have begun on it has ended.
pub(crate) fn is_due(revision: &FlowRevision, flows: &[Arc<Flow>], now: Timestamp) -> bool {
    due(revision).is_some_and(|due| due <= now) && !is_pointed_at(revision, flows)
}

fn is_pointed_at(revision: &FlowRevision, flows: &[Arc<Flow>]) -> bool {
    let name = revision.name_any();
    let flow = flows.iter().find(|flow| flow.name_any() == revision.spec.flow);
    flow.and_then(|flow| flow.status.as_ref()).is_some_and(|status| {
        status.latest_created_revision.as_ref() == Some(&name)
            || status.latest_ready_revision.as_ref() == Some(&name)
            || status.history.iter().any(|entry| entry.revision == name)
    })
}

/// When the last journey on it has ended; nothing while it takes new ones.
pub(crate) fn due(revision: &FlowRevision) -> Option<Timestamp> {
    let retired_at = revision.status.as_ref()?.retired_at.as_ref()?;
    let lifetime = match revision.annotations().get(LIFETIME_ANNOTATION) {
        Some(text) => text.parse().unwrap_or(LONGEST_LIFETIME),
        None => DEFAULT_LIFETIME,
    };
    Some(timestamp(retired_at).plus(lifetime.min(LONGEST_LIFETIME)).plus(GRACE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{catalog, flow, revision};
    use idflow_api::condition::time;
    use idflow_api::flow::{FlowStatus, HistoryEntry};
    use idflow_api::flow_revision::FlowRevisionStatus;

    const NOW: Timestamp = Timestamp(1_000_000_000);

    fn retired(name: &str, ago: Span) -> Arc<FlowRevision> {
        let mut revision = revision("sign-in", name);
        let retired_at = Some(time(NOW.plus(Span(-ago.0))));
        revision.status = Some(FlowRevisionStatus { retired_at, ..FlowRevisionStatus::default() });
        Arc::new(revision)
    }

    fn pointing(status: FlowStatus) -> Vec<Arc<Flow>> {
        let mut flow = flow("sign-in");
        flow.status = Some(status);
        vec![Arc::new(flow)]
    }

    fn deleted(revisions: &[Arc<FlowRevision>], flows: &[Arc<Flow>], catalog: &Catalog) -> usize {
        collect(revisions, flows, catalog, NOW).delete.len()
    }

    #[test]
    fn a_revision_goes_when_its_last_journey_has_ended() {
        for (ago, expected) in [(Span::minutes(39), 0), (Span::minutes(41), 1)] {
            assert_eq!(deleted(&[retired("a", ago)], &[], &catalog()), expected, "{ago}");
        }
    }

    #[test]
    fn it_stays_while_anything_points_to_it() {
        let old = retired("a", Span::hours(5));
        let name = Some("a".to_owned());
        let entry = HistoryEntry { generation: 1, revision: "a".to_owned() };
        for status in [
            FlowStatus { latest_created_revision: name.clone(), ..FlowStatus::default() },
            FlowStatus { latest_ready_revision: name, ..FlowStatus::default() },
            FlowStatus { history: vec![entry], ..FlowStatus::default() },
        ] {
            assert_eq!(deleted(&[Arc::clone(&old)], &pointing(status), &catalog()), 0);
        }
        assert_eq!(deleted(&[old], &pointing(FlowStatus::default()), &catalog()), 1);
    }

    #[test]
    fn it_leaves_the_catalog_before_it_goes() {
        let old = retired("a", Span::hours(5));
        let listed = crate::fixtures::listing(&[("sign-in", "a", 0)]);
        assert_eq!(deleted(&[old], &[], &listed), 0);
    }

    #[test]
    fn a_lifetime_that_cannot_be_read_counts_as_the_longest() {
        let mut old = FlowRevision::clone(&retired("a", Span::hours(24 * 30)));
        old.annotations_mut().insert(LIFETIME_ANNOTATION.to_owned(), "long".to_owned());
        assert_eq!(deleted(&[Arc::new(old.clone())], &[], &catalog()), 0);
        old.annotations_mut().insert(LIFETIME_ANNOTATION.to_owned(), "1h".to_owned());
        assert_eq!(deleted(&[Arc::new(old)], &[], &catalog()), 1);
    }

    #[test]
    fn the_next_look_is_when_the_next_one_is_due() {
        let collection = collect(
            &[retired("a", Span::minutes(30)), retired("b", Span::minutes(10))],
            &[],
            &catalog(),
            NOW,
        );
        assert_eq!(collection.next, Some(Span::minutes(10)));
    }

    #[test]
    fn one_that_takes_new_journeys_is_never_due() {
        assert_eq!(deleted(&[Arc::new(revision("sign-in", "a"))], &[], &catalog()), 0);
    }
}
