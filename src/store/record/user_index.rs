//! `5 │ HMAC(directory, attribute, normalized value)` → which user has it. Made and removed with the user's
//! attributes, in the same batch; its absence is the condition that makes a value unique.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_core::user::{User, normalized_identifier};
use serde::{Deserialize, Serialize};

use super::{Numbered as _, Record, Reseal, counter, uniqueness, user};
use crate::backend::{Batch, Condition, Effect, Key, Lookup, Versioned};
use crate::read::{ReadSet, Wanted};
use crate::seal::Keyring;
use crate::{Store, StoreError};

/// An entry as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct UserIndex {
    pub(crate) user: UserId,
    /// Who had the same value before the attribute became unique. Then it identifies nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<UserId>,
    /// By which attribute, so that the entry can be made anew under another key.
    pub(crate) attribute: String,
}

impl UserIndex {
    /// The entry of somebody, and of whoever shares the value.
    pub(crate) fn of(user: UserId, others: Vec<UserId>, attribute: &str) -> Self {
        Self { user, others, attribute: attribute.to_owned() }
    }

    pub(crate) fn holders(&self) -> impl Iterator<Item = UserId> {
        std::iter::once(self.user).chain(self.others.iter().copied())
    }
}

impl Record for UserIndex {
    const RESEAL: Reseal = |store, batch, _, id, record| Box::pin(moved(store, batch, id, record));

    fn expires(&self) -> Option<Timestamp> {
        None
    }

    fn owner(&self) -> Option<UserId> {
        Some(self.user)
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        Self::of(
            UserId::random(chance),
            vec![UserId::random(chance)],
            &idflow_core::chance::token(chance),
        )
    }
}

/// The ids under every key of the ring, the current one first; none for a value that cannot identify anybody.
pub(crate) fn ids(keyring: &Keyring, directory: &str, attribute: &str, value: &str) -> Vec<[u8; 32]> {
    let value = normalized_identifier(value);
    if value.is_empty() {
        return Vec::new();
    }
    let parts: [&[u8]; 3] = [directory.as_bytes(), attribute.as_bytes(), value.as_bytes()];
    keyring.derivations("user index", &parts).collect()
}

/// The ids of a user's unique attributes, by attribute.
pub(crate) fn ids_of<'a>(
    keyring: &Keyring,
    user: &User,
    unique: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<&'a str, Vec<[u8; 32]>> {
    let named = unique.into_iter().filter_map(|attribute| {
        let ids = ids(keyring, &user.directory, attribute, user.text(attribute)?);
        (!ids.is_empty()).then_some((attribute.as_str(), ids))
    });
    named.collect()
}

/// Where a name of a user would stand if it were a name of another kind, such as an address for a user name.
pub(crate) struct NameElsewhere<'a> {
    /// The attribute that the user has.
    pub(crate) attribute: &'a str,
    /// The attribute under which somebody else may have the same.
    pub(crate) other: &'a str,
    pub(crate) id: [u8; 32],
}

/// Where the names of a user would stand under the other identifiers.
pub(crate) fn names_elsewhere<'a>(
    keyring: &Keyring,
    user: &User,
    identifiers: &'a BTreeSet<String>,
) -> Vec<NameElsewhere<'a>> {
    let mut found = Vec::new();
    for attribute in identifiers {
        let Some(value) = user.text(attribute) else { continue };
        for other in identifiers.iter().filter(|other| *other != attribute) {
            let ids = ids(keyring, &user.directory, other, value).into_iter();
            found.extend(ids.map(|id| NameElsewhere { attribute, other, id }));
        }
    }
    found
}

impl Store {
    /// What [`ReadSet::find_user`] reads, to be read together with other things: the index entries with whoever they
    /// name, and counters of theirs.
    pub fn user_by(
        &self,
        directory: &str,
        attributes: &[String],
        value: &str,
        counters: &[String],
    ) -> Vec<Wanted> {
        let counters = counters.iter().map(|what| counter::of_users(self.keyring(), what));
        let prefixes: Vec<Key> = user::prefixes().into_iter().chain(counters).collect();
        let ids = attributes.iter().flat_map(|attribute| ids(self.keyring(), directory, attribute, value));
        let entries = ids.map(|id| Wanted::hint(UserIndex::KIND.key(&id)).along(prefixes.clone()));
        // Whoever creates a user needs it next.
        entries.chain([Wanted::hint(uniqueness::key(directory))]).collect()
    }
}

impl ReadSet {
    /// The one user of a directory who has the value, compared in normalized form, as any of the attributes: nobody when
    /// it is one user's under one attribute and another's under another, because whoever asks could mean either. One
    /// round trip: an entry leads to its user. Two where it was written by an earlier program, or where several have the
    /// value.
    pub async fn find_user(
        &mut self,
        directory: &str,
        attributes: &[String],
        value: &str,
    ) -> Result<Option<User>, StoreError> {
        self.more(&self.store().user_by(directory, attributes, value, &[])).await?;
        let mut entries = Vec::new();
        for id in attributes.iter().flat_map(|attribute| ids(self.keyring(), directory, attribute, value)) {
            entries.extend(self.get::<UserIndex>(&id)?);
        }
        let holders = entries.iter().flat_map(UserIndex::holders);
        let wanted: Vec<Wanted> = holders.flat_map(|user| Wanted::person(&user)).collect();
        self.more(&wanted).await?;
        // An entry is only a pointer, and may have been left behind: what counts is the user's own record.
        let mut called = BTreeMap::new();
        for entry in &entries {
            for id in entry.holders() {
                let holder = self.user(&id)?;
                let holder = holder.filter(|user| is_called(user, directory, &entry.attribute, value));
                called.extend(holder.map(|user| (id, user)));
            }
        }
        let only = called.len() == 1;
        Ok(called.into_values().next().filter(|_| only))
    }
}

/// Whether a user of the directory has this value, compared in normalized form.
pub(crate) fn is_called(user: &User, directory: &str, attribute: &str, value: &str) -> bool {
    user.directory == directory
        && user.text(attribute).map(normalized_identifier) == Some(normalized_identifier(value))
}

/// An entry's id depends on the key: it goes, and one under the current key comes, unless the user is gone or has
/// another value by now.
async fn moved(store: &Store, batch: &mut Batch, id: &[u8], record: &Versioned) -> Result<(), StoreError> {
    let entry: UserIndex = super::open(store.keyring(), id, record)?;
    batch.push(UserIndex::KIND.key(id), Condition::Version(record.version), Effect::Delete);
    for holder in entry.holders() {
        let key = User::KIND.key(holder.as_bytes());
        let found = store.backend().read(&[Lookup::only(key.clone())]).await?.pop();
        let Some((_, Some(user))) = found else { continue };
        let value: User = super::open(store.keyring(), holder.as_bytes(), &user)?;
        let text = value.text(&entry.attribute).unwrap_or("");
        let ids = ids(store.keyring(), &value.directory, &entry.attribute, text);
        if let Some(current) = ids.first().filter(|_| ids.iter().any(|known| known == id)) {
            batch.push(key, Condition::Version(user.version), Effect::Check);
            batch.push(UserIndex::KIND.key(current), Condition::Absent, store.put(current, &entry)?);
            break;
        }
    }
    Ok(())
}
