//! The objects of one kind as the API server last told them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::DeserializeGuard;
use kube::{Resource, ResourceExt};

/// Which object: its namespace (empty for kinds of the whole cluster) and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    pub(crate) fn of(object: &impl ResourceExt) -> Self {
        Self::new(object.namespace().unwrap_or_default(), object.name_any())
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// An object, or that it is there and cannot be read.
#[derive(Debug)]
enum Entry<K> {
    Read(Arc<K>),
    Unreadable,
}

/// Whether nothing but the status has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OnlyStatus(pub(crate) bool);

/// The objects of one kind. Cheap to read from everywhere.
#[derive(Debug)]
pub(crate) struct Cache<K>(RwLock<BTreeMap<Key, Entry<K>>>);

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self(RwLock::default())
    }
}

impl<K: Resource<DynamicType = ()> + Clone> Cache<K> {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Key, Entry<K>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Key, Entry<K>>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object, if it is there and can be read.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<K>> {
        match self.read().get(key) {
            Some(Entry::Read(object)) => Some(Arc::clone(object)),
            _ => None,
        }
    }

    /// Whether the object is there, readable or not.
    pub(crate) fn exists(&self, key: &Key) -> bool {
        self.read().contains_key(key)
    }

    /// Every readable object of a namespace, by name.
    pub(crate) fn namespace(&self, namespace: &str) -> Vec<Arc<K>> {
        let from = Key::new(namespace, "");
        let objects = self.read();
        let inside = objects.range(from..).take_while(|(key, _)| key.namespace == namespace);
        inside.filter_map(|(_, entry)| entry.object()).collect()
    }

    /// Names of the objects of a namespace that cannot be read.
    pub(crate) fn unreadable(&self, namespace: &str) -> BTreeSet<String> {
        let from = Key::new(namespace, "");
        let objects = self.read();
        let inside = objects.range(from..).take_while(|(key, _)| key.namespace == namespace);
        inside.filter(|(_, entry)| entry.object().is_none()).map(|(key, _)| key.name.clone()).collect()
    }

    /// Every readable object.
    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.read().values().filter_map(Entry::object).collect()
    }

    /// Takes in what a watch or a write answered, unless something newer is known. Says whether spec, labels and
    /// annotations are what they were.
    pub(crate) fn put(&self, guarded: DeserializeGuard<K>) -> OnlyStatus {
        let key = Key::new(guarded.meta().namespace.clone().unwrap_or_default(), guarded.name_any());
        let mut objects = self.write();
        if let Some(Entry::Read(known)) = objects.get(&key)
            && is_older(&guarded, known.as_ref())
        {
            // What it tells may have reached us with our own write, and nobody may have looked at it.
            return OnlyStatus(false);
        }
        let only_status = match objects.get(&key) {
            Some(Entry::Read(known)) => OnlyStatus(is_same_spec(known.meta(), guarded.meta())),
            _ => OnlyStatus(false),
        };
        let entry = match guarded.0 {
            Ok(object) => Entry::Read(Arc::new(object)),
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), %key, %error, "an object cannot be read and is left alone");
                Entry::Unreadable
            }
        };
        objects.insert(key, entry);
        only_status
    }

    /// Takes in what a write answered.
    pub(crate) fn observe(&self, object: K) {
        self.put(DeserializeGuard(Ok(object)));
    }

    /// Forgets an object.
    pub(crate) fn remove(&self, key: &Key) {
        self.write().remove(key);
    }

    /// Forgets what a full listing of `scope` (a namespace, or everything) did not contain; returns what that was.
    pub(crate) fn keep_only(&self, scope: Option<&str>, seen: &BTreeSet<Key>) -> Vec<Key> {
        let mut objects = self.write();
        let in_scope = |key: &Key| scope.is_none_or(|namespace| key.namespace == namespace);
        let gone: Vec<Key> =
            objects.keys().filter(|key| in_scope(key) && !seen.contains(key)).cloned().collect();
        for key in &gone {
            objects.remove(key);
        }
        gone
    }
}

impl<K> Entry<K> {
    fn object(&self) -> Option<Arc<K>> {
        match self {
            Self::Read(object) => Some(Arc::clone(object)),
            Self::Unreadable => None,
        }
    }
}

/// Kinds without a generation, such as a Pod, always count as changed.
fn is_same_spec(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    one.generation.is_some()
        && one.generation == other.generation
        && one.uid == other.uid
        && one.labels == other.labels
        && one.annotations == other.annotations
        && one.deletion_timestamp == other.deletion_timestamp
}

/// Versions of one object are numbers that rise. An object made anew under the same name is never older.
fn is_older(one: &impl ResourceExt, other: &impl ResourceExt) -> bool {
    let number = |version: Option<String>| version.and_then(|version| version.parse::<u64>().ok());
    match (number(one.resource_version()), number(other.resource_version())) {
        (Some(one_version), Some(other_version)) => one.uid() == other.uid() && one_version < other_version,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::flow;
    use idflow_api::Flow;

    fn at(version: &str) -> Flow {
        let mut flow = flow("a");
        flow.metadata.resource_version = Some(version.to_owned());
        flow
    }

    #[test]
    fn an_older_version_does_not_replace_a_newer_one() {
        let cache = Cache::default();
        cache.observe(at("10"));
        cache.observe(at("9"));
        let key = Key::of(&at("1"));
        assert_eq!(cache.get(&key).unwrap().resource_version().unwrap(), "10");
        let mut anew = at("3");
        anew.metadata.uid = Some("another".to_owned());
        cache.observe(anew);
        assert_eq!(cache.get(&key).unwrap().resource_version().unwrap(), "3");
    }

    #[test]
    fn an_unreadable_object_is_there_and_is_nothing_else() {
        let cache: Cache<Flow> = Cache::default();
        let guarded = serde_json::json!({ "metadata": { "name": "bad", "namespace": "acme" }, "spec": 3 });
        cache.put(serde_json::from_value(guarded).unwrap());
        let key = Key::new("acme", "bad");
        assert!(cache.exists(&key) && cache.get(&key).is_none() && cache.namespace("acme").is_empty());
        assert_eq!(cache.unreadable("acme"), BTreeSet::from(["bad".to_owned()]));
    }

    #[test]
    fn a_listing_of_one_namespace_leaves_the_others() {
        let cache = Cache::default();
        let mut other = at("1");
        other.metadata.namespace = Some("other".to_owned());
        cache.observe(at("1"));
        cache.observe(other.clone());
        assert_eq!(cache.keep_only(Some("acme"), &BTreeSet::new()), vec![Key::of(&at("1"))]);
        assert!(cache.exists(&Key::of(&other)));
    }
}
