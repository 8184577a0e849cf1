//! Side writes folded per person, so that every record stands in the batch once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use idflow_core::id::UserId;
use idflow_core::secret::PasswordHash;
use idflow_core::user::{User, UserState};
use idflow_core::write::Write;

use super::CommitError;

/// What a commit's side writes come to.
#[derive(Default)]
pub(super) struct People {
    pub(super) users: BTreeMap<UserId, UserChange>,
    pub(super) passwords: BTreeMap<UserId, PasswordHash>,
    /// Whose sessions, grants and journeys end.
    pub(super) ended: BTreeSet<UserId>,
}

/// A user before and after the commit.
pub(super) struct UserChange {
    /// As whoever decided knew them; nothing for a new user.
    pub(super) before: Option<User>,
    pub(super) after: User,
    /// Attributes whose normalized value identifies a user.
    pub(super) unique: BTreeSet<String>,
    /// Of these, those that all name a user at sign-in.
    pub(super) identifiers: BTreeSet<String>,
}

impl UserChange {
    fn of(before: Option<User>, after: User, unique: Vec<String>) -> Self {
        Self { before, after, unique: unique.into_iter().collect(), identifiers: BTreeSet::new() }
    }
}

impl People {
    pub(super) fn of(writes: Vec<Write>) -> Result<Self, CommitError> {
        let mut people = Self::default();
        for write in writes {
            match write {
                Write::CreateUser { user, unique } => people.create(user, unique)?,
                Write::UpdateUser { user, previous, unique } => people.update(user, &previous, unique)?,
                Write::SetPassword { user, hash, ends_sessions } => {
                    people.passwords.insert(user, hash);
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

    fn create(&mut self, user: User, unique: Vec<String>) -> Result<(), CommitError> {
        match self.users.entry(user.id) {
            Entry::Occupied(_) => Err(CommitError::Conflict),
            Entry::Vacant(entry) => {
                entry.insert(UserChange::of(None, user, unique));
                Ok(())
            }
        }
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
                entry.insert(UserChange::of(before, after, Vec::new()))
            }
        };
        if change.after != *previous {
            return Err(CommitError::Conflict);
        }
        change.after = user;
        change.unique.extend(unique);
        Ok(())
    }
}

impl UserChange {
    /// Whether the user becomes locked or unlocked.
    pub(super) fn lock(&self) -> Option<bool> {
        let locked = |user: &User| user.state == UserState::Locked;
        let before = self.before.as_ref().is_some_and(locked);
        let after = locked(&self.after);
        (before != after).then_some(after)
    }
}
