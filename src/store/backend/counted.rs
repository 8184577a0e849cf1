//! Counts calls of a backend: on a database across a network each of them is a round trip, and what a request costs
//! there can be told on a file here.

use std::sync::atomic::{AtomicU64, Ordering};

use idflow_core::time::Timestamp;

use super::{Backend, Batch, Found, Key, Lookup, Refusal, Reply, Unavailable, Versioned};

/// A backend, and how often it was asked.
pub(crate) struct Counted {
    backend: Box<dyn Backend>,
    round_trips: AtomicU64,
}

impl Counted {
    pub(crate) const fn over(backend: Box<dyn Backend>) -> Self {
        Self { backend, round_trips: AtomicU64::new(0) }
    }

    pub(crate) fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::Relaxed)
    }

    fn asked(&self) -> &dyn Backend {
        self.round_trips.fetch_add(1, Ordering::Relaxed);
        &*self.backend
    }
}

impl Backend for Counted {
    fn read<'a>(&'a self, lookups: &'a [Lookup]) -> Reply<'a, Result<Found, Unavailable>> {
        self.asked().read(lookups)
    }

    fn apply(&self, batch: Batch) -> Reply<'_, Result<(), Refusal>> {
        self.asked().apply(batch)
    }

    fn range<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Key, Versioned)>, Unavailable>> {
        self.asked().range(prefix, after, limit)
    }

    fn expired_before(&self, now: Timestamp, limit: usize) -> Reply<'_, Result<Vec<Key>, Unavailable>> {
        self.asked().expired_before(now, limit)
    }

    fn health(&self) -> Reply<'_, Result<(), Unavailable>> {
        self.asked().health()
    }

    fn close(&self) {
        self.backend.close();
    }
}

#[cfg(test)]
mod tests {
    use super::Counted;
    use crate::backend::memory::Memory;
    use crate::suite::conforms;

    conforms!((Counted::over(Box::new(Memory::new())), ()));
}
