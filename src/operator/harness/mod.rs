//! All controllers but the one that asks pods, over an API server in memory, one look at a time.

mod server;

use std::sync::{Arc, LazyLock, Mutex};

use idflow_api::ResourceKind;
use idflow_api::workload::EXECUTOR;
use idflow_core::chance::SeededChance;
use idflow_core::secret::SecretText;
use idflow_core::time::ManualClock;
use idflow_flow::schema::Schemas;
use kube::Client;
use kube::client::Body;
use kube::core::{DeserializeGuard, PartialObjectMeta};
use kube::runtime::events::{Recorder, Reporter};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::applied::Applied;
use crate::built_in::BuiltIn;
use crate::cache::Key;
use crate::context::{Context, Environment, Settings};
use crate::executor::pods::{Means, Pods, http_client};
use crate::fixtures::NOW;
use crate::metrics::Metrics;
use crate::route::{Controller, Queues, Watched};
use crate::tenant::keys::SigningKeys;
use crate::tenant::namespaces::Namespaces;
use crate::versioned::Versioned;
use crate::world::World;
pub(crate) use server::Server;

/// Who works here. Flows come before their Tenant: that is when an edit of it is seen half.
const AT_WORK: [Controller; 5] =
    [Controller::Flow, Controller::Reference, Controller::Catalog, Controller::Collector, Controller::Tenant];

/// An operator and its API server.
pub(crate) struct Harness {
    pub(crate) server: Arc<Server>,
    pub(crate) clock: Arc<ManualClock>,
    ctx: Context,
    watched: Arc<Mutex<Vec<String>>>,
}

/// Made once: thousands of harnesses judge by them.
static SCHEMAS: LazyLock<Arc<Schemas>> = LazyLock::new(|| Arc::new(Schemas::new(idflow_nodes::kinds())));

impl Harness {
    pub(crate) fn new() -> Self {
        Self::over(Arc::new(Server::default()))
    }

    /// Another operator of an API server that there is.
    pub(crate) fn over(server: Arc<Server>) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let client = client(Arc::clone(&server));
        let environment = Environment {
            clock: Arc::clone(&clock) as _,
            chance: Arc::new(SeededChance::new(1)),
            kinds: idflow_nodes::kinds(),
            make_signing_keys: || {
                Some(SigningKeys { es256: SecretText::new("es"), rs256: SecretText::new("rs") })
            },
        };
        let settings = Settings {
            namespace: "idflow-system".to_owned(),
            service_account: Some("idflow-operator".to_owned()),
            identity: "test".to_owned(),
            executor_image: "idflow:test".to_owned(),
            concurrency: 1,
            listen: None,
        };
        let world = Arc::new(World::new());
        let queues = Arc::new(Queues::new(&environment.clock, &environment.chance));
        let pods = Pods::new(Means {
            client: client.clone(),
            http: http_client().unwrap(),
            clock: Arc::clone(&environment.clock),
            queues: Arc::clone(&queues),
        });
        let watched = Arc::new(Mutex::new(Vec::new()));
        let begun = Arc::clone(&watched);
        let reporter = Reporter { controller: "test".to_owned(), instance: None };
        let ctx = Context {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            settings,
            namespaces: Namespaces::new(
                Arc::clone(&world),
                Box::new(move |namespace| {
                    begun.lock().unwrap().push(namespace.to_owned());
                    JoinSet::new()
                }),
            ),
            world,
            queues,
            schemas: Arc::clone(&SCHEMAS),
            environment,
            metrics: Arc::new(Metrics::new()),
            texts: Versioned::default(),
            entries: Versioned::default(),
            applied: Applied::default(),
            pods,
        };
        Self { server, clock, ctx, watched }
    }

    /// The namespaces that are watched.
    pub(crate) fn watched(&self) -> Vec<String> {
        self.watched.lock().unwrap().clone()
    }

    /// A Tenant with a namespace of the same name.
    pub(crate) fn add_tenant(&self, name: &str) {
        let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.server.store(&format!("/api/v1/namespaces/{name}"), &namespace);
        self.add_claim(name, name);
    }

    /// A Tenant that claims a namespace.
    pub(crate) fn add_claim(&self, name: &str, namespace: &str) {
        let issuer = format!("https://{name}.example");
        let spec = json!({ "namespace": namespace, "issuer": issuer, "store": { "embedded": {} } });
        self.add("", "tenants", &json!({ "kind": "Tenant", "metadata": { "name": name }, "spec": spec }));
    }

    /// Any object, as it is.
    pub(crate) fn put(&self, object: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
        let namespace = text(&object["metadata"]["namespace"]);
        let address = match (ResourceKind::named(&kind), kind.as_str()) {
            (Some(kind), _) => address(&namespace, &kind.plural(), &name),
            (None, "Namespace") => format!("/api/v1/namespaces/{name}"),
            (None, other) => format!("/api/v1/namespaces/{namespace}/{}s/{name}", other.to_lowercase()),
        };
        self.server.store(&address, object);
    }

    /// An object of ours.
    pub(crate) fn add(&self, namespace: &str, plural: &str, object: &Value) {
        let mut object = object.clone();
        object["apiVersion"] = json!("idflow.dev/v1alpha1");
        if !namespace.is_empty() {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        self.server.store(&address(namespace, plural, &name), &object);
    }

    /// A tenant whose sign-in asks for the password, loaded by every pod.
    pub(crate) async fn signing_in() -> Self {
        let harness = Self::new();
        harness.add_tenant("acme");
        let attributes = json!([{ "name": "email", "type": "Email", "unique": true }]);
        let people = json!({ "default": true, "attributes": attributes, "identifiers": ["email"] });
        let directory = json!({ "kind": "Directory", "metadata": { "name": "people" }, "spec": people });
        harness.add("acme", "directories", &directory);
        let steps = json!([
            { "id": "password", "password": { "identify": true }, "outcomes": { "next": "done" } },
            { "id": "done", "complete": {} },
        ]);
        let spec = json!({ "type": "Login", "start": "password", "steps": steps });
        let flow = json!({ "kind": "Flow", "metadata": { "name": "sign-in" }, "spec": spec });
        harness.add("acme", "flows", &flow);
        harness.publish().await;
        assert_eq!(
            harness.ready_reason("Flow", "sign-in"),
            "Serving",
            "{}",
            harness.object("Flow", "sign-in")
        );
        harness.server.calls();
        harness
    }

    /// Looks at everything, with pods that report whatever there is.
    pub(crate) async fn publish(&self) {
        for _ in 0..3 {
            self.settle().await;
            self.load_everything();
        }
        self.settle().await;
    }

    /// Changes what somebody wrote.
    pub(crate) fn edit(&self, namespace: &str, plural: &str, name: &str, edit: impl FnOnce(&mut Value)) {
        let address = address(namespace, plural, name);
        let mut spec = self.server.object(&address)["spec"].clone();
        edit(&mut spec);
        self.server.store(&address, &json!({ "spec": spec }));
    }

    /// What a scraper reads.
    pub(crate) fn metrics(&self) -> String {
        self.ctx.metrics.text(&self.ctx.queues, &self.ctx.world)
    }

    /// Every executor pod reports whatever there is.
    pub(crate) fn load_everything(&self) {
        for object in self.server.objects() {
            let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
            let generation = &object["metadata"]["generation"];
            let status = |plural: &str, status: &Value| {
                let path = format!("{}/status", address(text("namespace"), plural, text("name")));
                self.server.answer("PATCH", &path, "executor", &json!({ "status": status }));
            };
            let time = "2026-01-02T03:04:05Z";
            let loaded = json!([{ "type": "Loaded", "status": "True", "reason": "Loaded", "message": "",
                "lastTransitionTime": time, "observedGeneration": generation }]);
            match object["kind"].as_str() {
                Some("FlowRevision") => status("flowrevisions", &json!({ "conditions": loaded })),
                Some("Catalog") => status(
                    "catalogs",
                    &json!({ "observedGeneration": generation, "followedGeneration": generation, "conditions": loaded }),
                ),
                _ => {}
            }
        }
    }

    /// The object of that kind and name, or null.
    pub(crate) fn object(&self, kind: &str, name: &str) -> Value {
        let is_it = |object: &Value| object["kind"] == kind && object["metadata"]["name"] == name;
        self.server.objects().into_iter().find(is_it).unwrap_or_default()
    }

    /// The reason of its condition `Ready`.
    pub(crate) fn ready_reason(&self, kind: &str, name: &str) -> String {
        let status = self.object(kind, name)["status"].clone();
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready").unwrap_or_default();
        ready["reason"].as_str().unwrap_or_default().to_owned()
    }

    /// Looks at whatever is due until nothing is.
    pub(crate) async fn settle(&self) {
        for _ in 0..100 {
            self.deliver();
            let mut is_quiet = true;
            for controller in AT_WORK {
                let queue = self.ctx.queues.get(controller).unwrap();
                while let Some(job) = queue.due() {
                    is_quiet = false;
                    let next = crate::work::look(&self.ctx, controller, &job).await;
                    queue.done(job, next);
                }
            }
            if is_quiet {
                return;
            }
        }
        panic!("the controllers never come to rest");
    }

    /// What the watches tell.
    fn deliver(&self) {
        let objects = self.server.objects();
        for object in &objects {
            self.tell(object);
        }
        for tenant in objects.iter().filter(|object| object["kind"] == "Tenant") {
            let namespace = tenant["spec"]["namespace"].as_str().unwrap();
            self.ctx.world.set_known(namespace, BuiltIn::Secret);
            self.ctx.world.set_known(namespace, BuiltIn::ConfigMap);
        }
        self.tell_of_the_end(&objects);
    }

    fn tell(&self, object: &Value) {
        use k8s_openapi::api::{apps::v1::StatefulSet, core::v1, rbac::v1 as rbac};
        macro_rules! by_kind {
            ($($role:ident { $($Kind:ident $plural:ident),+ })+) => {
                match object["kind"].as_str().unwrap() {
                    $($(stringify!($Kind) => self.take::<idflow_api::$Kind>(object),)+)+
                    "Namespace" => self.take::<PartialObjectMeta<v1::Namespace>>(object),
                    "Service" => self.take::<PartialObjectMeta<v1::Service>>(object),
                    "ServiceAccount" => self.take::<PartialObjectMeta<v1::ServiceAccount>>(object),
                    "Secret" => self.take::<PartialObjectMeta<v1::Secret>>(object),
                    "ConfigMap" => self.take::<PartialObjectMeta<v1::ConfigMap>>(object),
                    "Role" => self.take::<PartialObjectMeta<rbac::Role>>(object),
                    "RoleBinding" => self.take::<PartialObjectMeta<rbac::RoleBinding>>(object),
                    "StatefulSet" => self.take::<StatefulSet>(object),
                    "Event" => {}
                    other => panic!("{other}"),
                }
            };
        }
        idflow_api::custom_resources!(by_kind);
    }

    fn take<K: Watched>(&self, object: &Value) {
        let guarded: DeserializeGuard<K> = serde_json::from_value(object.clone()).unwrap();
        if let Some(change) = K::cache(&self.ctx.world).take(guarded) {
            K::changed(&change, &self.ctx.intake().router());
        }
    }

    /// What tests remove.
    fn tell_of_the_end(&self, objects: &[Value]) {
        self.keep_only::<idflow_api::Flow>("Flow", objects);
        self.keep_only::<PartialObjectMeta<k8s_openapi::api::core::v1::Service>>("Service", objects);
        self.keep_only::<idflow_api::Tenant>("Tenant", objects);
    }

    fn keep_only<K: Watched>(&self, kind: &str, objects: &[Value]) {
        let seen = objects.iter().filter(|object| object["kind"] == kind).map(|object| {
            let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
            Key::new(text("namespace"), text("name"))
        });
        for change in K::cache(&self.ctx.world).keep_only(None, &seen.collect()) {
            K::changed(&change, &self.ctx.intake().router());
        }
    }
}

/// Where an object of ours is.
pub(crate) fn address(namespace: &str, plural: &str, name: &str) -> String {
    match namespace {
        "" => format!("/apis/idflow.dev/v1alpha1/{plural}/{name}"),
        _ => format!("/apis/idflow.dev/v1alpha1/namespaces/{namespace}/{plural}/{name}"),
    }
}

/// Where a tenant's Service is.
pub(crate) fn service(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/services/{EXECUTOR}")
}

fn client(server: Arc<Server>) -> Client {
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (head, body) = request.into_parts();
            let bytes = body.collect_bytes().await?;
            let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
            let manager = head.uri.query().unwrap_or_default().to_owned();
            let (code, answer) = server.answer(head.method.as_str(), head.uri.path(), &manager, &body);
            let answer = Body::from(serde_json::to_vec(&answer).unwrap());
            Ok::<_, kube::Error>(http::Response::builder().status(code).body(answer).unwrap())
        }
    });
    Client::new(service, "default")
}
