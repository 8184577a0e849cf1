//! From a commit to the batch that performs it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use idflow_core::audit::AuditEvent;
use idflow_core::counter::{CounterKey, CounterStep};
use idflow_core::grant::Grant;
use idflow_core::id::{SessionId, UserId};
use idflow_core::session::Session;
use idflow_core::time::Timestamp;

use super::people::{People, UserChange};
use super::{Commit, CommitError};
use crate::backend::{Batch, Condition, Counting, Effect, Key, Operation, Step};
use crate::record::credential::Credential;
use crate::record::grant::GrantRecord;
use crate::record::session::SessionRecord;
use crate::record::standing::Standing;
use crate::record::user_index::{UserIndex, ids_of};
use crate::record::{Kind, Record, audit};
use crate::{Store, Version};

/// A batch, and what its keys mean to the caller when one of them refuses it.
pub(super) struct Plan {
    pub(super) batch: Batch,
    /// Which attribute an index key stands for.
    pub(super) taken: BTreeMap<Key, String>,
    pub(super) counters: BTreeMap<Key, CounterKey>,
}

/// Operations are judged in the order of their keys, journeys first: of two posts of one form the second is a
/// conflict that finds its answer, and not a name that the first has taken.
struct Planner<'a> {
    store: &'a Store,
    now: Timestamp,
    operations: BTreeMap<Key, (Condition, Effect)>,
    taken: BTreeMap<Key, String>,
    standings: BTreeMap<UserId, Known>,
    /// Epochs of the sessions that this commit writes.
    sessions: BTreeMap<SessionId, u64>,
}

/// A user's standing as read, and as the commit leaves it.
struct Known {
    before: Standing,
    condition: Condition,
    after: Standing,
}

pub(super) async fn plan(store: &Store, commit: Commit) -> Result<Plan, CommitError> {
    let People { users, passwords, mut ended, opened } = People::of(store, commit.writes).await?;
    ended.extend(commit.ended_users);
    // Somebody who is created just now has no earlier sessions to end.
    ended.retain(|user| users.get(user).is_none_or(|change| change.before.is_some()));
    let mut planner = Planner {
        store,
        now: commit.now,
        operations: BTreeMap::new(),
        taken: BTreeMap::new(),
        standings: BTreeMap::new(),
        sessions: BTreeMap::new(),
    };
    for (journey, expected) in commit.journeys {
        planner.put(journey.id.as_bytes(), condition(expected), &journey)?;
    }
    planner.change_standings(&users, &ended).await?;
    for (id, change) in users {
        planner.user(id, change)?;
    }
    planner.credentials(passwords, commit.credentials)?;
    for (session, expected) in commit.sessions.into_iter().chain(opened.into_iter().map(|new| (new, None))) {
        planner.session(session, expected).await?;
    }
    for session in commit.ended_sessions {
        planner.push(Kind::Session.key(session.as_bytes()), Condition::Any, Effect::Delete)?;
    }
    for (grant, expected) in commit.grants {
        planner.grant(grant, expected).await?;
    }
    for event in commit.audit {
        planner.event(&event)?;
    }
    planner.finish(commit.counters)
}

fn condition(expected: Option<Version>) -> Condition {
    expected.map_or(Condition::Absent, |version| Condition::Version(version.number))
}

impl Planner<'_> {
    fn push(&mut self, key: Key, condition: Condition, effect: Effect) -> Result<(), CommitError> {
        match self.operations.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert((condition, effect));
                Ok(())
            }
            Entry::Occupied(entry) => Err(match self.taken.get(entry.key()) {
                Some(attribute) => CommitError::Taken { attribute: attribute.clone() },
                None => CommitError::Conflict,
            }),
        }
    }

    fn put<R: Record>(&mut self, id: &[u8], condition: Condition, record: &R) -> Result<(), CommitError> {
        let effect = self.store.put(id, record)?;
        self.push(R::KIND.key(id), condition, effect)
    }

    async fn standing(&mut self, user: UserId) -> Result<&mut Known, CommitError> {
        match self.standings.entry(user) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let (before, condition) = self.store.standing(&user).await?;
                Ok(entry.insert(Known { before, condition, after: before }))
            }
        }
    }

    async fn change_standings(
        &mut self,
        users: &BTreeMap<UserId, UserChange>,
        ended: &BTreeSet<UserId>,
    ) -> Result<(), CommitError> {
        let locks = users.iter().filter_map(|(id, change)| Some((*id, change.lock()?)));
        for (user, locked) in locks {
            let epoch = self.draw_epoch();
            self.standing(user).await?.after = Standing { epoch, locked };
        }
        for user in ended {
            let epoch = self.draw_epoch();
            self.standing(*user).await?.after.epoch = epoch;
        }
        Ok(())
    }

    /// Never 0, which is the epoch of users without a standing.
    fn draw_epoch(&self) -> u64 {
        let mut epoch = [0; 8];
        self.store.0.chance.fill(&mut epoch);
        u64::from_be_bytes(epoch).max(1)
    }

    fn user(&mut self, id: UserId, change: UserChange) -> Result<(), CommitError> {
        let UserChange { before, after, unique } = change;
        let keyring = self.store.keyring();
        let old = before.as_ref().map(|before| ids_of(keyring, &before.value, &unique)).unwrap_or_default();
        let new = ids_of(keyring, &after, &unique);
        for ids in old.iter().filter(|(attribute, ids)| new.get(*attribute) != Some(ids)).map(|(_, ids)| ids)
        {
            for id in ids {
                self.push(Kind::UserIndex.key(id), Condition::Any, Effect::Delete)?;
            }
        }
        for (attribute, ids) in new.iter().filter(|(attribute, ids)| old.get(*attribute) != Some(ids)) {
            self.claim(id, attribute, ids)?;
        }
        self.put(id.as_bytes(), condition(before.map(|before| before.version)), &after)
    }

    /// Makes a value the user's own: nobody may have it, under no key of the ring.
    fn claim(&mut self, user: UserId, attribute: &str, ids: &[[u8; 32]]) -> Result<(), CommitError> {
        let entry = UserIndex { user, attribute: attribute.to_owned() };
        for (number, id) in ids.iter().enumerate() {
            let effect = if number == 0 { self.store.put(id, &entry)? } else { Effect::Check };
            let key = Kind::UserIndex.key(id);
            self.taken.insert(key.clone(), attribute.to_owned());
            self.push(key, Condition::Absent, effect)?;
        }
        Ok(())
    }

    fn credentials(
        &mut self,
        passwords: BTreeMap<UserId, idflow_core::secret::PasswordHash>,
        expected: Vec<(UserId, Option<Version>)>,
    ) -> Result<(), CommitError> {
        let mut expected: BTreeMap<UserId, Condition> =
            expected.into_iter().map(|(user, version)| (user, condition(version))).collect();
        for (user, password) in passwords {
            let condition = expected.remove(&user).unwrap_or(Condition::Any);
            self.put(user.as_bytes(), condition, &Credential { password })?;
        }
        for (user, condition) in expected {
            self.push(Kind::Credential.key(user.as_bytes()), condition, Effect::Check)?;
        }
        Ok(())
    }

    /// The epoch of a session or grant that was read with this version, unless it has ended since. When this
    /// very commit ends the user's others, this one moves on to the new epoch.
    fn carried_epoch(&self, user: UserId, version: Version) -> Result<u64, CommitError> {
        match self.standings.get(&user) {
            None => Ok(version.epoch),
            Some(known) if known.before.admits(version.epoch) => Ok(known.after.epoch),
            Some(_) => Err(CommitError::Conflict),
        }
    }

    /// The epoch of a session that begins now.
    async fn new_epoch(&mut self, user: UserId) -> Result<u64, CommitError> {
        let after = self.standing(user).await?.after;
        if after.locked { Err(CommitError::Conflict) } else { Ok(after.epoch) }
    }

    async fn session(&mut self, session: Session, expected: Option<Version>) -> Result<(), CommitError> {
        let epoch = match (session.user, expected) {
            (None, _) => 0,
            (Some(user), Some(version)) => self.carried_epoch(user, version)?,
            (Some(user), None) => self.new_epoch(user).await?,
        };
        let id = session.id;
        self.sessions.insert(id, epoch);
        self.put(id.as_bytes(), condition(expected), &SessionRecord { epoch, session })
    }

    async fn grant(&mut self, grant: Grant, expected: Option<Version>) -> Result<(), CommitError> {
        let epoch = match expected {
            Some(version) => self.carried_epoch(grant.user, version)?,
            None => self.grant_epoch(&grant).await?,
        };
        let id = grant.id;
        self.put(id.as_bytes(), condition(expected), &GrantRecord { epoch, grant })
    }

    /// A new grant belongs to the epoch of its session: what ended the session meanwhile ends it as well.
    async fn grant_epoch(&mut self, grant: &Grant) -> Result<u64, CommitError> {
        if let Some(epoch) = self.sessions.get(&grant.session) {
            return Ok(*epoch);
        }
        let session = self.store.session(&grant.session, self.now).await?.ok_or(CommitError::Conflict)?;
        if session.value.user != Some(grant.user) {
            return Err(CommitError::Conflict);
        }
        self.standing(grant.user).await?;
        self.carried_epoch(grant.user, session.version)
    }

    fn event(&mut self, event: &AuditEvent) -> Result<(), CommitError> {
        let id = audit::id(event.at, &*self.store.0.chance);
        self.put(&id, Condition::Absent, event)
    }

    fn finish(mut self, steps: Vec<CounterStep>) -> Result<Plan, CommitError> {
        for (user, Known { before, condition, after }) in std::mem::take(&mut self.standings) {
            if before == after {
                self.push(Kind::Standing.key(user.as_bytes()), condition, Effect::Check)?;
            } else {
                self.put(user.as_bytes(), condition, &after)?;
            }
        }
        let mut counters = BTreeMap::new();
        let mut countings = Vec::with_capacity(steps.len());
        for step in steps {
            let (counter, limit, step) = match step {
                CounterStep::AddUnlessFull { key, limit } => (key, limit, Step::Add),
                CounterStep::RequireBelowAndReset { key, limit } => (key, limit, Step::Reset),
            };
            let key = self.store.counter_key(&counter);
            counters.insert(key.clone(), counter);
            countings.push(Counting { key, limit, step });
        }
        let operations = self.operations.into_iter();
        let operations =
            operations.map(|(key, (condition, effect))| Operation { key, condition, effect }).collect();
        let batch = Batch { now: self.now, operations, counters: countings };
        Ok(Plan { batch, taken: self.taken, counters })
    }
}
