//! A store that survives crashes and fails on demand, at any call, in every way a backend may.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use idflow_core::chance::{Chance, SeededChance};
use idflow_core::time::Timestamp;
use idflow_store::backend::memory::Memory;
use idflow_store::backend::{
    Backend, Batch, Condition, Found, Key, Lookup, Refusal, Rejected, Reply, Unavailable, Versioned,
};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happened, and the caller learns so little.
    Before,
    /// A write happened, but its answer was lost.
    After,
    /// Somebody else was first: a write is refused.
    Conflict,
}

impl Fault {
    pub(crate) const ALL: [Self; 3] = [Self::Before, Self::After, Self::Conflict];
}

/// When calls fail.
#[derive(Debug)]
enum Plan {
    Never,
    /// The call of this number, counted from now.
    Once(u64, Fault),
    /// Some calls of a thousand.
    Often(SeededChance, u64),
}

/// The records of one simulated machine. Clones are the same machine; closing one is the end of a process only.
#[derive(Clone)]
pub(crate) struct Storage(Arc<Inner>);

struct Inner {
    records: Box<dyn Backend>,
    plan: Mutex<Plan>,
    calls: AtomicU64,
}

impl Storage {
    pub(crate) fn new() -> Self {
        Self::over(Box::new(Memory::new()))
    }

    /// A machine with these records.
    pub(crate) fn over(records: Box<dyn Backend>) -> Self {
        let (plan, calls) = (Mutex::new(Plan::Never), AtomicU64::new(0));
        Self(Arc::new(Inner { records, plan, calls }))
    }

    /// From now on nothing fails.
    pub(crate) fn heal(&self) {
        *self.0.plan.lock().unwrap() = Plan::Never;
    }

    /// The call number `at` from now, counted from 0, fails.
    pub(crate) fn fail_at(&self, at: u64, fault: Fault) {
        self.0.calls.store(0, Ordering::SeqCst);
        *self.0.plan.lock().unwrap() = Plan::Once(at, fault);
    }

    /// So many of a thousand calls fail, each somehow.
    pub(crate) fn fail_often(&self, seed: u64, per_mille: u64) {
        *self.0.plan.lock().unwrap() = Plan::Often(SeededChance::new(seed), per_mille);
    }

    /// How many calls there were since [`Storage::fail_at`].
    pub(crate) fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// How many records of a kind there are, by the kind's number.
    pub(crate) async fn count(&self, kind: Kind) -> usize {
        self.0.records.range(&[kind as u8], None, usize::MAX).await.unwrap().len()
    }

    /// Whether this call fails. Giving way lets parallel requests mix at every call.
    async fn draw(&self) -> Option<Fault> {
        tokio::task::yield_now().await;
        let number = self.0.calls.fetch_add(1, Ordering::SeqCst);
        match &*self.0.plan.lock().unwrap() {
            Plan::Never => None,
            Plan::Once(at, fault) => (number == *at).then_some(*fault),
            Plan::Often(chance, per_mille) => {
                let mut bytes = [0; 8];
                chance.fill(&mut bytes);
                let drawn = u64::from_be_bytes(bytes);
                let fault = Fault::ALL[usize::try_from(drawn % 3).unwrap()];
                ((drawn >> 8) % 1000 < *per_mille).then_some(fault)
            }
        }
    }

    /// A read: whatever is drawn, it has no effect and can only be unavailable.
    async fn reading<T>(&self, read: Reply<'_, Result<T, Unavailable>>) -> Result<T, Unavailable> {
        match self.draw().await {
            Some(Fault::Before | Fault::After) => Err(lost()),
            _ => read.await,
        }
    }
}

/// Numbers of record kinds; they are never reused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Counter = 1,
    Journey = 2,
    Session = 3,
    User = 4,
    UserIndex = 5,
    Grant = 8,
    LastPost = 13,
}

fn lost() -> Unavailable {
    Unavailable::because("the simulation lost it")
}

impl Backend for Storage {
    fn read<'a>(&'a self, lookups: &'a [Lookup]) -> Reply<'a, Result<Found, Unavailable>> {
        Box::pin(self.reading(self.0.records.read(lookups)))
    }

    fn apply(&self, batch: Batch) -> Reply<'_, Result<(), Refusal>> {
        Box::pin(async move {
            match self.draw().await {
                None => self.0.records.apply(batch).await,
                Some(Fault::Before) => Err(lost().into()),
                Some(Fault::After) => match self.0.records.apply(batch).await {
                    Ok(()) => Err(lost().into()),
                    refused => refused,
                },
                // Only what has a condition can meet somebody else.
                Some(Fault::Conflict) => {
                    let conditional = batch.operations.iter().find(|one| one.condition != Condition::Any);
                    match conditional.map(|one| one.key.clone()) {
                        Some(key) => Err(Rejected::Conflict { key }.into()),
                        None => self.0.records.apply(batch).await,
                    }
                }
            }
        })
    }

    fn range<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Key, Versioned)>, Unavailable>> {
        Box::pin(self.reading(self.0.records.range(prefix, after, limit)))
    }

    fn expired_before(&self, now: Timestamp, limit: usize) -> Reply<'_, Result<Vec<Key>, Unavailable>> {
        Box::pin(self.reading(self.0.records.expired_before(now, limit)))
    }

    fn health(&self) -> Reply<'_, Result<(), Unavailable>> {
        Box::pin(self.reading(self.0.records.health()))
    }

    fn close(&self) {}
}
