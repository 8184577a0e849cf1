//! `5 │ HMAC(directory, attribute, canonical value)` → which user has it. Made and removed with the user's
//! attributes, in the same batch; its absence is the condition that makes a value unique. One that leads to
//! reservations only expires with the last of them.

use std::collections::BTreeMap;

use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_core::name::canonical;
use idflow_core::user::User;
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
    /// Until when the value is kept for reservations, where no user has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
}

impl UserIndex {
    /// The entry of somebody, and of whoever shares the value.
    pub(crate) fn of(user: UserId, others: Vec<UserId>, attribute: &str) -> Self {
        Self { user, others, attribute: attribute.to_owned(), until: None }
    }

    pub(crate) fn holders(&self) -> impl Iterator<Item = UserId> {
        std::iter::once(self.user).chain(self.others.iter().copied())
    }
}

impl Record for UserIndex {
    const RESEAL: Reseal = |store, batch, _, id, record| Box::pin(moved(store, batch, id, record));

    fn expires(&self) -> Option<Timestamp> {
        self.until
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

/// The ids under every key of the ring, the current one first; none for a value that cannot identify anybody. The first
/// version knew another form of a value: what it wrote is found by that one too, for an index that is made anew leaves
/// it behind.
pub(crate) fn ids(keyring: &Keyring, directory: &str, attribute: &str, value: &str) -> Vec<[u8; 32]> {
    let (form, former) = (canonical(value), former(value));
    let forms = [Some(&form), Some(&former).filter(|former| **former != form)];
    let ids = forms.into_iter().flatten().filter(|form| !form.is_empty()).flat_map(|form| {
        let parts: [&[u8]; 3] = [directory.as_bytes(), attribute.as_bytes(), form.as_bytes()];
        keyring.derivations("user index", &parts).collect::<Vec<_>>()
    });
    ids.collect()
}

/// What values were found by before [`canonical`] was: trimmed and lower case.
fn former(value: &str) -> String {
    value.trim().to_lowercase()
}

/// A user of a directory by a value of an attribute: which index entries may lead to them.
pub struct UserBy<'a> {
    directory: &'a str,
    value: &'a str,
    entries: Vec<[u8; 32]>,
    wanted: Vec<Wanted>,
}

impl UserBy<'_> {
    /// What [`ReadSet::find_user`] reads, to be read together with other things.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }
}

impl Store {
    /// Whoever has the value as any of the attributes. Counters of theirs are read along.
    pub fn user_by<'a>(
        &self,
        directory: &'a str,
        attributes: &[String],
        value: &'a str,
        counters: &[String],
    ) -> UserBy<'a> {
        let counters = counters.iter().map(|what| counter::of_users(self.keyring(), what));
        let prefixes: Vec<Key> = user::prefixes().into_iter().chain(counters).collect();
        let ids = |attribute| ids(self.keyring(), directory, attribute, value);
        let entries: Vec<[u8; 32]> = attributes.iter().flat_map(|attribute| ids(attribute)).collect();
        let hints = entries.iter().map(|id| Wanted::hint(UserIndex::KIND.key(id)).along(prefixes.clone()));
        // Whoever creates a user needs it next.
        let wanted = hints.chain([Wanted::hint(uniqueness::key(directory))]).collect();
        UserBy { directory, value, entries, wanted }
    }
}

impl ReadSet {
    /// The one user of a directory who has the value, compared in canonical form, as any of the attributes: nobody
    /// when it is one user's under one attribute and another's under another, because whoever asks could mean either.
    /// A reservation is nobody.
    pub async fn find_user(&mut self, by: &UserBy<'_>) -> Result<Option<User>, StoreError> {
        let mut users = self.called(by).await?;
        users.retain(|user| user.reserved.is_none());
        let only = users.len() == 1;
        Ok(users.pop().filter(|_| only))
    }

    /// Whoever has the value or has reserved it: a user before a reservation, and one that has proven the value before
    /// one that has not. For who is about to give it to somebody.
    pub async fn find_holder(&mut self, by: &UserBy<'_>) -> Result<Option<User>, StoreError> {
        let users = self.called(by).await?;
        let form = canonical(by.value);
        let is_value = |name: &String, user: &User| user.text(name).map(canonical).as_deref() == Some(&*form);
        let has_proven = |user: &User| user.verified.iter().any(|name| is_value(name, user));
        Ok(users.into_iter().min_by_key(|user| (user.reserved.is_some(), !has_proven(user))))
    }

    /// Everybody who has the value or has reserved it. One round trip: an entry leads to its user. Two where it was
    /// written by an earlier program, or where several have the value.
    async fn called(&mut self, by: &UserBy<'_>) -> Result<Vec<User>, StoreError> {
        self.more(&by.wanted).await?;
        let mut entries = Vec::new();
        for id in &by.entries {
            entries.extend(self.get::<UserIndex>(id)?.cloned());
        }
        let holders = entries.iter().flat_map(UserIndex::holders);
        let wanted: Vec<Wanted> = holders.flat_map(|user| Wanted::person(&user)).collect();
        self.more(&wanted).await?;
        // An entry is only a pointer, and may have been left behind: what counts is the user's own record.
        let mut called = BTreeMap::new();
        for entry in &entries {
            for id in entry.holders() {
                let holder = self.user(&id)?;
                let holder = holder.filter(|user| is_called(user, by.directory, &entry.attribute, by.value));
                called.extend(holder.map(|user| (id, user)));
            }
        }
        Ok(called.into_values().collect())
    }
}

/// Whether a user of the directory has this value, compared in canonical form.
pub(crate) fn is_called(user: &User, directory: &str, attribute: &str, value: &str) -> bool {
    user.directory == directory
        && user.text(attribute).map(canonical) == Some(canonical(value))
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
