//! What users are called: entries of the index are left and claimed with the user's attributes, in the same batch.

use idflow_core::id::UserId;
use idflow_core::user::User;

use super::CommitError;
use super::people::UserChange;
use super::plan::Planner;
use crate::StoreError;
use crate::backend::{Condition, Effect};
use crate::record::Numbered as _;
use crate::record::user_index::{NameElsewhere, UserIndex, ids_of, is_called, names_elsewhere};

impl Planner {
    pub(super) fn user(&mut self, id: UserId, change: UserChange) -> Result<(), CommitError> {
        let UserChange { before, after, unique, identifiers } = change;
        if self.reads.get::<User>(id.as_bytes())? != before {
            return Err(CommitError::Conflict);
        }
        let keyring = self.reads.keyring().clone();
        let old = before.as_ref().map(|before| ids_of(&keyring, before, &unique)).unwrap_or_default();
        let new = ids_of(&keyring, &after, &unique);
        self.demand_index(&after, new.keys().copied())?;
        for (attribute, ids) in old.iter().filter(|(attribute, ids)| new.get(*attribute) != Some(ids)) {
            for entry in ids {
                self.leave(id, attribute, entry)?;
            }
        }
        for (attribute, ids) in new.iter().filter(|(attribute, ids)| old.get(*attribute) != Some(ids)) {
            self.claim(&after, attribute, ids)?;
        }
        let is_new = |name: &&NameElsewhere<'_>| {
            before.as_ref().is_none_or(|before| before.text(name.attribute) != after.text(name.attribute))
        };
        for name in names_elsewhere(&keyring, &after, &identifiers).iter().filter(is_new) {
            self.refuse_anothers(&after, name)?;
        }
        self.put(id.as_bytes(), Condition::Absent, &after)
    }

    /// Nobody is given a value of an attribute that is not wholly indexed: somebody may have it already.
    fn demand_index<'a>(
        &self,
        user: &User,
        attributes: impl Iterator<Item = &'a str>,
    ) -> Result<(), CommitError> {
        let Some(known) = self.reads.uniqueness(&user.directory)? else { return Ok(()) };
        match attributes.into_iter().find(|attribute| !known.indexed.contains(*attribute)) {
            Some(missing) => Err(StoreError::NotIndexed { attribute: missing.to_owned() }.into()),
            None => Ok(()),
        }
    }

    /// Takes the user out of an entry, which goes unless others have the same value.
    fn leave(&mut self, user: UserId, attribute: &str, entry: &[u8; 32]) -> Result<(), CommitError> {
        let known = self.reads.get::<UserIndex>(entry)?;
        let mut others = known.iter().flat_map(UserIndex::holders).filter(|id| *id != user);
        match others.next() {
            None => self.push(UserIndex::KIND.key(entry), Condition::Any, Effect::Delete),
            Some(first) => {
                self.put(entry, Condition::Any, &UserIndex::of(first, others.collect(), attribute))
            }
        }
    }

    /// Makes a value the user's own: nobody else may have it, under no key of the ring. An entry whose holders have the
    /// value no more was left behind while the attribute was not unique, and is taken over as it was read.
    fn claim(&mut self, user: &User, attribute: &str, ids: &[[u8; 32]]) -> Result<(), CommitError> {
        let entry = UserIndex::of(user.id, Vec::new(), attribute);
        for (number, id) in ids.iter().enumerate() {
            let key = UserIndex::KIND.key(id);
            self.taken.insert(key.clone(), attribute.to_owned());
            let effect = if number == 0 { self.reads.store().put(id, &entry)? } else { Effect::Delete };
            if self.is_held(user, attribute, user.text(attribute).unwrap_or_default(), id)? {
                // Judged with the batch, after its journey: of two posts of one form the second is none that lost a name.
                self.demand(key, Condition::Absent, effect)?;
            } else {
                self.push(key, Condition::Absent, effect)?;
            }
        }
        Ok(())
    }

    /// A name that somebody else has under another identifier is taken: at sign-in both would be meant.
    fn refuse_anothers(&mut self, user: &User, name: &NameElsewhere<'_>) -> Result<(), CommitError> {
        if self.is_held(user, name.other, user.text(name.attribute).unwrap_or_default(), &name.id)? {
            return Err(CommitError::Taken { attribute: name.attribute.to_owned() });
        }
        Ok(())
    }

    /// Whether somebody else whom an entry names has the value.
    fn is_held(
        &self,
        user: &User,
        attribute: &str,
        value: &str,
        entry: &[u8; 32],
    ) -> Result<bool, CommitError> {
        let known = self.reads.get::<UserIndex>(entry)?;
        for holder in known.iter().flat_map(UserIndex::holders).filter(|holder| *holder != user.id) {
            let holder = self.reads.get::<User>(holder.as_bytes())?;
            if holder.is_some_and(|holder| is_called(&holder, &user.directory, attribute, value)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
