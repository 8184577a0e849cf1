//! Whatever is done to both, the file behaves as the map in memory does, also across restarts.

use idflow_core::counter::Limit;
use idflow_core::time::{Span, Timestamp};
use proptest::prelude::*;

use super::{Redb, file, fresh, runtime};
use crate::backend::memory::Memory;
use crate::backend::{Backend, Batch, Condition, Counting, Effect, Key, Operation, Step};
use crate::suite::one;

fn a_condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        4 => Just(Condition::Any),
        2 => Just(Condition::Absent),
        1 => (0..20_u64).prop_map(Condition::Version),
    ]
}

fn an_effect() -> impl Strategy<Value = Effect> {
    prop_oneof![
        Just(Effect::Check),
        Just(Effect::Delete),
        (proptest::collection::vec(any::<u8>(), 0..9), proptest::option::of(-20..60_i64))
            .prop_map(|(bytes, expires)| Effect::Put { bytes, expires: expires.map(Timestamp) }),
    ]
}

fn a_batch() -> impl Strategy<Value = Batch> {
    let operations = proptest::collection::btree_map(0..6_u8, (a_condition(), an_effect()), 0..3);
    let steps = proptest::collection::vec((100..102_u8, 0..4_u32, any::<bool>()), 0..3);
    (0..50_i64, operations, steps).prop_map(|(now, operations, steps)| Batch {
        now: Timestamp(now),
        operations: operations
            .into_iter()
            .map(|(key, (condition, effect))| Operation { key: vec![key], condition, effect })
            .collect(),
        counters: steps
            .into_iter()
            .map(|(key, max, adds)| Counting {
                key: vec![key],
                limit: Limit { max, window: Span(10), pace: None },
                step: if adds { Step::Add } else { Step::Reset },
            })
            .collect(),
    })
}

type Content = Vec<(Key, Vec<u8>, Option<Timestamp>)>;

async fn content(backend: &dyn Backend) -> (Content, Vec<Key>) {
    let records = backend.range(b"", None, 100).await.unwrap();
    let records = records.into_iter().map(|(key, record)| (key, record.bytes, record.expires)).collect();
    (records, backend.expired_before(Timestamp(i64::MAX), 100).await.unwrap())
}

/// The model's versions differ from the file's: translated by the record that carries them.
async fn translated(mut batch: Batch, model: &dyn Backend, store: &dyn Backend) -> Batch {
    for operation in &mut batch.operations {
        if let Condition::Version(version) = operation.condition {
            let held = one(model, &operation.key).await.unwrap().filter(|record| record.version == version);
            let same = one(store, &operation.key).await.unwrap();
            let same = held.and(same).map_or(u64::MAX, |record| record.version);
            operation.condition = Condition::Version(same);
        }
    }
    batch
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_file_behaves_as_the_map(steps in proptest::collection::vec((a_batch(), 0..12_u8), 1..25)) {
        let (mut store, folder) = fresh();
        let model = Memory::new();
        for (batch, then) in steps {
            runtime().block_on(async {
                let translated = translated(batch.clone(), &model, &store).await;
                assert_eq!(store.apply(translated).await, model.apply(batch).await);
            });
            if then == 0 {
                drop(store);
                store = Redb::open(file(&folder)).unwrap();
            }
            runtime().block_on(async { assert_eq!(content(&store).await, content(&model).await) });
        }
    }
}
