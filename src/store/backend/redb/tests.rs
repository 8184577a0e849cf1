//! The laws on a real file, and what only a file can suffer: another process, damage, a full disk, a kill.

mod damage;
mod disk;
mod killed;
mod model;

use std::path::PathBuf;

use tempfile::TempDir;

use super::{OpenError, Redb};
use crate::backend::{Backend, Batch, Condition, Effect, Refusal};
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
fn an_empty_file_is_no_new_store_and_a_new_one_appears_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, beside) = (file(&folder), folder.path().join(format!("store.new-{}", std::process::id())));
    // What a crash left before the store was whole is made anew.
    std::fs::write(&beside, "half a store").unwrap();
    drop(Redb::open(&path).unwrap());
    assert!(!beside.exists() && std::fs::metadata(&path).unwrap().len() > 0);
    std::fs::write(&path, "").unwrap();
    let refused = Redb::open(&path).err().unwrap();
    assert!(matches!(refused, OpenError::Empty(_)), "{refused}");
    assert!(refused.to_string().contains("restore it from a backup"), "{refused}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0, "and it is left as it was");
    std::fs::remove_file(&path).unwrap();
    assert!(Redb::open(&path).is_ok());
}

/// Puts a value of an unknown format where a record is.
fn spoil(path: &std::path::Path, key: &[u8]) {
    let database = ::redb::Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(super::RECORDS).unwrap().insert(key, &[9, 9, 9][..]).unwrap();
    transaction.commit().unwrap();
}

#[test]
fn a_record_that_cannot_be_decoded_costs_what_needs_it_and_not_the_store() {
    let (store, folder) = fresh();
    runtime().block_on(async {
        for key in [b"a", b"b", b"c"] {
            store.apply(put(key, b"1")).await.unwrap();
        }
    });
    drop(store);
    spoil(&file(&folder), b"b");
    let store = Redb::open(file(&folder)).unwrap();
    runtime().block_on(async {
        let on = |condition: Condition| {
            let mut batch = Batch::at(idflow_core::time::Timestamp(0));
            batch.push(b"b".to_vec(), condition, Effect::Put { bytes: b"2".to_vec(), expires: None });
            batch.push(b"a".to_vec(), Condition::Any, Effect::Put { bytes: b"2".to_vec(), expires: None });
            batch
        };
        for condition in [Condition::Absent, Condition::Version(1), Condition::Version(2)] {
            let refusal = store.apply(on(condition)).await.unwrap_err();
            assert!(matches!(refusal, Refusal::Rejected(_)), "{condition:?}: {refusal}");
        }
        // In one group with such a batch, at once and without a rest.
        let (spoilt, other) = tokio::join!(store.apply(on(Condition::Absent)), store.apply(put(b"c", b"2")));
        assert!(spoilt.is_err() && other.is_ok(), "{other:?}");
        assert!(store.health().await.is_ok());
        let all = store.range(b"", None, 10).await.unwrap();
        let bytes: Vec<&[u8]> = all.iter().map(|(_, record)| record.bytes.as_slice()).collect();
        assert_eq!(bytes, [&b"1"[..], b"", b"2"]);
        // Whoever writes it whatever it was mends it.
        store.apply(put(b"b", b"3")).await.unwrap();
        assert_eq!(one(&store, b"b").await.unwrap().unwrap().bytes, b"3");
    });
}

#[test]
fn a_folder_that_is_not_there_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Redb::open(folder.path().join("missing/store")).err().unwrap();
    assert!(matches!(refused, OpenError::Io { .. }), "{refused}");
}
