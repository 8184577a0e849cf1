//! The cluster as the configuration source: what `idflow executor` serves.
//!
//! ```text
//!   watches ─▶ mirrors ─▶ assemble ─▶ Snapshot ─▶ runtime::install ─▶ cache
//! ```
//!
//! Each mirror begins with what the cache of an earlier process holds, and nothing is installed before the API
//! server has told everything once. So a start without API server, or with half of one, serves the last good
//! configuration as a whole.

mod assemble;
mod cache;
mod fetch;
mod mirror;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use idflow_api::catalog::{self, TenantSettings};
use idflow_api::{Catalog, CatalogSpec, FlowRevision};
use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::core::DeserializeGuard;
use kube::runtime::watcher::Config;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use crate::app::{App, Shared};
use crate::report::Reports;
use crate::revisions::{RevisionFetch, Revisions};
use crate::runtime;
use crate::source::Snapshot;
use crate::source::by_kind::{Aged, AgedObjects, SpecOf};
use crate::source::live::Live;
use crate::source::shared_secret::SharedSecret;
use assemble::{Objects, Told, assemble, secret_names, shared};
use cache::Cache;
use fetch::Fetch;
use mirror::Mirror;

/// How long changes are collected: one `kubectl apply` becomes one configuration.
const DEBOUNCE: Duration = Duration::from_millis(20);

/// How often a configuration that waits for a listing is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often the API server is asked whether the configuration is still the current one.
const CONFIRM_EVERY: Duration = Duration::from_mins(1);

/// How long that answer may take.
const CONFIRM_WITHIN: Duration = Duration::from_secs(5);

/// The tenant's namespace as the source of an executor's configuration.
pub struct ClusterSource {
    client: Client,
    namespace: String,
    cache: Cache,
    known: Live,
    held: BTreeMap<String, Told>,
    confirmed: Option<Timestamp>,
}

impl ClusterSource {
    /// The namespace, and what to serve until the API server has told what is in it: what an earlier process left
    /// in `cache`, else nothing. Fails when no API server is named by the pod or the kubeconfig; whether it answers
    /// makes no difference.
    pub async fn connect(namespace: &str, cache: &Path) -> anyhow::Result<(Self, Snapshot)> {
        idflow_net::install_crypto();
        let client = Client::try_default().await.context("no API server is configured")?;
        let cache = Cache::new(cache);
        let (snapshot, confirmed) = match cache.read() {
            Some(kept) => (kept.snapshot, Some(kept.confirmed)),
            None => (nothing(namespace), None),
        };
        let source = Self {
            client,
            namespace: namespace.to_owned(),
            cache,
            known: snapshot.live.clone(),
            held: snapshot.contents.keys().map(|digest| kept(&snapshot, *digest)).collect(),
            confirmed,
        };
        Ok((source, snapshot))
    }

    /// Brings single revisions that a journey needs before the watch has told them.
    pub fn fetcher(&self) -> Arc<dyn RevisionFetch> {
        Arc::new(Fetch::new(Api::namespaced(self.client.clone(), &self.namespace)))
    }

    /// Follows the namespace for ever.
    pub async fn follow(self, app: Shared, reports: Reports) {
        if let Some(confirmed) = self.confirmed {
            app.metrics.configuration_confirmed.set(confirmed.seconds());
        }
        let mut world = World::new(&self, &app.revisions);
        world.watches.spawn(confirm(
            self.client.clone(),
            self.namespace,
            self.cache.clone(),
            Arc::clone(&app),
        ));
        let mut awaited = true;
        loop {
            tokio::select! {
                () = world.changed.notified() => tokio::time::sleep(DEBOUNCE).await,
                () = tokio::time::sleep(LOOK_AGAIN), if awaited => {}
                // Usually the stopped watch of a Secret that nobody names any more.
                Some(ended) = world.watches.join_next() => {
                    if let Err(error) = ended && error.is_panic() {
                        tracing::error!(%error, "a watch ended: changes of its kind are not seen until a restart");
                    }
                    continue;
                }
            }
            world.follow_secrets();
            awaited = world.is_awaited();
            if let Some(objects) = world.objects().filter(|_| !awaited) {
                install(&app, &reports, &world, &self.cache, assemble(objects));
            }
        }
    }
}

/// A revision that an earlier process kept; its name will be told.
fn kept(snapshot: &Snapshot, digest: Digest) -> (String, Told) {
    let facts = snapshot.facts.get(&digest).cloned().unwrap_or_default();
    (digest.to_string(), Told { digest, facts, is_damaged: false })
}

/// Before the first Catalog: no flow, and not ready.
fn nothing(namespace: &str) -> Snapshot {
    let tenant = TenantSettings {
        name: namespace.to_owned(),
        issuer: String::new(),
        limits: None,
        policy: None,
        egress: None,
        trusted_proxies: Vec::new(),
        hsts_include_sub_domains: false,
    };
    Snapshot {
        catalog: 0,
        tenant,
        flows: Vec::new(),
        withdrawn: Vec::new(),
        contents: BTreeMap::new(),
        facts: BTreeMap::new(),
        damaged: BTreeSet::new(),
        live: Live::default(),
    }
}

/// Replaces what is served, keeps it for the next process, and lets go of contents that are loaded.
fn install(app: &App, reports: &Reports, world: &World, cache: &Cache, snapshot: Snapshot) {
    runtime::install(app, reports, &snapshot);
    let listed =
        snapshot.flows.iter().flat_map(|flow| &flow.entries).filter_map(|entry| entry.digest.parse().ok());
    let told = world.revisions.held().into_values().map(|told| told.digest);
    let wanted: BTreeSet<Digest> = told.chain(listed).collect();
    app.revisions.retain(&wanted);
    let mut report = reports.latest();
    report.revisions.retain(|held| wanted.contains(&held.digest));
    reports.publish(report);
    world.contents().retain(|digest, _| wanted.contains(digest) && !app.revisions.is_known(digest));
    tracing::info!(catalog = snapshot.catalog, "a configuration was installed");
    if let Err(error) = cache.write(snapshot, &wanted) {
        tracing::warn!(%error, "the configuration cannot be kept: a restart will need the API server");
    }
}

/// An idle watch says nothing about its age, so the API server is asked.
async fn confirm(client: Client, namespace: String, cache: Cache, app: Shared) {
    let catalogs: Api<DeserializeGuard<Catalog>> = Api::namespaced(client, &namespace);
    loop {
        tokio::time::sleep(CONFIRM_EVERY).await;
        let answer = tokio::time::timeout(CONFIRM_WITHIN, catalogs.get(catalog::NAME)).await;
        let Ok(Ok(current)) = answer else { continue };
        if current.meta().generation == Some(app.configuration.load().generation) {
            let now = app.clock.now();
            app.metrics.configuration_confirmed.set(now.seconds());
            // Without a kept configuration there is nothing to confirm.
            let _nothing_kept = cache.confirm(now);
        }
    }
}

/// The namespace as last told.
struct World {
    client: Client,
    namespace: String,
    changed: Arc<Notify>,
    watches: JoinSet<()>,
    catalog: Arc<Mirror<(i64, CatalogSpec)>>,
    revisions: Arc<Mirror<Told>>,
    contents: Contents,
    live: Mirrors,
    known_secrets: BTreeMap<String, SharedSecret>,
    secrets: BTreeMap<String, (Arc<Mirror<SharedSecret>>, AbortHandle)>,
}

/// Contents that were told and are not both loaded and kept. Loaded ones are programs; their text is in the cache.
type Contents = Arc<Mutex<BTreeMap<Digest, String>>>;

impl World {
    /// The namespace as the source knew it, and a watch on every kind.
    fn new(source: &ClusterSource, loaded: &Revisions) -> Self {
        let known = &source.known;
        let mut world = Self {
            client: source.client.clone(),
            namespace: source.namespace.clone(),
            changed: Arc::default(),
            watches: JoinSet::new(),
            catalog: Arc::new(Mirror::of(BTreeMap::new())),
            revisions: Arc::new(Mirror::of(source.held.clone())),
            contents: Contents::default(),
            live: Mirrors::of(known),
            known_secrets: known.secrets.clone(),
            secrets: BTreeMap::new(),
        };
        world.watch_everything(loaded.clone(), source.cache.clone());
        world
    }

    fn watch_everything(&mut self, loaded: Revisions, cache: Cache) {
        let contents = Arc::clone(&self.contents);
        let catalog = Config::default().fields(&format!("metadata.name={}", catalog::NAME));
        self.watch(catalog, &self.catalog.clone(), |catalog: Catalog| {
            Some((catalog.metadata.generation?, catalog.spec))
        });
        self.watch(Config::default(), &self.revisions.clone(), move |revision: FlowRevision| {
            let told = Told::of(&revision.spec)?;
            // Nobody else's content may take the place of what the digest stands for.
            if !told.is_damaged && (!loaded.is_known(&told.digest) || !cache.holds(&told.digest)) {
                lock(&contents).insert(told.digest, revision.spec.content);
            }
            Some(told)
        });
        self.watch_live();
    }

    fn watch<K, V>(
        &mut self,
        config: Config,
        mirror: &Arc<Mirror<V>>,
        read: impl Fn(K) -> Option<V> + Send + Sync + 'static,
    ) -> AbortHandle
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K: Send + 'static,
        V: Clone + PartialEq + Send + 'static,
    {
        let api: Api<DeserializeGuard<K>> = Api::namespaced(self.client.clone(), &self.namespace);
        self.watches.spawn(watch::follow(api, config, Arc::clone(mirror), Arc::clone(&self.changed), read))
    }

    /// Watches exactly the Secrets that are named now, each by its name: the executor may not list others.
    fn follow_secrets(&mut self) {
        let named = secret_names(&self.live.connections.held(), &self.live.clients.held());
        self.secrets.retain(|name, (_, watch)| {
            let keep = named.contains(name);
            if !keep {
                watch.abort();
            }
            keep
        });
        for name in named {
            if !self.secrets.contains_key(&name) {
                let known = self.known_secrets.remove(&name).map(|secret| (name.clone(), secret));
                let mirror = Arc::new(Mirror::of(known.into_iter().collect()));
                let config = Config::default().fields(&format!("metadata.name={name}"));
                let watch = self.watch(config, &mirror, |secret: Secret| Some(shared(secret)));
                self.secrets.insert(name, (mirror, watch));
            }
        }
    }

    /// Whether something was not told yet that a configuration should not be without.
    fn is_awaited(&self) -> bool {
        let now = Instant::now();
        !self.catalog.is_listed()
            || !self.revisions.is_listed()
            || self.live.is_awaited(now)
            || self.secrets.values().any(|(secret, _)| secret.is_awaited(now))
    }

    /// Everything as last told; nothing while there is no Catalog. A deleted one leaves what is served in place.
    fn objects(&self) -> Option<Objects> {
        let (generation, catalog) = self.catalog.get(catalog::NAME)?;
        let secret = |(name, (mirror, _)): (&String, &(Arc<Mirror<SharedSecret>>, AbortHandle))| {
            Some((name.clone(), mirror.get(name)?))
        };
        Some(Objects {
            generation,
            catalog,
            revisions: self.revisions.held(),
            contents: self.contents().clone(),
            live: self.live.held(),
            secrets: self.secrets.iter().filter_map(secret).collect(),
        })
    }

    fn contents(&self) -> MutexGuard<'_, BTreeMap<Digest, String>> {
        lock(&self.contents)
    }
}

fn lock(contents: &Contents) -> MutexGuard<'_, BTreeMap<Digest, String>> {
    contents.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! mirrors {
    (
        source { $($Source:ident $sources:ident),+ }
        live { $($Kind:ident $plural:ident),+ }
        product { $($Product:ident $products:ident),+ }
    ) => {
        /// One mirror per kind that executors follow as it is.
        struct Mirrors {
            $($plural: Arc<Mirror<Aged<SpecOf<idflow_api::$Kind>>>>,)+
        }

        impl Mirrors {
            fn of(known: &Live) -> Self {
                Self { $($plural: mirror(&known.$plural),)+ }
            }

            fn is_awaited(&self, now: Instant) -> bool {
                $(self.$plural.is_awaited(now))||+
            }

            fn held(&self) -> AgedObjects {
                AgedObjects { $($plural: self.$plural.held(),)+ }
            }
        }

        impl World {
            fn watch_live(&mut self) {
                $(let mirror = Arc::clone(&self.live.$plural);
                self.watch(Config::default(), &mirror, |object: idflow_api::$Kind| Some(Aged::of(&object)));)+
            }
        }
    };
}
idflow_api::custom_resources!(mirrors);

fn mirror<S: Clone + PartialEq>(known: &BTreeMap<String, S>) -> Arc<Mirror<Aged<S>>> {
    let aged = |(name, spec): (&String, &S)| (name.clone(), Aged { created: None, spec: spec.clone() });
    Arc::new(Mirror::of(known.iter().map(aged).collect()))
}
