//! Who must look again when an object has changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use idflow_api::Flow;
use idflow_api::condition::{READY, SERVING, find};
use idflow_api::reason::Reason;
use idflow_core::chance::Chance;
use idflow_core::time::Clock;
use serde_json::Value;

use crate::cache::Key;
use crate::queue::{Job, Queue};
use crate::world::World;

/// The controllers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Controller {
    Tenant,
    Flow,
    Reference,
    Catalog,
    Executor,
    Collector,
}

impl Controller {
    pub(crate) const ALL: [Self; 6] =
        [Self::Tenant, Self::Flow, Self::Reference, Self::Catalog, Self::Executor, Self::Collector];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Flow => "flow",
            Self::Reference => "reference",
            Self::Catalog => "catalog",
            Self::Executor => "executor",
            Self::Collector => "collector",
        }
    }

    /// The field manager of everything the controller writes. Part of the API: renaming it strands fields.
    pub(crate) const fn manager(self) -> &'static str {
        match self {
            Self::Tenant => "idflow.dev/tenant",
            Self::Flow => "idflow.dev/flow",
            Self::Reference => "idflow.dev/reference",
            Self::Catalog => "idflow.dev/catalog",
            Self::Executor => "idflow.dev/executor",
            Self::Collector => "idflow.dev/collector",
        }
    }
}

/// One queue per controller.
pub(crate) struct Queues(BTreeMap<Controller, Queue>);

impl Queues {
    pub(crate) fn new(clock: &Arc<dyn Clock>, chance: &Arc<dyn Chance>) -> Self {
        let queue = || Queue::new(Arc::clone(clock), Arc::clone(chance));
        Self(Controller::ALL.into_iter().map(|controller| (controller, queue())).collect())
    }

    pub(crate) fn get(&self, controller: Controller) -> Option<&Queue> {
        self.0.get(&controller)
    }

    pub(crate) fn add(&self, controller: Controller, job: Job) {
        if let Some(queue) = self.0.get(&controller) {
            queue.add(job);
        }
    }
}

/// An object that has appeared, changed or gone.
pub(crate) struct Changed<'a> {
    pub(crate) kind: &'static str,
    pub(crate) key: &'a Key,
    /// Whether spec, labels and annotations are what they were.
    pub(crate) only_status: bool,
}

/// Asks everybody concerned to look again.
pub(crate) fn route(world: &World, queues: &Queues, changed: &Changed<'_>) {
    let Changed { kind, key, only_status } = *changed;
    let namespace = key.namespace.as_str();
    let own = || Job::new(kind, key.clone());
    match kind {
        "Tenant" => tenant_changed(world, queues, key),
        "Namespace" => tenants_of_namespace(world, queues, &key.name),
        "Flow" => {
            // A flow's status is this operator's own writing.
            if !only_status || !is_observed(world, key) {
                queues.add(Controller::Flow, own());
            }
            queues.add(Controller::Catalog, Job::namespace(namespace));
            dependents(world, queues, changed);
            if !only_status {
                references(world, queues, namespace, &["OIDCClient"]);
            }
        }
        "FlowNode" | "Directory" | "Theme" => {
            if !only_status {
                references(world, queues, namespace, &[kind]);
            }
            queues.add(Controller::Reference, own());
            dependents(world, queues, changed);
        }
        "Connection" | "OIDCClient" => {
            if !only_status {
                references(world, queues, namespace, &[kind]);
                tenants_of_namespace(world, queues, namespace);
            }
            queues.add(Controller::Reference, own());
            dependents(world, queues, changed);
        }
        "ConfigMap" => dependents(world, queues, changed),
        "Secret" => {
            references(world, queues, namespace, &["Connection", "OIDCClient"]);
            tenants_of_namespace(world, queues, namespace);
        }
        "FlowRevision" => revision_changed(world, queues, key),
        "Catalog" => catalog_changed(world, queues, namespace),
        "Pod" => {
            queues.add(Controller::Executor, Job::namespace(namespace));
            tenants_of_namespace(world, queues, namespace);
        }
        // Something the operator made for a tenant.
        _ => tenants_of_namespace(world, queues, namespace),
    }
}

fn tenant_changed(world: &World, queues: &Queues, key: &Key) {
    for tenant in world.tenants.all() {
        // Others may hold or get back what this one claims.
        queues.add(Controller::Tenant, Job::new("Tenant", Key::of(tenant.as_ref())));
        if tenant.metadata.name.as_deref() == Some(&key.name) {
            everything_in(world, queues, &tenant.spec.namespace);
        }
    }
    queues.add(Controller::Tenant, Job::new("Tenant", key.clone()));
}

/// Everything in a namespace, when it became somebody's or its Secrets became known.
pub(crate) fn everything_in(world: &World, queues: &Queues, namespace: &str) {
    queues.add(Controller::Catalog, Job::namespace(namespace));
    queues.add(Controller::Executor, Job::namespace(namespace));
    queues.add(Controller::Collector, Job::namespace(namespace));
    references(world, queues, namespace, &["FlowNode", "Directory", "Theme", "Connection", "OIDCClient"]);
    for flow in world.flows.namespace(namespace) {
        queues.add(Controller::Flow, Job::new("Flow", Key::of(flow.as_ref())));
    }
}

fn tenants_of_namespace(world: &World, queues: &Queues, namespace: &str) {
    for tenant in world.tenants.all().iter().filter(|tenant| tenant.spec.namespace == namespace) {
        queues.add(Controller::Tenant, Job::new("Tenant", Key::of(tenant.as_ref())));
    }
}

fn references(world: &World, queues: &Queues, namespace: &str, kinds: &[&'static str]) {
    let mut all: Vec<Job> = Vec::new();
    for kind in kinds {
        let keys: Vec<Key> = match *kind {
            "FlowNode" => world.nodes.namespace(namespace).iter().map(|one| Key::of(one.as_ref())).collect(),
            "Directory" => {
                world.directories.namespace(namespace).iter().map(|one| Key::of(one.as_ref())).collect()
            }
            "Theme" => world.themes.namespace(namespace).iter().map(|one| Key::of(one.as_ref())).collect(),
            "Connection" => {
                world.connections.namespace(namespace).iter().map(|one| Key::of(one.as_ref())).collect()
            }
            _ => world.clients.namespace(namespace).iter().map(|one| Key::of(one.as_ref())).collect(),
        };
        all.extend(keys.into_iter().map(|key| Job::new(kind, key)));
    }
    for job in all {
        queues.add(Controller::Reference, job);
    }
}

/// Whether a flow may depend on an object. It looks at the flow's own text, so it says yes rather too often.
fn may_use(flow: &Flow, kind: &str, name: &str) -> bool {
    let enters = |kind: &str| kind == "call" || kind == "node";
    let enters_something =
        || flow.spec.steps.iter().any(|step| step.node().is_some_and(|(kind, _)| enters(kind)));
    match kind {
        // A step that names no Directory uses the default one.
        "Directory" => true,
        "ConfigMap" => flow.spec.texts_from.iter().any(|from| from == name) || enters_something(),
        "Flow" => {
            flow.metadata.name.as_deref() != Some(name)
                && (enters_something() || flow.spec.default || is_held_up(flow))
        }
        "FlowNode" => enters_something(),
        _ => flow.spec.steps.iter().any(|step| step.node.values().any(|settings| mentions(settings, name))),
    }
}

/// Whether a flow's status is about its newest generation.
fn is_observed(world: &World, key: &Key) -> bool {
    let flow = world.flows.get(key);
    flow.is_some_and(|flow| {
        let status = flow.status.as_ref();
        status.is_some_and(|status| status.observed_generation == flow.metadata.generation)
    })
}

/// Whether a flow waits for another one to go.
fn is_held_up(flow: &Flow) -> bool {
    let conditions = flow.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    find(conditions, READY).is_some_and(|ready| {
        [Reason::ClaimedByOther, Reason::LimitReached].iter().any(|reason| ready.reason == reason.as_str())
    })
}

fn mentions(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| mentions(item, name)),
        Value::Object(fields) => fields.values().any(|field| mentions(field, name)),
        _ => false,
    }
}

fn dependents(world: &World, queues: &Queues, changed: &Changed<'_>) {
    if changed.only_status {
        return;
    }
    for flow in world.flows.namespace(&changed.key.namespace) {
        if may_use(&flow, changed.kind, &changed.key.name) {
            queues.add(Controller::Flow, Job::new("Flow", Key::of(flow.as_ref())));
        }
    }
}

fn revision_changed(world: &World, queues: &Queues, key: &Key) {
    if let Some(revision) = world.revisions.get(key) {
        queues.add(Controller::Flow, Job::new("Flow", Key::new(&key.namespace, &revision.spec.flow)));
    }
    queues.add(Controller::Catalog, Job::namespace(&key.namespace));
    queues.add(Controller::Executor, Job::namespace(&key.namespace));
    queues.add(Controller::Collector, Job::namespace(&key.namespace));
}

/// Only the flows whose status does not say yet what the Catalog says, so that one flow's edit wakes no other.
fn catalog_changed(world: &World, queues: &Queues, namespace: &str) {
    queues.add(Controller::Catalog, Job::namespace(namespace));
    queues.add(Controller::Executor, Job::namespace(namespace));
    queues.add(Controller::Collector, Job::namespace(namespace));
    let catalog = world.catalog_of(namespace);
    for flow in world.flows.namespace(namespace) {
        let listed = catalog
            .as_deref()
            .map(|catalog| crate::catalog::plan::serving(catalog, &Key::of(flow.as_ref()).name));
        let status = flow.status.clone().unwrap_or_default();
        let serves = find(&status.conditions, SERVING).is_some_and(|c| c.status == "True");
        if !serves || listed.as_ref() != Some(&status.serving) {
            queues.add(Controller::Flow, Job::new("Flow", Key::of(flow.as_ref())));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW, flow, listing, loaded, tenant};
    use idflow_api::condition::{Conditions, Progress, Truth};
    use idflow_core::chance::SeededChance;
    use idflow_core::time::ManualClock;

    struct Fixture {
        world: World,
        queues: Queues,
    }

    impl Fixture {
        fn new(flows: Vec<Flow>) -> Self {
            let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
            let chance: Arc<dyn Chance> = Arc::new(SeededChance::new(1));
            let world = World::default();
            for flow in flows {
                world.flows.observe(flow);
            }
            world.tenants.observe(tenant("acme"));
            Self { world, queues: Queues::new(&clock, &chance) }
        }

        /// Which flows are looked at when an object changes.
        async fn flows_after(&self, kind: &'static str, name: &str, only_status: bool) -> Vec<String> {
            let key = Key::new("acme", name);
            route(&self.world, &self.queues, &Changed { kind, key: &key, only_status });
            let queue = self.queues.get(Controller::Flow).unwrap();
            let mut flows = Vec::new();
            while queue.depth() > 0 {
                let job = queue.next().await;
                flows.push(job.key.name.clone());
                queue.done(job, crate::queue::Next::Change);
            }
            flows.sort();
            flows
        }
    }

    fn calling(name: &str) -> Flow {
        let mut flow = flow(name);
        flow.spec.steps[0].node = serde_json::from_str(r#"{"call":{"flow":"verify"}}"#).unwrap();
        flow
    }

    fn defaulting(name: &str) -> Flow {
        let mut flow = flow(name);
        flow.spec.default = true;
        flow
    }

    fn serving(name: &str, revision: &str) -> Flow {
        let mut flow = flow(name);
        let status = flow.status.get_or_insert_default();
        status.serving = crate::catalog::plan::serving(&listing(&[(name, revision, 100)]), name);
        status.conditions = Conditions::new(&[], 1, NOW)
            .set(SERVING, Truth::True, Reason::Serving, "m")
            .progress(Progress::Ready, Reason::Serving, "m")
            .finish();
        flow
    }

    #[tokio::test]
    async fn a_changed_flow_wakes_those_that_may_call_it_and_rivals_for_the_default() {
        let fixture =
            Fixture::new(vec![flow("plain"), calling("caller"), defaulting("rival"), flow("verify")]);
        assert_eq!(fixture.flows_after("Flow", "verify", false).await, ["caller", "rival", "verify"]);
        assert_eq!(fixture.flows_after("Flow", "verify", true).await, ["verify"]);
    }

    #[tokio::test]
    async fn a_flow_is_not_looked_at_for_the_operators_own_writing() {
        for (observed, expected) in [(0, 1), (1, 0)] {
            let mut written = flow("written");
            written.status.get_or_insert_default().observed_generation = Some(observed);
            let fixture = Fixture::new(vec![written]);
            assert_eq!(fixture.flows_after("Flow", "written", true).await.len(), expected, "{observed}");
        }
    }

    #[tokio::test]
    async fn a_changed_config_map_wakes_those_that_take_texts_from_it() {
        let mut texts = flow("texts");
        texts.spec.texts_from = vec!["german".to_owned()];
        let fixture = Fixture::new(vec![flow("plain"), texts]);
        assert_eq!(fixture.flows_after("ConfigMap", "german", false).await, ["texts"]);
        assert!(fixture.flows_after("ConfigMap", "kube-root-ca.crt", false).await.is_empty());
    }

    #[tokio::test]
    async fn a_changed_catalog_wakes_only_flows_whose_status_does_not_say_so_yet() {
        let fixture = Fixture::new(vec![serving("a", "one"), serving("b", "one"), flow("c")]);
        fixture.world.catalogs.observe(listing(&[("a", "one", 100), ("b", "two", 100)]));
        assert_eq!(fixture.flows_after("Catalog", "idflow", false).await, ["b", "c"]);
    }

    #[tokio::test]
    async fn a_revision_wakes_its_flow() {
        let fixture = Fixture::new(vec![flow("a"), flow("b")]);
        fixture.world.revisions.observe(loaded("a", "one").as_ref().clone());
        assert_eq!(fixture.flows_after("FlowRevision", "one", false).await, ["a"]);
    }

    #[tokio::test]
    async fn a_child_that_changed_or_went_is_the_tenants_business() {
        let fixture = Fixture::new(Vec::new());
        for kind in ["Service", "Role", "StatefulSet", "Pod", "Secret", "OIDCClient"] {
            assert!(fixture.flows_after(kind, "idflow-executor", false).await.is_empty());
            let queue = fixture.queues.get(Controller::Tenant).unwrap();
            assert_eq!(queue.next().await.key.name, "acme", "{kind}");
            queue.done(Job::new("Tenant", Key::new("", "acme")), crate::queue::Next::Change);
        }
    }
}
