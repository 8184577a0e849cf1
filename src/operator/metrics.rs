//! Metrics in the shape that dashboards for controllers know. No object names in labels.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use idflow_core::time::Span;

use crate::flow::grace::graces;
use crate::route::{Controller, Queues};
use crate::world::World;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    controller: &'static str,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByController {
    controller: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByKind {
    kind: String,
}

/// What the operator counts.
pub(crate) struct Metrics {
    registry: Registry,
    looks: Family<ByResult, Counter>,
    durations: Family<ByController, Histogram>,
    depths: Family<ByController, Gauge>,
    watch_failures: Family<ByKind, Counter>,
    leader: Gauge<i64>,
    mints: Counter<u64, AtomicU64>,
    graces: Gauge<i64>,
}

fn histogram() -> Histogram {
    Histogram::new([0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0])
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("idflow_operator");
        let looks = Family::default();
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        let depths = Family::default();
        let watch_failures = Family::default();
        let leader = Gauge::default();
        let mints = Counter::default();
        let graces = Gauge::default();
        registry.register("reconcile", "Looks at objects, by result or failure reason", looks.clone());
        registry.register("reconcile_duration_seconds", "How long a look took", durations.clone());
        registry.register("queue_depth", "Objects waiting to be looked at", depths.clone());
        registry.register("watch_failures", "Interrupted watches", watch_failures.clone());
        registry.register("leader", "Whether this process leads", leader.clone());
        registry.register("revisions_minted", "FlowRevisions made", mints.clone());
        registry.register(
            "policy_grace_flows",
            "Flows that go on although the policy does not accept them",
            graces.clone(),
        );
        Self { registry, looks, durations, depths, watch_failures, leader, mints, graces }
    }

    pub(crate) fn looked(&self, controller: Controller, result: &'static str, took: Span) {
        let controller = controller.name();
        self.looks.get_or_create(&ByResult { controller, result }).inc();
        self.durations.get_or_create(&ByController { controller }).observe(took.to_std().as_secs_f64());
    }

    pub(crate) fn watch_failed(&self, kind: &str) {
        self.watch_failures.get_or_create(&ByKind { kind: kind.to_owned() }).inc();
    }

    pub(crate) fn set_leader(&self, leads: bool) {
        self.leader.set(i64::from(leads));
    }

    pub(crate) fn minted(&self) {
        self.mints.inc();
    }

    /// The text a scraper reads.
    pub(crate) fn text(&self, queues: &Queues, world: &World) -> String {
        let graces: usize = world.catalogs.all().iter().map(|catalog| graces(&catalog.spec).count()).sum();
        self.graces.set(i64::try_from(graces).unwrap_or(i64::MAX));
        for controller in Controller::ALL {
            let depth = queues.get(controller).map_or(0, crate::queue::Queue::depth);
            let labels = ByController { controller: controller.name() };
            self.depths.get_or_create(&labels).set(i64::try_from(depth).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        // Writing into a string cannot fail; an empty page is the harmless answer if it did.
        let _written = encode(&mut text, &self.registry);
        text
    }
}
