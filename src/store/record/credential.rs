//! `6 │ user id` → the user's password hash; never travels with the user.

use idflow_core::id::UserId;
use idflow_core::secret::PasswordHash;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Record;
use crate::StoreError;
use crate::read::ReadSet;

/// A password hash as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) password: PasswordHash,
}

impl Record for Credential {
    fn expires(&self) -> Option<Timestamp> {
        None
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        Self { password: PasswordHash(idflow_core::chance::token(chance)) }
    }
}

impl ReadSet {
    /// The password hash of a user who was read with [`Wanted::person`](crate::Wanted::person). A verdict about it,
    /// and a rehash, hold only while it is the same.
    pub fn credential(&self, user: &UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.get::<Credential>(user.as_bytes())?.map(|record| record.password.clone()))
    }
}
