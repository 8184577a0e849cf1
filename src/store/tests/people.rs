//! Users, their names, passwords, sessions and grants.

use idflow_core::counter::{CounterStep, Limit};

use super::*;
use crate::CommitError;
use crate::backend::{Batch, Condition, Effect};
use crate::record::Numbered as _;
use crate::record::credential::Credential;
use crate::record::session::SessionRecord;
use crate::record::user_index::{self, UserIndex};

async fn found(store: &Store, value: &str) -> Option<User> {
    store.find_user("people", value).await.unwrap()
}

fn taken() -> Result<(), CommitError> {
    Err(CommitError::Taken { attribute: "email".to_owned() })
}

fn locked(user: &User) -> User {
    User { state: UserState::Locked, ..user.clone() }
}

#[test]
fn j_16_every_spelling_of_a_name_meets_the_same_user() {
    run(async {
        let (store, ada) = (store(), user(1, "Ada@Example.com"));
        done(&store, store.blind().writes([create(ada.clone())])).await;
        assert_eq!(found(&store, " ada@EXAMPLE.com ").await.as_ref(), Some(&ada));
        for other in ["", " ", "bob@example.com", "ada"] {
            assert_eq!(found(&store, other).await, None, "{other:?}");
        }
        assert_eq!(store.find_user("staff", "ada@example.com").await, Ok(None));
        let twin = store.commit(store.blind().writes([create(user(2, "ADA@example.com"))])).await;
        assert_eq!(twin, taken());
        assert_eq!(store.user(&user(2, "").id).await, Ok(None));
        let elsewhere = User { directory: "staff".to_owned(), ..user(2, "ada@example.com") };
        done(&store, store.blind().writes([create(elsewhere)])).await;
    });
}

#[test]
fn two_new_users_of_one_commit_cannot_share_a_name() {
    run(async {
        let twins = [create(user(1, "ada@example.com")), create(user(2, "ada@example.com"))];
        let store = store();
        assert_eq!(store.commit(store.blind().writes(twins)).await, taken());
    });
}

#[test]
fn a_changed_name_frees_the_old_one_and_keeps_the_others() {
    run(async {
        let (store, ada) = (store(), user(1, "ada@example.com"));
        done(&store, store.blind().writes([create(ada.clone()), create(user(2, "bob@example.com"))])).await;
        let renamed = User { attributes: user(1, "lovelace@example.com").attributes, ..ada.clone() };
        let bob = User { attributes: user(1, "bob@example.com").attributes, ..ada.clone() };
        assert_eq!(store.commit(store.blind().writes([update(&ada, bob)])).await, taken());
        done(&store, store.blind().writes([update(&ada, renamed.clone())])).await;
        assert_eq!(found(&store, "ada@example.com").await, None);
        assert_eq!(found(&store, "lovelace@example.com").await, Some(renamed.clone()));
        let stale = store.commit(store.blind().writes([update(&ada, ada.clone())])).await;
        assert_eq!(stale, Err(CommitError::Conflict), "the user changed since `previous`");
        done(&store, store.blind().writes([create(user(3, "ada@example.com"))])).await;
    });
}

#[test]
fn a_user_may_be_created_and_changed_in_one_commit() {
    run(async {
        let (store, ada) = (store(), user(1, "ada@example.com"));
        let verified = User { verified: vec!["email".to_owned()], ..ada.clone() };
        let writes = [create(ada.clone()), update(&ada, verified.clone()), set_password(&ada, "hash", true)];
        done(&store, store.blind().writes(writes)).await;
        assert_eq!(found(&store, "ada@example.com").await, Some(verified));
        assert_eq!(store.credential(&ada.id).await.unwrap().unwrap(), PasswordHash("hash".to_owned()));
    });
}

#[test]
fn p_11_a_new_password_ends_sessions_and_grants_but_those_of_its_own_commit() {
    run(async {
        let store = store();
        let (ada, old, refresh) = signed_in(&store).await;
        let kept = session(2, Some(&ada));
        done(&store, store.blind().put_session(kept.clone())).await;
        let carried = store.after_session(&kept.id, NOW).await;
        let (new, code) = (session(3, Some(&ada)), grant(3, &session(3, Some(&ada))));
        let reset = Commit::after(carried)
            .writes([set_password(&ada, "new", true)])
            .put_session(new.clone())
            .put_session(kept.clone())
            .put_grant(code.clone());
        done(&store, reset).await;
        assert_eq!(store.session(&old.id, NOW).await, Ok(None));
        assert_eq!(store.grant(&refresh.id, NOW).await, Ok(None));
        assert_eq!(store.session(&kept.id, NOW).await.unwrap().unwrap(), kept);
        assert_eq!(store.session(&new.id, NOW).await.unwrap().unwrap(), new);
        assert_eq!(store.grant(&code.id, NOW).await.unwrap().unwrap(), code);
    });
}

#[test]
fn p_11_an_ended_session_or_grant_cannot_be_written_back_to_life() {
    run(async {
        let store = store();
        let (ada, old, refresh) = signed_in(&store).await;
        let used =
            || async { Commit::after(store.after_session(&old.id, NOW).await).put_session(old.clone()) };
        let (used_late, ended_by_itself) = (used().await, used().await.end_sessions_of(ada.id));
        let rotated = Commit::after(store.after_grant(&refresh.id).await).put_grant(refresh.clone());
        done(&store, store.blind().end_sessions_of(ada.id)).await;
        // These were read before the end and are written after it.
        for late in [used_late, rotated, ended_by_itself] {
            assert_eq!(store.commit(late).await, Err(CommitError::Conflict));
        }
        assert_eq!(store.session(&old.id, NOW).await, Ok(None));
        assert_eq!(store.grant(&refresh.id, NOW).await, Ok(None));
        let late_code = store.blind().put_grant(grant(9, &old));
        assert_eq!(store.commit(late_code).await, Err(CommitError::Conflict), "its session has ended");
    });
}

#[test]
fn j_15_a_locked_user_has_no_session_and_gets_none() {
    run(async {
        let store = store();
        let (ada, old, refresh) = signed_in(&store).await;
        done(&store, store.blind().writes([update(&ada, locked(&ada))])).await;
        assert_eq!(store.session(&old.id, NOW).await, Ok(None));
        assert_eq!(store.grant(&refresh.id, NOW).await, Ok(None));
        let new = store.blind().put_session(session(2, Some(&ada)));
        assert_eq!(store.commit(new.clone()).await, Err(CommitError::Conflict));
        done(&store, store.blind().writes([update(&locked(&ada), ada.clone())])).await;
        assert_eq!(store.session(&old.id, NOW).await, Ok(None), "unlocking brings no session back");
        done(&store, new).await;
        assert!(store.session(&session(2, None).id, NOW).await.unwrap().is_some());
    });
}

#[test]
fn a_user_created_locked_gets_no_session() {
    run(async {
        let (store, ada) = (store(), user(1, "ada@example.com"));
        done(&store, store.blind().writes([create(locked(&ada))])).await;
        let new = store.blind().put_session(session(1, Some(&ada)));
        assert_eq!(store.commit(new).await, Err(CommitError::Conflict));
    });
}

#[test]
fn one_session_may_end_while_the_others_go_on() {
    run(async {
        let store = store();
        let (ada, first, _) = signed_in(&store).await;
        let second = session(2, Some(&ada));
        done(&store, store.blind().put_session(second.clone())).await;
        let (of_first, of_second) = (grant(7, &first), grant(8, &second));
        done(&store, Commit::after(store.after_session(&first.id, NOW).await).put_grant(of_first.clone()))
            .await;
        done(&store, Commit::after(store.after_session(&second.id, NOW).await).put_grant(of_second.clone()))
            .await;
        let until = of_first.expires;
        done(&store, store.blind().end_session(first.id, until)).await;
        assert_eq!(store.session(&first.id, NOW).await, Ok(None));
        assert!(store.session(&second.id, NOW).await.unwrap().is_some());
        assert_eq!(store.grant(&of_first.id, NOW).await, Ok(None), "what came from it ends too");
        assert!(store.grant(&of_second.id, NOW).await.unwrap().is_some());
    });
}

#[test]
fn a_guest_has_a_session_and_nobody_ends_it_for_a_user() {
    run(async {
        let store = store();
        done(&store, store.blind().put_session(session(1, None))).await;
        assert!(store.session(&session(1, None).id, NOW).await.unwrap().is_some());
    });
}

#[test]
fn a_grant_needs_a_living_session_of_its_user() {
    run(async {
        let store = store();
        let (_, own, _) = signed_in(&store).await;
        let bob = user(2, "bob@example.com");
        done(&store, store.blind().writes([create(bob.clone())])).await;
        let foreign = Grant { user: bob.id, ..grant(5, &own) };
        let unknown = grant(6, &session(9, own.user.map(|_| bob).as_ref()));
        for refused in [foreign, unknown] {
            let commit = store.blind().put_grant(refused);
            assert_eq!(store.commit(commit).await, Err(CommitError::Conflict));
        }
        done(&store, store.blind().put_grant(grant(7, &own))).await;
    });
}

#[test]
fn o_6_a_code_is_exchanged_by_one_of_two() {
    run(async {
        let store = store();
        let (_, own, _) = signed_in(&store).await;
        let code = grant(7, &own);
        done(&store, store.blind().put_grant(code.clone())).await;
        let exchange = Commit::after(store.after_grant(&code.id).await).put_grant(exchanged(&code));
        done(&store, exchange.clone()).await;
        assert_eq!(store.commit(exchange).await, Err(CommitError::Conflict));
    });
}

#[test]
fn p_5_a_rehash_never_brings_an_old_password_back() {
    run(async {
        let store = store();
        let (ada, ..) = signed_in(&store).await;
        let verified = store.read(NOW, &Wanted::person(&ada.id)).await.unwrap();
        assert_eq!(verified.credential(&ada.id), Ok(Some(PasswordHash("old".to_owned()))));
        done(&store, store.blind().writes([set_password(&ada, "changed", false)])).await;
        let verdict = Commit::after(verified).put_journey(journey(1));
        assert_eq!(store.commit(verdict.clone()).await, Err(CommitError::Conflict));
        let rehash = verdict.writes([set_password(&ada, "old, rehashed", false)]);
        assert_eq!(store.commit(rehash).await, Err(CommitError::Conflict));
        let now = store.read(NOW, &Wanted::person(&ada.id)).await.unwrap();
        assert_eq!(now.credential(&ada.id), Ok(Some(PasswordHash("changed".to_owned()))));
        let rehash = Commit::after(now).writes([set_password(&ada, "changed, rehashed", false)]);
        done(&store, rehash).await;
    });
}

#[test]
fn a_directory_is_listed_page_by_page() {
    run(async {
        let store = store();
        for number in 1..=9 {
            let directory = if number == 4 { "staff" } else { "people" }.to_owned();
            let user = User { directory, ..user(number, &format!("{number}@example.com")) };
            done(&store, store.blind().writes([create(user)])).await;
        }
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = store.users("people", after, 2).await.unwrap();
            seen.extend(page.users.iter().map(|user| user.id.as_bytes()[0]));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [1, 2, 3, 5, 6, 7, 8, 9]);
    });
}

#[test]
fn a_person_is_found_by_name_and_by_session_in_one_round_trip_counters_included() {
    run(async {
        let store = store();
        let (ada, own, _) = signed_in(&store).await;
        let guess = CounterStep::AddUnlessFull {
            key: CounterKey::of_user("password", ada.id),
            limit: Limit { max: 10, window: Span::minutes(10), pace: None },
        };
        done(&store, store.blind().counters([guess])).await;
        let before = store.round_trips();
        let guesses = ["password".to_owned()];
        let unique = unique();
        let by = store.user_by("people", &unique, "ada@example.com", &guesses);
        let mut reads = store.read(NOW, by.wanted()).await.unwrap();
        assert_eq!(reads.find_user(&by).await, Ok(Some(ada.clone())));
        assert_eq!(reads.count(&CounterKey::of_user("password", ada.id)).unwrap().value, 1);
        assert_eq!(reads.credential(&ada.id), Ok(Some(PasswordHash("old".to_owned()))));
        assert_eq!(store.round_trips() - before, 1);
        // What came along is a guard like what was read by its key.
        done(&store, store.blind().writes([set_password(&ada, "new", false)])).await;
        let verdict = Commit::after(reads).put_journey(journey(1));
        assert_eq!(store.commit(verdict).await, Err(CommitError::Conflict));
        let before = store.round_trips();
        assert!(store.session(&own.id, NOW).await.unwrap().is_some());
        assert_eq!(store.round_trips() - before, 1);
    });
}

#[test]
fn what_an_earlier_program_wrote_without_a_pointer_is_found_in_two_round_trips() {
    run(async {
        let store = store();
        let (ada, own, _) = signed_in(&store).await;
        let entry = user_index::ids(store.keyring(), "people", "email", "ada@example.com")[0];
        for (kind, id) in [(UserIndex::KIND, &entry[..]), (SessionRecord::KIND, own.id.as_bytes())] {
            let stored = crate::suite::one(store.backend(), &kind.key(id)).await.unwrap().unwrap();
            let plain = store.keyring().open(kind.number(), id, &stored.bytes).unwrap();
            let bytes = store.keyring().seal(store.chance(), (kind.number(), id), None, plain).unwrap();
            let mut batch = Batch::at(NOW);
            batch.push(kind.key(id), Condition::Any, Effect::Put { bytes, expires: stored.expires });
            store.backend().apply(batch).await.unwrap();
        }
        let before = store.round_trips();
        assert_eq!(found(&store, "ada@example.com").await, Some(ada));
        assert_eq!(store.session(&own.id, NOW).await, Ok(Some(own)));
        assert_eq!(store.round_trips() - before, 4);
    });
}

#[test]
fn of_a_deleted_user_nothing_is_left_to_sign_in_with_and_nothing_begins_for_the_id() {
    run(async {
        let store = store();
        let (ada, old, refresh) = signed_in(&store).await;
        let late = Commit::after(store.after_session(&old.id, NOW).await).put_session(old.clone());
        let changed = User { updated: later(Span::hours(1)), ..ada.clone() };
        let of_another = Write::DeleteUser { previous: changed };
        assert_eq!(store.commit(store.blind().writes([of_another])).await, Err(CommitError::Conflict));
        done(&store, store.blind().writes([Write::DeleteUser { previous: ada.clone() }])).await;
        assert_eq!(store.user(&ada.id).await, Ok(None));
        assert_eq!(found(&store, "ada@example.com").await, None);
        let (kept, _) = store.list(Credential::KIND, None, 10).await.unwrap();
        assert!(kept.is_empty(), "no password");
        assert_eq!(store.session(&old.id, NOW).await, Ok(None));
        assert_eq!(store.grant(&refresh.id, NOW).await, Ok(None));
        for begins in [late, store.blind().put_session(session(2, Some(&ada)))] {
            assert_eq!(store.commit(begins).await, Err(CommitError::Conflict));
        }
        let again = store.blind().writes([Write::DeleteUser { previous: ada.clone() }]);
        assert_eq!(store.commit(again).await, Err(CommitError::Conflict));
        done(&store, store.blind().writes([create(user(2, "ada@example.com"))])).await;
        assert_eq!(found(&store, "ada@example.com").await.map(|found| found.id), Some(user(2, "").id));
    });
}
