//! One visible step as one batch: records, side writes, counters and audit events together.
//!
//! Building a batch reads what its conditions need (users, standings); each of these reads is itself part of the
//! conditions, so whatever changes in between makes a conflict and never a lost write.

mod people;
mod plan;

use idflow_core::audit::AuditEvent;
use idflow_core::counter::{CounterKey, CounterStep};
use idflow_core::grant::Grant;
use idflow_core::id::{SessionId, UserId};
use idflow_core::journey::Journey;
use idflow_core::session::Session;
use idflow_core::time::Timestamp;
use idflow_core::write::Write;

use self::plan::Plan;
use crate::backend::{Refusal, Rejected};
use crate::{Store, StoreError, Version};

/// Everything one step changes. Each record stands in it at most once.
#[derive(Debug, Clone)]
pub struct Commit {
    now: Timestamp,
    journeys: Vec<(Journey, Option<Version>)>,
    sessions: Vec<(Session, Option<Version>)>,
    grants: Vec<(Grant, Option<Version>)>,
    ended_sessions: Vec<SessionId>,
    ended_users: Vec<UserId>,
    credentials: Vec<(UserId, Option<Version>)>,
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
    /// An empty commit; `now` judges expiry and counter windows.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            now,
            journeys: Vec::new(),
            sessions: Vec::new(),
            grants: Vec::new(),
            ended_sessions: Vec::new(),
            ended_users: Vec::new(),
            credentials: Vec::new(),
            writes: Vec::new(),
            counters: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// Writes a journey that was read with `expected`; without it, one that must not exist yet.
    pub fn put_journey(mut self, journey: Journey, expected: Option<Version>) -> Self {
        self.journeys.push((journey, expected));
        self
    }

    /// Writes a session that was read with `expected`; without it, one that must not exist yet. A session of a
    /// locked or ended user is a conflict. When the same commit ends the user's sessions, this one goes on.
    pub fn put_session(mut self, session: Session, expected: Option<Version>) -> Self {
        self.sessions.push((session, expected));
        self
    }

    /// Writes a grant that was read with `expected`; without it, one that must not exist yet and whose session
    /// is alive or opened in the same commit: anything else is a conflict.
    pub fn put_grant(mut self, grant: Grant, expected: Option<Version>) -> Self {
        self.grants.push((grant, expected));
        self
    }

    /// Ends one session. Its grants go on until they expire or the user's are ended.
    pub fn end_session(mut self, session: SessionId) -> Self {
        self.ended_sessions.push(session);
        self
    }

    /// Ends all sessions and grants of a user, but those written in the same commit.
    pub fn end_sessions_of(mut self, user: UserId) -> Self {
        self.ended_users.push(user);
        self
    }

    /// Demands that the user's password hash is still the one that was read with `expected`, or that there is
    /// still none. A verdict about a password belongs in the same commit as this, so that neither a verdict nor a
    /// rehash of an old password outlives its change.
    pub fn credential(mut self, user: UserId, expected: Option<Version>) -> Self {
        self.credentials.push((user, expected));
        self
    }

    /// Adds side writes, performed in their order.
    pub fn writes(mut self, writes: impl IntoIterator<Item = Write>) -> Self {
        self.writes.extend(writes);
        self
    }

    /// Adds counter steps, taken in their order.
    pub fn counters(mut self, steps: impl IntoIterator<Item = CounterStep>) -> Self {
        self.counters.extend(steps);
        self
    }

    /// Adds security events.
    pub fn audit(mut self, events: impl IntoIterator<Item = AuditEvent>) -> Self {
        self.audit.extend(events);
        self
    }
}

/// Plans the batch and applies it.
pub(crate) async fn perform(store: &Store, commit: Commit) -> Result<(), CommitError> {
    let Plan { batch, taken, counters } = plan::plan(store, commit).await?;
    if batch.operations.is_empty() && batch.counters.is_empty() {
        return Ok(());
    }
    match store.0.backend.apply(batch).await {
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
