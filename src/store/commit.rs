//! One visible step as one batch: records, side writes, counters and audit events together.
//!
//! A commit is made of the reads it was decided by, and takes their guards along: whatever changed since makes a
//! conflict and never a lost write. What the rules of the records need besides is read in one more round trip, and is
//! part of the conditions too; a step that has read the people it concerns needs none.

mod names;
mod needs;
mod people;
mod plan;

use idflow_core::audit::AuditEvent;
use idflow_core::counter::{CounterKey, CounterStep};
use idflow_core::grant::Grant;
use idflow_core::id::UserId;
use idflow_core::journey::Journey;
use idflow_core::session::Session;
use idflow_core::time::Timestamp;
use idflow_core::write::Write;

use self::plan::Plan;
use crate::backend::{Effect, Key, Refusal, Rejected};
use crate::record::Record;
use crate::{ReadSet, Store, StoreError};

/// Everything one step changes. Each record stands in it at most once.
#[derive(Debug, Clone)]
pub struct Commit {
    reads: ReadSet,
    journeys: Vec<Journey>,
    sessions: Vec<Session>,
    grants: Vec<Grant>,
    ended_users: Vec<UserId>,
    /// Changes of kinds that have no rules of their own.
    plain: Vec<(Key, Result<Effect, StoreError>)>,
    writes: Vec<Write>,
    counters: Vec<CounterStep>,
    audit: Vec<AuditEvent>,
}

/// Why a commit did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// A record is no longer as it was read: read again and decide again.
    #[error("a record changed since it was read: read it and decide again")]
    Conflict,
    /// A counter has reached its limit.
    #[error("the counter is full")]
    CounterFull(CounterKey),
    /// Another user of the directory has this value.
    #[error("another user has the same {attribute}")]
    Taken {
        /// The unique attribute.
        attribute: String,
    },
    /// Nobody can say whether it happened: show nothing as done.
    #[error(transparent)]
    Unavailable(StoreError),
}

impl<E: Into<StoreError>> From<E> for CommitError {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Commit {
    /// A commit that changes nothing yet and demands that every guard of `reads` is still as it was read. A record
    /// that was not read must not exist when it is put.
    pub const fn after(reads: ReadSet) -> Self {
        Self {
            reads,
            journeys: Vec::new(),
            sessions: Vec::new(),
            grants: Vec::new(),
            ended_users: Vec::new(),
            plain: Vec::new(),
            writes: Vec::new(),
            counters: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// The moment that judges expiry and counter windows.
    pub const fn now(&self) -> Timestamp {
        self.reads.now()
    }

    /// Writes a journey. One that goes on after its user's standing ended is a conflict; when the same commit ends
    /// it, this journey goes on.
    #[must_use]
    pub fn put_journey(mut self, journey: Journey) -> Self {
        self.journeys.push(journey);
        self
    }

    /// Writes a session. A session of a locked or ended user is a conflict. When the same commit ends the user's
    /// sessions, this one goes on.
    #[must_use]
    pub fn put_session(mut self, session: Session) -> Self {
        self.sessions.push(session);
        self
    }

    /// Writes a grant. One that was not read is new, and its session must be there or opened in the same commit:
    /// anything else is a conflict.
    #[must_use]
    pub fn put_grant(mut self, grant: Grant) -> Self {
        self.grants.push(grant);
        self
    }

    /// Ends all sessions, grants and journeys of a user, but those written in the same commit.
    #[must_use]
    pub fn end_sessions_of(mut self, user: UserId) -> Self {
        self.ended_users.push(user);
        self
    }

    /// Writes a record of a kind without rules.
    pub(crate) fn put<R: Record>(mut self, id: impl AsRef<[u8]>, record: &R) -> Self {
        let effect = self.reads.store().put(id.as_ref(), record);
        self.plain.push((R::KIND.key(id.as_ref()), effect));
        self
    }

    /// Removes a record of a kind without rules.
    pub(crate) fn remove<R: Record>(mut self, id: &[u8]) -> Self {
        self.plain.push((R::KIND.key(id), Ok(Effect::Delete)));
        self
    }

    /// Adds side writes, performed in their order.
    #[must_use]
    pub fn writes(mut self, writes: impl IntoIterator<Item = Write>) -> Self {
        self.writes.extend(writes);
        self
    }

    /// Adds counter steps, taken in their order.
    #[must_use]
    pub fn counters(mut self, steps: impl IntoIterator<Item = CounterStep>) -> Self {
        self.counters.extend(steps);
        self
    }

    /// Adds security events.
    #[must_use]
    pub fn audit(mut self, events: impl IntoIterator<Item = AuditEvent>) -> Self {
        self.audit.extend(events);
        self
    }
}

impl Store {
    /// Performs the commit wholly or not at all, as one durable write.
    pub async fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        perform(self, commit).await
    }
}

/// Plans the batch and applies it.
async fn perform(store: &Store, commit: Commit) -> Result<(), CommitError> {
    let Plan { batch, taken, counters } = plan::plan(commit).await?;
    if batch.counters.is_empty() && batch.operations.iter().all(|one| one.effect == Effect::Check) {
        return Ok(());
    }
    match store.backend().apply(batch).await {
        Ok(()) => Ok(()),
        Err(Refusal::Unavailable(unavailable)) => Err(unavailable.into()),
        Err(Refusal::Rejected(Rejected::Conflict { key })) => Err(match taken.get(&key) {
            Some(attribute) => CommitError::Taken { attribute: attribute.clone() },
            None => CommitError::Conflict,
        }),
        Err(Refusal::Rejected(Rejected::CounterFull { key })) => Err(match counters.get(&key) {
            Some(counter) => CommitError::CounterFull(counter.clone()),
            None => CommitError::Conflict,
        }),
    }
}

/// The batch that would perform a commit.
#[cfg(test)]
pub(crate) async fn planned(commit: Commit) -> crate::backend::Batch {
    plan::plan(commit).await.unwrap().batch
}
