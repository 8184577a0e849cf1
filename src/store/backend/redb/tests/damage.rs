//! Files that are no store, and stores with flipped bytes.

use std::path::Path;

use idflow_core::chance::{Chance as _, SeededChance};

use super::{OpenError, Redb, file, fresh, put, runtime};
use crate::backend::Backend;

#[test]
fn another_file_is_not_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let text = "apiVersion: idflow.dev/v1alpha1\n".repeat(1000);
    std::fs::write(file(&folder), &text).unwrap();
    let refused = Redb::open(file(&folder)).err().unwrap();
    assert!(matches!(refused, OpenError::NotAStore(_)), "{refused}");
    assert_eq!(std::fs::read_to_string(file(&folder)).unwrap(), text, "and it is left as it was");
}

#[test]
fn a_truncated_store_is_damaged() {
    let (store, folder) = fresh();
    runtime().block_on(async {
        for number in 0..200_u16 {
            store.apply(put(&number.to_be_bytes(), &[7; 4000])).await.unwrap();
        }
    });
    drop(store);
    let content = std::fs::read(file(&folder)).unwrap();
    for kept in [content.len() / 2, content.len() / 4, 9000] {
        std::fs::write(file(&folder), &content[..kept]).unwrap();
        let refused = Redb::open(file(&folder)).err().unwrap();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{kept} of {} bytes: {refused}", content.len());
    }
}

/// Whatever byte is flipped: the store is refused, or every record that it returns is the one that was written.
#[test]
fn a_flipped_byte_is_noticed_or_harmless() {
    let (store, folder) = fresh();
    runtime().block_on(async {
        for number in 0..200_u16 {
            store.apply(put(&number.to_be_bytes(), &[7; 400])).await.unwrap();
        }
    });
    drop(store);
    let content = std::fs::read(file(&folder)).unwrap();
    let chance = SeededChance::new(1);
    let copy = folder.path().join("copy");
    let mut refused = 0;
    for _ in 0..200 {
        let mut place = [0; 8];
        chance.fill(&mut place);
        let used = u64::try_from(content.len()).unwrap();
        let place = usize::try_from(u64::from_be_bytes(place) % used).unwrap();
        let mut damaged = content.clone();
        damaged[place] ^= 0x10;
        std::fs::write(&copy, damaged).unwrap();
        refused += u32::from(!reads_right_or_refuses(&copy, place));
    }
    assert!(refused > 0, "no flipped byte was ever noticed");
}

fn reads_right_or_refuses(path: &Path, place: usize) -> bool {
    let Ok(store) = Redb::open(path) else { return false };
    runtime().block_on(async {
        let records = store.range(b"", None, 1000).await.unwrap();
        assert_eq!(records.len(), 200, "byte {place}");
        for (number, (key, record)) in (0_u16..).zip(records) {
            assert_eq!((key, record.bytes), (number.to_be_bytes().to_vec(), vec![7; 400]), "byte {place}");
        }
    });
    true
}
