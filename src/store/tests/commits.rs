//! One step, one batch.

use idflow_core::audit::AuditEvent;
use idflow_core::counter::{CounterKey, CounterStep, Limit};

use super::*;
use crate::CommitError;

#[test]
fn a_journey_is_written_by_who_read_its_latest_state() {
    run(async {
        let (store, first) = (store(), journey(1));
        assert_eq!(store.journey(&first.id, NOW).await, Ok(None));
        done(&store, store.blind().put_journey(first.clone())).await;
        let reads = store.read(NOW, &[Wanted::journey(&first.id)]).await.unwrap();
        assert_eq!(reads.journey(&first.id), Ok(Some(first.clone())));
        let again = store.commit(store.blind().put_journey(first.clone())).await;
        assert_eq!(again, Err(CommitError::Conflict));
        let second = Journey { instances: 2, ..first.clone() };
        done(&store, Commit::after(reads.clone()).put_journey(second.clone())).await;
        let late = store.commit(Commit::after(reads).put_journey(first)).await;
        assert_eq!(late, Err(CommitError::Conflict));
        assert_eq!(store.journey(&second.id, NOW).await.unwrap().unwrap(), second);
    });
}

#[test]
fn what_a_decision_came_to_rest_on_is_its_guard_however_it_was_read_first() {
    run(async {
        let (store, first) = (store(), journey(1));
        done(&store, store.blind().put_journey(first.clone())).await;
        let guard = Wanted::journey(&first.id);
        let hint = Wanted::hint(guard.key().clone());
        for wanted in [[hint.clone(), guard.clone()], [guard.clone(), hint.clone()]] {
            let together = store.read(NOW, &wanted).await.unwrap();
            let mut apart = store.read(NOW, &wanted[..1]).await.unwrap();
            apart.more(&wanted[1..]).await.unwrap();
            let now = store.journey(&first.id, NOW).await.unwrap().unwrap();
            let reads = store.read(NOW, std::slice::from_ref(&guard)).await.unwrap();
            let next = Journey { instances: now.instances + 1, ..now };
            done(&store, Commit::after(reads).put_journey(next)).await;
            for reads in [together, apart] {
                let late = store.commit(Commit::after(reads).audit([event(0)])).await;
                assert_eq!(late, Err(CommitError::Conflict));
            }
        }
    });
}

fn event(seconds: i64) -> AuditEvent {
    AuditEvent {
        at: NOW.plus(Span::seconds(seconds)),
        name: format!("event {seconds}"),
        journey: None,
        user: None,
        flow: None,
        revision: None,
        step: None,
        detail: None,
        reference: None,
        outcome: None,
        client: None,
    }
}

fn counted(key: &str) -> CounterStep {
    let limit = Limit { max: 2, window: Span::minutes(1), pace: None };
    CounterStep::AddUnlessFull { key: CounterKey::of(key), limit }
}

#[test]
fn p_9_a_full_counter_is_named_and_refuses_everything() {
    run(async {
        let store = store();
        let commit = |id| {
            let commit = store.blind().put_journey(journey(id));
            commit.counters([counted("password/user/ada"), counted("address")]).audit([event(0)])
        };
        done(&store, commit(1)).await;
        done(&store, commit(2)).await;
        let full = CommitError::CounterFull(CounterKey::of("password/user/ada"));
        assert_eq!(store.commit(commit(3)).await, Err(full));
        assert_eq!(store.journey(&journey(3).id, NOW).await, Ok(None));
        assert_eq!(store.audit(NOW, NOW, 10).await.unwrap().len(), 2);
        let keys = ["nothing", "address"].map(CounterKey::of);
        assert_eq!(store.counts(&keys, NOW).await, [0, 2]);
        assert_eq!(store.counts(&keys, later(Span::minutes(1))).await, [0, 0], "its window is over");
    });
}

#[test]
fn j_4_of_two_posts_the_second_is_a_conflict_and_not_a_taken_name() {
    run(async {
        let store = store();
        let post = || {
            let sign_up = [create(user(1, "ada@example.com"))];
            store.blind().put_journey(journey(1)).writes(sign_up).counters([counted("c"); 1])
        };
        done(&store, post()).await;
        assert_eq!(store.commit(post()).await, Err(CommitError::Conflict));
    });
}

#[test]
fn security_events_are_kept_in_the_order_of_time() {
    run(async {
        let store = store();
        done(&store, store.blind().audit([event(5), event(-5), event(1)])).await;
        let names = |events: Vec<AuditEvent>| events.into_iter().map(|event| event.name).collect::<Vec<_>>();
        let all = store.audit(Timestamp(0), NOW, 10).await.unwrap();
        assert_eq!(names(all), ["event -5", "event 1", "event 5"]);
        let some = store.audit(NOW, NOW, 1).await.unwrap();
        assert_eq!(names(some), ["event 1"]);
    });
}

#[test]
fn whatever_a_step_changes_it_is_one_write() {
    run(async {
        let store = store();
        let ada = user(1, "ada@example.com");
        let session = session(1, Some(&ada));
        let mut reads = store.reads(NOW);
        let unique = unique();
        let nobody = reads.find_user(&store.user_by("people", &unique, "ada@example.com", &[])).await;
        assert_eq!(nobody, Ok(None), "whoever looked has read all that the commit rests on");
        let before = store.round_trips();
        let commit = Commit::after(reads)
            .put_journey(journey(1))
            .writes([create(ada.clone()), set_password(&ada, "hash", true)])
            .put_session(session.clone())
            .put_grant(grant(1, &session))
            .counters([counted("c")])
            .audit([event(0), event(0)]);
        done(&store, commit).await;
        assert_eq!(store.round_trips() - before, 1);
        done(&store, store.blind()).await;
        assert_eq!(store.round_trips() - before, 1, "nothing to write is no write");
        store.close();
        let late = store.commit(store.blind().put_journey(journey(2))).await;
        assert!(matches!(late, Err(CommitError::Unavailable(_))));
        assert!(store.health().await.is_err());
    });
}
