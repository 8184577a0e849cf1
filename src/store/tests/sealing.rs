//! What lies in the backend tells nothing and cannot be moved, changed or opened with other keys.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::backend::{Batch, Condition, Effect, Key, Versioned};
use crate::record::grant::GrantRecord;
use crate::record::session::SessionRecord;
use crate::record::standing::Standing;
use crate::record::{COUNTER, Kind, Numbered as _, OverKinds, Record, SEALED, for_each_kind};
use crate::{CommitError, OpenError, Resealed};

async fn everything(store: &Store) -> Vec<(Key, Versioned)> {
    store.backend().range(b"", None, 1000).await.unwrap()
}

async fn plant(store: &Store, key: &[u8], bytes: Vec<u8>, expires: Option<Timestamp>) {
    let mut batch = Batch::at(NOW);
    batch.push(key.to_vec(), Condition::Any, Effect::Put { bytes, expires });
    store.backend().apply(batch).await.unwrap();
}

fn with_keys(current: u8, previous: &[u8]) -> Keyring {
    let previous: Vec<[u8; 32]> = previous.iter().map(|key| [*key; 32]).collect();
    Keyring::new("acme", &[current; 32], &previous)
}

#[test]
fn l_6_the_backend_sees_no_content() {
    run(async {
        let store = store();
        signed_in(&store).await;
        done(&store, store.blind().put_journey(journey(1))).await;
        let stored = everything(&store).await;
        assert!(stored.len() >= 6);
        for secret in ["ada", "example", "old", "shop", "sign-in", "people", "email"] {
            for (key, record) in &stored {
                let all = [key.as_slice(), &record.bytes].concat();
                assert!(!all.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
            }
        }
    });
}

#[test]
fn l_7_a_sealed_value_opens_nowhere_else() {
    run(async {
        let store = store();
        let (ada, own, refresh) = signed_in(&store).await;
        let read = |kind: Kind, id: [u8; 16]| everything_at(&store, kind.key(&id));
        let ada_sealed = read(User::KIND, *ada.id.as_bytes()).await;
        plant(&store, &User::KIND.key(&[2; 16]), ada_sealed.bytes.clone(), None).await;
        let moved = store.user(&UserId::from_bytes([2; 16])).await;
        assert!(matches!(moved, Err(StoreError::Corrupt(_))), "another user's record");
        let grant_sealed = read(GrantRecord::KIND, *refresh.id.as_bytes()).await;
        plant(
            &store,
            &SessionRecord::KIND.key(own.id.as_bytes()),
            grant_sealed.bytes,
            Some(later(Span::hours(1))),
        )
        .await;
        assert!(matches!(store.session(&own.id, NOW).await, Err(StoreError::Corrupt(_))), "another kind");
        let other = Store::open_memory(Keyring::new("other", &[1; 32], &[]), Arc::new(SeededChance::new(1)));
        plant(&other, &User::KIND.key(ada.id.as_bytes()), ada_sealed.bytes, None).await;
        assert!(matches!(other.user(&ada.id).await, Err(StoreError::Corrupt(_))), "another tenant, same key");
    });
}

async fn everything_at(store: &Store, key: Key) -> Versioned {
    crate::suite::one(store.backend(), &key).await.unwrap().unwrap()
}

proptest! {
    #[test]
    fn a_flipped_bit_anywhere_is_an_error_that_names_the_record(place in any::<prop::sample::Index>(), bit in 0..8) {
        run(async {
            let store = store();
            let (ada, ..) = signed_in(&store).await;
            let key = User::KIND.key(ada.id.as_bytes());
            let mut bytes = everything_at(&store, key.clone()).await.bytes;
            let place = place.index(bytes.len());
            bytes[place] ^= 1_u8 << bit;
            plant(&store, &key, bytes, None).await;
            let Err(StoreError::Corrupt(corrupt)) = store.user(&ada.id).await else {
                panic!("byte {place} went unnoticed");
            };
            let said = corrupt.to_string();
            assert!(said.contains("user record") && said.contains(&ada.id.to_string()), "{said}");
            assert!(store.find_user("people", "ada@example.com").await.is_err());
        });
    }

    #[test]
    fn a_value_of_any_length_and_content_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        run(async {
            let (store, id) = (store(), journey(1).id);
            plant(&store, &Journey::KIND.key(id.as_bytes()), bytes, None).await;
            assert!(matches!(store.journey(&id, NOW).await, Err(StoreError::Corrupt(_))));
        });
    }
}

#[test]
fn a_corrupt_record_refuses_the_commit_that_needs_it() {
    run(async {
        let store = store();
        let (ada, ..) = signed_in(&store).await;
        done(&store, store.blind().end_sessions_of(ada.id)).await;
        plant(&store, &Standing::KIND.key(ada.id.as_bytes()), b"nonsense".to_vec(), None).await;
        let new = store.commit(store.blind().put_session(session(2, Some(&ada)))).await;
        assert!(matches!(new, Err(CommitError::Unavailable(StoreError::Corrupt(_)))), "{new:?}");
        assert!(store.session(&session(1, None).id, NOW).await.is_err());
    });
}

#[test]
fn a_store_opens_only_with_its_own_keys_and_tenant() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let open =
            |keyring| Store::open_redb(folder.path().join("store"), keyring, Arc::new(SeededChance::new(1)));
        drop(open(with_keys(1, &[])).await.unwrap());
        for foreign in [with_keys(2, &[]), Keyring::new("other", &[1; 32], &[])] {
            let refused = open(foreign).await.err().unwrap();
            assert!(matches!(refused, OpenError::ForeignKeys { .. }), "{refused}");
        }
        drop(open(with_keys(2, &[1])).await.unwrap());
    });
}

#[test]
fn l_8_keys_rotate_without_downtime_and_the_old_one_can_go() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let open =
            |keyring| Store::open_redb(folder.path().join("store"), keyring, Arc::new(SeededChance::new(1)));
        let store = open(with_keys(1, &[])).await.unwrap();
        let (ada, own, refresh) = signed_in(&store).await;
        drop(store);

        let store = open(with_keys(2, &[1])).await.unwrap();
        let found = store.find_user("people", "ada@example.com").await.unwrap().unwrap();
        assert_eq!(found, ada, "what the old key sealed and indexed is still found");
        let twin = store.commit(store.blind().writes([create(user(2, "ada@example.com"))])).await;
        assert!(matches!(twin, Err(CommitError::Taken { .. })), "and still unique");
        done(&store, store.blind().writes([create(user(3, "new@example.com"))])).await;
        let earlier = store.sealed_earlier(NOW).await.unwrap();
        assert!(earlier >= 6, "{earlier}");
        plant(&store, &Standing::KIND.key(&[9; 16]), b"nonsense".to_vec(), None).await;
        let told = std::sync::atomic::AtomicUsize::new(0);
        let done = || {
            told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        };
        let round = store.reseal(NOW, done).await.unwrap();
        assert_eq!(
            round,
            Resealed { done: earlier, left: 1 },
            "one that cannot be opened keeps no other back"
        );
        assert_eq!(told.into_inner(), earlier);
        assert_eq!(store.sealed_earlier(NOW).await, Ok(1), "and is told as long as it is there");
        assert_eq!(store.reseal(NOW, || {}).await, Ok(Resealed { done: 0, left: 1 }));
        drop(store);

        let store = open(with_keys(2, &[])).await.unwrap();
        for email in ["ada@example.com", "new@example.com"] {
            assert!(store.find_user("people", email).await.unwrap().is_some(), "{email}");
        }
        assert!(store.session(&own.id, NOW).await.unwrap().is_some());
        assert!(store.grant(&refresh.id, NOW).await.unwrap().is_some());
        assert!(store.credential(&ada.id).await.unwrap().is_some());
    });
}

#[test]
fn derived_secrets_differ_by_purpose_part_tenant_and_key() {
    let ring = with_keys(1, &[2]);
    let derived = [
        ring.derive("cookie", &[b"a", b"b"]),
        ring.derive("cookie", &[b"ab"]),
        ring.derive("code", &[b"a", b"b"]),
        with_keys(2, &[]).derive("cookie", &[b"a", b"b"]),
        Keyring::new("other", &[1; 32], &[]).derive("cookie", &[b"a", b"b"]),
    ];
    assert_eq!(derived.iter().collect::<BTreeSet<_>>().len(), derived.len());
    let all: Vec<_> = ring.derivations("cookie", &[b"a", b"b"]).collect();
    assert_eq!(all, [derived[0], derived[3]], "the current key's first, then what the earlier key gave");
    assert!(!format!("{ring:?}").contains("1, 1"));
}

#[test]
fn record_kinds_have_numbers_of_their_own() {
    let numbers: BTreeSet<u8> = SEALED.iter().map(|kind| kind.number()).chain([COUNTER.number()]).collect();
    let last = *numbers.last().unwrap();
    assert_eq!(numbers.len(), SEALED.len() + 1, "two kinds have the same number");
    assert_eq!(numbers, (1..=last).collect(), "numbers are never reused: a new kind takes the next one");
}

/// Sealed under an id and opened again.
struct RoundTrip {
    chance: SeededChance,
    id: Vec<u8>,
}

impl OverKinds for RoundTrip {
    fn run<R: Record>(&self) {
        let (keyring, Self { chance, id }) = (keyring(), self);
        let (record, content) = (R::sample(chance), |record: &R| serde_json::to_value(record).unwrap());
        let bytes = crate::record::seal(&keyring, chance, id, &record).unwrap();
        let stored = |bytes| Versioned { version: 1, bytes, expires: record.expires() };
        let opened: R = crate::record::open(&keyring, id, &stored(bytes.clone())).unwrap();
        assert_eq!(content(&opened), content(&record));
        assert_eq!(opened.expires(), record.expires());
        let refused = |id: &[u8], bytes| crate::record::open::<R>(&keyring, id, &stored(bytes)).is_err();
        assert!(refused(b"elsewhere", bytes.clone()), "it opens under another id");
        let mut plain = keyring.open(R::KIND.number(), id, &bytes).unwrap();
        plain[0] += 1;
        let newer = keyring.seal(chance, (R::KIND.number(), id), None, plain).unwrap();
        assert!(refused(id, newer), "it opens in a format that nobody knows");
    }
}

proptest! {
    #[test]
    fn every_kind_of_record_survives_its_codec(seed: u64, id in proptest::collection::vec(any::<u8>(), 0..40)) {
        for_each_kind(&RoundTrip { chance: SeededChance::new(seed), id });
    }
}
