//! Watches: from the API server into the caches, and on to whoever must look again.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;

use crate::built_in::BuiltIn;
use crate::cache::{Cache, Key, OnlyStatus};
use crate::context::Context;
use crate::route::{Changed, route};
use crate::world::World;

/// What to watch.
pub(crate) struct Watch<K> {
    pub(crate) kind: &'static str,
    pub(crate) cache: fn(&World) -> &Cache<K>,
    /// Drops what is not worth the memory.
    pub(crate) prune: fn(&mut K),
    /// The namespace, or everything.
    pub(crate) scope: Option<String>,
    /// Only objects with this label.
    pub(crate) label: Option<(&'static str, &'static str)>,
}

impl<K> Watch<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Watches objects for ever, each guarded, so that a malformed one costs only itself. `listed` is told after
    /// every full listing.
    pub(crate) async fn guarded(self, ctx: Arc<Context>, api: Api<DeserializeGuard<K>>, listed: Arc<Notify>) {
        let events = watcher(api, self.config()).default_backoff();
        self.follow(ctx, events, listed).await;
    }

    /// Watches metadata for ever; there is nothing in it that could be malformed.
    pub(crate) async fn metadata(self, ctx: Arc<Context>, api: Api<K>, listed: Arc<Notify>) {
        let events = watcher(api, self.config()).default_backoff();
        self.follow(ctx, events.map(|event| event.map(guarded)), listed).await;
    }

    fn config(&self) -> watcher::Config {
        match self.label {
            Some((name, value)) => watcher::Config::default().labels(&format!("{name}={value}")),
            None => watcher::Config::default(),
        }
    }

    async fn follow(
        self,
        ctx: Arc<Context>,
        events: impl Stream<Item = watcher::Result<Event<DeserializeGuard<K>>>>,
        listed: Arc<Notify>,
    ) {
        let mut events = pin!(events);
        let mut seen = BTreeSet::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.take(&ctx, event, &mut seen, &listed),
                Err(error) => {
                    ctx.metrics.watch_failed(self.kind);
                    tracing::warn!(kind = self.kind, %error, "a watch was interrupted and begins anew");
                }
            }
        }
    }

    fn take(
        &self,
        ctx: &Context,
        event: Event<DeserializeGuard<K>>,
        seen: &mut BTreeSet<Key>,
        listed: &Notify,
    ) {
        match event {
            Event::Init => seen.clear(),
            Event::InitApply(object) => {
                seen.insert(key_of(&object));
                self.put(ctx, object);
            }
            Event::InitDone => {
                for key in (self.cache)(&ctx.world).keep_only(self.scope.as_deref(), seen) {
                    self.tell(ctx, &key, OnlyStatus(false));
                }
                seen.clear();
                self.set_known(ctx);
                listed.notify_one();
            }
            Event::Apply(object) => self.put(ctx, object),
            Event::Delete(object) => {
                let key = key_of(&object);
                (self.cache)(&ctx.world).remove(&key);
                self.tell(ctx, &key, OnlyStatus(false));
            }
        }
    }

    fn put(&self, ctx: &Context, mut object: DeserializeGuard<K>) {
        let metadata = object.meta_mut();
        metadata.managed_fields = None;
        if let Ok(object) = &mut object.0 {
            (self.prune)(object);
        }
        let key = key_of(&object);
        let only_status = (self.cache)(&ctx.world).put(object);
        self.tell(ctx, &key, only_status);
    }

    fn tell(&self, ctx: &Context, key: &Key, only_status: OnlyStatus) {
        let changed = Changed { kind: self.kind, key, only_status: only_status.0 };
        route(&ctx.world, &ctx.queues, &changed);
    }

    fn set_known(&self, ctx: &Context) {
        if let Some(namespace) = &self.scope {
            // Only these two are watched by namespace.
            let part = if self.kind == "Secret" { BuiltIn::Secret } else { BuiltIn::ConfigMap };
            ctx.world.set_known(namespace, part);
            crate::route::everything_in(&ctx.world, &ctx.queues, namespace);
        }
    }
}

fn key_of<K: Resource>(object: &K) -> Key {
    let metadata = object.meta();
    Key::new(metadata.namespace.clone().unwrap_or_default(), metadata.name.clone().unwrap_or_default())
}

fn guarded<K>(event: Event<K>) -> Event<DeserializeGuard<K>> {
    match event {
        Event::Apply(object) => Event::Apply(DeserializeGuard(Ok(object))),
        Event::Delete(object) => Event::Delete(DeserializeGuard(Ok(object))),
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(DeserializeGuard(Ok(object))),
        Event::InitDone => Event::InitDone,
    }
}
