//! The objects of one kind as the API server last told them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

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

/// Which version of which object, readable or not.
#[derive(Debug, Clone, Default)]
struct Version {
    uid: Option<String>,
    number: Option<u64>,
}

impl Version {
    fn of(metadata: &ObjectMeta) -> Self {
        let number = metadata.resource_version.as_ref().and_then(|version| version.parse().ok());
        Self { uid: metadata.uid.clone(), number }
    }

    /// Versions of one object are numbers that rise. An object made anew under the same name is never older.
    fn is_older(&self, than: &Self) -> bool {
        self.uid == than.uid && self.number.zip(than.number).is_some_and(|(one, other)| one < other)
    }
}

/// An object that is there.
#[derive(Debug)]
struct Entry<K> {
    /// Of what was heard last.
    version: Version,
    /// As last heard of; nothing while it cannot be read.
    current: Option<Arc<K>>,
    /// As those concerned were last told. What a write of our own was answered is not told until the watch does.
    told: Option<Arc<K>>,
}

impl<K> Default for Entry<K> {
    fn default() -> Self {
        Self { version: Version::default(), current: None, told: None }
    }
}

impl<K: Resource> Entry<K> {
    /// Takes in a version, unless a newer one is known.
    fn hear(&mut self, version: Version, heard: Option<Arc<K>>) {
        if !version.is_older(&self.version) {
            (self.version, self.current) = (version, heard);
        }
    }

    /// That it has gone.
    fn gone(self, key: Key) -> Change<K> {
        Change { key, before: self.told.or(self.current), after: None }
    }
}

/// What those concerned were told last of an object, and what they are to be told now. Nothing: it is not there, or
/// cannot be read.
#[derive(Debug)]
pub(crate) struct Change<K> {
    pub(crate) key: Key,
    pub(crate) before: Option<Arc<K>>,
    pub(crate) after: Option<Arc<K>>,
}

impl<K: Resource> Change<K> {
    /// Whether spec, labels and annotations are what they were.
    pub(crate) fn is_only_status(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => is_same_spec(before.meta(), after.meta()),
            _ => false,
        }
    }

    /// Whether the object has appeared, gone, or been made anew.
    pub(crate) fn is_other(&self) -> bool {
        let uid = |object: &Option<Arc<K>>| object.as_ref().map(|object| object.meta().uid.clone());
        uid(&self.before) != uid(&self.after)
    }

    /// What is known of it on either side.
    pub(crate) fn sides(&self) -> impl Iterator<Item = &Arc<K>> {
        [&self.before, &self.after].into_iter().flatten()
    }
}

/// How many objects are remembered that have gone: those that went while answers to our own writes are on their way.
const GONE: usize = 1024;

/// The objects of one kind. Cheap to read from everywhere.
#[derive(Debug)]
pub(crate) struct Cache<K> {
    objects: RwLock<BTreeMap<Key, Entry<K>>>,
    /// The uids of those that went last.
    gone: Mutex<VecDeque<String>>,
    prune: fn(&mut K),
}

impl<K> Default for Cache<K> {
    fn default() -> Self {
        Self::pruned(|_| {})
    }
}

impl<K> Cache<K> {
    /// A cache of objects without what `prune` takes away, because it is not worth the memory.
    pub(crate) fn pruned(prune: fn(&mut K)) -> Self {
        Self { objects: RwLock::default(), gone: Mutex::default(), prune }
    }
}

impl<K: Resource<DynamicType = ()> + Clone> Cache<K> {
    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Key, Entry<K>>> {
        self.objects.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<Key, Entry<K>>> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object, if it is there and can be read.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<K>> {
        self.read().get(key)?.current.clone()
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
        inside.filter_map(|(_, entry)| entry.current.clone()).collect()
    }

    /// Names of the objects of a namespace that cannot be read.
    pub(crate) fn unreadable(&self, namespace: &str) -> BTreeSet<String> {
        let from = Key::new(namespace, "");
        let objects = self.read();
        let inside = objects.range(from..).take_while(|(key, _)| key.namespace == namespace);
        inside.filter(|(_, entry)| entry.current.is_none()).map(|(key, _)| key.name.clone()).collect()
    }

    /// Every readable object.
    pub(crate) fn all(&self) -> Vec<Arc<K>> {
        self.read().values().filter_map(|entry| entry.current.clone()).collect()
    }

    /// The object as it is kept, unless it cannot be read.
    fn heard(&self, key: &Key, guarded: DeserializeGuard<K>) -> Option<Arc<K>> {
        match guarded.0 {
            Ok(mut object) => {
                object.meta_mut().managed_fields = None;
                (self.prune)(&mut object);
                Some(Arc::new(object))
            }
            Err(error) => {
                tracing::warn!(kind = %K::kind(&()), %key, %error, "an object cannot be read and is left alone");
                None
            }
        }
    }

    /// Takes in what a watch told, unless something newer is known. Answers what those concerned are to be told, if
    /// that is anything new to them.
    pub(crate) fn take(&self, guarded: DeserializeGuard<K>) -> Option<Change<K>> {
        let key = Key::new(guarded.meta().namespace.clone().unwrap_or_default(), guarded.name_any());
        let version = Version::of(guarded.meta());
        let heard = self.heard(&key, guarded);
        let mut objects = self.write();
        let entry = objects.entry(key.clone()).or_default();
        entry.hear(version, heard);
        let before = std::mem::replace(&mut entry.told, entry.current.clone());
        let change = Change { key, before, after: entry.current.clone() };
        (!is_same_version(&change)).then_some(change)
    }

    /// Takes in what a write of our own was answered. The answer may be late: when the watch has told already that the
    /// object has gone, nothing would ever tell so again.
    pub(crate) fn observe(&self, object: K) {
        let key = Key::of(&object);
        let mut objects = self.write();
        let has_gone = |uid: &String| self.gone().contains(uid);
        if object.meta().uid.as_ref().is_some_and(has_gone) {
            return;
        }
        let version = Version::of(object.meta());
        let heard = self.heard(&key, DeserializeGuard(Ok(object)));
        objects.entry(key).or_default().hear(version, heard);
    }

    fn gone(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers the end of an object.
    fn bury(&self, uid: Option<&str>) {
        let mut gone = self.gone();
        gone.extend(uid.map(str::to_owned));
        let too_many = gone.len().saturating_sub(GONE);
        gone.drain(..too_many);
    }

    /// Forgets an object that has gone. One that was made anew under its name stays.
    pub(crate) fn remove(&self, key: &Key, uid: Option<&str>) -> Option<Change<K>> {
        let mut objects = self.write();
        let known = objects.get(key).and_then(|entry| entry.version.uid.clone());
        self.bury(uid.or(known.as_deref()));
        if known.is_some() && uid.is_some() && known.as_deref() != uid {
            return None;
        }
        objects.remove(key).map(|entry| entry.gone(key.clone()))
    }

    /// Forgets what a full listing of `scope` (a namespace, or everything) did not contain; returns what that was.
    pub(crate) fn keep_only(&self, scope: Option<&str>, seen: &BTreeSet<Key>) -> Vec<Change<K>> {
        let mut objects = self.write();
        let in_scope = |key: &Key| scope.is_none_or(|namespace| key.namespace == namespace);
        let gone: Vec<Key> =
            objects.keys().filter(|key| in_scope(key) && !seen.contains(key)).cloned().collect();
        let mut forget = |key: Key| {
            let entry = objects.remove(&key)?;
            self.bury(entry.version.uid.as_deref());
            Some(entry.gone(key))
        };
        gone.into_iter().filter_map(&mut forget).collect()
    }
}

fn is_same_version<K: Resource>(change: &Change<K>) -> bool {
    match (&change.before, &change.after) {
        (Some(before), Some(after)) => {
            let version = &before.meta().resource_version;
            version.is_some()
                && *version == after.meta().resource_version
                && before.meta().uid == after.meta().uid
        }
        _ => false,
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

    fn told(cache: &Cache<Flow>, flow: Flow) -> Option<(Option<i64>, Option<i64>)> {
        let change = cache.take(DeserializeGuard(Ok(flow)))?;
        let generation = |flow: &Option<Arc<Flow>>| flow.as_ref().and_then(|flow| flow.metadata.generation);
        Some((generation(&change.before), generation(&change.after)))
    }

    #[test]
    fn what_a_write_of_our_own_brought_along_is_told_once_by_the_watch() {
        let generation = |version: &str, generation: i64| {
            let mut flow = at(version);
            flow.metadata.generation = Some(generation);
            flow
        };
        let cache = Cache::default();
        assert_eq!(told(&cache, generation("1", 1)), Some((None, Some(1))));
        assert_eq!(told(&cache, generation("1", 1)), None, "a second listing is no news");
        // Our status was written upon an edit that nobody has heard of.
        cache.observe(generation("3", 2));
        assert_eq!(told(&cache, generation("2", 2)), Some((Some(1), Some(2))));
        assert_eq!(told(&cache, generation("3", 2)), None);
    }

    #[test]
    fn the_end_of_an_object_does_not_end_the_one_made_anew_under_its_name() {
        let cache = Cache::default();
        let mut anew = at("5");
        anew.metadata.uid = Some("another".to_owned());
        cache.observe(anew);
        let (key, old) = (Key::of(&at("1")), at("1").metadata.uid);
        assert!(cache.remove(&key, old.as_deref()).is_none() && cache.exists(&key));
        assert!(cache.remove(&key, Some("another")).is_some() && !cache.exists(&key));
    }

    #[test]
    fn an_answer_that_comes_after_the_end_of_its_object_does_not_bring_it_back() {
        let (key, mut anew) = (Key::of(&at("1")), at("12"));
        anew.metadata.uid = Some("another".to_owned());
        for is_listed in [false, true] {
            let cache = Cache::default();
            told(&cache, at("10"));
            if is_listed {
                cache.keep_only(None, &BTreeSet::new());
            } else {
                cache.remove(&key, at("10").metadata.uid.as_deref());
            }
            cache.observe(at("10"));
            assert!(!cache.exists(&key), "listed: {is_listed}");
            // Nor does it take the place of the one that was made anew under its name.
            told(&cache, anew.clone());
            cache.observe(at("11"));
            assert_eq!(cache.get(&key).unwrap().metadata.uid, anew.metadata.uid, "listed: {is_listed}");
        }
    }

    #[test]
    fn an_unreadable_object_is_there_and_is_nothing_else() {
        let cache: Cache<Flow> = Cache::default();
        let guarded = serde_json::json!({ "metadata": { "name": "bad", "namespace": "acme" }, "spec": 3 });
        assert!(cache.take(serde_json::from_value(guarded).unwrap()).is_some());
        let key = Key::new("acme", "bad");
        assert!(cache.exists(&key) && cache.get(&key).is_none() && cache.namespace("acme").is_empty());
        assert_eq!(cache.unreadable("acme"), BTreeSet::from(["bad".to_owned()]));
    }

    fn unreadable(version: &str) -> DeserializeGuard<Flow> {
        let mut metadata = at(version).metadata;
        metadata.managed_fields = None;
        serde_json::from_value(serde_json::json!({ "metadata": metadata, "spec": 3 })).unwrap()
    }

    #[test]
    fn a_late_answer_does_not_replace_what_cannot_be_read() {
        let cache = Cache::default();
        let key = Key::of(&at("1"));
        told(&cache, at("9"));
        assert!(cache.take(unreadable("11")).is_some_and(|change| change.after.is_none()));
        cache.observe(at("10"));
        assert!(cache.get(&key).is_none() && cache.exists(&key), "it is older");
        cache.observe(at("12"));
        assert!(cache.get(&key).is_some(), "and this one is newer");
        cache.take(unreadable("11"));
        assert!(cache.get(&key).is_some(), "nor does what cannot be read replace something newer");
    }

    #[test]
    fn what_could_not_be_read_or_was_never_heard_of_does_not_come_back_after_its_end() {
        let (key, uid) = (Key::of(&at("1")), at("1").metadata.uid);
        for what in ["told", "told without its uid", "not listed"] {
            let cache = Cache::default();
            cache.take(unreadable("10"));
            let change = match what {
                "told" => cache.remove(&key, uid.as_deref()),
                "not listed" => cache.keep_only(None, &BTreeSet::new()).pop(),
                _ => cache.remove(&key, None),
            };
            assert!(change.is_some(), "{what}");
            cache.observe(at("9"));
            assert!(!cache.exists(&key), "{what}");
        }
        let cache = Cache::default();
        assert!(cache.remove(&key, uid.as_deref()).is_none());
        cache.observe(at("9"));
        assert!(!cache.exists(&key), "never heard of");
        // The end of the former one comes after the beginning of the one made anew.
        let mut anew = at("12");
        anew.metadata.uid = Some("another".to_owned());
        told(&cache, anew.clone());
        cache.observe(at("11"));
        assert_eq!(cache.get(&key).unwrap().metadata.uid, anew.metadata.uid);
    }

    #[test]
    fn a_listing_of_one_namespace_leaves_the_others() {
        let cache = Cache::default();
        let mut other = at("1");
        other.metadata.namespace = Some("other".to_owned());
        cache.observe(at("1"));
        cache.observe(other.clone());
        let gone: Vec<Key> =
            cache.keep_only(Some("acme"), &BTreeSet::new()).into_iter().map(|change| change.key).collect();
        assert_eq!(gone, [Key::of(&at("1"))]);
        assert!(cache.exists(&Key::of(&other)));
    }
}
