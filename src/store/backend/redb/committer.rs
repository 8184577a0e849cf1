//! The one writer: takes what is queued, commits it as one durable transaction, answers everybody.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use ::redb::{Database, Error, ReadableTable as _, StorageError};
use tokio::sync::oneshot;

use super::{EXPIRY, FORMAT, META, RECORDS, Shared, decode, encode, expiry_key};
use crate::backend::{Batch, Change, Refusal, Rejected, Unavailable};

/// How many batches share one transaction at most. Bounds how long the first of them waits for the last.
const GROUP: usize = 256;

/// How many versions are reserved at a time. After a crash the rest of a reservation is skipped.
const RESERVED: u64 = 1 << 20;

/// How often an unavailable file is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What the committer is told.
pub(super) enum Job {
    /// Performs a batch and answers.
    Apply(Batch, oneshot::Sender<Result<(), Refusal>>),
    /// Ends the thread after what was queued before.
    Stop,
}

/// The committer's state; lives on its thread.
pub(super) struct Committer {
    shared: Arc<Shared>,
    queue: Receiver<Job>,
    versions: Versions,
    stopping: bool,
}

/// Versions from a reservation that stands in the file.
struct Versions {
    next: u64,
    reserved: u64,
}

type Waiting = Vec<(Batch, oneshot::Sender<Result<(), Refusal>>)>;

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, queue: Receiver<Job>, first: u64) -> Self {
        Self { shared, queue, versions: Versions { next: first, reserved: first }, stopping: false }
    }

    pub(super) fn run(mut self) {
        while !self.stopping {
            let group = self.group();
            if group.is_empty() {
                self.recover();
            } else if let Some(unavailable) = self.shared.resting() {
                self.refuse(group, &unavailable);
            } else {
                self.commit(group);
            }
        }
    }

    /// Everything that is queued, after waiting for the first; empty when it is time to look after the file.
    fn group(&mut self) -> Waiting {
        let mut group = Waiting::new();
        let mut next = match self.queue.recv_timeout(RETRY) {
            Ok(job) => Some(job),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Job::Stop),
        };
        while let Some(job) = next {
            match job {
                Job::Apply(batch, answer) => group.push((batch, answer)),
                Job::Stop => self.stopping = true,
            }
            next = if self.stopping || group.len() == GROUP { None } else { self.queue.try_recv().ok() };
        }
        group
    }

    fn refuse(&self, group: Waiting, unavailable: &Unavailable) {
        self.shared.queued.fetch_sub(group.len(), Ordering::AcqRel);
        for (_, answer) in group {
            let _ = answer.send(Err(unavailable.clone().into()));
        }
    }

    fn commit(&mut self, group: Waiting) {
        self.shared.queued.fetch_sub(group.len(), Ordering::AcqRel);
        let (batches, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        let versions = &mut self.versions;
        match self.shared.with(|database| write(database, versions, batches)) {
            Ok(verdicts) => {
                for (answer, verdict) in answers.into_iter().zip(verdicts) {
                    // Nobody listens when the caller went away; the batch has happened all the same.
                    let _ = answer.send(verdict.map_err(Refusal::from));
                }
            }
            Err(unavailable) => {
                self.fail(unavailable.clone());
                for answer in answers {
                    let _ = answer.send(Err(unavailable.clone().into()));
                }
            }
        }
    }

    /// After a failed write: closes the file, so that nobody reads what may not be on the disk, and opens it
    /// again for reading at once if that is safe. Writes rest for a while: each failure costs a reopening.
    fn fail(&mut self, unavailable: Unavailable) {
        self.shared.rest(Some(unavailable.clone()));
        self.shared.set(Err(unavailable));
        self.heal();
    }

    /// After a quiet while: opens the file if it is closed, and lets writes try again.
    fn recover(&mut self) {
        if !self.stopping {
            self.heal();
            self.shared.rest(None);
        }
    }

    fn heal(&mut self) {
        if self.shared.with(|_| Ok(())).is_ok() {
            return;
        }
        if self.shared.sync_failed.load(Ordering::Acquire) {
            let reason =
                "the disk did not confirm a write (failed fsync): check it, then start this process again";
            self.shared.set(Err(Unavailable::because(reason)));
            return;
        }
        match self.shared.open() {
            Ok((database, first)) => {
                // The reservation in the file may be older than what failed commits have used in memory.
                let first = first.max(self.versions.next);
                self.versions = Versions { next: first, reserved: first };
                self.shared.set(Ok(database));
                tracing::info!(store = %self.shared.path.display(), "the store is available again");
            }
            Err(error) => self.shared.set(Err(Unavailable::because(error.to_string()))),
        }
    }
}

/// Judges and writes every batch in one transaction. An error concerns all of them, also the rejected ones:
/// what they were rejected for may not have happened.
fn write(
    database: &Database,
    versions: &mut Versions,
    batches: Vec<Batch>,
) -> Result<Vec<Result<(), Rejected>>, Error> {
    let transaction = database.begin_write()?;
    let mut verdicts = Vec::with_capacity(batches.len());
    let mut dirty = false;
    {
        let mut tables =
            Tables { records: transaction.open_table(RECORDS)?, expiry: transaction.open_table(EXPIRY)? };
        for batch in batches {
            let read = |key: &[u8]| Ok(tables.records.get(key)?.map(|value| decode(value.value())));
            let judged: Result<_, Error> = batch.judge(read);
            let verdict = match judged? {
                Ok(changes) => {
                    dirty |= !changes.is_empty();
                    for change in changes {
                        tables.change(change, versions)?;
                    }
                    Ok(())
                }
                Err(rejected) => Err(rejected),
            };
            verdicts.push(verdict);
        }
    }
    if !dirty {
        transaction.abort()?;
        return Ok(verdicts);
    }
    if versions.next > versions.reserved {
        versions.reserved = versions.next + RESERVED;
        let mut meta = transaction.open_table(META)?;
        meta.insert(&b"versions"[..], &versions.reserved.to_be_bytes()[..])?;
    }
    transaction.commit()?;
    Ok(verdicts)
}

struct Tables<'txn> {
    records: ::redb::Table<'txn, &'static [u8], &'static [u8]>,
    expiry: ::redb::Table<'txn, &'static [u8], &'static [u8]>,
}

impl Tables<'_> {
    fn change(&mut self, change: Change, versions: &mut Versions) -> Result<(), StorageError> {
        let Change { key, expired, content } = change;
        let expires = content.as_ref().and_then(|content| content.expires);
        if expired != expires {
            if let Some(expired) = expired {
                self.expiry.remove(expiry_key(expired, &key).as_slice())?;
            }
            if let Some(expires) = expires {
                self.expiry.insert(expiry_key(expires, &key).as_slice(), &[][..])?;
            }
        }
        match content {
            Some(content) => {
                let value = encode(versions.next, content.expires, &content.bytes);
                versions.next += 1;
                self.records.insert(key.as_slice(), value.as_slice())?;
            }
            None => {
                self.records.remove(key.as_slice())?;
            }
        }
        Ok(())
    }
}

/// Makes the tables where they are missing and returns the first unused version; the inner error is the format
/// of a newer program.
pub(super) fn prepare(database: &Database) -> Result<Result<u64, u8>, Error> {
    let transaction = database.begin_write()?;
    let mut meta = transaction.open_table(META)?;
    let format = meta.get(&b"format"[..])?.and_then(|value| value.value().first().copied());
    let stored = meta.get(&b"versions"[..])?.and_then(|value| value.value().try_into().ok());
    let first = stored.map_or(1, u64::from_be_bytes);
    let Some(format) = format else {
        meta.insert(&b"format"[..], &[FORMAT][..])?;
        drop(meta);
        transaction.open_table(RECORDS)?;
        transaction.open_table(EXPIRY)?;
        transaction.commit()?;
        return Ok(Ok(first));
    };
    drop(meta);
    transaction.abort()?;
    Ok(if format > FORMAT { Err(format) } else { Ok(first) })
}
