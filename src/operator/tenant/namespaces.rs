//! The watches inside tenants' namespaces.
//!
//! The operator may read Secrets in tenants' namespaces only, so these watches begin when a namespace is granted and
//! end with its Tenant. Both see metadata only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use kube::Api;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;

use crate::context::Context;
use crate::watch::Watch;
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
        let scope = || Some(namespace.to_owned());
        let listed = || Arc::new(Notify::new());
        let secrets = Watch {
            kind: "Secret",
            cache: |world: &World| &world.secrets,
            prune: |_| {},
            scope: scope(),
            label: None,
        };
        let maps = Watch {
            kind: "ConfigMap",
            cache: |world: &World| &world.config_maps,
            prune: |_| {},
            scope: scope(),
            label: None,
        };
        let client = || ctx.client.clone();
        let secrets = secrets.metadata(Arc::clone(ctx), Api::namespaced(client(), namespace), listed());
        let maps = maps.metadata(Arc::clone(ctx), Api::namespaced(client(), namespace), listed());
        [self.tasks.spawn(secrets).abort_handle(), self.tasks.spawn(maps).abort_handle()]
    }

    /// Ends the watches of namespaces that no Tenant names any more.
    pub(crate) fn keep_only(&self, world: &World) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|namespace, tasks| {
            let is_claimed = world.tenant_of(namespace).is_some();
            if !is_claimed {
                tasks.iter().for_each(AbortHandle::abort);
                world.forget(namespace);
            }
            is_claimed
        });
    }
}
