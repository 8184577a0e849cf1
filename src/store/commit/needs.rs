//! What the rules of the records need to know before a commit can be planned, and whoever decided has not read.

use idflow_core::grant::Grant;
use idflow_core::id::UserId;
use idflow_core::journey::Journey;
use idflow_core::session::Session;
use idflow_core::user::User;

use super::people::{People, UserChange};
use crate::StoreError;
use crate::read::{ReadSet, Wanted};
use crate::record::grant::GrantRecord;
use crate::record::standing::Standing;
use crate::record::uniqueness::{self, Uniqueness};
use crate::record::user_index::UserIndex;

impl ReadSet {
    /// Reads it: one round trip, and one or two more for who takes a value that somebody had before, or does not know
    /// the index of today.
    pub(super) async fn also_for(
        &mut self,
        people: &mut People,
        journeys: &[Journey],
        sessions: &[Session],
        grants: &[Grant],
    ) -> Result<(), StoreError> {
        for user in people.users.keys().filter(|user| people.creates(user)) {
            self.assume_absent::<User>(user.as_bytes());
            self.assume_absent::<Standing>(user.as_bytes());
        }
        let confirmed: Vec<Wanted> = people
            .confirmed
            .keys()
            .filter(|user| !people.creates(user))
            .flat_map(|user| {
                [Wanted::guard::<User>(user.as_bytes()), Wanted::guard::<Standing>(user.as_bytes())]
            })
            .collect();
        self.more(&confirmed).await?;
        people.confirm(|id| Ok::<_, StoreError>(self.known::<User>(id.as_bytes())?.cloned()))?;
        self.know_indices(people)?;
        let mut wanted = of_users(people, journeys, sessions, grants);
        wanted.extend(people.users.values().map(|change| uniqueness::wanted(&change.after.directory)));
        wanted.extend(entries(people));
        wanted.extend(self.sessions_of(sessions, grants));
        self.more(&wanted).await?;
        self.know_indices(people)?;
        let wanted: Vec<Wanted> = entries(people).collect();
        self.more(&wanted).await?;
        let mut holders = Vec::new();
        for change in people.users.values() {
            holders.extend(self.holders(change)?.iter().map(|user| Wanted::guard::<User>(user.as_bytes())));
        }
        self.more(&holders).await
    }

    /// The sessions of grants that are new.
    fn sessions_of(&self, sessions: &[Session], grants: &[Grant]) -> Vec<Wanted> {
        let is_new = |grant: &&Grant| !self.has_read::<GrantRecord>(grant.id.as_bytes());
        let opened = |grant: &&Grant| sessions.iter().any(|session| session.id == grant.session);
        let others = grants.iter().filter(is_new).filter(|grant| !opened(grant));
        others.flat_map(|grant| Wanted::session(&grant.session)).collect()
    }

    /// Whoever changes a user keeps every index that there is or is being made, whatever they know of the Directory: a
    /// value without an entry could be given to somebody else.
    fn know_indices(&self, people: &mut People) -> Result<(), StoreError> {
        for change in people.users.values_mut() {
            if let Some(known) = self.known::<Uniqueness>(&uniqueness::id(&change.after.directory))? {
                change.unique.extend(known.indexed.iter().cloned());
                let building = known.building.iter().flat_map(|building| &building.attributes);
                change.unique.extend(building.cloned());
                change.identifiers.clone_from(&known.identifiers);
            }
            change.derive(self.keyring());
        }
        Ok(())
    }

    /// Whom the entries of a change name besides its user: they may have the value still, or have left it behind.
    fn holders(&self, change: &UserChange) -> Result<Vec<UserId>, StoreError> {
        let mut holders = Vec::new();
        for id in change.claimed() {
            holders.extend(self.get::<UserIndex>(id)?.into_iter().flat_map(UserIndex::holders));
        }
        holders.retain(|holder| *holder != change.after.id);
        Ok(holders)
    }
}

/// The index entries that the changes leave and claim.
fn entries(people: &People) -> impl Iterator<Item = Wanted> {
    people.users.values().flat_map(UserChange::entries).map(|id| Wanted::guard::<UserIndex>(id))
}

/// The people whom a commit concerns.
fn of_users(people: &People, journeys: &[Journey], sessions: &[Session], grants: &[Grant]) -> Vec<Wanted> {
    let changed =
        people.users.values().filter(|change| change.before.is_some()).map(|change| change.after.id);
    let concerned = journeys.iter().filter_map(|journey| journey.user);
    let signed_in = sessions.iter().filter_map(|session| session.user);
    let granted = grants.iter().map(|grant| grant.user);
    let users = changed.chain(concerned).chain(signed_in).chain(granted).chain(people.ended.iter().copied());
    let old = users.filter(|user| !people.creates(user));
    old.flat_map(|user| [Wanted::guard::<User>(user.as_bytes()), Wanted::guard::<Standing>(user.as_bytes())])
        .collect()
}
