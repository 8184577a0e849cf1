//! `6 │ user id` → the user's password hash; never travels with the user.

use idflow_core::secret::PasswordHash;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kind, Record};

/// A password hash as stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) password: PasswordHash,
}

impl Record for Credential {
    const KIND: Kind = Kind::Credential;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        None
    }
}
