//! A disk that is full, and one whose fsync fails.

use std::io::{Error, ErrorKind};
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use ::redb::{BackendError, StorageBackend};

use super::super::{Redb, open_file};
use super::{put, runtime};
use crate::backend::{Backend, Refusal};
use crate::suite::one;

const WELL: u8 = 0;
const FULL: u8 = 1;
const SYNC_FAILS: u8 = 2;

/// A file on a disk with a fault that can be switched on and off.
#[derive(Debug)]
struct Faulty(Box<dyn StorageBackend>, Arc<AtomicU8>);

impl Faulty {
    fn fail_if(&self, fault: u8, kind: ErrorKind) -> Result<(), Error> {
        if self.1.load(Ordering::SeqCst) == fault { Err(kind.into()) } else { Ok(()) }
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> Result<u64, Error> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        self.fail_if(FULL, ErrorKind::StorageFull)?;
        self.0.set_len(len)
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.fail_if(SYNC_FAILS, ErrorKind::Other)?;
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.fail_if(FULL, ErrorKind::StorageFull)?;
        self.0.write(offset, data)
    }

    fn close(&self) -> Result<(), Error> {
        self.0.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.try_lock_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.unlock_range(start, end)
    }
}

fn on_faulty_disk(path: PathBuf) -> (Redb, Arc<AtomicU8>) {
    drop(Redb::open(&path).unwrap());
    let fault = Arc::new(AtomicU8::new(WELL));
    let (file, switch) = (path.clone(), Arc::clone(&fault));
    let storage = move || -> std::io::Result<Box<dyn StorageBackend>> {
        Ok(Box::new(Faulty(open_file(&file)?, Arc::clone(&switch))))
    };
    (Redb::over(path, Box::new(storage)).unwrap(), fault)
}

fn reason(verdict: Result<(), Refusal>) -> String {
    match verdict {
        Err(Refusal::Unavailable(unavailable)) => unavailable.reason,
        other => panic!("expected the store to be unavailable, got {other:?}"),
    }
}

#[test]
fn a_full_disk_refuses_and_heals_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, fault) = on_faulty_disk(super::file(&folder));
    runtime().block_on(async {
        store.apply(put(b"before", b"1")).await.unwrap();
        fault.store(FULL, Ordering::SeqCst);
        for _ in 0..3 {
            reason(store.apply(put(b"while", b"1")).await);
            assert!(store.health().await.is_err());
        }
        fault.store(WELL, Ordering::SeqCst);
        while store.health().await.is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(one(&store, b"before").await.unwrap().is_some(), "what was acknowledged is there");
        assert_eq!(one(&store, b"while").await.unwrap(), None, "what was refused is not");
        store.apply(put(b"after", b"1")).await.unwrap();
    });
}

#[test]
fn nothing_is_taken_after_a_failed_fsync_until_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (store, fault) = on_faulty_disk(super::file(&folder));
    runtime().block_on(async {
        store.apply(put(b"before", b"1")).await.unwrap();
        fault.store(SYNC_FAILS, Ordering::SeqCst);
        reason(store.apply(put(b"while", b"1")).await);
        fault.store(WELL, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(1500));
        let said = reason(store.apply(put(b"after", b"1")).await);
        assert!(said.contains("fsync"), "{said}");
        assert!(store.health().await.is_err());
        assert!(one(&store, b"before").await.is_err(), "nor is anything shown that may not be on the disk");
    });
    drop(store);
    let store = Redb::open(super::file(&folder)).unwrap();
    runtime().block_on(async {
        assert!(one(&store, b"before").await.unwrap().is_some());
        store.apply(put(b"after", b"1")).await.unwrap();
    });
}
