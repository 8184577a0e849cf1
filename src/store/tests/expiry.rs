//! What has expired is absent, purged or not.

use idflow_core::counter::{CounterKey, CounterStep, Limit};

use super::*;

async fn seen(store: &Store, now: Timestamp) -> [bool; 3] {
    let (session, grant) = (session(1, Some(&user(1, ""))), GrantId::from_bytes([1; 16]));
    [
        store.journey(&journey(1).id, now).await.unwrap().is_some(),
        store.session(&session.id, now).await.unwrap().is_some(),
        store.grant(&grant, now).await.unwrap().is_some(),
    ]
}

#[test]
fn expired_records_are_absent_before_and_after_the_purge() {
    run(async {
        let store = store();
        signed_in(&store).await;
        let limit = Limit { max: 3, window: Span::minutes(5), pace: None };
        let counter = CounterStep::AddUnlessFull { key: CounterKey::of("c"), limit };
        done(&store, store.blind().put_journey(journey(1)).counters([counter])).await;
        for (at, wanted, purged) in [
            (later(Span::minutes(19)), [true, true, true], 1),
            (later(Span::minutes(20)), [false, true, true], 1),
            // Idle for too long: nobody is signed in by it, and it can be ended.
            (later(Span::hours(4)), [false, false, true], 0),
            (later(Span::hours(8)), [false, false, true], 1),
            (later(Span::hours(24)), [false, false, false], 1),
        ] {
            assert_eq!(seen(&store, at).await, wanted);
            assert_eq!(store.purge(at).await, Ok(purged));
            assert_eq!(store.purge(at).await, Ok(0));
            assert_eq!(seen(&store, at).await, wanted);
        }
        assert!(store.user(&user(1, "").id).await.unwrap().is_some(), "a user never expires");
    });
}

#[test]
fn o_7_a_code_dies_after_its_minute_and_an_exchanged_one_lives_on() {
    run(async {
        let store = store();
        let (_, own, _) = signed_in(&store).await;
        done(&store, store.blind().put_grant(grant(2, &own))).await;
        let minute = later(Span::seconds(60));
        assert_eq!(store.grant(&grant(2, &own).id, minute).await, Ok(None));
        assert!(store.grant(&grant(1, &own).id, minute).await.unwrap().is_some());
    });
}

#[test]
fn use_prolongs_a_session_up_to_its_lifetime() {
    run(async {
        let store = store();
        let (_, own, _) = signed_in(&store).await;
        let used = later(Span::hours(3));
        let reads = store.after_session(&own.id, used).await;
        let session = Session { used, ..own.clone() };
        done(&store, Commit::after(reads).put_session(session)).await;
        assert!(store.session(&own.id, later(Span::minutes(6 * 60))).await.unwrap().is_some());
        assert_eq!(store.purge(later(Span::minutes(6 * 60))).await, Ok(0), "the index follows");
        assert_eq!(store.session(&own.id, later(Span::hours(7))).await, Ok(None));
    });
}

#[test]
fn a_large_purge_goes_in_small_batches() {
    run(async {
        let store = store();
        for first in 0..5_u8 {
            let journeys = (0..70).map(|number| {
                let mut id = [first; 16];
                id[0] = number;
                Journey { id: JourneyId::from_bytes(id), ..journey(0) }
            });
            let commit = journeys.fold(store.blind(), Commit::put_journey);
            done(&store, commit).await;
        }
        assert_eq!(store.purge(NOW).await, Ok(0));
        assert_eq!(store.purge(later(Span::hours(1))).await, Ok(350));
    });
}
