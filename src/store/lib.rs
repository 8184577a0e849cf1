//! Records over backends that only know bytes and conditional batches.
//!
//! ```text
//!   executor ── Store: journey, session, user, find_user, credential, grant, counts ──▶ one read
//!            ── Commit (records, side writes, counters, audit) ──▶ Batch ──▶ one durable commit
//!                    record/<kind>.rs: key, codec, expiry       seal.rs: AES-256-GCM per tenant
//!                    ───────────────────────────────────────────────────────────────────────────
//!                    backend.rs: get, range, apply(Batch), …    backend/{memory,redb}.rs: bytes
//! ```
//!
//! A step is one [`Commit`]: its conditions hold and all of it happens, or nothing does. Expired records are
//! absent on every read, purged or not. A record that cannot be opened is an error that names it, never a panic
//! and never an absence. Refused: a store of another tenant, of other keys, or of a newer program.

pub mod backend;
mod commit;
mod purge;
pub mod record;
mod reseal;
pub mod seal;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use idflow_core::audit::AuditEvent;
use idflow_core::chance::Chance;
use idflow_core::counter::{Count, CounterKey};
use idflow_core::digest::Digest;
use idflow_core::grant::Grant;
use idflow_core::id::{GrantId, JourneyId, SessionId, UserId};
use idflow_core::journey::Journey;
use idflow_core::secret::PasswordHash;
use idflow_core::session::Session;
use idflow_core::time::Timestamp;
use idflow_core::user::{User, normalized_identifier};

use self::backend::memory::Memory;
use self::backend::redb::Redb;
use self::backend::{Backend, Batch, Condition, Effect, Key, Refusal, Unavailable, Versioned, decode_count};
pub use self::commit::{Commit, CommitError};
pub use self::record::Corrupt;
use self::record::credential::Credential;
use self::record::grant::GrantRecord;
use self::record::session::SessionRecord;
use self::record::standing::Standing;
use self::record::tenant::Tenant;
use self::record::user_index::UserIndex;
use self::record::{Kind, Record};
use self::seal::Unsealable;
pub use self::seal::{KeyId, Keyring};

/// One tenant's records. Cheap to clone; the clones share one backend.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

struct Parts {
    backend: Box<dyn Backend>,
    keyring: Keyring,
    chance: Arc<dyn Chance>,
}

/// A record together with what a later write of it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// The record.
    pub value: T,
    /// Which state of it was read.
    pub version: Version,
}

/// A state of a record, as the condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    number: u64,
    /// For sessions and grants: the user's epoch they belong to.
    epoch: u64,
}

/// Why a read gave no answer. The caller is refused, whatever it wanted to know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The backend does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The record is there and cannot be opened.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// The record could not be sealed.
    #[error(transparent)]
    Unsealable(#[from] Unsealable),
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The backend could not be opened.
    #[error(transparent)]
    Backend(#[from] backend::redb::OpenError),
    /// The store belongs to somebody else, or its keys are missing.
    #[error(
        "the store was sealed for another tenant or with keys that are not here (this is tenant {tenant} with key {key}): give it its own keys"
    )]
    ForeignKeys {
        /// Whose keys were given.
        tenant: String,
        /// Which key was the current one.
        key: String,
    },
    /// The backend did not answer.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

/// Some users of a directory, in the order of their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserPage {
    /// The users; may be empty although more follow.
    pub users: Vec<User>,
    /// Where the next page begins, if there is more.
    pub next: Option<UserId>,
}

impl Store {
    /// Opens the file, or makes it. Once it is open nobody else can open it until [`Store::close`] or the last
    /// clone is dropped.
    pub async fn open_redb(
        path: impl AsRef<Path>,
        keyring: Keyring,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, OpenError> {
        Self::over(Box::new(Redb::open(path)?), keyring, chance).await
    }

    /// An empty store in memory, for simulation and tests.
    pub fn open_memory(keyring: Keyring, chance: Arc<dyn Chance>) -> Self {
        Self(Arc::new(Parts { backend: Box::new(Memory::new()), keyring, chance }))
    }

    /// A store over any backend, after proving that its keys are the ones given.
    pub async fn over(
        backend: Box<dyn Backend>,
        keyring: Keyring,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, OpenError> {
        let store = Self(Arc::new(Parts { backend, keyring, chance }));
        store.prove_keys().await?;
        Ok(store)
    }

    async fn prove_keys(&self) -> Result<(), OpenError> {
        let foreign = || OpenError::ForeignKeys {
            tenant: self.keyring().tenant().to_owned(),
            key: self.keyring().current().to_string(),
        };
        match self.read_lasting::<Tenant>(&[]).await {
            Ok(Some((tenant, _))) if tenant.name == self.keyring().tenant() => return Ok(()),
            Ok(Some(_)) | Err(StoreError::Corrupt(_)) => return Err(foreign()),
            Ok(None) => {}
            Err(error) => return Err(error.into()),
        }
        let tenant = Tenant { name: self.keyring().tenant().to_owned() };
        let mut batch = Batch::at(Timestamp::default());
        batch.push(Kind::Tenant.key(&[]), Condition::Absent, self.put(&[], &tenant)?);
        match self.0.backend.apply(batch).await {
            Ok(()) => Ok(()),
            Err(Refusal::Rejected(_)) => Err(foreign()),
            Err(Refusal::Unavailable(unavailable)) => Err(StoreError::from(unavailable).into()),
        }
    }

    /// The keys it seals with.
    pub fn keyring(&self) -> &Keyring {
        &self.0.keyring
    }

    /// The journey, unless its deadline has passed at `now`.
    pub async fn journey(
        &self,
        id: &JourneyId,
        now: Timestamp,
    ) -> Result<Option<Stored<Journey>>, StoreError> {
        Ok(self.read(id.as_bytes(), now).await?.map(Stored::from))
    }

    /// The session, if it is alive at `now` and its user may still hold it: absent after its lifetime or idle time, after
    /// the user was locked, and after the user's sessions were ended.
    pub async fn session(
        &self,
        id: &SessionId,
        now: Timestamp,
    ) -> Result<Option<Stored<Session>>, StoreError> {
        let Some((record, number)) = self.read::<SessionRecord>(id.as_bytes(), now).await? else {
            return Ok(None);
        };
        let SessionRecord { epoch, session } = record;
        if let Some(user) = &session.user
            && !self.standing(user).await?.0.admits(epoch)
        {
            return Ok(None);
        }
        Ok(Some(Stored { value: session, version: Version { number, epoch } }))
    }

    /// The grant, if it has not expired at `now` and its user may still hold it, under the same rules as
    /// [`Store::session`]. A revoked grant is returned as such.
    pub async fn grant(&self, id: &GrantId, now: Timestamp) -> Result<Option<Stored<Grant>>, StoreError> {
        let Some((record, number)) = self.read::<GrantRecord>(id.as_bytes(), now).await? else {
            return Ok(None);
        };
        let GrantRecord { epoch, grant } = record;
        if !self.standing(&grant.user).await?.0.admits(epoch) {
            return Ok(None);
        }
        Ok(Some(Stored { value: grant, version: Version { number, epoch } }))
    }

    /// The user, whatever their state.
    pub async fn user(&self, id: &UserId) -> Result<Option<Stored<User>>, StoreError> {
        Ok(self.read_lasting(id.as_bytes()).await?.map(Stored::from))
    }

    /// The user of a directory who has the value, compared in normalized form, as one of the unique attributes;
    /// the first attribute that matches wins.
    pub async fn find_user(
        &self,
        directory: &str,
        attributes: &[String],
        value: &str,
    ) -> Result<Option<Stored<User>>, StoreError> {
        let under = |attribute: &String| record::user_index::ids(self.keyring(), directory, attribute, value);
        let ids: Vec<[u8; 32]> = attributes.iter().flat_map(under).collect();
        let keys: Vec<Key> = ids.iter().map(|id| Kind::UserIndex.key(id)).collect();
        let found = self.0.backend.get_many(&keys).await?;
        let first = ids.iter().zip(found).find_map(|(id, entry)| Some((id, entry?)));
        let Some((id, entry)) = first else { return Ok(None) };
        let UserIndex { user, attribute } = record::open(self.keyring(), id, &entry)?;
        // The entry is only a pointer: what counts is the user's own record.
        let has = |user: &User| {
            user.directory == directory
                && user.text(&attribute).map(normalized_identifier) == Some(normalized_identifier(value))
        };
        Ok(self.user(&user).await?.filter(|user| has(&user.value)))
    }

    /// The user's password hash. Pass its version to [`Commit::credential`] when a verdict about it is committed.
    pub async fn credential(&self, user: &UserId) -> Result<Option<Stored<PasswordHash>>, StoreError> {
        let read = self.read_lasting::<Credential>(user.as_bytes()).await?;
        Ok(read.map(|(record, number)| Stored::from((record.password, number))))
    }

    /// The counters at `now`, in the order of the keys. One that cannot be read is full.
    pub async fn counts(&self, keys: &[CounterKey], now: Timestamp) -> Result<Vec<Count>, StoreError> {
        let keys: Vec<Key> = keys.iter().map(|key| self.counter_key(key)).collect();
        let found = self.0.backend.get_many(&keys).await?;
        let full = Count { value: u32::MAX, ends: Timestamp(i64::MAX) };
        Ok(found
            .into_iter()
            .map(|record| record.filter(|record| record.is_alive(now)))
            .map(|record| {
                record.map_or(Count::default(), |record| decode_count(&record.bytes).unwrap_or(full))
            })
            .map(|count| count.at(now))
            .collect())
    }

    /// At most `limit` users of the store after `after`, less those of other directories.
    pub async fn users(
        &self,
        directory: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<UserPage, StoreError> {
        let (records, more) =
            self.list(Kind::User, after.as_ref().map(|id| &id.as_bytes()[..]), limit).await?;
        let mut users = Vec::with_capacity(records.len());
        for (id, record) in &records {
            users.push(record::open::<User>(self.keyring(), id, record)?);
        }
        let next = users.last().map(|user| user.id).filter(|_| more);
        users.retain(|user| user.directory == directory);
        Ok(UserPage { users, next })
    }

    /// At most `limit` security events from `since` on that are still kept at `now`, oldest first.
    pub async fn audit(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let (records, _) = self.list(Kind::Audit, Some(&record::audit::from(since)), limit).await?;
        let kept = records.iter().filter(|(_, record)| record.is_alive(now));
        let opened = kept.map(|(id, record)| record::open(self.keyring(), id, record));
        Ok(opened.collect::<Result<_, _>>()?)
    }

    /// Performs the commit wholly or not at all, as one durable write.
    pub async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        commit::perform(self, commit).await
    }

    /// Whether a commit could be taken now.
    pub async fn health(&self) -> Result<(), StoreError> {
        Ok(self.0.backend.health().await?)
    }

    /// Finishes the writes that were begun and releases the file. Everything after that is unavailable, in all
    /// clones. Blocks for at most the commits that are queued.
    pub fn close(&self) {
        self.0.backend.close();
    }

    /// The record under an id and its version number, unless it expired.
    async fn read<R: Record>(&self, id: &[u8], now: Timestamp) -> Result<Option<(R, u64)>, StoreError> {
        let found = self.0.backend.get(&R::KIND.key(id)).await?;
        let Some(found) = found.filter(|found| found.is_alive(now)) else { return Ok(None) };
        Ok(Some((record::open(self.keyring(), id, &found)?, found.version)))
    }

    /// The same for kinds that never expire.
    async fn read_lasting<R: Record>(&self, id: &[u8]) -> Result<Option<(R, u64)>, StoreError> {
        self.read(id, Timestamp(i64::MIN)).await
    }

    /// The user's standing and the condition that it is still the same.
    async fn standing(&self, user: &UserId) -> Result<(Standing, Condition), StoreError> {
        let read = self.read_lasting::<Standing>(user.as_bytes()).await?;
        Ok(read.map_or((Standing::default(), Condition::Absent), |(standing, number)| {
            (standing, Condition::Version(number))
        }))
    }

    fn put<R: Record>(&self, id: &[u8], record: &R) -> Result<Effect, StoreError> {
        let bytes = record::seal(self.keyring(), &*self.0.chance, id, record)?;
        Ok(Effect::Put { bytes, expires: record.expires() })
    }

    fn counter_key(&self, key: &CounterKey) -> Key {
        let id = Digest::of_parts(&[self.keyring().tenant().as_bytes(), key.0.as_bytes()]);
        Kind::Counter.key(id.as_bytes())
    }

    /// Records of a kind by id, whether expired or not, and whether more may follow.
    async fn list(
        &self,
        kind: Kind,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<(Vec<(Vec<u8>, Versioned)>, bool), StoreError> {
        let after = after.map(|id| kind.key(id));
        let found = self.0.backend.range(&kind.key(&[]), after.as_deref(), limit).await?;
        let more = found.len() == limit;
        Ok((
            found
                .into_iter()
                .map(|(key, record)| (key.get(1..).unwrap_or_default().to_vec(), record))
                .collect(),
            more,
        ))
    }
}

impl<T> From<(T, u64)> for Stored<T> {
    fn from((value, number): (T, u64)) -> Self {
        Self { value, version: Version { number, epoch: 0 } }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.keyring())
    }
}
