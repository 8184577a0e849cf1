//! `4 │ user id` → the user; a reservation expires with its end.

use idflow_core::block::BlockTarget;
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use idflow_core::user::{User, UserState};

use super::{Numbered as _, Record, block};
use super::credential::Credential;
use super::standing::Standing;
use crate::StoreError;
use crate::backend::Key;
use crate::read::{ReadSet, Wanted};

impl Record for User {
    fn expires(&self) -> Option<Timestamp> {
        self.reserved.as_ref().map(|reservation| reservation.until)
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        Self { id: UserId::random(chance), ..crate::tests::user(1, &idflow_core::chance::token(chance)) }
    }
}

impl Wanted {
    /// A user, and everything that says whether they count: standing, password hash, off switch.
    pub fn person(id: &UserId) -> [Self; 4] {
        prefixes().map(|prefix| Self::guarded([prefix.as_slice(), id.as_bytes()].concat()))
    }
}

/// What the keys of a person's records begin with; the user's id follows.
pub(crate) fn prefixes() -> [Key; 4] {
    [User::KIND.key(&[]), Standing::KIND.key(&[]), Credential::KIND.key(&[]), block::of_users()]
}

impl ReadSet {
    /// A user who was read with [`Wanted::person`]: one who is switched off is locked.
    pub fn user(&self, id: &UserId) -> Result<Option<User>, StoreError> {
        let Some(user) = self.get::<User>(id.as_bytes())?.cloned() else { return Ok(None) };
        let blocked = self.is_blocked(&BlockTarget::User(*id))?;
        Ok(Some(if blocked { User { state: UserState::Locked, ..user } } else { user }))
    }
}
