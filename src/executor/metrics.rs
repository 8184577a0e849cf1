//! Counters of what an executor does. Label values come from closed sets, so that the series stay few.

use std::sync::atomic::{AtomicI64, AtomicU64};

use idflow_store::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric as _};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// How a request to a journey ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum StepResult {
    /// A journey began.
    Started,
    /// A step was committed.
    Moved,
    /// The post changed nothing: stale, repeated, expired.
    Refused,
    /// The store, the pool or another part was not available.
    Unavailable,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    result: StepResult,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct GrantLabels {
    event: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndLabels {
    completed: EndKind,
}

/// Whether a journey reached its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum EndKind {
    /// It reached `complete`.
    Completed,
    /// It reached `fail`, was cancelled or met an unhandled error.
    Failed,
}

/// The store counts at its own interface; a scrape asks it.
#[derive(Debug)]
struct RoundTrips(Store);

impl Collector for RoundTrips {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counter = ConstCounter::new(self.0.round_trips());
        let help = "Calls of the store's backend: round trips on a database across a network";
        let kind = counter.metric_type();
        counter.encode(encoder.encode_descriptor("idflow_store_round_trips", help, None, kind)?)
    }
}

/// The executor's metrics. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Metrics {
    steps: Family<StepLabels, Counter>,
    ends: Family<EndLabels, Counter>,
    grants: Family<GrantLabels, Counter>,
    refused_clients: Family<RefusedLabels, Counter>,
    /// How often a request to a journey was decided: more often than there are posts, where somebody else was first.
    pub decisions: Counter,
    /// Mails handed to a mail server.
    pub mails_sent: Counter,
    /// Mails that no mail server took.
    pub mails_failed: Counter,
    /// When the configuration was last confirmed, in seconds since the Unix epoch.
    pub configuration_confirmed: Gauge<i64, AtomicI64>,
    /// Revisions held.
    pub revisions: Gauge<u64, AtomicU64>,
    /// Records that the current key did not seal; -1 until they were counted.
    pub sealed_earlier: Gauge<i64, AtomicI64>,
}

impl Metrics {
    /// Registers the metrics, those of the store among them.
    pub fn new(registry: &mut Registry, store: &Store) -> Self {
        registry.register_collector(Box::new(RoundTrips(store.clone())));
        let metrics = Self {
            steps: Family::default(),
            ends: Family::default(),
            grants: Family::default(),
            refused_clients: Family::default(),
            decisions: Counter::default(),
            mails_sent: Counter::default(),
            mails_failed: Counter::default(),
            configuration_confirmed: Gauge::default(),
            revisions: Gauge::default(),
            sealed_earlier: Gauge::default(),
        };
        metrics.sealed_earlier.set(if store.keyring().is_changing() { -1 } else { 0 });
        registry.register(
            "idflow_store_sealed_by_earlier_keys",
            "Records that an earlier sealing key still has to open: at 0 it may be removed; -1 until they were counted",
            metrics.sealed_earlier.clone(),
        );
        registry.register("idflow_journey_steps", "Requests to journeys by result", metrics.steps.clone());
        registry.register("idflow_journeys_ended", "Journeys that ended", metrics.ends.clone());
        let help = "What happened to the grants of applications, by event: code.issued, token.issued, token.refreshed, token.repeated, grant.revoked";
        registry.register("idflow_grant_events", help, metrics.grants.clone());
        registry.register(
            "idflow_clients_refused",
            "Applications that did not show who they are, by what was wrong",
            metrics.refused_clients.clone(),
        );
        registry.register(
            "idflow_journey_decisions",
            "Runs of a step, more than one where somebody else was first",
            metrics.decisions.clone(),
        );
        registry.register("idflow_mails_sent", "Mails handed to a mail server", metrics.mails_sent.clone());
        registry.register(
            "idflow_mails_failed",
            "Mails that no mail server took",
            metrics.mails_failed.clone(),
        );
        registry.register(
            "idflow_configuration_confirmed_seconds",
            "When the configuration was last confirmed, in seconds since the Unix epoch",
            metrics.configuration_confirmed.clone(),
        );
        registry.register("idflow_revisions", "Revisions held", metrics.revisions.clone());
        metrics
    }

    /// Counts a request to a journey.
    pub fn step(&self, result: StepResult) {
        self.steps.get_or_create(&StepLabels { result }).inc();
    }

    /// Counts what happened to a grant. The events are those of the endpoints' table.
    pub fn grant(&self, event: &'static str) {
        self.grants.get_or_create(&GrantLabels { event }).inc();
    }

    /// Counts a refused authentication of a client. The reasons are the names of refusals.
    pub fn client_refused(&self, reason: &'static str) {
        self.refused_clients.get_or_create(&RefusedLabels { reason }).inc();
    }

    /// Counts an ended journey.
    pub fn ended(&self, completed: EndKind) {
        self.ends.get_or_create(&EndLabels { completed }).inc();
    }
}
