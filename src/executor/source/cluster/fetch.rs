//! A revision that a journey needs before the watch has told it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use idflow_api::FlowRevision;
use idflow_api::flow_revision::FlowRevisionSpec;
use idflow_core::digest::Digest;
use kube::Api;
use kube::api::ListParams;
use kube::core::DeserializeGuard;
use tokio::time::Instant;

use crate::revisions::{Facts, RevisionFetch, Revisions};

/// How long a visitor waits for the API server.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long nobody asks again for what was not there.
const REST: Duration = Duration::from_secs(5);

/// How many revisions that claim one digest are looked through.
const MOST_CLAIMS: u32 = 16;

/// The most digests whose last failure is remembered.
const REMEMBERED: usize = 1000;

/// Reads single revisions from the API server.
pub(super) struct Fetch {
    api: Api<DeserializeGuard<FlowRevision>>,
    slots: Slots,
}

impl Fetch {
    pub(super) fn new(api: Api<DeserializeGuard<FlowRevision>>) -> Self {
        Self { api, slots: Slots::default() }
    }

    /// By digest and not by name, because a journey's record has only that. What merely claims the digest is passed
    /// over.
    async fn revision(&self, digest: Digest) -> Option<FlowRevisionSpec> {
        let selected = ListParams::default().fields(&format!("spec.digest={digest}")).limit(MOST_CLAIMS);
        match tokio::time::timeout(PATIENCE, self.api.list(&selected)).await {
            Ok(Ok(list)) => {
                let mut specs = list.items.into_iter().filter_map(|guarded| Some(guarded.0.ok()?.spec));
                specs.find(|spec| Digest::of(&spec.content) == digest)
            }
            Ok(Err(error)) => {
                tracing::warn!(%digest, error = super::watch::describe(&error), "a revision cannot be read");
                None
            }
            Err(_elapsed) => {
                tracing::warn!(%digest, "a revision cannot be read: the API server did not answer in time");
                None
            }
        }
    }
}

impl RevisionFetch for Fetch {
    fn fetch<'a>(&'a self, digest: Digest, revisions: &'a Revisions) -> BoxFuture<'a, ()> {
        let revision = move || self.revision(digest);
        self.slots.load(digest, revisions, Instant::now(), revision).map(drop).boxed()
    }
}

/// One slot per digest: whoever comes while another asks waits for that answer.
#[derive(Default)]
struct Slots(Mutex<BTreeMap<Digest, Slot>>);

/// When the revision was last looked for in vain.
type Slot = Arc<tokio::sync::Mutex<Option<Instant>>>;

impl Slots {
    fn slot(&self, digest: Digest) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= REMEMBERED {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        Arc::clone(slots.entry(digest).or_default())
    }

    async fn load<F: Future<Output = Option<FlowRevisionSpec>>>(
        &self,
        digest: Digest,
        revisions: &Revisions,
        now: Instant,
        revision: impl FnOnce() -> F,
    ) -> bool {
        let slot = self.slot(digest);
        let mut failed = slot.lock().await;
        if revisions.is_known(&digest) {
            return revisions.held(&digest).is_some();
        }
        if failed.is_some_and(|at| now.duration_since(at) < REST) {
            return false;
        }
        let Some(revision) = revision().await else {
            *failed = Some(now);
            return false;
        };
        match revisions.load(digest, &revision.content, &Facts::of(&revision)) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "a revision cannot be loaded");
                *failed = Some(now);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use idflow_flow::kinds::Kinds;

    use super::*;

    fn revisions() -> Revisions {
        Revisions::new(Kinds(&[]))
    }

    fn spec(digest: Digest, content: &str) -> FlowRevisionSpec {
        let spec = serde_json::json!({
            "flow": "sign-in", "generation": 1, "digest": digest.to_string(), "content": content, "sources": [],
        });
        serde_json::from_value(spec).unwrap()
    }

    #[tokio::test]
    async fn many_who_ask_at_once_ask_the_api_server_once() {
        let (slots, revisions, asked) = (Slots::default(), revisions(), AtomicU32::new(0));
        let begun = Instant::now();
        let ask = |now| {
            slots.load(Digest::of("x"), &revisions, now, async || {
                asked.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
                None
            })
        };
        assert_eq!(tokio::join!(ask(begun), ask(begun), ask(begun)), (false, false, false));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        assert!(!ask(begun + REST).await);
        assert_eq!(asked.load(Ordering::Relaxed), 2, "after a rest it is looked for again");
    }

    #[tokio::test]
    async fn content_of_another_digest_is_not_loaded() {
        let (slots, revisions) = (Slots::default(), revisions());
        let wanted = Digest::of("wanted");
        assert!(!slots.load(wanted, &revisions, Instant::now(), async || Some(spec(wanted, "other"))).await);
        assert!(revisions.get(&wanted).is_none());
    }

    #[tokio::test]
    async fn memory_for_failures_is_bounded() {
        let (slots, revisions) = (Slots::default(), revisions());
        for number in 0..3 * REMEMBERED {
            let digest = Digest::of(number.to_be_bytes());
            slots.load(digest, &revisions, Instant::now(), async || None).await;
        }
        assert!(slots.0.lock().unwrap().len() <= REMEMBERED);
    }
}
