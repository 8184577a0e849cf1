//! Side writes folded per person, so that every record stands in the batch once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use idflow_core::id::UserId;
use idflow_core::secret::PasswordHash;
use idflow_core::session::Session;
use idflow_core::user::{User, UserState};
use idflow_core::write::Write;

use super::CommitError;
use crate::{Store, Stored};

/// What a commit's side writes come to.
#[derive(Default)]
pub(super) struct People {
    pub(super) users: BTreeMap<UserId, UserChange>,
    pub(super) passwords: BTreeMap<UserId, PasswordHash>,
    /// Whose sessions and grants end.
    pub(super) ended: BTreeSet<UserId>,
    pub(super) opened: Vec<Session>,
}

/// A user before and after the commit.
pub(super) struct UserChange {
    /// As stored; nothing for a new user.
    pub(super) before: Option<Stored<User>>,
    pub(super) after: User,
    /// Attributes whose normalized value identifies a user.
    pub(super) unique: BTreeSet<String>,
}

impl People {
    pub(super) async fn of(store: &Store, writes: Vec<Write>) -> Result<Self, CommitError> {
        let mut people = Self::default();
        for write in writes {
            match write {
                Write::CreateUser { user, unique } => people.create(user, unique)?,
                Write::UpdateUser { user, previous, unique } => {
                    people.update(store, user, &previous, unique).await?;
                }
                Write::SetPassword { user, hash, ends_sessions } => {
                    people.passwords.insert(user, hash);
                    if ends_sessions {
                        people.ended.insert(user);
                    }
                }
                Write::OpenSession(session) => people.opened.push(session),
            }
        }
        Ok(people)
    }

    fn create(&mut self, user: User, unique: Vec<String>) -> Result<(), CommitError> {
        match self.users.entry(user.id) {
            Entry::Occupied(_) => Err(CommitError::Conflict),
            Entry::Vacant(entry) => {
                entry.insert(UserChange { before: None, after: user, unique: unique.into_iter().collect() });
                Ok(())
            }
        }
    }

    async fn update(
        &mut self,
        store: &Store,
        user: User,
        previous: &User,
        unique: Vec<String>,
    ) -> Result<(), CommitError> {
        let change = match self.users.entry(user.id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let stored = store.user(&user.id).await?.ok_or(CommitError::Conflict)?;
                let after = stored.value.clone();
                entry.insert(UserChange { before: Some(stored), after, unique: BTreeSet::new() })
            }
        };
        // An id or directory never changes: the index and every session would point to somebody else.
        if change.after != *previous || user.id != previous.id || user.directory != previous.directory {
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
        let before = self.before.as_ref().is_some_and(|before| locked(&before.value));
        let after = locked(&self.after);
        (before != after).then_some(after)
    }
}
