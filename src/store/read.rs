//! What one decision reads, as one value: fetched in few round trips, and carried into the commit that it decides.
//!
//! ```text
//!   Store::read(now, [Wanted, …]) ─▶ ReadSet ── more([Wanted, …]) ─▶ ReadSet
//!                                       │ session, user, count, …     what was read, opened when it is looked at
//!                                       ▼
//!                                    Commit::after(reads)             every guard is a condition of the commit
//! ```
//!
//! A *guard* is a record that a decision rests on: when it is not as it was read, or not as absent as it was, the
//! commit is a conflict and the decision is made again. A *hint* only saves work: counters, judged anew inside the
//! commit, and index entries, which point to a guard. Whoever asks for a record by the function of its kind gets the
//! one that is right for it, and what only came along becomes a guard as soon as a decision asks for it.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use idflow_core::time::Timestamp;

use crate::backend::{Condition, Key, Lookup, Versioned};
use crate::record::{self, Corrupt, Record};
use crate::seal::Keyring;
use crate::{Store, StoreError};

/// A record that a decision needs. Made by the functions of the record kinds.
#[derive(Debug, Clone)]
pub struct Wanted {
    lookup: Lookup,
    is_guard: bool,
}

impl Wanted {
    pub(crate) fn guard<R: Record>(id: &[u8]) -> Self {
        Self::guarded(R::KIND.key(id))
    }

    pub(crate) const fn guarded(key: Key) -> Self {
        Self { lookup: Lookup::only(key), is_guard: true }
    }

    pub(crate) const fn hint(key: Key) -> Self {
        Self { lookup: Lookup::only(key), is_guard: false }
    }

    /// Reads the records under these prefixes along, for the user whom the record points to. They are hints until
    /// somebody wants them by their keys.
    pub(crate) fn along(mut self, prefixes: impl IntoIterator<Item = Key>) -> Self {
        self.lookup.along.extend(prefixes);
        self
    }

    #[cfg(test)]
    pub(crate) const fn key(&self) -> &Key {
        &self.lookup.key
    }
}

/// What was read for one decision, at one moment of the clock.
#[derive(Debug, Clone)]
pub struct ReadSet {
    store: Store,
    now: Timestamp,
    found: BTreeMap<Key, Found>,
}

/// A record as it was read: absent also when it had expired.
#[derive(Debug, Clone)]
struct Found {
    record: Option<Versioned>,
    is_guard: bool,
    /// The record as it was opened first: decision and commit look at the same ones several times.
    opened: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Found {
    const fn new(record: Option<Versioned>, is_guard: bool) -> Self {
        Self { record, is_guard, opened: OnceLock::new() }
    }

    fn open<R: Record>(&self, keyring: &Keyring, id: &[u8]) -> Result<Option<&R>, Corrupt> {
        let Some(stored) = &self.record else { return Ok(None) };
        if self.opened.get().is_none() {
            let opened: R = record::open(keyring, id, stored)?;
            let _set_by_another = self.opened.set(Arc::new(opened));
        }
        let opened = self.opened.get().and_then(|opened| opened.downcast_ref());
        opened.map(Some).ok_or_else(|| Corrupt::new(R::KIND, id, "it was opened as another kind"))
    }

    fn condition(&self) -> Condition {
        self.record.as_ref().map_or(Condition::Absent, |record| Condition::Version(record.version))
    }
}

impl Store {
    /// A decision that has read nothing yet; `now` judges expiry here and in the commit.
    pub fn reads(&self, now: Timestamp) -> ReadSet {
        ReadSet { store: self.clone(), now, found: BTreeMap::new() }
    }

    /// Reads what a decision needs, in one round trip and from one moment.
    pub async fn read(&self, now: Timestamp, wanted: &[Wanted]) -> Result<ReadSet, StoreError> {
        let mut reads = self.reads(now);
        reads.more(wanted).await?;
        Ok(reads)
    }
}

impl ReadSet {
    /// Reads what is wanted and not read yet, in one round trip; none when there is nothing. A hint that is wanted as a
    /// guard becomes one, as it was read first.
    pub async fn more(&mut self, wanted: impl IntoIterator<Item = &Wanted>) -> Result<(), StoreError> {
        let mut guards: BTreeSet<&Key> = BTreeSet::new();
        let mut missing: BTreeSet<&Lookup> = BTreeSet::new();
        for Wanted { lookup, is_guard } in wanted {
            if let Some(found) = self.found.get_mut(&lookup.key) {
                found.is_guard |= is_guard;
                continue;
            }
            missing.insert(lookup);
            guards.extend(is_guard.then_some(&lookup.key));
        }
        if missing.is_empty() {
            return Ok(());
        }
        let lookups: Vec<Lookup> = missing.into_iter().cloned().collect();
        for (key, record) in self.store.backend().read(&lookups).await? {
            let record = record.filter(|record| record.is_alive(self.now));
            let is_guard = guards.contains(&key);
            // What was read before stays as it was: the decision rests on it.
            self.found.entry(key).or_insert_with(|| Found::new(record, is_guard));
        }
        Ok(())
    }

    /// The moment that judges expiry.
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        self.store.keyring()
    }

    /// Whether anybody looked for the record.
    pub(crate) fn has_read<R: Record>(&self, id: &[u8]) -> bool {
        self.found.contains_key(&R::KIND.key(id))
    }

    /// The bytes under a key. Asking for what was not read is a defect, and answered like a store that is away.
    pub(crate) fn raw(&self, key: &Key) -> Result<Option<&Versioned>, StoreError> {
        Ok(self.found(key)?.record.as_ref())
    }

    fn found(&self, key: &Key) -> Result<&Found, StoreError> {
        self.found.get(key).ok_or(StoreError::NotRead)
    }

    /// The record under an id.
    pub(crate) fn get<R: Record>(&self, id: &[u8]) -> Result<Option<&R>, StoreError> {
        Ok(self.found(&R::KIND.key(id))?.open(self.keyring(), id)?)
    }

    /// The record under an id, if anybody looked for it.
    pub(crate) fn known<R: Record>(&self, id: &[u8]) -> Result<Option<&R>, StoreError> {
        if self.has_read::<R>(id) { self.get(id) } else { Ok(None) }
    }

    /// Notes that a record cannot exist yet, because its id was drawn just now: the commit still demands it.
    pub(crate) fn assume_absent<R: Record>(&mut self, id: &[u8]) {
        self.found.entry(R::KIND.key(id)).or_insert(Found::new(None, true));
    }

    /// What a commit demands of the guard under a key, if it was read.
    pub(crate) fn condition(&self, key: &Key) -> Option<Condition> {
        self.found.get(key).filter(|found| found.is_guard).map(Found::condition)
    }

    /// How many records of a kind were found.
    #[cfg(test)]
    pub(crate) fn found_of<R: Record>(&self) -> usize {
        let of_kind = R::KIND.key(&[]);
        let found =
            self.found.iter().filter(|(key, found)| key.starts_with(&of_kind) && found.record.is_some());
        found.count()
    }

    /// Everything that the decision rests on.
    pub(crate) fn guards(&self) -> impl Iterator<Item = (&Key, Condition)> {
        self.found.iter().filter(|(_, found)| found.is_guard).map(|(key, found)| (key, found.condition()))
    }
}
