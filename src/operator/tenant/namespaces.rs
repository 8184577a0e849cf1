//! The watches inside tenants' namespaces.
//!
//! The operator may read Secrets in tenants' namespaces only, so these watches begin when a namespace is granted and
//! end with its Tenant. Both see metadata only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Resource;
use kube::core::PartialObjectMeta;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use crate::context::Context;
use crate::route::Watched;
use crate::watch::{self, Scope};
use crate::world::World;

/// The running watches by namespace.
pub(crate) struct Namespaces {
    ctx: Weak<Context>,
    tasks: TaskTracker,
    running: Mutex<BTreeMap<String, [AbortHandle; 2]>>,
}

impl Namespaces {
    pub(crate) fn new(ctx: Weak<Context>) -> Self {
        Self { ctx, tasks: TaskTracker::new(), running: Mutex::default() }
    }

    /// Begins to watch a namespace, if that was not done yet.
    pub(crate) fn watch(&self, namespace: &str) {
        let Some(ctx) = self.ctx.upgrade() else { return };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.entry(namespace.to_owned()).or_insert_with(|| self.start(&ctx, namespace));
    }

    fn start(&self, ctx: &Arc<Context>, namespace: &str) -> [AbortHandle; 2] {
        [self.metadata::<Secret>(ctx, namespace), self.metadata::<ConfigMap>(ctx, namespace)]
    }

    fn metadata<K>(&self, ctx: &Arc<Context>, namespace: &str) -> AbortHandle
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        PartialObjectMeta<K>: Watched + Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        let api = ctx.api::<PartialObjectMeta<K>>(namespace);
        let scope = Scope::Namespace(namespace.to_owned());
        let watch = watch::metadata(Arc::clone(ctx), api, scope, Arc::new(Notify::new()));
        self.tasks.spawn(watch).abort_handle()
    }

    /// Ends the watches of namespaces that no Tenant names any more, and says which those were.
    pub(crate) fn keep_only(&self, world: &World) -> Vec<String> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let ended: Vec<String> =
            running.keys().filter(|namespace| world.tenant_of(namespace).is_none()).cloned().collect();
        for namespace in &ended {
            running.remove(namespace).iter().flatten().for_each(AbortHandle::abort);
            world.forget(namespace);
        }
        ended
    }
}
