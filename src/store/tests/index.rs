//! The index follows the Directory, whenever an attribute becomes unique.

use std::collections::BTreeSet;

use super::*;
use crate::backend::{Batch, Condition, Effect, Key, Refusal};
use crate::commit::planned;
use crate::record::Numbered as _;
use crate::record::user_index::{self, UserIndex};
use crate::{CommitError, Uniqueness};

fn named(number: u8, nickname: &str) -> User {
    let mut user = user(number, &format!("{number}@example.com"));
    user.attributes.insert("nickname".to_owned(), nickname.into());
    user
}

/// Users from before the nickname was unique: most with one of their own, three with the same.
async fn before(store: &Store) {
    for number in 1..=250 {
        let nickname = if number % 100 == 7 { "Shared".to_owned() } else { format!("nick{number}") };
        done(store, store.blind().writes([create(named(number, &nickname))])).await;
    }
}

fn with_nickname(write: Write) -> Write {
    match write {
        Write::CreateUser { user, mut unique } => {
            unique.push("nickname".to_owned());
            Write::CreateUser { user, unique }
        }
        Write::UpdateUser { user, previous, mut unique } => {
            unique.push("nickname".to_owned());
            Write::UpdateUser { user, previous, unique }
        }
        other @ (Write::SetPassword { .. } | Write::ConfirmUser { .. } | Write::DeleteUser { .. }) => other,
    }
}

async fn follow(store: &Store, again: bool) -> Uniqueness {
    let unique = BTreeSet::from(["email", "nickname"].map(str::to_owned));
    let identifiers = BTreeSet::new();
    store.follow_directory("people", &unique, &identifiers, again, NOW).await.unwrap()
}

/// Everybody's address and nickname are indexed.
async fn followed(store: &Store) {
    while follow(store, false).await.building.is_some() {}
}

/// One step towards an index of the address alone.
async fn follow_the_address_alone(store: &Store) -> Uniqueness {
    let email = BTreeSet::from(["email".to_owned()]);
    store.follow_directory("people", &email, &BTreeSet::new(), false, NOW).await.unwrap()
}

/// The store in a folder, as the next process opens it.
async fn reopened(folder: &std::path::Path) -> Store {
    Store::open_redb(folder.join("store"), keyring(), Arc::new(SeededChance::new(1))).await.unwrap()
}

async fn found(store: &Store, nickname: &str) -> Option<UserId> {
    found_by(store, &["nickname"], nickname).await
}

#[test]
fn an_attribute_that_becomes_unique_is_indexed_in_steps_that_survive_a_kill() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let mut store = reopened(folder.path()).await;
        before(&store).await;
        let mut steps = 0;
        loop {
            let state = follow(&store, false).await;
            steps += 1;
            if state.building.is_none() {
                break;
            }
            // Nobody is given a value while it may be somebody else's; what is unique already stays so.
            let newcomer = with_nickname(create(named(251, "nick200")));
            let refused = store.commit(store.blind().writes([newcomer])).await;
            let not_indexed = |attribute: &String| attribute == "nickname" || attribute == "email";
            assert!(
                matches!(&refused, Err(CommitError::Unavailable(StoreError::NotIndexed { attribute })) if not_indexed(attribute)),
                "{refused:?}"
            );
            drop(store);
            store = reopened(folder.path()).await;
        }
        assert_eq!(steps, 4, "the mark, then a hundred users at a time");
        let state = store.uniqueness("people", NOW).await.unwrap().unwrap();
        assert_eq!(state.duplicates.get("nickname"), Some(&2), "the second and the third of three");
        assert_eq!(found(&store, "NICK200").await, Some(named(200, "").id));
        assert_eq!(found(&store, "shared").await, None, "who shares a value is not found by it");
        for taken in ["nick200", "shared"] {
            let twin = store.commit(store.blind().writes([with_nickname(create(named(251, taken)))])).await;
            assert_eq!(twin, Err(CommitError::Taken { attribute: "nickname".to_owned() }));
        }
        done(&store, store.blind().writes([with_nickname(create(named(251, "new")))])).await;
    });
}

#[test]
fn nobody_escapes_an_index_that_is_being_made_by_not_knowing_of_it() {
    run(async {
        let store = store();
        while follow_the_address_alone(&store).await.building.is_some() {}
        done(&store, store.blind().writes([create(named(9, "taken"))])).await;
        assert!(follow(&store, false).await.building.is_some());
        let refused = store.commit(store.blind().writes([create(named(1, "taken"))])).await;
        let not_indexed = StoreError::NotIndexed { attribute: "nickname".to_owned() };
        assert_eq!(refused, Err(CommitError::Unavailable(not_indexed)));
        done(&store, store.blind().writes([create(user(2, "2@example.com"))])).await;
    });
}

async fn found_by_either(store: &Store, name: &str) -> Option<UserId> {
    found_by(store, &["nickname", "email"], name).await
}

async fn found_by(store: &Store, attributes: &[&str], value: &str) -> Option<UserId> {
    let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
    let by = store.user_by("people", &attributes, value, &[]);
    store.reads(NOW).find_user(&by).await.unwrap().map(|user| user.id)
}

#[test]
fn a_name_that_is_one_users_nickname_and_another_ones_address_is_nobodys() {
    run(async {
        let store = store();
        followed(&store).await;
        let own = user(1, "ada@example.com");
        done(&store, store.blind().writes([with_nickname(create(own))])).await;
        assert_eq!(found_by_either(&store, "ada@example.com").await, Some(user(1, "").id));
        // Who takes somebody's address for a nickname gets neither that account nor its owner into his own.
        done(&store, store.blind().writes([with_nickname(create(named(2, "ada@example.com")))])).await;
        assert_eq!(found_by_either(&store, "ada@example.com").await, None);
        assert_eq!(found_by_either(&store, "2@example.com").await, Some(user(2, "").id));
    });
}

#[test]
fn a_name_that_somebody_has_under_another_identifier_is_taken() {
    run(async {
        let store = store();
        let both = BTreeSet::from(["email", "nickname"].map(str::to_owned));
        while store.follow_directory("people", &both, &both, false, NOW).await.unwrap().building.is_some() {}
        done(&store, store.blind().writes([with_nickname(create(named(1, "Countess@Example.com")))])).await;
        done(&store, store.blind().writes([with_nickname(create(named(2, "2@example.com")))])).await;
        let taken = |attribute: &str| Err(CommitError::Taken { attribute: attribute.to_owned() });
        let impostor = with_nickname(create(named(3, "1@example.com")));
        assert_eq!(store.commit(store.blind().writes([impostor])).await, taken("nickname"));
        let mut owner = user(3, "countess@example.com");
        owner.attributes.insert("nickname".to_owned(), "third".into());
        assert_eq!(store.commit(store.blind().writes([with_nickname(create(owner))])).await, taken("email"));
        let (before, after) = (named(2, "2@example.com"), named(2, "1@EXAMPLE.com"));
        let renamed = Write::UpdateUser { user: after, previous: before.clone(), unique: Vec::new() };
        assert_eq!(store.commit(store.blind().writes([renamed])).await, taken("nickname"));
        // Both decide before either has written.
        let as_nickname = store.blind().writes([with_nickname(create(named(4, "fifth@example.com")))]);
        let as_address = store.blind().writes([with_nickname(create(user(5, "fifth@example.com")))]);
        let (first, second) = (planned(as_nickname).await, planned(as_address).await);
        assert_eq!(store.backend().apply(first).await, Ok(()));
        assert!(matches!(store.backend().apply(second).await, Err(Refusal::Rejected(_))));
        let freed =
            Write::UpdateUser { user: user(2, "two@example.com"), previous: before, unique: Vec::new() };
        done(&store, store.blind().writes([freed])).await;
        done(&store, store.blind().writes([with_nickname(create(named(3, "2@example.com")))])).await;
    });
}

#[test]
fn an_entry_that_was_left_behind_hides_nobody_who_is_called_so() {
    run(async {
        let store = store();
        followed(&store).await;
        let had = named(1, "ada@example.com");
        done(&store, store.blind().writes([with_nickname(create(had.clone()))])).await;
        follow_the_address_alone(&store).await;
        let renamed = Write::UpdateUser { user: named(1, "ada"), previous: had, unique: Vec::new() };
        done(&store, store.blind().writes([renamed])).await;
        followed(&store).await;
        done(&store, store.blind().writes([with_nickname(create(user(2, "ada@example.com")))])).await;
        assert_eq!(found_by_either(&store, "ada@example.com").await, Some(user(2, "").id));
    });
}

#[test]
fn who_gives_up_a_shared_value_leaves_it_to_the_others() {
    run(async {
        let store = store();
        before(&store).await;
        followed(&store).await;
        for number in [7, 207] {
            let (before, after) = (named(number, "Shared"), named(number, &format!("own{number}")));
            done(&store, store.blind().writes([with_nickname(update(&before, after))])).await;
        }
        assert_eq!(found(&store, "shared").await, Some(named(107, "").id), "one is left, and found");
        let twin = store.commit(store.blind().writes([with_nickname(create(named(251, "shared")))])).await;
        assert_eq!(twin, Err(CommitError::Taken { attribute: "nickname".to_owned() }));
        assert!(!follow(&store, false).await.duplicates.is_empty(), "nobody has looked again");
        let mut state = follow(&store, true).await;
        while state.building.is_some() {
            state = follow(&store, false).await;
        }
        assert!(state.duplicates.is_empty(), "{state:?}");
    });
}

#[test]
fn an_index_that_was_given_up_is_made_anew() {
    run(async {
        let store = store();
        before(&store).await;
        followed(&store).await;
        let email = BTreeSet::from(["email".to_owned()]);
        let state = follow_the_address_alone(&store).await;
        assert_eq!((state.indexed, state.building), (email, None));
        // Written while the nickname is not unique: the index knows nothing of it.
        let (before, after) = (named(1, "nick1"), named(1, "elsewhere"));
        done(&store, store.blind().writes([update(&before, after)])).await;
        followed(&store).await;
        assert_eq!(found(&store, "elsewhere").await, Some(named(1, "").id));
        assert_eq!(found(&store, "nick1").await, None);
    });
}

#[test]
fn a_value_given_up_while_it_did_not_count_can_be_taken_again() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let mut store = reopened(folder.path()).await;
        before(&store).await;
        followed(&store).await;
        follow_the_address_alone(&store).await;
        // The entry of the old value stays behind, and so does that of the shared one.
        for (number, nickname) in [(1, "nick1"), (107, "Shared"), (207, "Shared")] {
            let (before, after) = (named(number, nickname), named(number, &format!("elsewhere{number}")));
            done(&store, store.blind().writes([update(&before, after)])).await;
        }
        while follow(&store, false).await.building.is_some() {
            drop(store);
            store = reopened(folder.path()).await;
        }
        let nick1 = |number| store.blind().writes([with_nickname(create(named(number, "Nick1")))]);
        done(&store, nick1(251)).await;
        assert_eq!(found(&store, "nick1").await, Some(named(251, "").id));
        let taken = Err(CommitError::Taken { attribute: "nickname".to_owned() });
        assert_eq!(store.commit(nick1(252)).await, taken, "and by one only");
        let shared = store.blind().writes([with_nickname(create(named(252, "shared")))]);
        assert_eq!(store.commit(shared).await, taken, "one has it still");
        let own = with_nickname(update(&named(1, "elsewhere1"), named(1, "elsewhere1 again")));
        done(&store, store.blind().writes([own])).await;
        let back = with_nickname(update(&named(1, "elsewhere1 again"), named(1, "ELSEWHERE1")));
        done(&store, store.blind().writes([back])).await;
        assert_eq!(found(&store, "elsewhere1").await, Some(named(1, "").id));
    });
}

#[test]
fn of_two_who_take_a_value_that_was_left_behind_one_gets_it() {
    run(async {
        for owner_first in [true, false] {
            let store = store();
            before(&store).await;
            followed(&store).await;
            follow_the_address_alone(&store).await;
            let elsewhere = named(1, "elsewhere");
            done(&store, store.blind().writes([update(&named(1, "nick1"), elsewhere.clone())])).await;
            followed(&store).await;
            let back = store.blind().writes([with_nickname(update(&elsewhere, named(1, "nick1")))]);
            let new = store.blind().writes([with_nickname(create(named(251, "nick1")))]);
            let [first, second] = if owner_first { [back, new] } else { [new, back] };
            // Both decide on what was there before either has written.
            let (first, second) = (planned(first).await, planned(second).await);
            assert_eq!(store.backend().apply(first).await, Ok(()));
            assert!(matches!(store.backend().apply(second).await, Err(Refusal::Rejected(_))));
            let winner = if owner_first { 1 } else { 251 };
            assert_eq!(found(&store, "nick1").await, Some(named(winner, "").id));
        }
    });
}

#[test]
fn who_does_not_know_that_an_attribute_is_unique_enters_its_values_all_the_same() {
    run(async {
        let store = store();
        before(&store).await;
        followed(&store).await;
        done(&store, store.blind().writes([create(named(251, "newcomer"))])).await;
        assert_eq!(found(&store, "newcomer").await, Some(named(251, "").id));
        let renamed = update(&named(251, "newcomer"), named(251, "renamed"));
        done(&store, store.blind().writes([renamed])).await;
        assert_eq!(found(&store, "newcomer").await, None);
        assert_eq!(found(&store, "renamed").await, Some(named(251, "").id));
        for number in [252, 253] {
            let twin = store.commit(store.blind().writes([create(named(number, "Renamed"))])).await;
            assert_eq!(twin, Err(CommitError::Taken { attribute: "nickname".to_owned() }));
        }
    });
}

/// Replaces a record by bytes that nobody can open.
async fn damage(store: &Store, key: Key) {
    let mut batch = Batch::at(NOW);
    batch.push(key, Condition::Any, Effect::Put { bytes: b"damaged".to_vec(), expires: None });
    store.backend().apply(batch).await.unwrap();
}

#[test]
fn a_user_who_cannot_be_read_stops_no_index_and_is_reported() {
    run(async {
        let store = store();
        before(&store).await;
        let whole = named(50, "nick50");
        damage(&store, User::KIND.key(whole.id.as_bytes())).await;
        let mut state = follow(&store, false).await;
        for _ in 0..9 {
            state = follow(&store, false).await;
        }
        assert_eq!(state.building, None);
        assert!(state.indexed.contains("nickname"));
        assert_eq!((state.unreadable.get("nickname"), state.unreadable.get("email")), (Some(&1), Some(&1)));
        assert_eq!(found(&store, "nick200").await, Some(named(200, "").id), "everybody else is found");
        // Somebody has brought the record back, for example from a backup.
        let mut batch = Batch::at(NOW);
        let restored = store.put(whole.id.as_bytes(), &whole).unwrap();
        batch.push(User::KIND.key(whole.id.as_bytes()), Condition::Any, restored);
        store.backend().apply(batch).await.unwrap();
        assert!(!follow(&store, false).await.unreadable.is_empty(), "nobody has looked again");
        let mut state = follow(&store, true).await;
        while state.building.is_some() {
            state = follow(&store, false).await;
        }
        assert!(state.unreadable.is_empty(), "{state:?}");
        assert_eq!(found(&store, "nick50").await, Some(whole.id));
    });
}

#[test]
fn an_entry_that_cannot_be_read_stops_no_index_and_gives_its_value_to_nobody() {
    run(async {
        let store = store();
        before(&store).await;
        let entry = user_index::ids(store.keyring(), "people", "nickname", "nick50")[0];
        damage(&store, UserIndex::KIND.key(&entry)).await;
        let mut state = follow(&store, false).await;
        for _ in 0..9 {
            state = follow(&store, false).await;
        }
        assert_eq!((state.building, state.unreadable.get("nickname")), (None, Some(&1)));
        let taken = store.commit(store.blind().writes([with_nickname(create(named(251, "nick50")))])).await;
        assert!(matches!(taken, Err(CommitError::Unavailable(_))), "{taken:?}");
    });
}

#[test]
fn whoever_left_a_value_behind_and_has_it_again_keeps_it() {
    run(async {
        let store = store();
        // Nobody follows the Directory, so that who does not name the attribute makes no entries of it.
        done(&store, store.blind().writes([with_nickname(create(named(1, "nick1")))])).await;
        let elsewhere = named(1, "elsewhere");
        done(&store, store.blind().writes([update(&named(1, "nick1"), elsewhere.clone())])).await;
        let taking = planned(store.blind().writes([with_nickname(create(named(2, "nick1")))])).await;
        done(&store, store.blind().writes([update(&elsewhere, named(1, "nick1"))])).await;
        assert!(matches!(store.backend().apply(taking).await, Err(Refusal::Rejected(_))));
        assert_eq!(found(&store, "nick1").await, Some(named(1, "").id));
    });
}
