//! An executor from its parts: listeners, the mail worker, the purge.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use idflow_core::chance::Chance;
use idflow_core::digest::Digest;
use idflow_core::time::Clock;
use idflow_factor::Hasher;
use idflow_flow::kinds::Kinds;
use idflow_net::client::GuardedClient;
use idflow_net::listen::{self, Limits};
use idflow_net::mail::Mailer;
use idflow_oidc::endpoint::ENDPOINTS;
use idflow_oidc::keys::Keys;
use idflow_pages::Pages;
use idflow_store::Store;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Shared};
use crate::asks::Asks;
use crate::http::BODY_TIME;
use crate::http::admin::Admin;
use crate::indices;
use crate::limiter::Limiter;
use crate::mail_queue::{Mails, Waiting};
use crate::mails;
use crate::metrics::Metrics;
use crate::observer::Observer;
use crate::pool::Pool;
use crate::report::{Report, Reports};
use crate::resealing;
use crate::revisions::{RevisionFetch, Revisions};
use crate::source::Snapshot;

/// How often expired records are purged. What a post proves is kept for as long.
const PURGE_EVERY: Duration = Duration::from_secs(15);

/// How long a pod goes on taking visitors when it has been told to stop: until the readiness that has fallen is
/// noticed, probes come every two seconds and two of them count. With the time that requests may take
/// (`Limits::drain`) it stays below the pod's grace period.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// What an executor is made of.
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub chance: Arc<dyn Chance>,
    /// The node kinds.
    pub kinds: Kinds,
    /// The records.
    pub store: Store,
    /// The keys that sign tokens.
    pub keys: Keys,
    /// How passwords are hashed.
    pub hasher: Hasher,
    /// How many passwords are hashed at a time.
    pub hashing_slots: usize,
    /// Calls the outside.
    pub outbound: GuardedClient,
    /// Sends mails.
    pub mailer: Arc<dyn Mailer>,
    /// Hears of security events.
    pub observer: Arc<dyn Observer>,
    /// Renders pages and mails.
    pub pages: Pages,
    /// Whether this is `idflow dev`.
    pub development: bool,
    /// Whether the limits on starts, guesses and mails are lifted, for load tests.
    pub unlimited: bool,
    /// Brings a revision that a journey needs and that is not held; without it such a journey waits.
    pub fetch: Option<Arc<dyn RevisionFetch>>,
    /// The digest of the second port's bearer token.
    pub admin_token: Option<Digest>,
}

/// An executor that can serve.
pub struct Executor {
    /// The state of its handlers.
    pub app: Shared,
    /// The latest report.
    pub reports: Reports,
    admin: Admin,
    mailer: Arc<dyn Mailer>,
    waiting: Waiting,
}

impl Executor {
    /// Puts the parts together and takes the first configuration.
    pub fn new(parts: Parts, first: &Snapshot) -> Self {
        let mut registry = Registry::default();
        let metrics = Metrics::new(&mut registry, &parts.store);
        let revisions = Revisions::new(parts.kinds);
        let prepared = first.prepare(&revisions, parts.clock.now());
        warn_of(&prepared.report);
        let reports = Reports::default();
        reports.publish(prepared.report);
        let (mails, waiting) = Mails::queue();
        let asks = Asks {
            store: parts.store.clone(),
            pool: Pool::new(parts.hashing_slots),
            hasher: Arc::new(parts.hasher),
            chance: Arc::clone(&parts.chance),
            outbound: parts.outbound,
            unlimited: parts.unlimited,
        };
        let app = Arc::new(App {
            clock: parts.clock,
            chance: parts.chance,
            configuration: ArcSwap::from_pointee(prepared.configuration),
            revisions,
            keyring: parts.store.keyring().clone(),
            store: parts.store,
            keys: parts.keys,
            asks,
            mails,
            pages: parts.pages,
            development: parts.development,
            unlimited: parts.unlimited,
            untrusted_proxy_told: std::sync::Mutex::default(),
            fetch: parts.fetch,
            reports: reports.clone(),
            limiter: Limiter::default(),
            metrics,
            observer: parts.observer,
        });
        let admin = Admin {
            reports: reports.clone(),
            registry: Arc::new(registry),
            token: parts.admin_token,
            app: Arc::clone(&app),
        };
        Self { app, reports, admin, mailer: parts.mailer, waiting }
    }

    /// The routes of the second port.
    pub fn second_port(&self) -> Router {
        self.admin.clone().routes()
    }

    /// Serves visitors on the first listener and the operator on the second, until `stop` is cancelled; then
    /// requests under way are finished. `more` are further routes of the first, such as the mail catcher.
    pub async fn serve(
        self,
        public: TcpListener,
        admin: Option<TcpListener>,
        more: Router,
        stop: CancellationToken,
    ) {
        let (app, second, reports) = (Arc::clone(&self.app), self.second_port(), self.reports.clone());
        let gone = CancellationToken::new();
        let patience = if admin.is_some() { NOTICED_WITHIN } else { Duration::ZERO };
        let mut tasks = JoinSet::new();
        tasks.spawn(purge(Arc::clone(&app)));
        tasks.spawn(resealing::follow(Arc::clone(&app)));
        tasks.spawn(indices::follow(Arc::clone(&app), self.reports.clone()));
        tasks.spawn(self.deliver());
        if let Some(listener) = admin {
            tasks.spawn(listen::serve(
                listener,
                None,
                second,
                Limits::default(),
                gone.clone().cancelled_owned(),
            ));
        }
        let routes = crate::http::routes(Arc::clone(&app), ENDPOINTS, BODY_TIME).merge(more);
        // Whoever sends visitors here notices first that none shall come any more.
        let left = async move {
            stop.cancelled().await;
            reports.leave();
            tokio::time::sleep(patience).await;
        };
        listen::serve(public, None, routes, Limits::default(), left).await;
        gone.cancel();
        tasks.shutdown().await;
        app.store.close();
    }
}

impl Executor {
    /// Sends mails as they are queued, for as long as the app lives. [`Executor::serve`] does it too; who drives the
    /// routes without sockets runs it beside them.
    pub fn deliver(self) -> impl Future<Output = ()> + Send {
        mails::deliver(self.app, self.mailer, self.waiting)
    }
}

/// Says what of a configuration does not serve.
fn warn_of(report: &Report) {
    for problem in &report.problems {
        tracing::warn!(problem, "a part of the configuration cannot be used");
    }
}

/// Replaces the configuration as a whole.
pub fn install(app: &App, reports: &Reports, snapshot: &Snapshot) {
    let mut prepared = snapshot.prepare(&app.revisions, app.clock.now());
    prepared.configuration.keep_claims_of(&app.configuration.load());
    warn_of(&prepared.report);
    let held = prepared.report.revisions.len();
    app.metrics.revisions.set(u64::try_from(held).unwrap_or(u64::MAX));
    app.metrics.configuration_confirmed.set(app.clock.now().seconds());
    let (before, after) = (app.configuration.load_full(), &prepared.configuration);
    reports.forget_refusals(|client| before.clients.get(client) == after.clients.get(client));
    app.configuration.store(Arc::new(prepared.configuration));
    reports.publish(prepared.report);
}

async fn purge(app: Shared) {
    loop {
        tokio::time::sleep(PURGE_EVERY).await;
        if let Err(error) = app.store.purge(app.clock.now()).await {
            tracing::warn!(%error, "expired records could not be purged");
        }
    }
}

/// Binds an address, with an error that says which.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    use anyhow::Context as _;
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; is another program there?"))
}

/// Completes when the process is asked to end.
pub async fn termination() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { biased; _ = terminate.recv() => {}, _ = interrupt => {} }
        }
        Err(_) => drop(interrupt.await),
    }
}
