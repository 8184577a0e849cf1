//! The bounded pool for hashing: a fixed number of slots, and nobody waits long for one.
//!
//! A hash takes 19 MiB and tens of milliseconds. Without the bound, a burst of sign-ins would exhaust memory
//! (checklist P-5); with it, a full pool is answered with 503 and other steps stay fast.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// How many callers may wait for each slot before the next is refused.
const WAITING_PER_SLOT: usize = 64;

/// No slot is free and too many wait already, or the pool's thread failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hashing pool is full")]
pub struct PoolFull;

/// A bounded pool for blocking work. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pool {
    slots: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Pool {
    /// A pool that runs `slots` pieces of work at a time.
    pub fn new(slots: usize) -> Self {
        let slots = slots.max(1);
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            admitted: Arc::new(Semaphore::new(slots * (1 + WAITING_PER_SLOT))),
        }
    }

    /// Runs blocking work in a slot, waiting for one unless too many wait already.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolFull> {
        let _admitted = self.admitted.try_acquire().map_err(|_| PoolFull)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| PoolFull)?;
        let run = move || {
            let result = work();
            drop(slot);
            result
        };
        #[expect(clippy::disallowed_methods, reason = "this is the bounded pool")]
        let done: Result<T, JoinError> = tokio::task::spawn_blocking(run).await;
        done.map_err(|_| PoolFull)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn p_5_a_full_pool_refuses_instead_of_queueing_for_ever() {
        let pool = Pool::new(1);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let holder = tokio::task::JoinSet::from_iter([{
            let pool = pool.clone();
            async move { pool.run(move || released.recv().is_ok()).await }
        }]);
        tokio::task::yield_now().await;
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..WAITING_PER_SLOT {
            let pool = pool.clone();
            waiting.spawn(async move { pool.run(|| true).await });
        }
        // The scheduler does not run all of them at once.
        for _ in 0..WAITING_PER_SLOT {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(|| true).await, Err(PoolFull));
        release.send(()).unwrap();
        assert_eq!(holder.join_all().await, [Ok(true)]);
        assert!(waiting.join_all().await.into_iter().all(|result| result == Ok(true)));
    }
}
