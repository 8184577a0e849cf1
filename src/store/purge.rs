//! Expired records go in small batches, each a commit of its own, so that visitors' writes come between.

use idflow_core::time::Timestamp;

use crate::backend::{Batch, Condition, Effect, Key, Refusal, Rejected};
use crate::{Store, StoreError};

/// How many records one batch removes.
const BATCH: usize = 100;

impl Store {
    /// Removes what had expired at `now` and returns how many records went. Nothing that is visible changes:
    /// expired records are absent on read already.
    pub async fn purge(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut removed = 0;
        loop {
            let keys = self.backend().expired_before(now, BATCH).await?;
            let full = keys.len() == BATCH;
            let went = self.remove_expired(keys, now).await?;
            removed += went;
            // Without the second condition records that are renewed all the time would keep the purge going.
            if !full || went == 0 {
                return Ok(removed);
            }
        }
    }

    async fn remove_expired(&self, mut keys: Vec<Key>, now: Timestamp) -> Result<usize, StoreError> {
        while !keys.is_empty() {
            let mut batch = Batch::at(now);
            for key in &keys {
                batch.push(key.clone(), Condition::Absent, Effect::Delete);
            }
            match self.backend().apply(batch).await {
                Ok(()) => break,
                Err(Refusal::Rejected(Rejected::Conflict { key } | Rejected::CounterFull { key })) => {
                    keys.retain(|other| *other != key);
                }
                Err(Refusal::Unavailable(unavailable)) => return Err(unavailable.into()),
            }
        }
        Ok(keys.len())
    }
}
