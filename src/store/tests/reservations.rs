//! Sign-ups that are not finished: who keeps a name from whom, and what is left of whoever gives way.

use idflow_core::user::Reservation;

use super::*;
use crate::CommitError;

const ADA: &str = "ada@example.com";

fn reserving(id: u8, proven: bool) -> User {
    let verified = if proven { vec!["email".to_owned()] } else { Vec::new() };
    let reserved = Some(Reservation { until: later(Span::hours(24)), unique: Vec::new() });
    User { verified, reserved, ..user(id, ADA) }
}

fn confirm(id: u8, proven: bool) -> Write {
    let addresses = if proven { vec![ADA.to_owned()] } else { Vec::new() };
    Write::ConfirmUser { user: user(id, "").id, addresses }
}

/// Whether the sign-up of this number becomes a user.
async fn becomes(store: &Store, write: Write, id: u8) -> bool {
    let reads = store.read(NOW, &Wanted::person(&user(id, "").id)).await.unwrap();
    match store.commit(Commit::after(reads).writes([write])).await {
        Ok(()) => {
            store.find_user("people", ADA).await.unwrap().is_some_and(|found| found.id == user(id, "").id)
        }
        Err(CommitError::Taken { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn is_there(store: &Store, id: u8) -> bool {
    store.user(&user(id, "").id).await.unwrap().is_some()
}

#[test]
fn a_reservation_gives_way_to_whoever_is_finished_first_but_for_one_that_has_proven_the_name() {
    run(async {
        // Whether each has proven the address by the time that the later one would become a user.
        for (first_proven, second_proven, second_wins) in
            [(false, false, true), (true, false, false), (false, true, true), (true, true, true)]
        {
            let store = store();
            done(&store, store.blind().writes([create(reserving(1, first_proven))])).await;
            done(&store, store.blind().writes([create(reserving(2, false))])).await;
            assert_eq!(store.find_user("people", ADA).await, Ok(None), "both are nobody");
            let case = format!("{first_proven} {second_proven}");
            assert_eq!(becomes(&store, confirm(2, second_proven), 2).await, second_wins, "{case}");
            // A reservation that has proven the address before it was made is alone at once.
            assert_eq!(is_there(&store, 1).await, !second_wins, "{case}");
            assert_eq!(becomes(&store, confirm(1, first_proven), 1).await, !second_wins, "{case}");
            assert_eq!(is_there(&store, 2).await, second_wins, "{case}");
        }
    });
}

#[test]
fn a_sign_up_that_has_proven_the_name_before_leaves_no_other() {
    run(async {
        let store = store();
        done(&store, store.blind().writes([create(reserving(1, false))])).await;
        let waiting = store.read(NOW, &Wanted::person(&user(1, "").id)).await.unwrap();
        done(&store, store.blind().writes([create(reserving(2, true))])).await;
        assert!(!is_there(&store, 1).await);
        let late = Commit::after(waiting).writes([set_password(&user(1, ""), "evil", true)]);
        assert!(store.commit(late).await.is_err());
        assert!(becomes(&store, set_password(&user(2, ""), "own", true), 2).await);
        assert_eq!(store.credential(&user(1, "").id).await, Ok(None));
        let twin = store.commit(store.blind().writes([create(reserving(3, true))])).await;
        assert_eq!(
            twin,
            Err(CommitError::Taken { attribute: "email".to_owned() }),
            "a user gives way to nobody"
        );
    });
}

#[test]
fn another_program_makes_a_user_whatever_is_reserved() {
    run(async {
        let store = store();
        done(&store, store.blind().writes([create(reserving(1, true))])).await;
        done(&store, store.blind().writes([create(user(2, ADA)), set_password(&user(2, ADA), "own", false)]))
            .await;
        assert_eq!(store.find_user("people", ADA).await, Ok(Some(user(2, ADA))));
        assert!(!is_there(&store, 1).await);
    });
}

#[test]
fn two_sign_ups_at_once_are_one_user() {
    run(async {
        let store = store();
        for id in [1, 2] {
            done(&store, store.blind().writes([create(reserving(id, false))])).await;
        }
        let mut reads = Vec::new();
        for id in [1, 2] {
            reads.push(store.read(NOW, &Wanted::person(&user(id, "").id)).await.unwrap());
        }
        let mut outcomes = Vec::new();
        for (reads, id) in reads.into_iter().zip([1, 2]) {
            outcomes.push(store.commit(Commit::after(reads).writes([confirm(id, true)])).await);
        }
        assert_eq!(outcomes, [Ok(()), Err(CommitError::Conflict)]);
        assert_eq!(store.find_user("people", ADA).await.unwrap().unwrap().id, user(1, "").id);
    });
}

/// A thousand reservations of one address, of numbers from 10 on, as far as a byte of an id goes round.
async fn crowd(store: &Store) {
    for number in 0..1000_u16 {
        let [high, low] = number.to_be_bytes();
        let mut id = [0xee; 16];
        (id[0], id[1]) = (high, low);
        let rival = User { id: UserId::from_bytes(id), ..reserving(0, false) };
        done(store, store.blind().writes([create(rival)])).await;
    }
}

#[test]
fn a_thousand_reservations_of_one_name_are_few_in_its_entry_and_keep_nobody_out() {
    run(async {
        let store = store();
        done(&store, store.blind().writes([create(reserving(1, false))])).await;
        crowd(&store).await;
        let by = store.user_by("people", &["email".to_owned()], ADA, &[]);
        let mut reads = store.reads(NOW);
        reads.find_user(&by).await.unwrap();
        let users = reads.found_of::<User>();
        assert!(users <= 5, "{users} users are read at a sign-in");
        // The honest one came first, proves the address, and gets it; so does one who comes last.
        assert!(becomes(&store, confirm(1, true), 1).await);
        let mut first = [0xee; 16];
        (first[0], first[1]) = (0, 0);
        for late in [first, [0xee; 16]] {
            let reads = store.read(NOW, &Wanted::person(&UserId::from_bytes(late))).await.unwrap();
            let write = Write::ConfirmUser { user: UserId::from_bytes(late), addresses: Vec::new() };
            let _nothing_to_confirm = store.commit(Commit::after(reads).writes([write])).await;
            assert_eq!(store.find_user("people", ADA).await.unwrap().unwrap().id, user(1, "").id);
        }
    });
}

#[test]
fn proving_the_name_later_takes_it_from_those_who_have_not() {
    run(async {
        let store = store();
        done(&store, store.blind().writes([create(reserving(1, false))])).await;
        crowd(&store).await;
        let reads = store.read(NOW, &Wanted::person(&user(1, "").id)).await.unwrap();
        let previous = reads.user(&user(1, "").id).unwrap().unwrap();
        let proven = User { verified: vec!["email".to_owned()], ..previous.clone() };
        let write = Write::UpdateUser { user: proven, previous, unique: Vec::new() };
        done(&store, Commit::after(reads).writes([write])).await;
        done(&store, store.blind().writes([create(reserving(2, false))])).await;
        assert!(!becomes(&store, confirm(2, false), 2).await, "somebody has proven it");
        assert!(becomes(&store, confirm(1, false), 1).await);
    });
}

#[test]
fn what_earlier_programs_wrote_is_a_user() {
    let plain = serde_json::to_value(user(1, ADA)).unwrap();
    assert!(plain.get("reserved").is_none());
    assert_eq!(serde_json::from_value::<User>(plain).unwrap().reserved, None);
}
