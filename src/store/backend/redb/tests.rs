//! The laws on a real file, and what only a file can suffer: another process, damage, a full disk, a kill.

mod damage;
mod disk;
mod killed;
mod model;

use std::path::PathBuf;

use tempfile::TempDir;

use super::{OpenError, Redb};
use crate::backend::{Backend, Batch, Condition, Effect};
use crate::suite::{conforms, one};

fn fresh() -> (Redb, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Redb::open(file(&folder)).unwrap(), folder)
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("store")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn put(key: &[u8], bytes: &[u8]) -> Batch {
    let mut batch = Batch::at(idflow_core::time::Timestamp(0));
    batch.push(key.to_vec(), Condition::Any, Effect::Put { bytes: bytes.to_vec(), expires: None });
    batch
}

conforms!(fresh());

#[test]
fn acknowledged_records_are_there_after_a_restart_and_versions_go_on() {
    let (store, folder) = fresh();
    let before = runtime().block_on(async {
        store.apply(put(b"k", b"1")).await.unwrap();
        one(&store, b"k").await.unwrap().unwrap()
    });
    drop(store);
    let store = Redb::open(file(&folder)).unwrap();
    runtime().block_on(async {
        assert_eq!(one(&store, b"k").await.unwrap().as_ref(), Some(&before));
        store.apply(put(b"k", b"2")).await.unwrap();
        assert!(one(&store, b"k").await.unwrap().unwrap().version > before.version);
    });
}

#[test]
fn a_second_opening_is_refused_until_the_first_is_closed() {
    let (store, folder) = fresh();
    let refused = Redb::open(file(&folder)).err().unwrap();
    assert!(matches!(refused, OpenError::InUse(_)));
    assert!(refused.to_string().contains("in use by another process"), "{refused}");
    store.close();
    assert!(Redb::open(file(&folder)).is_ok());
}

#[test]
fn a_newer_format_is_refused() {
    let (store, folder) = fresh();
    drop(store);
    let database = ::redb::Database::open(file(&folder)).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(super::META).unwrap().insert(&b"format"[..], &[9][..]).unwrap();
    transaction.commit().unwrap();
    drop(database);
    let refused = Redb::open(file(&folder)).err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 9, .. }), "{refused}");
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Redb::open(folder.path().join("missing/store")).err().unwrap();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused}");
}
