//! The content of `ConfigMap`s that flows take texts from.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;

use crate::cache::Key;
use crate::context::Context;
use crate::failure::Failure;

/// The named `ConfigMap`s that exist.
pub(super) async fn fetch(
    ctx: &Context,
    namespace: &str,
    names: impl Iterator<Item = &String>,
) -> Result<BTreeMap<String, Arc<ConfigMap>>, Failure> {
    let mut found = BTreeMap::new();
    for name in names {
        let Some(metadata) = ctx.world.config_maps.get(&Key::new(namespace, name)) else { continue };
        let content = match ctx.texts.get(metadata.as_ref()) {
            Some(known) => Some(known),
            None => ctx.api::<ConfigMap>(namespace).get_opt(name).await?.map(Arc::new),
        };
        if let Some(content) = content {
            ctx.texts.keep(content.as_ref(), Arc::clone(&content));
            found.insert(name.clone(), content);
        }
    }
    Ok(found)
}
