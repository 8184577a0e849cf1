//! What users are called: entries of the index are left and claimed with the user's attributes, in the same batch.

use std::collections::BTreeMap;

use idflow_core::id::UserId;
use idflow_core::user::User;

use super::CommitError;
use super::people::{Entries, Named, UserChange};
use super::plan::Planner;
use crate::StoreError;
use crate::backend::{Condition, Effect};
use crate::record::Numbered as _;
use crate::record::user_index::{UserIndex, is_called};

impl Planner {
    pub(super) fn user(&mut self, id: UserId, change: UserChange) -> Result<(), CommitError> {
        let UserChange { before, after, names, elsewhere, .. } = change;
        if self.reads.get::<User>(id.as_bytes())? != before.as_ref() {
            return Err(CommitError::Conflict);
        }
        self.demand_index(&after, &names)?;
        let changed = || names.iter().filter(|(_, named)| named.before != named.after);
        for (attribute, named) in changed() {
            for entry in &named.before {
                self.leave(id, attribute, entry)?;
            }
        }
        for (attribute, named) in changed() {
            self.claim(&after, attribute, &named.after)?;
        }
        for ((attribute, other), entries) in &elsewhere {
            self.refuse_anothers(&after, attribute, other, entries)?;
        }
        self.put(id.as_bytes(), Condition::Absent, &after)
    }

    /// Nobody is given a value of an attribute that is not wholly indexed: somebody may have it already.
    fn demand_index(&self, user: &User, names: &BTreeMap<String, Named>) -> Result<(), CommitError> {
        let Some(known) = self.reads.uniqueness(&user.directory)? else { return Ok(()) };
        let mut with_value = names.iter().filter(|(_, named)| !named.after.is_empty());
        match with_value.find(|(attribute, _)| !known.indexed.contains(*attribute)) {
            Some((missing, _)) => Err(StoreError::NotIndexed { attribute: missing.clone() }.into()),
            None => Ok(()),
        }
    }

    /// Takes the user out of an entry, which goes unless others have the same value.
    fn leave(&mut self, user: UserId, attribute: &str, entry: &[u8; 32]) -> Result<(), CommitError> {
        let known = self.reads.get::<UserIndex>(entry)?;
        let mut others = known.into_iter().flat_map(UserIndex::holders).filter(|id| *id != user);
        let left = others.next().map(|first| UserIndex::of(first, others.collect(), attribute));
        match left {
            None => self.push(UserIndex::KIND.key(entry), Condition::Any, Effect::Delete),
            Some(left) => self.put(entry, Condition::Any, &left),
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
                // Judged with the batch, after its journey: of two posts of one form the second is none that lost a
                // name.
                self.demand(key, Condition::Absent, effect)?;
            } else {
                self.push(key, Condition::Absent, effect)?;
            }
        }
        Ok(())
    }

    /// A name that somebody else has under another identifier is taken: at sign-in both would be meant.
    fn refuse_anothers(
        &self,
        user: &User,
        attribute: &str,
        other: &str,
        entries: &Entries,
    ) -> Result<(), CommitError> {
        for entry in entries {
            if self.is_held(user, other, user.text(attribute).unwrap_or_default(), entry)? {
                return Err(CommitError::Taken { attribute: attribute.to_owned() });
            }
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
        for holder in known.into_iter().flat_map(UserIndex::holders).filter(|holder| *holder != user.id) {
            let holder = self.reads.get::<User>(holder.as_bytes())?;
            if holder.is_some_and(|holder| is_called(holder, &user.directory, attribute, value)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
