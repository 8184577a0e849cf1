//! The objects of one kind as the API server last told them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::watcher::Event;
use tokio::time::Instant;

/// How long a configuration waits for a listing that the API server refuses: the operator may be about to allow it.
const GRACE: Duration = Duration::from_secs(3);

/// The objects of one kind by name. An object that cannot be read leaves the last good one of its name in place.
#[derive(Debug)]
pub(super) struct Mirror<V>(Mutex<State<V>>);

#[derive(Debug)]
struct State<V> {
    held: BTreeMap<String, V>,
    /// Names in the listing under way, and whether it brought news.
    listing: BTreeSet<String>,
    news: bool,
    listed: bool,
    refused: bool,
    since: Instant,
}

impl<V: Clone + PartialEq> Mirror<V> {
    /// A mirror that holds what was known before, until the first listing is complete.
    pub(super) fn of(known: BTreeMap<String, V>) -> Self {
        Self(Mutex::new(State {
            held: known,
            listing: BTreeSet::new(),
            news: true,
            listed: false,
            refused: false,
            since: Instant::now(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State<V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an event, whose object `read` makes a value of unless it cannot be read. Says whether that is news.
    pub(super) fn take<K: ResourceExt>(&self, event: Event<K>, read: impl Fn(K) -> Option<V>) -> bool {
        match event {
            Event::Init => self.begin(),
            Event::InitApply(object) => {
                let name = object.name_any();
                self.list(name, read(object));
                false
            }
            Event::InitDone => self.finish(),
            Event::Apply(object) => {
                let name = object.name_any();
                self.state().put(name, read(object))
            }
            Event::Delete(object) => self.state().held.remove(&object.name_any()).is_some(),
        }
    }

    fn begin(&self) -> bool {
        self.state().listing.clear();
        false
    }

    fn list(&self, name: String, value: Option<V>) {
        let mut state = self.state();
        state.listing.insert(name.clone());
        let news = state.put(name, value);
        state.news |= news;
    }

    fn finish(&self) -> bool {
        let mut state = self.state();
        let listing = std::mem::take(&mut state.listing);
        let before = state.held.len();
        state.held.retain(|name, _| listing.contains(name));
        let news = state.news || state.held.len() != before;
        (state.news, state.listed, state.refused) = (false, true, false);
        news
    }

    /// The API server did not answer, or refused to.
    pub(super) fn failed(&self, refused: bool) {
        self.state().refused = refused;
    }

    /// Whether a configuration without the first listing would be premature. A server that cannot be reached is
    /// waited for without end, because what is served now is better than half of what it has.
    pub(super) fn is_awaited(&self, now: Instant) -> bool {
        let state = self.state();
        let given_up = state.refused && now.duration_since(state.since) >= GRACE;
        !(state.listed || given_up)
    }

    /// Whether everything was listed once.
    pub(super) fn is_listed(&self) -> bool {
        self.state().listed
    }

    /// What is held now.
    pub(super) fn held(&self) -> BTreeMap<String, V> {
        self.state().held.clone()
    }

    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<V> {
        self.state().held.get(name).cloned()
    }
}

impl<V: PartialEq> State<V> {
    fn put(&mut self, name: String, value: Option<V>) -> bool {
        match value {
            Some(value) if self.held.get(&name) != Some(&value) => {
                self.held.insert(name, value);
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn object(name: &str, value: &str) -> ConfigMap {
        let json = serde_json::json!({ "metadata": { "name": name }, "data": { "value": value } });
        serde_json::from_value(json).unwrap()
    }

    /// An object without a value stands for one that cannot be read.
    fn value(object: ConfigMap) -> Option<String> {
        object.data?.remove("value").filter(|value| !value.is_empty())
    }

    fn listed(mirror: &Mirror<String>, objects: &[(&str, &str)]) -> bool {
        mirror.take(Event::Init, value);
        for (name, text) in objects {
            assert!(!mirror.take(Event::InitApply(object(name, text)), value), "half a listing is no news");
        }
        mirror.take(Event::InitDone, value)
    }

    fn held(mirror: &Mirror<String>) -> Vec<(String, String)> {
        mirror.held().into_iter().collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn an_object_that_cannot_be_read_leaves_the_last_good_one() {
        let mirror = Mirror::of(BTreeMap::new());
        assert!(listed(&mirror, &[("a", "1"), ("b", "1")]));
        assert!(!mirror.take(Event::Apply(object("a", "")), value));
        assert!(mirror.take(Event::Apply(object("b", "2")), value));
        assert!(!listed(&mirror, &[("a", ""), ("b", "2")]), "neither does a listing");
        assert_eq!(held(&mirror), [pair("a", "1"), pair("b", "2")]);
    }

    #[test]
    fn a_listing_forgets_what_is_gone_and_is_news_only_then() {
        let mirror = Mirror::of(BTreeMap::new());
        assert!(listed(&mirror, &[("a", "1"), ("b", "1")]));
        assert!(!listed(&mirror, &[("a", "1"), ("b", "1")]));
        assert!(listed(&mirror, &[("b", "1")]));
        assert!(mirror.take(Event::Delete(object("b", "1")), value));
        assert!(!mirror.take(Event::Delete(object("b", "1")), value));
        assert!(held(&mirror).is_empty());
    }

    #[test]
    fn what_was_known_before_is_held_until_a_listing_is_complete() {
        let mirror = Mirror::of(BTreeMap::from([pair("old", "1")]));
        mirror.take(Event::Init, value);
        mirror.take(Event::InitApply(object("new", "1")), value);
        assert_eq!(held(&mirror), [pair("new", "1"), pair("old", "1")]);
        assert!(mirror.take(Event::InitDone, value));
        assert_eq!(held(&mirror), [pair("new", "1")]);
    }

    #[test]
    fn a_refusal_is_waited_for_a_moment_and_an_outage_without_end() {
        let (refused, down) = (Mirror::<String>::of(BTreeMap::new()), Mirror::<String>::of(BTreeMap::new()));
        let begun = Instant::now();
        refused.failed(true);
        down.failed(false);
        assert!(refused.is_awaited(begun) && down.is_awaited(begun));
        assert!(!refused.is_awaited(begun + GRACE) && down.is_awaited(begun + 1000 * GRACE));
        listed(&down, &[]);
        assert!(!down.is_awaited(begun));
    }
}
