//! What a backend promises: bytes under keys, and batches that happen wholly or not at all.
//!
//! A backend never learns what a session is, and a new record kind never touches a backend. The laws stand at
//! the items; [`crate::suite`] proves each of them for every backend. How a batch is judged is written once, in
//! [`Batch::judge`]: a backend reads and writes bytes inside one transaction and decides nothing.

pub(crate) mod counted;
pub mod memory;
pub mod redb;

use std::collections::BTreeMap;
use std::pin::Pin;

use idflow_core::counter::{Count, Limit};
use idflow_core::time::Timestamp;

/// The future of a backend's answer.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Bytes that name a record. Their order is the order of [`Backend::range`].
pub type Key = Vec<u8>;

/// A store of versioned bytes.
///
/// Laws:
/// 1. A read sees every batch acknowledged before the read began, and of each batch all or nothing.
/// 2. A batch that was acknowledged is there after the process or the machine died.
/// 3. Reads return expired records too; conditions treat them as absent.
/// 4. Nothing panics and nothing blocks without bound, whatever state the storage is in.
pub trait Backend: Send + Sync {
    /// What [`Lookup::resolve`] finds, all from the same moment: one transaction, one round trip.
    fn read<'a>(&'a self, lookups: &'a [Lookup]) -> Reply<'a, Result<Found, Unavailable>>;

    /// Performs a batch wholly or not at all. `Unavailable` leaves open which of the two it was, so the caller
    /// shows nothing as done and repeats. A future that is dropped may or may not have its effect.
    fn apply(&self, batch: Batch) -> Reply<'_, Result<(), Refusal>>;

    /// At most `limit` records whose key begins with `prefix` and is greater than `after`, in key order.
    fn range<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Key, Versioned)>, Unavailable>>;

    /// The keys of at most `limit` records that expired at or before `now`, the oldest first.
    fn expired_before(&self, now: Timestamp, limit: usize) -> Reply<'_, Result<Vec<Key>, Unavailable>>;

    /// Whether a batch could be taken now.
    fn health(&self) -> Reply<'_, Result<(), Unavailable>>;

    /// Finishes what was begun, takes nothing more and releases files and locks. Blocks until that is done;
    /// a second call does nothing.
    fn close(&self);
}

/// A record to read, and what to read along.
///
/// A record may begin with a *pointer*: [`POINTING`] and the id of another record's owner, not sealed. Whoever wants
/// that owner's records too names the prefixes of their keys. In SQL that is one statement: the records under the
/// keys, and a join of them with those under `prefix || substring(bytes from 2 for 16)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lookup {
    /// The record's key.
    pub key: Key,
    /// Prefixes of the keys that end with the record's pointer.
    pub along: Vec<Key>,
}

/// The records of some lookups under their keys, those that are not there too.
pub type Found = Vec<(Key, Option<Versioned>)>;

/// The first byte of a record with a pointer, which are the 16 bytes that follow.
pub const POINTING: u8 = 2;

/// The id that a record points to, if it does.
pub fn pointer(bytes: &[u8]) -> Option<[u8; 16]> {
    let (&first, rest) = bytes.split_first()?;
    rest.first_chunk().copied().filter(|_| first == POINTING)
}

impl Lookup {
    /// One record and nothing along.
    pub const fn only(key: Key) -> Self {
        Self { key, along: Vec::new() }
    }

    /// Finds what is wanted by reading one record after the other. A backend on this machine calls it inside one
    /// transaction; one across a network says the same in one statement.
    pub fn resolve<E>(
        lookups: &[Self],
        mut read: impl FnMut(&[u8]) -> Result<Option<Versioned>, E>,
    ) -> Result<Found, E> {
        let mut found = Found::with_capacity(lookups.len());
        for Self { key, along } in lookups {
            let record = read(key)?;
            let owner = record.as_ref().and_then(|record| pointer(&record.bytes));
            found.push((key.clone(), record));
            for prefix in along.iter().filter(|_| owner.is_some()) {
                let key: Key = prefix.iter().chain(owner.iter().flatten()).copied().collect();
                let record = read(&key)?;
                found.push((key, record));
            }
        }
        Ok(found)
    }
}

/// A record as a backend keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// Changes with every write and is never used twice for one key, not even after a delete.
    pub version: u64,
    /// The content.
    pub bytes: Vec<u8>,
    /// From when on the record counts as absent, if it ever does.
    pub expires: Option<Timestamp>,
}

impl Versioned {
    /// Whether the record still counts at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// Several changes that happen together, each under a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The moment by which expiry and counter windows are judged.
    pub now: Timestamp,
    /// Changes and checks. A key stands in at most one operation.
    pub operations: Vec<Operation>,
    /// Counter steps, taken in this order. A counter's key stands in no operation.
    pub counters: Vec<Counting>,
}

/// One record's condition and change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Which record.
    pub key: Key,
    /// What must hold before the batch.
    pub condition: Condition,
    /// What then happens.
    pub effect: Effect,
}

/// What must hold of a record before a batch. A record that expired at or before the batch's `now` is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Any,
    /// There is none.
    Absent,
    /// It is the one that was read with this version.
    Version(u64),
}

impl Condition {
    fn holds(self, record: Option<&Versioned>, now: Timestamp) -> bool {
        let alive = record.filter(|record| record.is_alive(now));
        match self {
            Self::Any => true,
            Self::Absent => alive.is_none(),
            Self::Version(version) => alive.is_some_and(|record| record.version == version),
        }
    }
}

/// What happens to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: only the condition counts.
    Check,
    /// It gets this content and a new version.
    Put {
        /// The content.
        bytes: Vec<u8>,
        /// From when on it counts as absent, if it ever does.
        expires: Option<Timestamp>,
    },
    /// It goes; nothing happens when there is none. Under [`Condition::Absent`] only an expired record goes:
    /// that is how the purge avoids deleting what was renewed meanwhile.
    Delete,
}

/// A step of a counter: see [`idflow_core::counter::CounterStep`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counting {
    /// The counter's key.
    pub key: Key,
    /// How many events its window takes.
    pub limit: Limit,
    /// Whether the counter goes up by one or back to zero.
    pub step: Step,
}

/// What a counter step does unless the counter is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Adds one event.
    Add,
    /// Sets the counter to zero.
    Reset,
    /// Leaves the counter as it is.
    Require,
    /// Sets the counter to zero, full or not.
    Clear,
}

/// Why a batch did not happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Its conditions did not hold: nothing of it happened.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The store cannot say: it may have happened or not.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Which condition did not hold. Keys are not shown: they may name a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// A record was not as the batch demanded.
    #[error("the record changed since it was read")]
    Conflict {
        /// The record's key.
        key: Key,
    },
    /// A counter has reached its limit.
    #[error("the counter is full")]
    CounterFull {
        /// The counter's key.
        key: Key,
    },
}

/// The store does not answer at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the store is unavailable: {reason}")]
pub struct Unavailable {
    /// Why, and what to do, for the log and for health reports.
    pub reason: String,
}

impl Unavailable {
    /// The error with this reason.
    pub fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// What a judged batch does to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which record.
    pub key: Key,
    /// When the record that is there now expires; `None` also when there is none.
    pub expired: Option<Timestamp>,
    /// The new content with its expiry, or nothing for a delete.
    pub content: Option<Content>,
}

/// New content of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// From when on it counts as absent, if it ever does.
    pub expires: Option<Timestamp>,
}

impl Batch {
    /// A batch without any change.
    pub const fn at(now: Timestamp) -> Self {
        Self { now, operations: Vec::new(), counters: Vec::new() }
    }

    /// Adds an operation.
    pub fn push(&mut self, key: Key, condition: Condition, effect: Effect) {
        self.operations.push(Operation { key, condition, effect });
    }

    /// Judges the batch against the records that `read` returns, and says which changes make it happen.
    /// The outer error is the reader's own. A backend calls this inside the transaction that writes the changes.
    pub fn judge<E>(
        self,
        mut read: impl FnMut(&[u8]) -> Result<Option<Versioned>, E>,
    ) -> Result<Result<Vec<Change>, Rejected>, E> {
        let mut changes = Vec::with_capacity(self.operations.len() + self.counters.len());
        for Operation { key, condition, effect } in self.operations {
            let before = read(&key)?;
            if !condition.holds(before.as_ref(), self.now) {
                return Ok(Err(Rejected::Conflict { key }));
            }
            let content = match effect {
                Effect::Check => continue,
                Effect::Delete if before.is_none() => continue,
                Effect::Delete => None,
                Effect::Put { bytes, expires } => Some(Content { bytes, expires }),
            };
            changes.push(Change { key, expired: before.and_then(|before| before.expires), content });
        }
        let counted = count(self.counters, self.now, read)?;
        Ok(counted.map(|counted| {
            changes.extend(counted);
            changes
        }))
    }
}

/// A counter as it stood before the batch and as the steps so far leave it.
struct Tally {
    expired: Option<Timestamp>,
    existed: bool,
    count: Count,
    changed: bool,
}

fn count<E>(
    steps: Vec<Counting>,
    now: Timestamp,
    mut read: impl FnMut(&[u8]) -> Result<Option<Versioned>, E>,
) -> Result<Result<Vec<Change>, Rejected>, E> {
    let mut tallies: BTreeMap<Key, Tally> = BTreeMap::new();
    for Counting { key, limit, step } in steps {
        if !tallies.contains_key(&key) {
            let before = read(&key)?;
            // A counter that cannot be read is a refusal until its window ends: doubt never gives more tries.
            let alive = before.as_ref().filter(|record| record.is_alive(now));
            let Some(count) = alive.map_or(Some(Count::default()), |record| decode_count(&record.bytes))
            else {
                return Ok(Err(Rejected::CounterFull { key }));
            };
            let (existed, expired) = (before.is_some(), before.and_then(|before| before.expires));
            tallies.insert(key.clone(), Tally { expired, existed, count: count.at(now), changed: false });
        }
        let Some(tally) = tallies.get_mut(&key) else { continue };
        let next = match step {
            Step::Add => tally.count.add(limit, now),
            Step::Reset => (!tally.count.is_full(limit, now)).then(Count::default),
            Step::Require => (!tally.count.is_full(limit, now)).then_some(tally.count),
            Step::Clear => Some(Count::default()),
        };
        let Some(next) = next else { return Ok(Err(Rejected::CounterFull { key })) };
        tally.changed |= next != tally.count;
        tally.count = next;
    }
    let changed = tallies.into_iter().filter(|(_, tally)| tally.changed);
    Ok(Ok(changed.filter_map(|(key, tally)| tally.change(key)).collect()))
}

impl Tally {
    fn change(self, key: Key) -> Option<Change> {
        let content = (self.count.value > 0)
            .then(|| Content { bytes: encode_count(self.count), expires: Some(self.count.ends) });
        (self.existed || content.is_some()).then_some(Change { key, expired: self.expired, content })
    }
}

/// The codec format of counters. Numbers are never reused.
const COUNT_FORMAT: u8 = 1;

/// Format byte, value and end of the window, big-endian. Counters are not sealed: a backend evaluates them.
fn encode_count(count: Count) -> Vec<u8> {
    let mut bytes = vec![COUNT_FORMAT];
    bytes.extend(count.value.to_be_bytes());
    bytes.extend(count.ends.0.to_be_bytes());
    bytes
}

/// The count in a counter's bytes, or nothing when they are not a counter.
pub fn decode_count(bytes: &[u8]) -> Option<Count> {
    let (&format, rest) = bytes.split_first()?;
    let (value, ends) = rest.split_first_chunk::<4>()?;
    let ends: [u8; 8] = ends.try_into().ok()?;
    let count = Count { value: u32::from_be_bytes(*value), ends: Timestamp(i64::from_be_bytes(ends)) };
    (format == COUNT_FORMAT).then_some(count)
}
