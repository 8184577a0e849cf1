//! The index of unique attributes follows the live Directory: in small batches, each a commit of its own that also
//! says how far it has come, so that a killed process goes on where it was.
//!
//! While an attribute is being indexed nobody can be given a value of it (the commit is refused as unavailable). Whoever
//! is not in the index yet is not found by it, but where it is only made anew in another form: entries of the former
//! form lead to them meanwhile. A value that two users have already finds neither of them. A
//! record that cannot be opened stops nobody: it is counted, and the attribute is not called unique until it can be.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_core::user::User;

use crate::backend::{Batch, Condition, Effect, Key, Refusal};
use crate::read::{ReadSet, Wanted};
use crate::record::uniqueness::{self, Building, FORM, Uniqueness};
use crate::record::user_index::{UserIndex, ids, is_called};
use crate::record::{self, Numbered as _};
use crate::{Store, StoreError};

/// How many users one batch looks at.
const PAGE: usize = 100;

impl Store {
    /// Takes one step towards an index of exactly the `unique` attributes and returns where it stands. Repeat it while
    /// something is being built. `again` also looks anew at attributes with duplicates and unreadable
    /// records: somebody may have mended them.
    pub async fn follow_directory(
        &self,
        directory: &str,
        unique: &BTreeSet<String>,
        identifiers: &BTreeSet<String>,
        again: bool,
        now: Timestamp,
    ) -> Result<Uniqueness, StoreError> {
        let reads = self.read(now, &[uniqueness::wanted(directory)]).await?;
        let known = reads.uniqueness(directory)?.cloned();
        let mut next = followed(known.clone().unwrap_or_default(), unique, again);
        next.identifiers.clone_from(identifiers);
        let mut batch = Batch::at(now);
        // The mark that something is being built comes first, alone: from then on nobody is given such a value.
        if known.as_ref().and_then(|known| known.building.as_ref()).is_some_and(|known| {
            next.building.as_ref().is_some_and(|next| known.attributes == next.attributes)
        }) {
            self.build(directory, &mut next, &mut batch, now).await?;
        }
        if known.as_ref() == Some(&next) {
            return Ok(next);
        }
        let key = uniqueness::key(directory);
        let unchanged = reads.condition(&key).unwrap_or(Condition::Absent);
        batch.push(key, unchanged, self.put(&uniqueness::id(directory), &next)?);
        match self.backend().apply(batch).await {
            Ok(()) => Ok(next),
            // Somebody changed a user, or follows too: the step is taken again.
            Err(Refusal::Rejected(_)) => Ok(known.unwrap_or_default()),
            Err(Refusal::Unavailable(unavailable)) => Err(unavailable.into()),
        }
    }

    async fn build(
        &self,
        directory: &str,
        state: &mut Uniqueness,
        batch: &mut Batch,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(mut building) = state.building.take() else { return Ok(()) };
        let after = building.after.as_ref().map(|id| &id.as_bytes()[..]);
        let (records, more) = self.list(User::KIND, after, PAGE).await?;
        let mut page = Page { store: self, now, entries: BTreeMap::new(), reads: self.reads(now) };
        for (id, stored) in &records {
            building.after = <[u8; 16]>::try_from(id.as_slice()).ok().map(UserId::from_bytes);
            batch.push(User::KIND.key(id), Condition::Version(stored.version), Effect::Check);
            match record::open::<User>(self.keyring(), id, stored) {
                // Its sign-up claims its names anew before it becomes a user.
                Ok(user) if user.reserved.is_some() => {}
                Ok(user) if user.directory == directory => building.add(&mut page, &user).await?,
                Ok(_) => {}
                // Whose directory it is nobody can say.
                Err(corrupt) => {
                    building
                        .attributes
                        .iter()
                        .for_each(|attribute| one_more(&mut building.unreadable, attribute));
                    tracing::error!(directory, %corrupt, "a user could not be indexed");
                }
            }
        }
        page.write(batch)?;
        if more {
            state.building = Some(building);
        } else {
            state.take_over(building);
        }
        Ok(())
    }
}

impl Building {
    async fn add(&mut self, page: &mut Page<'_>, user: &User) -> Result<(), StoreError> {
        let directory = &user.directory;
        for attribute in &self.attributes {
            match page.add(user, attribute).await {
                Ok(false) => {}
                Ok(true) => {
                    one_more(&mut self.duplicates, attribute);
                    tracing::warn!(directory, attribute, user = %user.id, "a user has a value that another user has too");
                }
                Err(StoreError::Corrupt(corrupt)) => {
                    one_more(&mut self.unreadable, attribute);
                    tracing::error!(directory, attribute, user = %user.id, %corrupt, "a user could not be indexed");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Uniqueness {
    /// The index is made.
    fn take_over(&mut self, built: Building) {
        let counts = [(&mut self.duplicates, built.duplicates), (&mut self.unreadable, built.unreadable)];
        for (known, found) in counts {
            known.retain(|attribute, _| !built.attributes.contains(attribute));
            known.extend(found);
        }
        self.indexed.extend(built.attributes);
    }

    /// Attributes that are indexed and not unique for certain.
    fn doubtful(&self) -> impl Iterator<Item = &String> {
        self.duplicates.keys().chain(self.unreadable.keys())
    }
}

fn one_more(counts: &mut BTreeMap<String, u32>, attribute: &str) {
    *counts.entry(attribute.to_owned()).or_default() += 1;
}

/// The state that follows these attributes: what is not indexed and not being indexed begins now.
fn followed(mut state: Uniqueness, unique: &BTreeSet<String>, again: bool) -> Uniqueness {
    if state.form < FORM {
        // Names that were different may be one by today's form: until everybody is found by it, nobody is given one.
        state = Uniqueness {
            form: FORM,
            duplicates: state.duplicates,
            unreadable: state.unreadable,
            ..Uniqueness::default()
        };
    }
    state.indexed.retain(|attribute| unique.contains(attribute));
    state.duplicates.retain(|attribute, _| unique.contains(attribute));
    state.unreadable.retain(|attribute, _| unique.contains(attribute));
    let missing: BTreeSet<String> = unique.difference(&state.indexed).cloned().collect();
    let covers = |building: &Building| {
        building.attributes.is_superset(&missing) && building.attributes.is_subset(unique)
    };
    if state.building.as_ref().is_some_and(covers) {
        return state;
    }
    let doubtful = state.doubtful().filter(|_| again).cloned();
    let attributes: BTreeSet<String> = missing.into_iter().chain(doubtful).collect();
    state.building = (!attributes.is_empty()).then(|| Building { attributes, ..Building::default() });
    state
}

/// The entries that one batch changes.
struct Page<'a> {
    store: &'a Store,
    now: Timestamp,
    entries: BTreeMap<[u8; 32], (Condition, UserIndex)>,
    reads: ReadSet,
}

impl Page<'_> {
    /// Enters a user; true when somebody else has the value too.
    async fn add(&mut self, user: &User, attribute: &str) -> Result<bool, StoreError> {
        let keyring = self.store.keyring();
        let ids = ids(keyring, &user.directory, attribute, user.text(attribute).unwrap_or_default());
        let Some(current) = ids.first() else { return Ok(false) };
        let wanted: Vec<Wanted> = ids.iter().map(|id| Wanted::guard::<UserIndex>(id)).collect();
        self.reads.more(&wanted).await?;
        let mut holders: Vec<UserId> = Vec::new();
        let mut is_entered = false;
        for id in &ids {
            let entry = match self.entries.get(id) {
                Some((_, entry)) => Some(entry.clone()),
                None => self.reads.get::<UserIndex>(id)?.cloned(),
            };
            is_entered |= id == current && entry.as_ref().is_some_and(|entry| entry.user == user.id);
            holders.extend(entry.iter().flat_map(UserIndex::holders));
        }
        if is_entered && holders.iter().all(|holder| *holder == user.id) {
            return Ok(false);
        }
        holders.retain(|holder| *holder != user.id);
        holders = self.still_called(&holders, user, attribute).await?;
        let is_shared = !holders.is_empty();
        let entry = UserIndex::of(user.id, holders, attribute);
        let condition = self.reads.condition(&UserIndex::KIND.key(current)).unwrap_or(Condition::Absent);
        self.entries.insert(*current, (condition, entry));
        Ok(is_shared)
    }

    /// Those of the holders who have the same value as the user.
    async fn still_called(
        &self,
        holders: &[UserId],
        user: &User,
        attribute: &str,
    ) -> Result<Vec<UserId>, StoreError> {
        let wanted: Vec<Wanted> = holders.iter().flat_map(Wanted::person).collect();
        let reads = self.store.read(self.now, &wanted).await?;
        let mut still = Vec::new();
        for id in holders {
            let holder = reads.user(id)?.filter(|holder| holder.reserved.is_none());
            let value = user.text(attribute).unwrap_or_default();
            if holder.is_some_and(|holder| is_called(&holder, &user.directory, attribute, value)) {
                still.push(*id);
            }
        }
        Ok(still)
    }

    fn write(self, batch: &mut Batch) -> Result<(), StoreError> {
        for (id, (condition, entry)) in self.entries {
            let key: Key = UserIndex::KIND.key(&id);
            batch.push(key, condition, self.store.put(&id, &entry)?);
        }
        Ok(())
    }
}
