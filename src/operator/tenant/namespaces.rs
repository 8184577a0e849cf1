//! The watches inside tenants' namespaces.
//!
//! The operator may read Secrets in tenants' namespaces only, so these watches begin when a namespace is granted and
//! end with its Tenant.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task::JoinSet;

use crate::world::World;

/// Begins the watches of a namespace; dropped, they end.
type Begin = Box<dyn Fn(&str) -> JoinSet<()> + Send + Sync>;

/// The running watches by namespace.
pub(crate) struct Namespaces {
    world: Arc<World>,
    begin: Begin,
    running: Mutex<BTreeMap<String, JoinSet<()>>>,
}

impl Namespaces {
    pub(crate) fn new(world: Arc<World>, begin: Begin) -> Self {
        Self { world, begin, running: Mutex::default() }
    }

    /// Begins to watch a namespace, if that was not done yet.
    pub(crate) fn watch(&self, namespace: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.entry(namespace.to_owned()).or_insert_with(|| (self.begin)(namespace));
    }

    /// Ends the watches of namespaces that no Tenant names any more, and says which those were.
    pub(crate) fn keep_only_claimed(&self) -> Vec<String> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = |namespace: &&String| self.world.tenant_of(namespace).is_none();
        let ended: Vec<String> = running.keys().filter(is_free).cloned().collect();
        for namespace in &ended {
            running.remove(namespace);
            self.world.forget(namespace);
        }
        ended
    }
}
