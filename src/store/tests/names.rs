//! Names of the first version, which had another form: every account is found by what it was found by before, and by
//! every other spelling once its index is made anew. Nobody is merged.

use std::collections::BTreeSet;

use idflow_core::user::Reservation;

use super::*;
use crate::backend::{Batch, Condition};
use crate::record::Numbered as _;
use crate::record::uniqueness::{self, Uniqueness};
use crate::record::user_index::{self, UserIndex};
use crate::{Doubt, DoubtfulName, Names};

const COMPOSED: &str = "\u{e5}sa@example.org";
const DECOMPOSED: &str = "A\u{30a}sa@example.org";
const OTHER: &str = "a\u{30a}sa\u{200b}@example.org";

/// A store as the first version left it: every user under the former form of its name alone.
async fn of_the_first_version(names: &[&str]) -> Store {
    let store = store();
    let mut batch = Batch::at(NOW);
    for (id, name) in (1..).zip(names) {
        let user = user(id, name);
        let entry = user_index::ids(store.keyring(), "people", "email", name).pop().unwrap();
        batch.push(
            User::KIND.key(user.id.as_bytes()),
            Condition::Any,
            store.put(user.id.as_bytes(), &user).unwrap(),
        );
        let index = UserIndex::of(user.id, Vec::new(), "email");
        batch.push(UserIndex::KIND.key(&entry), Condition::Any, store.put(&entry, &index).unwrap());
    }
    let known = serde_json::json!({ "indexed": ["email"], "identifiers": ["email"] });
    let known: Uniqueness = serde_json::from_value(known).unwrap();
    let id = uniqueness::id("people");
    batch.push(uniqueness::key("people"), Condition::Any, store.put(&id, &known).unwrap());
    store.backend().apply(batch).await.unwrap();
    store
}

async fn follow(store: &Store) -> Uniqueness {
    let email = BTreeSet::from(["email".to_owned()]);
    store.follow_directory("people", &email, &email, false, NOW).await.unwrap()
}

async fn followed(store: &Store) -> Uniqueness {
    loop {
        let state = follow(store).await;
        if state.building.is_none() {
            return state;
        }
    }
}

async fn found(store: &Store, name: &str) -> Option<UserId> {
    store.find_user("people", name).await.unwrap().map(|user| user.id)
}

#[test]
fn j_16_an_account_of_the_first_version_is_found_as_before_and_then_by_every_spelling() {
    run(async {
        let store = of_the_first_version(&[DECOMPOSED, "bob@example.org"]).await;
        let [asa, bob] = [1, 2].map(|id| Some(user(id, "").id));
        assert_eq!(found(&store, DECOMPOSED).await, asa, "before the index is made anew");
        assert_eq!(found(&store, "Bob@example.org").await, bob);
        let early = store.commit(store.blind().writes([create(user(3, "eve@example.org"))])).await;
        assert_eq!(early, Ok(()), "nobody has begun");
        assert!(follow(&store).await.building.is_some());
        // Somebody could be given another spelling of a name that is not entered yet.
        let twin = store.commit(store.blind().writes([create(user(4, COMPOSED))])).await;
        assert!(
            matches!(twin, Err(crate::CommitError::Unavailable(StoreError::NotIndexed { .. }))),
            "{twin:?}"
        );
        assert!(followed(&store).await.is_unique("email"));
        for name in [DECOMPOSED, COMPOSED, OTHER, "\u{c5}SA@EXAMPLE.ORG", "\u{e5}sa\u{ff20}example.org"] {
            assert_eq!(found(&store, name).await, asa, "{name:?}");
        }
        let twin = store.commit(store.blind().writes([create(user(4, OTHER))])).await;
        assert_eq!(twin, Err(crate::CommitError::Taken { attribute: "email".to_owned() }));
        assert_eq!(followed(&store).await, followed(&store).await, "it is made once");
    });
}

#[test]
fn accounts_that_meet_in_one_form_are_neither_merged_nor_found_and_are_listed() {
    run(async {
        let store = of_the_first_version(&[DECOMPOSED, OTHER, "bob@example.org"]).await;
        let state = followed(&store).await;
        assert!(!state.is_unique("email") && state.duplicates["email"] == 1, "{state:?}");
        for name in [DECOMPOSED, COMPOSED, OTHER] {
            assert_eq!(found(&store, name).await, None, "{name:?}");
        }
        let listed = doubtful(&store).await;
        let [one] = listed.as_slice() else { panic!("{listed:?}") };
        assert_eq!((one.doubt, one.name.as_str(), one.users.len()), (Doubt::Shared, COMPOSED, 2));
        assert_eq!(found(&store, "bob@example.org").await, Some(user(3, "").id));
        // Somebody mends it.
        let reads = store.read(NOW, &Wanted::person(&user(2, "").id)).await.unwrap();
        let change = update(&user(2, OTHER), user(2, "asa2@example.org"));
        done(&store, Commit::after(reads).writes([change])).await;
        assert_eq!(found(&store, COMPOSED).await, Some(user(1, "").id));
        assert_eq!(doubtful(&store).await, Vec::new());
    });
}

/// All pages of the doubtful names of `email`.
async fn doubtful(store: &Store) -> Vec<DoubtfulName> {
    let is = |_: &str, attribute: &str| (attribute == "email").then_some(Names::Addresses);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.doubtful_names(NOW, after, is).await.unwrap();
        assert!(page.found.len() <= 500, "a page is a page");
        found.extend(page.found);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

#[test]
fn doubtful_names_are_listed_page_by_page_whatever_the_number_of_users() {
    run(async {
        let store = store();
        for number in 0..1200_u16 {
            let [high, low] = number.to_be_bytes();
            let mut id = [0xee; 16];
            (id[0], id[1]) = (high, low);
            let address = match number {
                n if n % 100 == 0 && n != 900 => format!("a..{n}@example.org"),
                900 => "ad\u{430}@example.org".to_owned(),
                _ => format!("user{number}@example.org"),
            };
            let named = User { id: UserId::from_bytes(id), ..user(1, &address) };
            done(&store, store.blind().writes([create(named)])).await;
        }
        let reserved = Some(Reservation { until: later(Span::hours(24)), unique: Vec::new() });
        let reserving = User { reserved, ..user(0xef, "c..d@example.org") };
        done(&store, store.blind().writes([create(reserving)])).await;
        let found = doubtful(&store).await;
        let of = |doubt: Doubt| found.iter().filter(|one| one.doubt == doubt).count();
        assert_eq!([Doubt::Shared, Doubt::NoAddress, Doubt::MixedScripts].map(of), [0, 11, 1], "{found:?}");
    });
}
