//! Key rotation: what an earlier key sealed is sealed again under the current one, so that the earlier key can
//! be removed (checklist L-8). Runs beside everything else; what changes meanwhile is sealed anew anyway.

use idflow_core::time::Timestamp;
use idflow_core::user::User;

use crate::backend::{Batch, Condition, Effect, Key, Refusal, Versioned};
use crate::record::user_index::{UserIndex, ids};
use crate::record::{Corrupt, Kind, Record as _};
use crate::seal::Keyring;
use crate::{Store, StoreError};

/// How many records are read at a time.
const PAGE: usize = 100;

impl Store {
    /// Seals every record that counts at `now` again that the current key did not seal, and returns how many there were. When it
    /// returns 0, earlier keys may be removed once what was derived from them (cookies, codes) has expired too.
    pub async fn reseal(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut resealed = 0;
        for kind in Kind::SEALED {
            let mut after: Option<Key> = None;
            loop {
                let page = self.0.backend.range(&kind.key(&[]), after.as_deref(), PAGE).await?;
                let Some((last, _)) = page.last() else { break };
                after = Some(last.clone());
                for (key, record) in page {
                    resealed += usize::from(self.reseal_record(kind, &key, record, now).await?);
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
        let id = key.get(1..).unwrap_or_default();
        let mut batch = Batch::at(now);
        let unchanged = Condition::Version(record.version);
        if kind == Kind::UserIndex {
            self.move_index(&mut batch, id, &record, unchanged).await?;
        } else {
            let plain = self.keyring().open(kind.number(), id, &record.bytes);
            let plain = plain.ok_or_else(|| Corrupt::new(kind, id, "the seal is broken"))?;
            let bytes = self.keyring().seal(&*self.0.chance, kind.number(), id, plain)?;
            batch.push(key.to_vec(), unchanged, Effect::Put { bytes, expires: record.expires });
        }
        match self.0.backend.apply(batch).await {
            // Rejected: somebody else wrote it meanwhile, under the current key. The next round will tell.
            Ok(()) | Err(Refusal::Rejected(_)) => Ok(true),
            Err(Refusal::Unavailable(unavailable)) => Err(unavailable.into()),
        }
    }

    /// An index entry's id depends on the key: it goes, and one under the current key comes, unless the user is
    /// gone or has another value by now.
    async fn move_index(
        &self,
        batch: &mut Batch,
        id: &[u8],
        record: &Versioned,
        unchanged: Condition,
    ) -> Result<(), StoreError> {
        let entry: UserIndex = crate::record::open(self.keyring(), id, record)?;
        batch.push(UserIndex::KIND.key(id), unchanged, Effect::Delete);
        let Some(user) = self.user(&entry.user).await? else { return Ok(()) };
        let value: &User = &user.value;
        let ids = ids(
            self.keyring(),
            &value.directory,
            &entry.attribute,
            value.text(&entry.attribute).unwrap_or(""),
        );
        let current = ids.first().filter(|_| ids.iter().any(|known| known == id));
        if let Some(current) = current {
            let still = Condition::Version(user.version.number);
            batch.push(User::KIND.key(entry.user.as_bytes()), still, Effect::Check);
            batch.push(UserIndex::KIND.key(current), Condition::Absent, self.put(current, &entry)?);
        }
        Ok(())
    }
}
