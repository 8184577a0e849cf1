//! Side writes folded per person, so that every record stands in the batch once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use idflow_core::Data;
use idflow_core::id::UserId;
use idflow_core::secret::PasswordHash;
use idflow_core::user::{Reservation, User, UserState};
use idflow_core::write::Write;

use super::CommitError;
use crate::record::user_index::ids;
use crate::seal::Keyring;

/// What a commit's side writes come to.
#[derive(Default)]
pub(super) struct People {
    pub(super) users: BTreeMap<UserId, UserChange>,
    pub(super) passwords: BTreeMap<UserId, PasswordHash>,
    /// Whose sessions, grants and journeys end.
    pub(super) ended: BTreeSet<UserId>,
    /// Whose sign-up is finished, if they are reservations, with the addresses that it has proven.
    pub(super) confirmed: BTreeMap<UserId, Vec<String>>,
}

/// A user before and after the commit.
pub(super) struct UserChange {
    /// As whoever decided knew them; nothing for a new user.
    pub(super) before: Option<User>,
    pub(super) after: User,
    /// Whether nothing is left of the user.
    pub(super) is_deleted: bool,
    /// Whether a sign-up is finished by it, so that a reservation becomes a user and claims everything anew.
    pub(super) becomes_user: bool,
    /// Attributes whose normalized value identifies a user.
    pub(super) unique: BTreeSet<String>,
    /// Of these, those that all name a user at sign-in.
    pub(super) identifiers: BTreeSet<String>,
    /// By attribute: the index entries of its value.
    pub(super) names: BTreeMap<String, Named>,
    /// By attribute and another identifier: where a name that is new would stand if it were one of the other kind, such
    /// as an address for a user name.
    pub(super) elsewhere: BTreeMap<(String, String), Entries>,
}

/// The ids of a value's index entries under every key of the ring, the current one first; none for a value that cannot
/// identify anybody.
pub(super) type Entries = Vec<[u8; 32]>;

/// What an attribute's value is found by before and after a commit.
pub(super) struct Named {
    pub(super) before: Entries,
    pub(super) after: Entries,
}

impl People {
    pub(super) fn of(writes: Vec<Write>) -> Result<Self, CommitError> {
        let mut people = Self::default();
        for write in writes {
            match write {
                Write::CreateUser { user, unique } => people.create(user, unique)?,
                Write::UpdateUser { user, previous, unique } => people.update(user, &previous, unique)?,
                Write::DeleteUser { previous } => people.delete(&previous)?,
                Write::ConfirmUser { user, addresses } => {
                    people.confirmed.entry(user).or_default().extend(addresses);
                }
                Write::SetPassword { user, hash, ends_sessions } => {
                    people.passwords.insert(user, hash);
                    people.confirmed.entry(user).or_default();
                    if ends_sessions {
                        people.ended.insert(user);
                    }
                }
            }
        }
        Ok(people)
    }

    /// Whether this commit makes the user.
    pub(super) fn creates(&self, user: &UserId) -> bool {
        self.users.get(user).is_some_and(|change| change.before.is_none())
    }

    /// Whether nobody but a sign-up knew the user before this commit.
    pub(super) fn welcomes(&self, user: &UserId) -> bool {
        self.users.get(user).is_some_and(|change| change.before.is_none() || change.becomes_user)
    }

    /// Makes users of the reservations that were confirmed; `known` is what was read of somebody whom nothing else
    /// concerns.
    pub(super) fn confirm<E>(&mut self, known: impl Fn(&UserId) -> Result<Option<User>, E>) -> Result<(), E> {
        for (id, addresses) in std::mem::take(&mut self.confirmed) {
            let is_reservation = |user: &User| user.reserved.is_some();
            match self.users.get_mut(&id) {
                Some(change) if is_reservation(&change.after) => change.confirm(&addresses),
                Some(_) => {}
                None => {
                    if let Some(user) = known(&id)?.filter(is_reservation) {
                        let mut change = UserChange::of(Some(user.clone()), user);
                        change.confirm(&addresses);
                        self.users.insert(id, change);
                    }
                }
            }
        }
        Ok(())
    }

    fn create(&mut self, mut user: User, unique: Vec<String>) -> Result<(), CommitError> {
        if let Some(Reservation { unique: reserved, .. }) = &mut user.reserved {
            reserved.clone_from(&unique);
        }
        match self.users.entry(user.id) {
            Entry::Occupied(_) => Err(CommitError::Conflict),
            Entry::Vacant(entry) => {
                entry.insert(UserChange::of(None, user)).unique.extend(unique);
                Ok(())
            }
        }
    }

    /// Without attributes nobody is found, so that every entry of the index is left.
    fn delete(&mut self, previous: &User) -> Result<(), CommitError> {
        let nobody =
            User { attributes: Data::new(), verified: Vec::new(), groups: Vec::new(), ..previous.clone() };
        self.update(nobody, previous, Vec::new())?;
        if let Some(change) = self.users.get_mut(&previous.id) {
            change.is_deleted = true;
        }
        self.ended.insert(previous.id);
        Ok(())
    }

    fn update(&mut self, user: User, previous: &User, unique: Vec<String>) -> Result<(), CommitError> {
        // An id or directory never changes: the index and every session would point to somebody else.
        if user.id != previous.id || user.directory != previous.directory {
            return Err(CommitError::Conflict);
        }
        let change = match self.users.entry(user.id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let (before, after) = (Some(previous.clone()), previous.clone());
                entry.insert(UserChange::of(before, after))
            }
        };
        if change.after != *previous {
            return Err(CommitError::Conflict);
        }
        change.after = user.replacing(previous);
        let reserved = change.after.reserved.iter().flat_map(|reservation| &reservation.unique);
        change.unique.extend(unique.into_iter().chain(reserved.cloned()));
        Ok(())
    }
}

impl UserChange {
    const fn of(before: Option<User>, after: User) -> Self {
        Self {
            before,
            after,
            is_deleted: false,
            becomes_user: false,
            unique: BTreeSet::new(),
            identifiers: BTreeSet::new(),
            names: BTreeMap::new(),
            elsewhere: BTreeMap::new(),
        }
    }

    /// Derives the entries of every attribute that is known to be unique by now, each once.
    pub(super) fn derive(&mut self, keyring: &Keyring) {
        let Self { before, after, is_deleted: _, becomes_user, unique, identifiers, names, elsewhere } = self;
        let old = |attribute: &str| before.as_ref().and_then(|before| before.text(attribute));
        let entries = |attribute: &str, value: Option<&str>| {
            value.map(|value| ids(keyring, &after.directory, attribute, value)).unwrap_or_default()
        };
        for attribute in unique.iter() {
            names.entry(attribute.clone()).or_insert_with(|| {
                let (was, is) = (old(attribute), after.text(attribute));
                let new = entries(attribute, is);
                Named { before: if was == is { new.clone() } else { entries(attribute, was) }, after: new }
            });
        }
        let is_news = |name: &&String| *becomes_user || old(name) != after.text(name);
        for attribute in identifiers.iter().filter(is_news) {
            for other in identifiers.iter().filter(|other| *other != attribute) {
                let place = elsewhere.entry((attribute.clone(), other.clone()));
                place.or_insert_with(|| entries(other, after.text(attribute)));
            }
        }
    }

    fn confirm(&mut self, addresses: &[String]) {
        let reservation = self.after.reserved.take();
        self.unique.extend(reservation.into_iter().flat_map(|reservation| reservation.unique));
        self.after = self.after.clone().confirmed(addresses);
        self.becomes_user = true;
    }

    /// The attributes whose values become the user's now, or that a sign-up has proven now.
    pub(super) fn claims(&self) -> impl Iterator<Item = &String> {
        let is_proven_now = |attribute: &str| {
            let had = self.before.as_ref().is_some_and(|before| before.has_proven(attribute));
            self.after.reserved.is_some() && self.after.has_proven(attribute) && !had
        };
        let news = self.names.iter().filter(move |(attribute, named)| {
            self.becomes_user || named.before != named.after || is_proven_now(attribute)
        });
        news.map(|(attribute, _)| attribute)
    }

    /// Every entry that the change may leave or claim, or find somebody else under.
    pub(super) fn entries(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.names.values().flat_map(|named| &named.before).chain(self.claimed())
    }

    /// Those of them under which somebody else would have a name of the user.
    pub(super) fn claimed(&self) -> impl Iterator<Item = &[u8; 32]> {
        let own = self.names.values().map(|named| &named.after);
        own.chain(self.elsewhere.values()).flatten()
    }

    /// Whether the user is called otherwise from now on.
    pub(super) fn is_renamed(&self) -> bool {
        self.before.is_some() && self.names.values().any(|named| named.before != named.after)
    }

    /// Whether the user becomes locked or unlocked.
    pub(super) fn lock(&self) -> Option<bool> {
        let locked = |user: &User| user.state == UserState::Locked;
        let before = self.before.as_ref().is_some_and(locked);
        let after = locked(&self.after);
        (before != after).then_some(after)
    }
}
