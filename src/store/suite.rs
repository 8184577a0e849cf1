//! The laws of [`crate::backend`], proven for every backend: a backend's test names the way to make an empty one.

use std::sync::Arc;

use idflow_core::counter::Limit;
use idflow_core::time::{Span, Timestamp};
use tokio::task::JoinSet;

use crate::backend::{
    Backend, Batch, Condition, Counting, Effect, Lookup, POINTING, Refusal, Rejected, Step, Unavailable,
    Versioned, decode_count,
};

/// One test per law. `$make` is an expression for an empty backend and whatever must outlive it.
macro_rules! conforms {
    ($make:expr) => {
        conforms!($make;
            a_put_is_read_back, a_pointer_is_followed_in_the_same_read, an_expectation_decides, a_rejected_batch_leaves_nothing,
            a_version_never_returns, an_expired_record_is_absent_for_conditions, a_range_is_in_key_order,
            expiry_is_found_oldest_first, one_of_fifty_writers_wins_each_round,
            counters_never_exceed_their_limit, a_reset_needs_room, a_counter_shares_the_batch_s_fate,
            a_damaged_counter_is_full, a_closed_backend_is_unavailable,
        );
    };
    ($make:expr; $($law:ident),+ $(,)?) => {$(
        #[test]
        fn $law() {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
            let (backend, _outlives) = $make;
            runtime.block_on(crate::suite::$law(std::sync::Arc::new(backend)));
        }
    )+};
}
pub(crate) use conforms;

const NOW: Timestamp = Timestamp(1_000_000);

type Shared = Arc<dyn Backend>;

fn put(bytes: &[u8]) -> Effect {
    Effect::Put { bytes: bytes.to_vec(), expires: None }
}

fn put_until(bytes: &[u8], expires: i64) -> Effect {
    Effect::Put { bytes: bytes.to_vec(), expires: Some(Timestamp(expires)) }
}

fn batch<const N: usize>(operations: [(&[u8], Condition, Effect); N]) -> Batch {
    let mut batch = Batch::at(NOW);
    for (key, condition, effect) in operations {
        batch.push(key.to_vec(), condition, effect);
    }
    batch
}

async fn write(backend: &Shared, key: &[u8], effect: Effect) {
    backend.apply(batch([(key, Condition::Any, effect)])).await.unwrap();
}

/// One record.
pub(crate) async fn one(backend: &dyn Backend, key: &[u8]) -> Result<Option<Versioned>, Unavailable> {
    Ok(backend.read(&[Lookup::only(key.to_vec())]).await?.pop().and_then(|(_, record)| record))
}

async fn read(backend: &Shared, key: &[u8]) -> Option<Versioned> {
    one(&**backend, key).await.unwrap()
}

async fn bytes(backend: &Shared, key: &[u8]) -> Option<Vec<u8>> {
    read(backend, key).await.map(|record| record.bytes)
}

fn conflict(key: &[u8]) -> Result<(), Refusal> {
    Err(Refusal::Rejected(Rejected::Conflict { key: key.to_vec() }))
}

fn full(key: &[u8]) -> Result<(), Refusal> {
    Err(Refusal::Rejected(Rejected::CounterFull { key: key.to_vec() }))
}

pub(crate) async fn a_put_is_read_back(backend: Shared) {
    assert_eq!(read(&backend, b"a").await, None);
    write(&backend, b"a", put_until(b"1", 2_000_000)).await;
    write(&backend, b"b", put(b"")).await;
    let found = read(&backend, b"a").await.unwrap();
    assert_eq!((found.bytes.as_slice(), found.expires), (&b"1"[..], Some(Timestamp(2_000_000))));
    assert_eq!(
        looked_up(&backend, &[(b"b", &[]), (b"x", &[]), (b"a", &[])]).await,
        [(b"b".to_vec(), Some(b"".to_vec())), (b"x".to_vec(), None), (b"a".to_vec(), Some(b"1".to_vec())),]
    );
    write(&backend, b"a", Effect::Delete).await;
    assert_eq!(read(&backend, b"a").await, None);
    write(&backend, b"a", Effect::Delete).await;
    backend.health().await.unwrap();
}

/// Keys and what was found under them.
async fn looked_up(backend: &Shared, lookups: &[(&[u8], &[&[u8]])]) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let along = |prefixes: &[&[u8]]| prefixes.iter().map(|prefix| prefix.to_vec()).collect();
    let lookups = lookups.iter().map(|(key, prefixes)| Lookup { key: key.to_vec(), along: along(prefixes) });
    let found = backend.read(&lookups.collect::<Vec<_>>()).await.unwrap();
    found.into_iter().map(|(key, record)| (key, record.map(|record| record.bytes))).collect()
}

pub(crate) async fn a_pointer_is_followed_in_the_same_read(backend: Shared) {
    let (owner, pointing) = ([7; 16], [&[POINTING][..], &[7; 16], b"more"].concat());
    let under = |prefix: &[u8]| [prefix, &owner].concat();
    write(&backend, b"p", put(&pointing)).await;
    write(&backend, b"short", put(&pointing[..16])).await;
    write(&backend, b"plain", put(&[&[1][..], &[7; 16]].concat())).await;
    write(&backend, &under(b"user"), put(b"ada")).await;
    write(&backend, &under(b"expired"), put_until(b"old", 1)).await;
    let along: &[&[u8]] = &[b"user", b"none", b"expired"];
    assert_eq!(
        looked_up(&backend, &[(b"p", along), (b"q", along)]).await,
        [
            (b"p".to_vec(), Some(pointing.clone())),
            (under(b"user"), Some(b"ada".to_vec())),
            (under(b"none"), None),
            (under(b"expired"), Some(b"old".to_vec())),
            (b"q".to_vec(), None),
        ]
    );
    assert_eq!(looked_up(&backend, &[(b"p", &[])]).await, [(b"p".to_vec(), Some(pointing))]);
    for none in [&b"short"[..], b"plain"] {
        assert_eq!(looked_up(&backend, &[(none, along)]).await.len(), 1, "{none:?} leads nowhere");
    }
}

pub(crate) async fn an_expectation_decides(backend: Shared) {
    let apply = |condition, effect| backend.apply(batch([(b"k", condition, effect)]));
    assert_eq!(apply(Condition::Version(1), put(b"0")).await, conflict(b"k"));
    assert_eq!(apply(Condition::Absent, put(b"1")).await, Ok(()));
    assert_eq!(apply(Condition::Absent, put(b"2")).await, conflict(b"k"));
    let version = read(&backend, b"k").await.unwrap().version;
    assert_eq!(apply(Condition::Version(version), Effect::Check).await, Ok(()));
    assert_eq!(read(&backend, b"k").await.unwrap().version, version, "a check changes nothing");
    assert_eq!(apply(Condition::Version(version), put(b"2")).await, Ok(()));
    assert_eq!(apply(Condition::Version(version), put(b"3")).await, conflict(b"k"));
    assert_eq!(apply(Condition::Version(version), Effect::Delete).await, conflict(b"k"));
    assert_eq!(bytes(&backend, b"k").await, Some(b"2".to_vec()));
}

pub(crate) async fn a_rejected_batch_leaves_nothing(backend: Shared) {
    write(&backend, b"old", put_until(b"1", 5_000_000)).await;
    let before = read(&backend, b"old").await;
    let rejected = batch([
        (b"new", Condition::Absent, put(b"1")),
        (b"old", Condition::Any, Effect::Delete),
        (b"missing", Condition::Version(7), put(b"1")),
    ]);
    assert_eq!(backend.apply(rejected).await, conflict(b"missing"));
    assert_eq!(read(&backend, b"new").await, None);
    assert_eq!(read(&backend, b"old").await, before);
}

pub(crate) async fn a_version_never_returns(backend: Shared) {
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        write(&backend, b"k", put(b"1")).await;
        assert!(seen.insert(read(&backend, b"k").await.unwrap().version));
        write(&backend, b"k", Effect::Delete).await;
    }
}

pub(crate) async fn an_expired_record_is_absent_for_conditions(backend: Shared) {
    for (key, expires) in [(&b"over"[..], NOW.0), (b"alive", NOW.0 + 1)] {
        write(&backend, key, put_until(b"1", expires)).await;
    }
    let version = read(&backend, b"over").await.expect("reads return what is not purged yet").version;
    let over = |condition| backend.apply(batch([(b"over", condition, put(b"2"))]));
    assert_eq!(over(Condition::Version(version)).await, conflict(b"over"));
    assert_eq!(over(Condition::Absent).await, Ok(()));
    assert_eq!(backend.apply(batch([(b"alive", Condition::Absent, put(b"2"))])).await, conflict(b"alive"));
}

pub(crate) async fn a_range_is_in_key_order(backend: Shared) {
    for key in [&b"b"[..], b"a\xff", b"a", b"a\x00", b"a1", b"c"] {
        write(&backend, key, put(key)).await;
    }
    let keys = async |after: Option<&[u8]>, limit| -> Vec<Vec<u8>> {
        let found = backend.range(b"a", after, limit).await.unwrap();
        assert!(found.iter().all(|(key, record)| *key == record.bytes));
        found.into_iter().map(|(key, _)| key).collect()
    };
    assert_eq!(keys(None, 10).await, [&b"a"[..], b"a\x00", b"a1", b"a\xff"]);
    assert_eq!(keys(None, 2).await, [&b"a"[..], b"a\x00"]);
    assert_eq!(keys(Some(b"a\x00"), 10).await, [&b"a1"[..], b"a\xff"]);
    assert_eq!(keys(Some(b"a\xff"), 10).await, Vec::<Vec<u8>>::new());
}

pub(crate) async fn expiry_is_found_oldest_first(backend: Shared) {
    for (key, expires) in [(&b"c"[..], 30), (b"a", 20), (b"b", 10), (b"early", -5), (b"late", 40)] {
        write(&backend, key, put_until(b"1", expires)).await;
    }
    write(&backend, b"forever", put(b"1")).await;
    write(&backend, b"a", put_until(b"1", 35)).await;
    write(&backend, b"b", put(b"1")).await;
    write(&backend, b"c", put_until(b"2", 30)).await;
    let expired = async |now, limit| backend.expired_before(Timestamp(now), limit).await.unwrap();
    assert_eq!(expired(i64::MAX, 10).await, [&b"early"[..], b"c", b"a", b"late"]);
    assert_eq!(expired(35, 10).await, [&b"early"[..], b"c", b"a"]);
    assert_eq!(expired(34, 10).await, [&b"early"[..], b"c"]);
    assert_eq!(expired(34, 1).await, [&b"early"[..]]);
    let purge = |key| Batch { now: Timestamp(34), ..batch([(key, Condition::Absent, Effect::Delete)]) };
    assert_eq!(backend.apply(purge(b"c")).await, Ok(()));
    assert_eq!(backend.apply(purge(b"a")).await, conflict(b"a"), "what was renewed stays");
    assert_eq!(expired(34, 10).await, [&b"early"[..]]);
}

pub(crate) async fn one_of_fifty_writers_wins_each_round(backend: Shared) {
    write(&backend, b"k", put(b"start")).await;
    for round in 0..20_u8 {
        let version = read(&backend, b"k").await.unwrap().version;
        let mut writers = JoinSet::new();
        for writer in 0..50_u8 {
            let backend = Arc::clone(&backend);
            writers.spawn(async move {
                let own = [round, writer];
                let both = batch([
                    (b"k", Condition::Version(version), put(&own)),
                    (&own, Condition::Absent, put(b"won")),
                ]);
                (own, backend.apply(both).await)
            });
        }
        let verdicts = writers.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) = verdicts.into_iter().partition(|(_, verdict)| verdict.is_ok());
        assert_eq!(won.len(), 1);
        assert!(lost.iter().all(|(_, verdict)| *verdict == conflict(b"k")));
        assert_eq!(bytes(&backend, b"k").await.unwrap(), won[0].0);
        assert_eq!(backend.range(&[round], None, 100).await.unwrap().len(), 1, "losers left nothing");
    }
}

const LIMIT: Limit = Limit { max: 10, window: Span::minutes(1), pace: None };

fn counting(now: Timestamp, steps: &[(&[u8], Step)]) -> Batch {
    let counters = steps.iter().map(|(key, step)| Counting { key: key.to_vec(), limit: LIMIT, step: *step });
    Batch { now, operations: Vec::new(), counters: counters.collect() }
}

async fn value(backend: &Shared, key: &[u8]) -> u32 {
    bytes(backend, key).await.map_or(0, |bytes| decode_count(&bytes).unwrap().value)
}

pub(crate) async fn counters_never_exceed_their_limit(backend: Shared) {
    let mut writers = JoinSet::new();
    for _ in 0..200 {
        let backend = Arc::clone(&backend);
        writers.spawn(async move { backend.apply(counting(NOW, &[(b"c", Step::Add)])).await });
    }
    let verdicts = writers.join_all().await;
    assert_eq!(verdicts.iter().filter(|verdict| verdict.is_ok()).count(), 10);
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == full(b"c")).count(), 190);
    assert_eq!(value(&backend, b"c").await, 10);
    let end = NOW.plus(LIMIT.window);
    assert_eq!(read(&backend, b"c").await.unwrap().expires, Some(end));
    let before_end = Timestamp(end.0 - 1);
    assert_eq!(backend.apply(counting(before_end, &[(b"c", Step::Add)])).await, full(b"c"));
    assert_eq!(backend.apply(counting(end, &[(b"c", Step::Add)])).await, Ok(()));
    assert_eq!(value(&backend, b"c").await, 1, "a new window begins at one");
}

pub(crate) async fn a_reset_needs_room(backend: Shared) {
    let apply = |steps: &[(&[u8], Step)]| backend.apply(counting(NOW, steps));
    assert_eq!(apply(&[(b"c", Step::Reset)]).await, Ok(()));
    assert_eq!(read(&backend, b"c").await, None);
    assert_eq!(apply(&[(&b"c"[..], Step::Add); 9]).await, Ok(()));
    assert_eq!(value(&backend, b"c").await, 9, "steps of one batch see each other");
    assert_eq!(apply(&[(b"c", Step::Add), (b"c", Step::Add)]).await, full(b"c"));
    assert_eq!(value(&backend, b"c").await, 9);
    assert_eq!(apply(&[(b"c", Step::Reset)]).await, Ok(()));
    assert_eq!(value(&backend, b"c").await, 0);
    assert_eq!(apply(&[(&b"c"[..], Step::Add); 10]).await, Ok(()));
    assert_eq!(apply(&[(b"c", Step::Reset)]).await, full(b"c"), "parallel guesses gain nothing");
    assert_eq!(backend.apply(counting(NOW.plus(LIMIT.window), &[(b"c", Step::Reset)])).await, Ok(()));
}

pub(crate) async fn a_counter_shares_the_batch_s_fate(backend: Shared) {
    let with = |condition| {
        let operations = batch([(b"k", condition, put(b"1"))]).operations;
        Batch { operations, ..counting(NOW, &[(b"c", Step::Add)]) }
    };
    assert_eq!(backend.apply(with(Condition::Version(1))).await, conflict(b"k"));
    assert_eq!(value(&backend, b"c").await, 0, "a refused batch counts nothing");
    assert_eq!(backend.apply(counting(NOW, &[(&b"c"[..], Step::Add); 10])).await, Ok(()));
    assert_eq!(backend.apply(with(Condition::Absent)).await, full(b"c"));
    assert_eq!(read(&backend, b"k").await, None, "a full counter refuses the whole batch");
}

pub(crate) async fn a_damaged_counter_is_full(backend: Shared) {
    write(&backend, b"c", put_until(b"nonsense", NOW.0 + 10)).await;
    assert_eq!(backend.apply(counting(NOW, &[(b"c", Step::Add)])).await, full(b"c"));
    assert_eq!(backend.apply(counting(NOW, &[(b"c", Step::Reset)])).await, full(b"c"));
    let later = Timestamp(NOW.0 + 10);
    assert_eq!(backend.apply(counting(later, &[(b"c", Step::Add)])).await, Ok(()), "until it expires");
}

pub(crate) async fn a_closed_backend_is_unavailable(backend: Shared) {
    write(&backend, b"k", put(b"1")).await;
    let closing = Arc::clone(&backend);
    std::thread::spawn(move || closing.close()).join().unwrap();
    assert!(matches!(backend.apply(Batch::at(NOW)).await, Err(Refusal::Unavailable(_))));
    assert!(backend.read(&[Lookup::only(b"k".to_vec())]).await.is_err());
    assert!(backend.health().await.is_err());
    backend.close();
}
