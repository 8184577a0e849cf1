//! What every controller works with.

use std::net::SocketAddr;
use std::sync::Arc;

use idflow_api::resource::HasKind;
use idflow_core::chance::Chance;
use idflow_core::time::{Clock, Timestamp};
use idflow_flow::diagnostic::Severity;
use idflow_flow::kinds::Kinds;
use idflow_flow::schema::Schemas;
use idflow_flow::secret::Entry;
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::events::Recorder;
use kube::{Api, Client, Resource, ResourceExt};
use serde::Serialize;

use crate::applied::Applied;
use crate::executor::pods::Pods;
use crate::failure::Failure;
use crate::metrics::Metrics;
use crate::route::{Controller, Queues};
use crate::tenant::keys::SigningKeys;
use crate::tenant::namespaces::Namespaces;
use crate::tolerance::Judged;
use crate::versioned::Versioned;
use crate::watch::Intake;
use crate::world::World;

/// What the operator is given from outside.
#[derive(Clone)]
pub struct Environment {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where unpredictable bytes come from.
    pub chance: Arc<dyn Chance>,
    /// The node kinds that flows are checked against.
    pub kinds: Kinds,
    /// Makes a pair of signing keys, or nothing if the cryptographic library made none.
    pub make_signing_keys: fn() -> Option<SigningKeys>,
}

/// How the operator runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The operator's own namespace. It holds the lease and can be no tenant's.
    pub namespace: String,
    /// The name of the operator's own service account in that namespace. It is bound to the cluster role
    /// `idflow-operator-tenant` inside each tenant's namespace. Absent: the operator's rights suffice as they are.
    pub service_account: Option<String>,
    /// The name of this process among operators.
    pub identity: String,
    /// The image of executors whose Tenant names none.
    pub executor_image: String,
    /// How many objects each controller looks at at one time.
    pub concurrency: usize,
    /// Where probes and metrics are served. Absent: nowhere.
    pub listen: Option<SocketAddr>,
}

/// What every controller works with.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) recorder: Recorder,
    pub(crate) settings: Settings,
    pub(crate) environment: Environment,
    /// What objects are judged by that are older than their definitions.
    pub(crate) schemas: Arc<Schemas>,
    pub(crate) world: Arc<World>,
    pub(crate) queues: Arc<Queues>,
    pub(crate) metrics: Arc<Metrics>,
    /// The watches of tenants' namespaces.
    pub(crate) namespaces: Namespaces,
    /// Contents of `ConfigMap`s.
    pub(crate) texts: Versioned<Arc<ConfigMap>>,
    /// What may be known of Secrets' entries.
    pub(crate) entries: Versioned<Vec<Entry>>,
    /// Which children are as they should be.
    pub(crate) applied: Applied,
    /// What executor pods report.
    pub(crate) pods: Pods,
}

impl Context {
    pub(crate) fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }

    /// What the API server would refuse in an object today, by what its status says of it. It may be older than a rule.
    pub(crate) fn judge<K>(&self, object: &K, conditions: &[Condition]) -> Judged
    where
        K: HasKind + ResourceExt + Serialize,
    {
        let value = serde_json::json!(object);
        let mut found = self.schemas.judge(K::KIND, &object.name_any(), &value);
        found.retain(|finding| finding.severity == Severity::Error);
        Judged::new(found, conditions, object.meta().generation)
    }

    /// Where watches bring what they hear.
    pub(crate) fn intake(&self) -> Intake {
        Intake {
            world: Arc::clone(&self.world),
            queues: Arc::clone(&self.queues),
            metrics: Arc::clone(&self.metrics),
        }
    }

    /// The API of a namespaced kind.
    pub(crate) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Publishes an event about a transition. A failure to do so changes nothing else.
    pub(crate) async fn publish<K: Resource<DynamicType = ()>>(
        &self,
        controller: Controller,
        object: &K,
        event: &crate::status::Transition,
    ) {
        if let Err(error) = self.recorder.publish(&event.event(controller), &object.object_ref(&())).await {
            tracing::debug!(%error, "an event could not be published");
        }
    }
}

/// What a look answers: how to go on, or why it failed.
pub(crate) type Outcome = Result<crate::queue::Next, Failure>;
