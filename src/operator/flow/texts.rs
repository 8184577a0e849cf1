//! The content of `ConfigMap`s that flows take texts from, read when needed and kept while it is current.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;

use crate::cache::Key;
use crate::context::Context;
use crate::status::Failure;

/// Contents by object; each is used only while the watched metadata has the same version.
#[derive(Default)]
pub(crate) struct Texts(Mutex<HashMap<Key, Arc<ConfigMap>>>);

impl Texts {
    /// The named `ConfigMap`s that exist.
    pub(crate) async fn fetch(
        &self,
        ctx: &Context,
        namespace: &str,
        names: impl Iterator<Item = &String>,
    ) -> Result<BTreeMap<String, Arc<ConfigMap>>, Failure> {
        let mut found = BTreeMap::new();
        for name in names {
            let key = Key::new(namespace, name);
            let Some(metadata) = ctx.world.config_maps.get(&key) else { continue };
            let known =
                self.known(&key).filter(|known| known.resource_version() == metadata.resource_version());
            let content = match known {
                Some(known) => Some(known),
                None => ctx.api::<ConfigMap>(namespace).get_opt(name).await?.map(Arc::new),
            };
            if let Some(content) = content {
                self.keep(key, &content);
                found.insert(name.clone(), content);
            }
        }
        Ok(found)
    }

    fn known(&self, key: &Key) -> Option<Arc<ConfigMap>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    fn keep(&self, key: Key, content: &Arc<ConfigMap>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(content));
    }
}
