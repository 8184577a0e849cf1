//! Loading users from a file: for demonstrations, load tests and moving in.

use idflow_core::chance::Chance;
use idflow_core::id::UserId;
use idflow_core::secret::SecretText;
use idflow_core::time::Clock;
use idflow_core::user::{MOST_GROUPS, User, UserState, is_group};
use idflow_core::write::Write;
use idflow_core::{Data, Value, name};
use idflow_factor::Hasher;
use idflow_store::{Commit, CommitError, Store};
use serde::Deserialize;

use crate::configuration::Directory;

/// One user of the file: `password`, `groups`, `verified` with the names of attributes that were proven elsewhere, and any
/// attributes of the Directory.
#[derive(Deserialize)]
pub struct NewUser {
    password: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    verified: Vec<String>,
    #[serde(flatten)]
    attributes: Data,
}

/// A user that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The password is longer than can be hashed.
    #[error("user {0} of the file has a password that is too long to be hashed")]
    Password(usize),
    /// The value of an attribute that is an address.
    #[error("user {0} of the file has a value of {1} that is no mail address anybody can have")]
    Address(usize, String),
    /// What is said to be proven is not there.
    #[error("user {0} of the file has no value of {1}, which it says is verified")]
    NothingVerified(usize, String),
    /// A group cannot be called so.
    #[error(
        "user {0} of the file is in a group {1:?}: a name has 1 to 128 characters, none of them a control character, and at most {MOST_GROUPS} are told"
    )]
    Group(usize, String),
    /// The name of another person.
    #[error(
        "user {0} of the file has a {1} that is somebody else's: the users before it are loaded, it is not"
    )]
    Taken(usize, String),
    /// The store refused.
    #[error("user {0} of the file was not stored: {1}")]
    Store(usize, CommitError),
}

/// The values as forms would store them; the error is the attribute whose value is not the address it should be.
fn stored(mut attributes: Data, directory: &Directory) -> Result<Data, String> {
    for name in &directory.unique {
        if let Some(Value::String(text)) = attributes.get_mut(name) {
            *text = name::shown(text).into_owned();
        }
    }
    for name in &directory.addresses {
        if let Some(Value::String(text)) = attributes.get_mut(name).filter(|value| **value != "") {
            *text = name::address(text).ok_or_else(|| name.clone())?;
        }
    }
    Ok(attributes)
}

fn check(index: usize, user: &User) -> Result<(), LoadError> {
    if let Some(missing) = user.verified.iter().find(|name| !user.attributes.contains_key(*name)) {
        return Err(LoadError::NothingVerified(index, missing.clone()));
    }
    let mut wrong = user.groups.iter().enumerate().filter(|(at, name)| *at >= MOST_GROUPS || !is_group(name));
    wrong.next().map_or(Ok(()), |(_, name)| Err(LoadError::Group(index, name.clone())))
}

/// Creates the users that do not exist yet and returns how many there were.
pub async fn load(
    users: Vec<NewUser>,
    directory: (&str, &Directory),
    store: &Store,
    hasher: &Hasher,
    clock: &dyn Clock,
    chance: &dyn Chance,
) -> Result<usize, LoadError> {
    let mut created = 0;
    for (index, new) in users.into_iter().enumerate() {
        let mut reads = store.reads(clock.now());
        let now = reads.now();
        let id = UserId::random(chance);
        let user = User {
            id,
            directory: directory.0.to_owned(),
            attributes: stored(new.attributes, directory.1)
                .map_err(|name| LoadError::Address(index, name))?,
            verified: new.verified,
            groups: new.groups,
            state: UserState::Active,
            created: now,
            updated: now,
            reserved: None,
        };
        check(index, &user)?;
        let known =
            directory.1.unique.iter().find_map(|name| Some((name.clone(), user.text(name)?.to_owned())));
        if let Some((name, value)) = known {
            let found = reads.find_user(&store.user_by(directory.0, &[name], &value, &[])).await;
            if found.map_err(|error| LoadError::Store(index, error.into()))?.is_some() {
                continue;
            }
        }
        let mut writes = vec![Write::CreateUser { user, unique: directory.1.unique.clone() }];
        if let Some(password) = new.password {
            let hash =
                hasher.hash(&SecretText::new(password), chance).map_err(|_| LoadError::Password(index))?;
            writes.push(Write::SetPassword { user: id, hash, ends_sessions: false });
        }
        match store.commit(Commit::after(reads).writes(writes)).await {
            Ok(()) => created += 1,
            Err(CommitError::Taken { attribute }) => return Err(LoadError::Taken(index, attribute)),
            Err(error) => return Err(LoadError::Store(index, error)),
        }
    }
    Ok(created)
}
