//! Key rotation: what an earlier key sealed is sealed again under the current one, so that the earlier key can
//! be removed (checklist L-8). Runs beside everything else; what changes meanwhile is sealed anew anyway.

use idflow_core::time::Timestamp;

use crate::backend::{Batch, Key, Refusal, Versioned};
use crate::record::{Kind, SEALED};
use crate::seal::Keyring;
use crate::{Store, StoreError};

/// How many records are read at a time.
const PAGE: usize = 100;

impl Store {
    /// Seals every record that counts at `now` again that the current key did not seal, and returns how many there
    /// were. When it returns 0, earlier keys may be removed once what was derived from them (cookies, codes) has
    /// expired too.
    pub async fn reseal(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut resealed = 0;
        for kind in SEALED {
            let mut after: Option<Key> = None;
            loop {
                let page = self.backend().range(&kind.key(&[]), after.as_deref(), PAGE).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (key, record) in page {
                    resealed += usize::from(self.reseal_record(*kind, &key, record, now).await?);
                }
            }
        }
        Ok(resealed)
    }

    async fn reseal_record(
        &self,
        kind: Kind,
        key: &[u8],
        record: Versioned,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let current = self.keyring().current();
        if !record.is_alive(now) || Keyring::sealed_by(&record.bytes) == Some(current) {
            return Ok(false);
        }
        let mut batch = Batch::at(now);
        (kind.reseal)(self, &mut batch, kind, key.get(1..).unwrap_or_default(), &record).await?;
        match self.backend().apply(batch).await {
            // Rejected: somebody else wrote it meanwhile, under the current key. The next round will tell.
            Ok(()) | Err(Refusal::Rejected(_)) => Ok(true),
            Err(Refusal::Unavailable(unavailable)) => Err(unavailable.into()),
        }
    }
}
