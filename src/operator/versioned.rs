//! Contents that are read when needed and kept while the watched metadata says that they are current.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use kube::ResourceExt;

use crate::cache::Key;

/// What was read of each object, with the version it was read at.
pub(crate) struct Versioned<T>(Mutex<HashMap<Key, (Option<String>, T)>>);

impl<T> Default for Versioned<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Versioned<T> {
    /// What was read of this version of the object.
    pub(crate) fn get(&self, metadata: &impl ResourceExt) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (version, content) = kept.get(&Key::of(metadata))?;
        (version.is_some() && *version == metadata.resource_version()).then(|| content.clone())
    }

    /// Keeps what was read of an object.
    pub(crate) fn keep(&self, object: &impl ResourceExt, content: T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(Key::of(object), (object.resource_version(), content));
    }

    /// Forgets what was read in a namespace.
    pub(crate) fn forget(&self, namespace: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|key, _| key.namespace != namespace);
    }
}
