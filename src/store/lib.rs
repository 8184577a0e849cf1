//! Records over backends that only know bytes and conditional batches.
//!
//! ```text
//!   executor ── Store::read(now, [Wanted, …]) ──▶ ReadSet: guards and hints, in few round trips
//!            ── Commit::after(ReadSet): records, side writes, counters, audit ──▶ Batch ──▶ one durable commit
//!                    record/<kind>.rs: key, codec, expiry       seal.rs: AES-256-GCM per tenant
//!                    ───────────────────────────────────────────────────────────────────────────
//!                    backend.rs: read, range, apply(Batch), …   backend/{memory,redb}.rs: bytes
//! ```
//!
//! A step is one [`Commit`]: its conditions hold and all of it happens, or nothing does. Expired records are
//! absent on every read, purged or not. A record that cannot be opened is an error that names it, never a panic
//! and never an absence. Refused: a store of another tenant, of other keys, or of a newer program.

pub mod backend;
mod commit;
mod doubts;
mod index;
mod purge;
mod read;
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
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_core::user::User;

use self::backend::counted::Counted;
use self::backend::memory::Memory;
use self::backend::redb::Redb;
use self::backend::{Backend, Batch, Condition, Effect, Refusal, Unavailable, Versioned};
pub use self::commit::{Commit, CommitError};
pub use self::doubts::{Doubt, DoubtfulName, DoubtfulNames, Names};
pub use self::read::{ReadSet, Wanted};
pub use self::record::Corrupt;
use self::record::tenant::Tenant;
pub use self::record::uniqueness::Uniqueness;
pub use self::record::user_index::UserBy;
use self::record::{Kind, Numbered as _, Record};
pub use self::reseal::Resealed;
use self::seal::Unsealable;
pub use self::seal::{KeyId, Keyring};

/// One tenant's records. Cheap to clone; the clones share one backend.
#[derive(Clone)]
pub struct Store(Arc<Parts>);

struct Parts {
    backend: Counted,
    keyring: Keyring,
    chance: Arc<dyn Chance>,
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
    /// An attribute has become unique, and not every user's value of it is known yet.
    #[error(
        "the values of {attribute} are being indexed, so that nobody can be given one: try again in a moment"
    )]
    NotIndexed {
        /// The attribute.
        attribute: String,
    },
    /// A decision looked at what it had not read: a defect of this program.
    #[error("a record was used that had not been read: report this")]
    NotRead,
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
        Self(Arc::new(Parts { backend: Counted::over(Box::new(Memory::new())), keyring, chance }))
    }

    /// A store over any backend, after proving that its keys are the ones given.
    pub async fn over(
        backend: Box<dyn Backend>,
        keyring: Keyring,
        chance: Arc<dyn Chance>,
    ) -> Result<Self, OpenError> {
        let store = Self(Arc::new(Parts { backend: Counted::over(backend), keyring, chance }));
        store.prove_keys().await?;
        Ok(store)
    }

    async fn prove_keys(&self) -> Result<(), OpenError> {
        let foreign = || OpenError::ForeignKeys {
            tenant: self.keyring().tenant().to_owned(),
            key: self.keyring().current().to_string(),
        };
        let read = self.read(Timestamp::default(), &[Wanted::guard::<Tenant>(&[])]).await;
        match read.and_then(|reads| Ok(reads.get::<Tenant>(&[])?.cloned())) {
            Ok(Some(tenant)) if tenant.name == self.keyring().tenant() => return Ok(()),
            Ok(Some(_)) | Err(StoreError::Corrupt(_)) => return Err(foreign()),
            Ok(None) => {}
            Err(error) => return Err(error.into()),
        }
        let tenant = Tenant { name: self.keyring().tenant().to_owned() };
        let mut batch = Batch::at(Timestamp::default());
        batch.push(Tenant::KIND.key(&[]), Condition::Absent, self.put(&[], &tenant)?);
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

    /// At most `limit` users of the store after `after`, less those of other directories and reservations.
    pub async fn users(
        &self,
        directory: &str,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<UserPage, StoreError> {
        let (records, more) =
            self.list(User::KIND, after.as_ref().map(|id| &id.as_bytes()[..]), limit).await?;
        let mut users = Vec::with_capacity(records.len());
        for (id, record) in &records {
            users.push(record::open::<User>(self.keyring(), id, record)?);
        }
        let next = users.last().map(|user| user.id).filter(|_| more);
        users.retain(|user| user.directory == directory && user.reserved.is_none());
        Ok(UserPage { users, next })
    }

    /// At most `limit` security events from `since` on that are still kept at `now`, oldest first.
    pub async fn audit(
        &self,
        since: Timestamp,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<AuditEvent>, StoreError> {
        let (records, _) = self.list(AuditEvent::KIND, Some(&record::audit::from(since)), limit).await?;
        let kept = records.iter().filter(|(_, record)| record.is_alive(now));
        let opened = kept.map(|(id, record)| record::open(self.keyring(), id, record));
        Ok(opened.collect::<Result<_, _>>()?)
    }

    /// Whether a commit could be taken now.
    pub async fn health(&self) -> Result<(), StoreError> {
        Ok(self.0.backend.health().await?)
    }

    /// How often the backend was asked since the store was opened: what would be round trips on a database across a
    /// network.
    pub fn round_trips(&self) -> u64 {
        self.0.backend.round_trips()
    }

    /// Finishes the writes that were begun and releases the file. Everything after that is unavailable, in all
    /// clones. Blocks for at most the commits that are queued.
    pub fn close(&self) {
        self.0.backend.close();
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &self.0.backend
    }

    pub(crate) fn chance(&self) -> &dyn Chance {
        &*self.0.chance
    }

    pub(crate) fn put<R: Record>(&self, id: &[u8], record: &R) -> Result<Effect, StoreError> {
        let bytes = record::seal(self.keyring(), &*self.0.chance, id, record)?;
        Ok(Effect::Put { bytes, expires: record.expires() })
    }

    /// Records of a kind by id, whether expired or not, and whether more may follow.
    pub(crate) async fn list(
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

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Store({:?})", self.keyring())
    }
}
