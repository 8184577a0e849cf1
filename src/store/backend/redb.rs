//! Records in one file, embedded: every write goes through one committer thread with group commit.
//!
//! ```text
//!   apply ──▶ queue ──▶ committer thread: takes all that is queued, judges each batch by itself inside one
//!                       redb transaction, one fsync, then answers everybody
//!   read, range ──▶ read transaction on the caller's thread (readers never wait for the writer)
//! ```
//!
//! Refused: a file another process has open, a file that is not a store, an empty or a damaged one, a newer format. A
//! record that cannot be decoded costs what needs that record, and nothing else. While the
//! disk is full, reads go on and writes are refused; they are tried again after a second. After a failed fsync nobody
//! knows what the disk holds, so the store takes nothing more until the process is started again.

mod committer;
mod file;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use ::redb::backends::FileBackend;
use ::redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase as _, StorageBackend, StorageError,
    TableDefinition,
};
use idflow_core::time::Timestamp;
use tokio::sync::oneshot;

use self::committer::{Committer, Job};
use self::file::WatchedFile;
use super::{Backend, Batch, Found, Key, Lookup, Refusal, Reply, Unavailable, Versioned};

/// Key → format byte, version, expiry, bytes.
const RECORDS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("records");
/// Expiry in an order-preserving form, then the key → nothing.
const EXPIRY: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("expiry");
/// Facts about the file: `format`, and `versions`, below which every version may have been used.
const META: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("meta");

/// The file's format. Numbers are never reused.
const FORMAT: u8 = 1;

/// Pages kept in memory, in bytes; the operating system's own cache stands behind it.
const CACHE: usize = 8 << 20;

/// How many batches may wait before further ones are told to come back later.
const QUEUE: usize = 4096;

/// Why a store file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or this one, has it open.
    #[error("the store {} is in use by another process: stop that one first, or choose another file", .0.display())]
    InUse(PathBuf),
    /// The file is there and holds nothing. A new store is never found so: it appears under its name when it is whole.
    #[error(
        "the store {} is empty, so whatever it held is lost: restore it from a backup; or, if it never held anything, delete the file",
        .0.display()
    )]
    Empty(PathBuf),
    /// The file is something else.
    #[error("{} is not an idflow store: choose another file", .0.display())]
    NotAStore(PathBuf),
    /// A checksum or structure is wrong.
    #[error("the store {} is damaged ({reason}): restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A newer program wrote it.
    #[error("the store {} has format {found}, and this program knows formats up to {FORMAT}: run the newer one", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u8,
    },
    /// The file system refused.
    #[error("cannot open the store {}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

/// Opens the bytes a database lives in; again after a failed write.
type Storage = dyn Fn() -> std::io::Result<Box<dyn StorageBackend>> + Send + Sync;

/// A store in one file.
pub struct Redb {
    shared: Arc<Shared>,
    jobs: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What readers and the committer share.
struct Shared {
    path: PathBuf,
    storage: Box<Storage>,
    database: RwLock<Result<Database, Unavailable>>,
    sync_failed: Arc<AtomicBool>,
    queued: AtomicUsize,
    /// Why writes are refused for a while, after one has failed.
    resting: Mutex<Option<Unavailable>>,
}

impl Redb {
    /// Opens the file, or makes it. Reads the whole file once (about a second for 300 MB), so that damage is found
    /// here and not by a visitor.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let path = path.as_ref().to_owned();
        let io = |error: std::io::Error| OpenError::Io { path: path.clone(), reason: error.to_string() };
        match std::fs::metadata(&path) {
            Ok(found) if found.is_file() && found.len() == 0 => return Err(OpenError::Empty(path)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(&path)?,
            Err(error) => return Err(io(error)),
            Ok(_) => {}
        }
        let file = path.clone();
        Self::over(path, Box::new(move || open_file(&file)))
    }

    /// Opens a store over any bytes; `path` only names it in messages.
    fn over(path: PathBuf, storage: Box<Storage>) -> Result<Self, OpenError> {
        let shared = Shared::new(path, storage);
        let (database, versions) = shared.open()?;
        shared.set(Ok(database));
        let shared = Arc::new(shared);
        let (jobs, queue) = channel();
        let committer = Committer::new(Arc::clone(&shared), queue, versions);
        let thread = std::thread::Builder::new()
            .name("store-commit".to_owned())
            .spawn(move || committer.run())
            .map_err(|error| OpenError::Io { path: shared.path.clone(), reason: error.to_string() })?;
        Ok(Self { shared, jobs, thread: Mutex::new(Some(thread)) })
    }

    async fn queue(&self, batch: Batch) -> Result<(), Refusal> {
        if let Some(unavailable) = self.shared.resting() {
            return Err(unavailable.into());
        }
        let busy = Unavailable::because("too many writes are waiting: try again in a moment");
        if self.shared.queued.fetch_add(1, Ordering::AcqRel) >= QUEUE {
            self.shared.queued.fetch_sub(1, Ordering::AcqRel);
            return Err(busy.into());
        }
        let (answer, answered) = oneshot::channel();
        if self.jobs.send(Job::Apply(batch, answer)).is_err() {
            return Err(gone().into());
        }
        answered.await.unwrap_or_else(|_| Err(gone().into()))
    }
}

fn gone() -> Unavailable {
    Unavailable::because("it was closed, or its committer died: start this process again")
}

fn open_file(path: &Path) -> std::io::Result<Box<dyn StorageBackend>> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    Ok(Box::new(FileBackend::new(file).map_err(std::io::Error::other)?))
}

/// Makes a new store beside its place and moves it there when it is whole: an empty file at its place is then always
/// one that has lost what it held.
fn make(path: &Path) -> Result<(), OpenError> {
    let io = |error: std::io::Error| OpenError::Io { path: path.to_owned(), reason: error.to_string() };
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let beside = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&beside).map_err(io)?;
    let file = FileBackend::new(file).map_err(|error| io(std::io::Error::other(error)))?;
    let storage = Mutex::new(Some(Box::new(file) as Box<dyn StorageBackend>));
    let once = move || {
        let taken = storage.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| std::io::Error::other("it is opened once"))
    };
    drop(Shared::new(path.to_owned(), Box::new(once)).open()?);
    publish(&beside, path).map_err(io)?;
    // It is only there after a power cut if its folder is on the disk too.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)
}

/// Gives a file its name, and leaves the one that somebody else gave this name to meanwhile.
fn publish(beside: &Path, path: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(beside, path) {
        Ok(()) => std::fs::remove_file(beside),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => std::fs::remove_file(beside),
        // A file system without links.
        Err(_) => std::fs::rename(beside, path),
    }
}

impl Shared {
    fn new(path: PathBuf, storage: Box<Storage>) -> Self {
        Self {
            path,
            storage,
            database: RwLock::new(Err(Unavailable::because("it is being opened"))),
            sync_failed: Arc::default(),
            queued: AtomicUsize::new(0),
            resting: Mutex::new(None),
        }
    }

    /// Opens the database and returns it with the first version that was never used.
    fn open(&self) -> Result<(Database, u64), OpenError> {
        let io = |reason: String| OpenError::Io { path: self.path.clone(), reason };
        let bytes = (self.storage)().map_err(|error| io(error.to_string()))?;
        let watched = WatchedFile::new(bytes, Arc::clone(&self.sync_failed));
        let database = Database::builder()
            .set_cache_size(CACHE)
            .set_check_integrity_on_open(true)
            .create_with_backend(watched)
            .map_err(|error| self.sorted(error))?;
        match committer::prepare(&database) {
            Ok(Ok(versions)) => Ok((database, versions)),
            Ok(Err(found)) => Err(OpenError::Newer { path: self.path.clone(), found }),
            Err(::redb::Error::Corrupted(reason)) => {
                Err(OpenError::Damaged { path: self.path.clone(), reason })
            }
            Err(::redb::Error::Io(error)) => Err(self.sorted(StorageError::Io(error).into())),
            Err(error) => Err(io(error.to_string())),
        }
    }

    fn sorted(&self, error: DatabaseError) -> OpenError {
        let path = self.path.clone();
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
                OpenError::InUse(path)
            }
            DatabaseError::Storage(StorageError::Io(error))
                if error.kind() == std::io::ErrorKind::InvalidData =>
            {
                OpenError::NotAStore(path)
            }
            DatabaseError::Storage(StorageError::Io(error))
                if error.kind() == std::io::ErrorKind::UnexpectedEof =>
            {
                OpenError::Damaged { path, reason: "it ends too early".to_owned() }
            }
            DatabaseError::Storage(StorageError::Corrupted(reason)) => OpenError::Damaged { path, reason },
            DatabaseError::RepairAborted => OpenError::Damaged { path, reason: error.to_string() },
            error => OpenError::Io { path, reason: error.to_string() },
        }
    }

    fn resting(&self) -> Option<Unavailable> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rest(&self, because: Option<Unavailable>) {
        *self.resting.lock().unwrap_or_else(PoisonError::into_inner) = because;
    }

    fn set(&self, database: Result<Database, Unavailable>) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = database;
    }

    /// Runs something on the database, if there is one.
    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, ::redb::Error>) -> Result<T, Unavailable> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().map_err(Clone::clone)?;
        work(database).map_err(|error| {
            tracing::error!(store = %self.path.display(), %error, "the store failed");
            Unavailable::because(error.to_string())
        })
    }
}

type Table = ReadOnlyTable<&'static [u8], &'static [u8]>;

fn table(
    database: &Database,
    definition: TableDefinition<'static, &[u8], &[u8]>,
) -> Result<Table, ::redb::Error> {
    Ok(database.begin_read()?.open_table(definition)?)
}

fn record(table: &Table, key: &[u8]) -> Result<Option<Versioned>, ::redb::Error> {
    Ok(table.get(key)?.map(|value| decode(value.value())))
}

impl Backend for Redb {
    fn read<'a>(&'a self, lookups: &'a [Lookup]) -> Reply<'a, Result<Found, Unavailable>> {
        Box::pin(async move {
            self.shared.with(|database| {
                let table = table(database, RECORDS)?;
                Lookup::resolve(lookups, |key| record(&table, key))
            })
        })
    }

    fn apply(&self, batch: Batch) -> Reply<'_, Result<(), Refusal>> {
        Box::pin(self.queue(batch))
    }

    fn range<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a [u8]>,
        limit: usize,
    ) -> Reply<'a, Result<Vec<(Key, Versioned)>, Unavailable>> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        Box::pin(async move {
            self.shared.with(|database| {
                let mut found = Vec::new();
                let from = after.map_or(Included(prefix), Excluded);
                for entry in table(database, RECORDS)?.range::<&[u8]>((from, Unbounded))? {
                    let (key, value) = entry?;
                    if found.len() == limit || !key.value().starts_with(prefix) {
                        break;
                    }
                    found.push((key.value().to_vec(), decode(value.value())));
                }
                Ok(found)
            })
        })
    }

    fn expired_before(&self, now: Timestamp, limit: usize) -> Reply<'_, Result<Vec<Key>, Unavailable>> {
        Box::pin(async move {
            self.shared.with(|database| {
                let mut found = Vec::new();
                let end = expiry_key(Timestamp(now.0.saturating_add(1)), &[]);
                for entry in table(database, EXPIRY)?.range::<&[u8]>(..end.as_slice())?.take(limit) {
                    found.push(entry?.0.value().get(8..).unwrap_or_default().to_vec());
                }
                Ok(found)
            })
        })
    }

    fn health(&self) -> Reply<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            self.shared.with(|_| Ok(()))?;
            self.shared.resting().map_or(Ok(()), Err)?;
            let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
            if thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return Err(gone());
            }
            let queued = self.shared.queued.load(Ordering::Acquire);
            if queued >= QUEUE {
                return Err(Unavailable::because(format!("{queued} writes are waiting")));
            }
            Ok(())
        })
    }

    fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(thread) = thread else { return };
        // Either the thread takes the message and ends, or it has ended already.
        let _ = self.jobs.send(Job::Stop);
        if thread.join().is_err() {
            tracing::error!(store = %self.shared.path.display(), "the store's committer had died");
        }
        self.shared.set(Err(Unavailable::because("it was closed")));
    }
}

impl Drop for Redb {
    fn drop(&mut self) {
        self.close();
    }
}

/// Format byte, version and expiry (`i64::MAX` for none), big-endian, then the bytes.
fn encode(version: u64, expires: Option<Timestamp>, bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(17 + bytes.len());
    value.push(FORMAT);
    value.extend(version.to_be_bytes());
    value.extend(expires.map_or(i64::MAX, |expires| expires.0).to_be_bytes());
    value.extend(bytes);
    value
}

/// The record in a value. One of an unknown format is there and has nothing in it: no condition but `Any` holds for it,
/// and whoever opens it learns that it is damaged.
fn decode(value: &[u8]) -> Versioned {
    let split = || {
        let (&format, rest) = value.split_first()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let (expires, bytes) = rest.split_first_chunk::<8>()?;
        let expires = Some(i64::from_be_bytes(*expires)).filter(|expires| *expires != i64::MAX);
        (format == FORMAT).then(|| Versioned {
            version: u64::from_be_bytes(*version),
            bytes: bytes.to_vec(),
            expires: expires.map(Timestamp),
        })
    };
    split().unwrap_or(Versioned { version: 0, bytes: Vec::new(), expires: None })
}

/// The sign bit is flipped, so that moments before the epoch sort before it.
fn expiry_key(expires: Timestamp, key: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(8 + key.len());
    bytes.extend((expires.0.cast_unsigned() ^ (1 << 63)).to_be_bytes());
    bytes.extend(key);
    bytes
}

#[cfg(test)]
mod tests;
