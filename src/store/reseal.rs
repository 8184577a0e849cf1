//! Key rotation: what an earlier key sealed is sealed again under the current one, so that the earlier key can
//! be removed (checklist L-8). Runs beside everything else; what changes meanwhile is sealed anew anyway.

use idflow_core::time::Timestamp;

use crate::backend::{Batch, Key, Refusal, Versioned};
use crate::record::{Kind, SEALED};
use crate::seal::Keyring;
use crate::{Store, StoreError};

/// How many records are read at a time.
const PAGE: usize = 100;

/// What a round over all records found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resealed {
    /// Records that are sealed under the current key from now on.
    pub done: usize,
    /// Records that still are not: somebody wrote them meanwhile, or they cannot be opened with any key that is here.
    pub left: usize,
}

impl Store {
    /// How many records count at `now` that the current key did not seal.
    pub async fn sealed_earlier(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut found = 0;
        for kind in SEALED {
            let mut after: Option<Key> = None;
            while let Some(page) = self.page(*kind, &mut after).await? {
                found += page.iter().filter(|(_, record)| self.is_earlier(record, now)).count();
            }
        }
        Ok(found)
    }

    /// Seals every such record again, and says `done` of each. When nothing is left and a second round finds nothing,
    /// the records need earlier keys no more.
    pub async fn reseal(&self, now: Timestamp, done: impl Fn() + Sync) -> Result<Resealed, StoreError> {
        let mut resealed = Resealed::default();
        for kind in SEALED {
            let mut after: Option<Key> = None;
            while let Some(page) = self.page(*kind, &mut after).await? {
                for (key, record) in page.into_iter().filter(|(_, record)| self.is_earlier(record, now)) {
                    if self.reseal_record(*kind, &key, record, now).await? {
                        resealed.done += 1;
                        done();
                    } else {
                        resealed.left += 1;
                    }
                }
            }
        }
        Ok(resealed)
    }

    /// The next records of a kind, if there are more.
    async fn page(
        &self,
        kind: Kind,
        after: &mut Option<Key>,
    ) -> Result<Option<Vec<(Key, Versioned)>>, StoreError> {
        let page = self.backend().range(&kind.key(&[]), after.as_deref(), PAGE).await?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        *after = Some(last.clone());
        Ok(Some(page))
    }

    fn is_earlier(&self, record: &Versioned, now: Timestamp) -> bool {
        record.is_alive(now) && Keyring::sealed_by(&record.bytes) != Some(self.keyring().current())
    }

    async fn reseal_record(
        &self,
        kind: Kind,
        key: &[u8],
        record: Versioned,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut batch = Batch::at(now);
        match (kind.reseal)(self, &mut batch, kind, key.get(1..).unwrap_or_default(), &record).await {
            Ok(()) => {}
            // One record that cannot be opened keeps no other from its key.
            Err(StoreError::Corrupt(corrupt)) => {
                tracing::error!(%corrupt, "a record cannot be sealed under the new key");
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        match self.backend().apply(batch).await {
            Ok(()) => Ok(true),
            // Somebody else wrote it meanwhile, under whichever key.
            Err(Refusal::Rejected(_)) => Ok(false),
            Err(Refusal::Unavailable(unavailable)) => Err(unavailable.into()),
        }
    }
}
