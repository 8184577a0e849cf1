//! The index follows the Directory, whenever an attribute becomes unique.

use std::collections::BTreeSet;

use super::*;
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
        other @ Write::SetPassword { .. } => other,
    }
}

async fn follow(store: &Store, again: bool) -> Uniqueness {
    let unique = BTreeSet::from(["email", "nickname"].map(str::to_owned));
    store.follow_directory("people", &unique, again, NOW).await.unwrap()
}

async fn found(store: &Store, nickname: &str) -> Option<UserId> {
    let mut reads = store.reads(NOW);
    reads.find_user("people", &["nickname".to_owned()], nickname).await.unwrap().map(|user| user.id)
}

#[test]
fn an_attribute_that_becomes_unique_is_indexed_in_steps_that_survive_a_kill() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let open =
            || Store::open_redb(folder.path().join("store"), keyring(), Arc::new(SeededChance::new(1)));
        let mut store = open().await.unwrap();
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
            store = open().await.unwrap();
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
fn who_gives_up_a_shared_value_leaves_it_to_the_others() {
    run(async {
        let store = store();
        before(&store).await;
        while follow(&store, false).await.building.is_some() {}
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
        while follow(&store, false).await.building.is_some() {}
        let email = BTreeSet::from(["email".to_owned()]);
        let state = store.follow_directory("people", &email, false, NOW).await.unwrap();
        assert_eq!((state.indexed, state.building), (email, None));
        // Written while the nickname is not unique: the index knows nothing of it.
        let (before, after) = (named(1, "nick1"), named(1, "elsewhere"));
        done(&store, store.blind().writes([update(&before, after)])).await;
        while follow(&store, false).await.building.is_some() {}
        assert_eq!(found(&store, "elsewhere").await, Some(named(1, "").id));
        assert_eq!(found(&store, "nick1").await, None);
    });
}
