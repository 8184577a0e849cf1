//! What users are called: entries of the index are left and claimed with the user's attributes, in the same batch.
//!
//! A reservation keeps a value from nobody before its sign-up has proven the address: whoever becomes a user first has
//! it. From then on it gives way to a user whom another program makes, and to a sign-up that has proven the address too.
//! Those that have proven nothing stand beside each other, the latest few of them in the entry: whoever invents
//! sign-ups makes nobody's look-up longer, and drives nobody out.

use std::collections::{BTreeMap, BTreeSet};

use idflow_core::id::UserId;
use idflow_core::user::User;

use super::CommitError;
use super::people::{Entries, Named, UserChange};
use super::plan::Planner;
use crate::StoreError;
use crate::backend::{Condition, Effect};
use crate::record::credential::Credential;
use crate::record::user_index::{UserIndex, is_called};
use crate::record::{Numbered as _, Record as _};

/// How many sign-ups that have proven nothing an entry leads to. An earlier one goes on, and is judged by the entry when
/// it would become a user.
const MOST_UNPROVEN: usize = 4;

impl Planner {
    pub(super) fn user(&mut self, id: UserId, change: UserChange) -> Result<(), CommitError> {
        let claimed: BTreeSet<String> = change.claims().cloned().collect();
        let UserChange { before, after, is_deleted, becomes_user, names, elsewhere, .. } = change;
        if self.reads.get::<User>(id.as_bytes())? != before.as_ref() {
            return Err(CommitError::Conflict);
        }
        self.demand_index(&after, &names)?;
        for (attribute, named) in names.iter().filter(|(_, named)| named.before != named.after) {
            for entry in &named.before {
                self.leave(id, attribute, entry)?;
            }
        }
        if is_deleted {
            self.push(Credential::KIND.key(id.as_bytes()), Condition::Any, Effect::Delete)?;
            return self.push(User::KIND.key(id.as_bytes()), Condition::Any, Effect::Delete);
        }
        let by_program = before.is_none() && !becomes_user;
        for (attribute, named) in names.iter().filter(|(attribute, _)| claimed.contains(*attribute)) {
            self.claim(&after, by_program, attribute, &named.after)?;
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
        let until = known.and_then(|known| known.until);
        let mut others = known.into_iter().flat_map(UserIndex::holders).filter(|id| *id != user);
        let left = others.next().map(|first| UserIndex::of(first, others.collect(), attribute));
        match left {
            None => self.push(UserIndex::KIND.key(entry), Condition::Any, Effect::Delete),
            Some(left) => self.put(entry, Condition::Any, &UserIndex { until, ..left }),
        }
    }

    /// Makes a value the user's own, or keeps it for a reservation: no other user may have it, under no key of the ring.
    /// An entry whose holders have the value no more was left behind while the attribute was not unique, and is taken
    /// over as it was read.
    fn claim(
        &mut self,
        user: &User,
        by_program: bool,
        attribute: &str,
        ids: &[[u8; 32]],
    ) -> Result<(), CommitError> {
        let holders = self.holders(user, attribute, user.text(attribute).unwrap_or_default(), ids)?;
        let rivals = self.rivals_left(user, by_program, attribute, &holders)?;
        let entry = entry(user, attribute, &rivals);
        for (number, id) in ids.iter().enumerate() {
            let key = UserIndex::KIND.key(id);
            let effect = if number == 0 { self.reads.store().put(id, &entry)? } else { Effect::Delete };
            self.claimed.insert(key.clone(), attribute.to_owned());
            let is_anothers = holders.iter().any(|holder| holder.reserved.is_none() && holder.id != user.id);
            // Of several programs that make one user at once all but one find that there is one.
            if is_anothers || by_program && user.reserved.is_none() && holders.is_empty() {
                self.taken.insert(key.clone(), attribute.to_owned());
            }
            if is_anothers {
                // Judged with the batch, after its journey: of two posts of one form the second is none that lost a
                // name.
                self.demand(key, Condition::Absent, effect)?;
            } else {
                self.push(key, Condition::Absent, effect)?;
            }
        }
        Ok(())
    }

    /// The reservations that go on beside the user's own: the latest, for one that has proven nothing yet. To a user they
    /// give way, but one that has proven the address does not to who has not. A program that makes a user at once, such
    /// as an import, is believed.
    fn rivals_left(
        &mut self,
        user: &User,
        by_program: bool,
        attribute: &str,
        holders: &[User],
    ) -> Result<Vec<User>, CommitError> {
        let is_rival = |holder: &&User| holder.reserved.is_some() && holder.id != user.id;
        let rivals: Vec<User> = holders.iter().filter(is_rival).cloned().collect();
        let has_proven = user.has_proven(attribute);
        match user.reserved {
            Some(_) if !has_proven => return Ok(latest(rivals, attribute)),
            None if !has_proven && !by_program && rivals.iter().any(|rival| rival.has_proven(attribute)) => {
                return Err(CommitError::Taken { attribute: attribute.to_owned() });
            }
            _ => self.evicted.extend(rivals.iter().map(|rival| rival.id)),
        }
        Ok(Vec::new())
    }

    /// A name that somebody else has under another identifier is taken: at sign-in both would be meant.
    fn refuse_anothers(
        &self,
        user: &User,
        attribute: &str,
        other: &str,
        entries: &Entries,
    ) -> Result<(), CommitError> {
        let holders = self.holders(user, other, user.text(attribute).unwrap_or_default(), entries)?;
        if holders.iter().any(|holder| holder.reserved.is_none() && holder.id != user.id) {
            return Err(CommitError::Taken { attribute: attribute.to_owned() });
        }
        Ok(())
    }

    /// Those who have the value or have reserved it, of whom the entries name, in their order.
    fn holders(
        &self,
        user: &User,
        attribute: &str,
        value: &str,
        entries: &[[u8; 32]],
    ) -> Result<Vec<User>, CommitError> {
        let mut holders: Vec<User> = Vec::new();
        for entry in entries {
            for id in self.reads.get::<UserIndex>(entry)?.into_iter().flat_map(UserIndex::holders) {
                let holder = if id == user.id { None } else { self.reads.get::<User>(id.as_bytes())? };
                let is_known = holders.iter().any(|known| known.id == id);
                match holder.filter(|holder| is_called(holder, &user.directory, attribute, value)) {
                    Some(holder) if !is_known => holders.push(holder.clone()),
                    None if id == user.id && !is_known => holders.push(user.clone()),
                    _ => {}
                }
            }
        }
        Ok(holders)
    }

    /// Nothing stays of a sign-up that had to give way: its journey finds nobody.
    pub(super) fn evict(&mut self) -> Result<(), CommitError> {
        for id in std::mem::take(&mut self.evicted) {
            self.push(User::KIND.key(id.as_bytes()), Condition::Any, Effect::Delete)?;
        }
        Ok(())
    }
}

/// Those of the rivals that a sign-up without a proof stands beside: whoever has proven the value, and the latest others.
fn latest(mut rivals: Vec<User>, attribute: &str) -> Vec<User> {
    let unproven = rivals.iter().filter(|rival| !rival.has_proven(attribute)).count();
    let mut surplus = (unproven + 1).saturating_sub(MOST_UNPROVEN);
    rivals.retain(|rival| {
        let is_left_out = surplus > 0 && !rival.has_proven(attribute);
        surplus -= usize::from(is_left_out);
        !is_left_out
    });
    rivals
}

/// The entry of a user, or of a reservation and those that it stands beside.
fn entry(user: &User, attribute: &str, rivals: &[User]) -> UserIndex {
    let until = user.expires().map(|until| rivals.iter().filter_map(User::expires).fold(until, Ord::max));
    let mut holders = rivals.iter().map(|rival| rival.id).chain([user.id]);
    let first = holders.next().unwrap_or(user.id);
    UserIndex { until, ..UserIndex::of(first, holders.collect(), attribute) }
}
