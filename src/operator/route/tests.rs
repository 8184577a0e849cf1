use idflow_api::condition::{Conditions, Progress, SERVING, Truth};
use idflow_api::reason::Reason;
use idflow_api::tenant::Limits;
use idflow_core::chance::SeededChance;
use idflow_core::time::ManualClock;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Secret, Service};
use k8s_openapi::api::rbac::v1::Role;
use kube::ResourceExt as _;
use kube::core::{ObjectMeta, PartialObjectMeta, PartialObjectMetaExt as _};
use serde_json::json;

use super::*;
use crate::fixtures::{NOW, flow, listing, loaded, tenant};

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

    fn router(&self) -> Router<'_> {
        Router { world: &self.world, queues: &self.queues }
    }

    /// Which flows are looked at when an object changes from one to the other.
    fn flows_after<K: Watched>(&self, before: Option<K>, after: Option<K>) -> Vec<String> {
        let key = before.as_ref().or(after.as_ref()).map(|object| Key::of(object)).unwrap();
        let change = Change { key, before: before.map(Arc::new), after: after.map(Arc::new) };
        K::changed(&change, &self.router());
        self.due(Controller::Flow)
    }

    fn due(&self, controller: Controller) -> Vec<String> {
        let queue = self.queues.get(controller).unwrap();
        let mut names = Vec::new();
        while let Some(job) = queue.due() {
            names.push(job.key.name.clone());
            queue.done(job, crate::queue::Next::Change);
        }
        names.sort();
        names
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

fn edited<K: Watched>(object: &K) -> K {
    let mut edited = object.clone();
    edited.meta_mut().generation = Some(2);
    edited
}

fn observed(mut flow: Flow) -> Flow {
    flow.status.get_or_insert_default().observed_generation = flow.metadata.generation;
    flow
}

#[test]
fn a_changed_flow_wakes_those_that_may_call_it_and_rivals_for_the_default() {
    let fixture = Fixture::new(vec![flow("plain"), calling("caller"), defaulting("rival"), flow("verify")]);
    let verify = flow("verify");
    let after_edit = fixture.flows_after(Some(verify.clone()), Some(edited(&verify)));
    assert_eq!(after_edit, ["caller", "rival", "verify"]);
    assert_eq!(fixture.flows_after(Some(verify.clone()), Some(verify)), ["verify"]);
}

#[test]
fn a_flow_is_not_looked_at_for_the_operators_own_writing() {
    let fixture = Fixture::new(vec![flow("written")]);
    let (before, after) = (flow("written"), observed(flow("written")));
    assert!(fixture.flows_after(Some(before.clone()), Some(after.clone())).is_empty());
    assert_eq!(fixture.flows_after(Some(after), Some(before)), ["written"], "somebody else's is looked at");
}

#[test]
fn a_changed_config_map_wakes_those_that_take_texts_from_it() {
    let mut texts = flow("texts");
    texts.spec.texts_from = vec!["german".to_owned()];
    let fixture = Fixture::new(vec![flow("plain"), texts]);
    let map = |name: &str| {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some("acme".to_owned()),
            ..ObjectMeta::default()
        };
        let map: PartialObjectMeta<ConfigMap> = metadata.into_response_partial();
        map
    };
    assert_eq!(fixture.flows_after(None, Some(map("german"))), ["texts"]);
    assert!(fixture.flows_after(None, Some(map("kube-root-ca.crt"))).is_empty());
}

#[test]
fn a_changed_catalog_wakes_only_flows_whose_status_does_not_say_so_yet() {
    let fixture = Fixture::new(vec![serving("a", "one"), serving("b", "one"), flow("c")]);
    let catalog = listing(&[("a", "one", 100), ("b", "two", 100)]);
    fixture.world.catalogs.observe(catalog.clone());
    assert_eq!(fixture.flows_after(None, Some(catalog)), ["b", "c"]);
}

#[test]
fn a_revision_wakes_its_flow_also_when_it_goes() {
    let fixture = Fixture::new(vec![flow("a"), flow("b")]);
    let revision = loaded("a", "one").as_ref().clone();
    assert_eq!(fixture.flows_after(None, Some(revision.clone())), ["a"]);
    assert_eq!(fixture.flows_after(Some(revision), None), ["a"]);
}

#[test]
fn a_child_that_changed_or_went_is_the_tenants_business() {
    fn wakes_the_tenant<K: Watched>(what: &str) {
        let fixture = Fixture::new(Vec::new());
        let metadata = json!({ "name": "idflow-executor", "namespace": "acme" });
        let object: K = serde_json::from_value(json!({ "metadata": metadata })).unwrap();
        assert!(fixture.flows_after(Some(object), None).is_empty(), "{what}");
        assert_eq!(fixture.due(Controller::Tenant), ["acme"], "{what}");
    }
    wakes_the_tenant::<PartialObjectMeta<Service>>("Service");
    wakes_the_tenant::<PartialObjectMeta<Role>>("Role");
    wakes_the_tenant::<PartialObjectMeta<Secret>>("Secret");
    wakes_the_tenant::<StatefulSet>("StatefulSet");
}

#[test]
fn an_edit_of_one_tenant_wakes_no_other_and_its_status_wakes_nobody() {
    let fixture = Fixture::new(vec![flow("a")]);
    let mut other = tenant("other");
    other.spec.namespace = "other".to_owned();
    other.spec.issuer = "https://other.example".to_owned();
    fixture.world.tenants.observe(other);
    let before = tenant("acme");
    let mut annotated = before.clone();
    annotated.annotations_mut().insert("team".to_owned(), "blue".to_owned());
    assert!(fixture.flows_after(Some(before.clone()), Some(annotated)).is_empty());
    assert_eq!(fixture.due(Controller::Tenant), ["acme"]);

    let mut limited = edited(&before);
    limited.spec.limits = Some(Limits { steps: Some(3), ..Limits::default() });
    assert_eq!(fixture.flows_after(Some(before.clone()), Some(limited)), ["a"]);
    assert_eq!(fixture.due(Controller::Tenant), ["acme"]);

    let mut seen = before.clone();
    seen.status.get_or_insert_default().observed_generation = Some(1);
    assert!(fixture.flows_after(Some(before), Some(seen)).is_empty());
    assert!(fixture.due(Controller::Tenant).is_empty());
}
