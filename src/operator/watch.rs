//! Watches: from the API server into the caches, and on to whoever must look again.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use idflow_api::workload::{MANAGED_BY_LABEL, MANAGER};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt as _};
use tokio::sync::Notify;

use crate::cache::{Change, Key};
use crate::metrics::Metrics;
use crate::route::{Queues, Router, Watched};
use crate::world::World;

/// Which objects of a kind are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// All of them.
    All,
    /// Those the operator made.
    Own,
    /// Those in one namespace.
    Namespace(String),
}

impl Scope {
    fn config(&self) -> watcher::Config {
        match self {
            Self::Own => watcher::Config::default().labels(&format!("{MANAGED_BY_LABEL}={MANAGER}")),
            Self::All | Self::Namespace(_) => watcher::Config::default(),
        }
    }

    fn namespace(&self) -> Option<&str> {
        match self {
            Self::Namespace(namespace) => Some(namespace),
            Self::All | Self::Own => None,
        }
    }
}

/// Where watches bring what they hear.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) world: Arc<World>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Intake {
    /// Who must look again when something has changed.
    pub(crate) fn router(&self) -> Router<'_> {
        Router { world: &self.world, queues: &self.queues }
    }
}

/// Watches objects for ever, each guarded, so that a malformed one costs only itself. `listed` is told after every full
/// listing.
pub(crate) async fn guarded<K: Watched>(
    intake: Intake,
    api: Api<DeserializeGuard<K>>,
    scope: Scope,
    listed: Arc<Notify>,
) {
    let events = watcher(api, scope.config()).default_backoff();
    follow(intake, events, scope, listed).await;
}

/// Watches metadata for ever; there is nothing in it that could be malformed.
pub(crate) async fn metadata<K: Watched>(intake: Intake, api: Api<K>, scope: Scope, listed: Arc<Notify>) {
    let events = watcher(api, scope.config()).default_backoff();
    follow(intake, events.map(|event| event.map(guard)), scope, listed).await;
}

async fn follow<K: Watched>(
    intake: Intake,
    events: impl Stream<Item = watcher::Result<Event<DeserializeGuard<K>>>>,
    scope: Scope,
    listed: Arc<Notify>,
) {
    let kind = K::kind(&());
    let mut events = pin!(events);
    let mut seen = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if take(&intake, event, &scope, &mut seen) == Listing::Done {
                    listed.notify_one();
                }
            }
            Err(error) => {
                intake.metrics.watch_failed(&kind);
                tracing::warn!(%kind, %error, "a watch was interrupted and begins anew");
            }
        }
    }
}

/// Whether an event ended a full listing.
#[derive(PartialEq, Eq)]
enum Listing {
    Open,
    Done,
}

fn take<K: Watched>(
    intake: &Intake,
    event: Event<DeserializeGuard<K>>,
    scope: &Scope,
    seen: &mut BTreeSet<Key>,
) -> Listing {
    let cache = K::cache(&intake.world);
    match event {
        Event::Init => seen.clear(),
        Event::InitApply(object) => {
            seen.insert(key_of(&object));
            tell(intake, cache.take(object));
        }
        Event::InitDone => {
            for gone in cache.keep_only(scope.namespace(), seen) {
                tell(intake, Some(gone));
            }
            seen.clear();
            if let Some(namespace) = scope.namespace() {
                K::listed_in(namespace, &intake.router());
            }
            return Listing::Done;
        }
        Event::Apply(object) => tell(intake, cache.take(object)),
        Event::Delete(object) => tell(intake, cache.remove(&key_of(&object), object.uid().as_deref())),
    }
    Listing::Open
}

fn tell<K: Watched>(intake: &Intake, change: Option<Change<K>>) {
    if let Some(change) = change {
        K::changed(&change, &intake.router());
    }
}

fn key_of<K: Resource>(object: &K) -> Key {
    let metadata = object.meta();
    Key::new(metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

fn guard<K>(event: Event<K>) -> Event<DeserializeGuard<K>> {
    match event {
        Event::Apply(object) => Event::Apply(DeserializeGuard(Ok(object))),
        Event::Delete(object) => Event::Delete(DeserializeGuard(Ok(object))),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(DeserializeGuard(Ok(object))),
        Event::InitDone => Event::InitDone,
    }
}
