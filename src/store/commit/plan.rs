//! From a commit to the batch that performs it.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use idflow_core::counter::{CounterKey, CounterStep, Limit};
use idflow_core::grant::Grant;
use idflow_core::id::{SessionId, UserId};
use idflow_core::journey::{Ending, Journey, Phase};
use idflow_core::session::Session;
use idflow_core::time::Span;

use super::people::{People, UserChange};
use super::{Commit, CommitError};
use crate::backend::{Batch, Condition, Counting, Effect, Key, Operation, Step};
use crate::read::ReadSet;
use crate::record::credential::Credential;
use crate::record::grant::GrantRecord;
use crate::record::session::SessionRecord;
use crate::record::standing::Standing;
use crate::record::{Record, audit, counter};

/// The limit of a step that asks for none.
const UNLIMITED: Limit = Limit { max: u32::MAX, window: Span(0), pace: None };

/// A batch, and what its keys mean to the caller when one of them refuses it.
pub(super) struct Plan {
    pub(super) batch: Batch,
    /// Which attribute an index key stands for, where somebody else is found under it.
    pub(super) taken: BTreeMap<Key, String>,
    pub(super) counters: BTreeMap<Key, CounterKey>,
}

/// Operations are judged in the order of their keys, journeys first: of two posts of one form the second is a
/// conflict that finds its answer, and not a name that the first has taken.
pub(super) struct Planner {
    pub(super) reads: ReadSet,
    operations: BTreeMap<Key, (Condition, Effect)>,
    /// Which attribute an index key stands for, of those that this commit gives to somebody.
    pub(super) claimed: BTreeMap<Key, String>,
    /// The same of those that somebody else has.
    pub(super) taken: BTreeMap<Key, String>,
    /// Reservations that give way to users whom this commit makes.
    pub(super) evicted: BTreeSet<UserId>,
    /// Standings that this commit changes.
    standings: BTreeMap<UserId, Standing>,
    /// Epochs of the sessions that this commit writes.
    sessions: BTreeMap<SessionId, u64>,
}

pub(super) async fn plan(commit: Commit) -> Result<Plan, CommitError> {
    let Commit { mut reads, journeys, sessions, grants, ended_users, plain, writes, counters, audit } =
        commit;
    let mut people = People::of(writes)?;
    people.ended.extend(ended_users);
    reads.also_for(&mut people, &journeys, &sessions, &grants).await?;
    // Somebody who becomes a user just now has no earlier sessions to end.
    people.ended = people.ended.iter().filter(|user| !people.welcomes(user)).copied().collect();
    let mut planner = Planner {
        reads,
        operations: BTreeMap::new(),
        claimed: BTreeMap::new(),
        taken: BTreeMap::new(),
        evicted: BTreeSet::new(),
        standings: BTreeMap::new(),
        sessions: BTreeMap::new(),
    };
    planner.people(people)?;
    for journey in journeys {
        planner.journey(journey)?;
    }
    for session in sessions {
        planner.session(session)?;
    }
    for grant in grants {
        planner.grant(grant)?;
    }
    for (key, effect) in plain {
        planner.push(key, Condition::Any, effect?)?;
    }
    for event in audit {
        let id = audit::id(event.at, planner.reads.store().chance());
        planner.put(&id, Condition::Absent, &event)?;
    }
    planner.finish(counters)
}

impl Planner {
    /// Adds an operation. A guard that was read is its condition, whatever the caller would be content with.
    pub(super) fn push(&mut self, key: Key, otherwise: Condition, effect: Effect) -> Result<(), CommitError> {
        let condition = self.reads.condition(&key).unwrap_or(otherwise);
        self.demand(key, condition, effect)
    }

    /// Adds an operation under this very condition.
    pub(super) fn demand(
        &mut self,
        key: Key,
        condition: Condition,
        effect: Effect,
    ) -> Result<(), CommitError> {
        match self.operations.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert((condition, effect));
                Ok(())
            }
            Entry::Occupied(entry) => Err(match self.claimed.get(entry.key()) {
                Some(attribute) => CommitError::Taken { attribute: attribute.clone() },
                None => CommitError::Conflict,
            }),
        }
    }

    pub(super) fn put<R: Record>(
        &mut self,
        id: &[u8],
        otherwise: Condition,
        record: &R,
    ) -> Result<(), CommitError> {
        let effect = self.reads.store().put(id, record)?;
        self.push(R::KIND.key(id), otherwise, effect)
    }

    fn people(&mut self, people: People) -> Result<(), CommitError> {
        self.change_standings(&people.users, &people.ended)?;
        for (id, change) in people.users {
            self.user(id, change)?;
        }
        self.evict()?;
        for (user, password) in people.passwords {
            self.put(user.as_bytes(), Condition::Any, &Credential { password })?;
        }
        Ok(())
    }

    /// Who gets a new epoch (design 10): whoever is locked or unlocked, is called otherwise from now on, or whose
    /// sessions end, as with a new password.
    fn change_standings(
        &mut self,
        users: &BTreeMap<UserId, UserChange>,
        ended: &BTreeSet<UserId>,
    ) -> Result<(), CommitError> {
        for (user, change) in users {
            let lock = change.lock();
            if lock.is_some() || change.is_renamed() {
                let locked = lock.unwrap_or(self.reads.standing(user)?.locked);
                let epoch = self.draw_epoch();
                self.standings.insert(*user, Standing { epoch, locked });
            }
        }
        for user in ended {
            let (epoch, before) = (self.draw_epoch(), self.standing_after(user)?);
            // What is left says for ever that nothing begins any more for this id.
            let is_deleted = users.get(user).is_some_and(|change| change.is_deleted);
            self.standings.insert(*user, Standing { epoch, locked: before.locked || is_deleted });
        }
        Ok(())
    }

    fn standing_after(&self, user: &UserId) -> Result<Standing, CommitError> {
        match self.standings.get(user) {
            Some(after) => Ok(*after),
            None => Ok(self.reads.standing(user)?),
        }
    }

    /// Never 0, which is the epoch of users without a standing.
    fn draw_epoch(&self) -> u64 {
        let mut epoch = [0; 8];
        self.reads.store().chance().fill(&mut epoch);
        u64::from_be_bytes(epoch).max(1)
    }

    /// The epoch of something that was read with this one, unless it has ended since. When this very commit ends the
    /// user's others, this one moves on to the new epoch.
    fn carried_epoch(&self, user: &UserId, epoch: u64) -> Result<u64, CommitError> {
        if self.reads.standing(user)?.admits(epoch) {
            Ok(self.standing_after(user)?.epoch)
        } else {
            Err(CommitError::Conflict)
        }
    }

    /// The epoch of something that begins now.
    fn new_epoch(&self, user: &UserId) -> Result<u64, CommitError> {
        let after = self.standing_after(user)?;
        if after.locked { Err(CommitError::Conflict) } else { Ok(after.epoch) }
    }

    fn journey(&mut self, mut journey: Journey) -> Result<(), CommitError> {
        let id = journey.id;
        let known = self.reads.known::<Journey>(id.as_bytes())?.map(|before| (before.user, before.epoch));
        journey.epoch = match (&journey.user, known) {
            _ if matches!(journey.phase, Phase::Ended(Ending::Failed { .. })) => None,
            (None, _) => None,
            (Some(user), Some((before, Some(epoch)))) if before == journey.user => {
                Some(self.carried_epoch(user, epoch)?)
            }
            (Some(user), _) => Some(self.new_epoch(user)?),
        };
        self.put(id.as_bytes(), Condition::Absent, &journey)
    }

    fn session(&mut self, session: Session) -> Result<(), CommitError> {
        let id = session.id;
        let epoch = match (session.user, self.reads.known::<SessionRecord>(id.as_bytes())?) {
            (None, _) => 0,
            (Some(user), Some(known)) => self.carried_epoch(&user, known.epoch)?,
            (Some(user), None) => self.new_epoch(&user)?,
        };
        self.sessions.insert(id, epoch);
        self.put(id.as_bytes(), Condition::Absent, &SessionRecord { epoch, session })
    }

    fn grant(&mut self, grant: Grant) -> Result<(), CommitError> {
        let id = grant.id;
        let epoch = match self.reads.known::<GrantRecord>(id.as_bytes())? {
            Some(known) => self.carried_epoch(&grant.user, known.epoch)?,
            None => self.grant_epoch(&grant)?,
        };
        self.put(id.as_bytes(), Condition::Absent, &GrantRecord { epoch, grant })
    }

    /// A new grant belongs to the epoch of its session: what ended the session meanwhile ends it as well.
    fn grant_epoch(&mut self, grant: &Grant) -> Result<u64, CommitError> {
        if let Some(epoch) = self.sessions.get(&grant.session) {
            return Ok(*epoch);
        }
        let session = self.reads.known::<SessionRecord>(grant.session.as_bytes())?;
        let session = session.ok_or(CommitError::Conflict)?;
        if session.session.user != Some(grant.user) {
            return Err(CommitError::Conflict);
        }
        self.carried_epoch(&grant.user, session.epoch)
    }

    fn finish(mut self, steps: Vec<CounterStep>) -> Result<Plan, CommitError> {
        for (user, standing) in std::mem::take(&mut self.standings) {
            self.put(user.as_bytes(), Condition::Any, &standing)?;
        }
        for (key, condition) in self.reads.guards() {
            self.operations.entry(key.clone()).or_insert((condition, Effect::Check));
        }
        let mut counters = BTreeMap::new();
        let mut countings = Vec::with_capacity(steps.len());
        for step in steps {
            let (counter, limit, step) = match step {
                CounterStep::AddUnlessFull { key, limit } => (key, limit, Step::Add),
                CounterStep::RequireBelowAndReset { key, limit } => (key, limit, Step::Reset),
                CounterStep::RequireBelow { key, limit } => (key, limit, Step::Require),
                CounterStep::Clear { key } => (key, UNLIMITED, Step::Clear),
            };
            let key = counter::key(self.reads.keyring(), &counter);
            counters.insert(key.clone(), counter);
            countings.push(Counting { key, limit, step });
        }
        let operations = self.operations.into_iter();
        let operations =
            operations.map(|(key, (condition, effect))| Operation { key, condition, effect }).collect();
        let batch = Batch { now: self.reads.now(), operations, counters: countings };
        Ok(Plan { batch, taken: self.taken, counters })
    }
}
