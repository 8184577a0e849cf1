//! Records in memory, for simulation and tests: the same laws, nothing survives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use idflow_core::time::Timestamp;

use super::{Backend, Batch, Change, Found, Key, Lookup, Refusal, Reply, Unavailable, Versioned};

/// A map behind a lock.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<Key, Versioned>,
    expiry: BTreeSet<(Timestamp, Key)>,
    versions: u64,
    closed: bool,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Result<MutexGuard<'_, State>, Unavailable> {
        let state = self.lock();
        if state.closed { Err(Unavailable::because("it was closed")) } else { Ok(state) }
    }
}

impl State {
    fn apply(&mut self, batch: Batch) -> Result<(), Refusal> {
        let read = |key: &[u8]| Ok::<_, Unavailable>(self.records.get(key).cloned());
        for change in batch.judge(read)?? {
            self.change(change);
        }
        Ok(())
    }

    fn change(&mut self, Change { key, expired, content }: Change) {
        if let Some(expired) = expired {
            self.expiry.remove(&(expired, key.clone()));
        }
        let Some(content) = content else {
            self.records.remove(&key);
            return;
        };
        if let Some(expires) = content.expires {
            self.expiry.insert((expires, key.clone()));
        }
        self.versions += 1;
        let (bytes, expires) = (content.bytes, content.expires);
        self.records.insert(key, Versioned { version: self.versions, bytes, expires });
    }
}

impl Backend for Memory {
    fn read<'a>(&'a self, lookups: &'a [Lookup]) -> Reply<'a, Result<Found, Unavailable>> {
        Box::pin(async move {
            let state = self.open()?;
            Lookup::resolve(lookups, |key| Ok(state.records.get(key).cloned()))
        })
    }

    fn apply(&self, batch: Batch) -> Reply<'_, Result<(), Refusal>> {
        Box::pin(async move { self.open()?.apply(batch) })
    }

    fn range<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Key, Versioned)>, Unavailable>> {
        Box::pin(async move {
            let from = after.map_or(Bound::Included(prefix), Bound::Excluded);
            let state = self.open()?;
            let records = state.records.range::<[u8], _>((from, Bound::Unbounded));
            let matching = records.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
            Ok(matching.map(|(key, record)| (key.clone(), record.clone())).collect())
        })
    }

    fn expired_before(&self, now: Timestamp, limit: usize) -> Reply<'_, Result<Vec<Key>, Unavailable>> {
        Box::pin(async move {
            let state = self.open()?;
            let expired = state.expiry.iter().take_while(|(expires, _)| *expires <= now).take(limit);
            Ok(expired.map(|(_, key)| key.clone()).collect())
        })
    }

    fn health(&self) -> Reply<'_, Result<(), Unavailable>> {
        Box::pin(async move { self.open().map(|_| ()) })
    }

    fn close(&self) {
        self.lock().closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use crate::suite::conforms;

    conforms!((Memory::new(), ()));
}
