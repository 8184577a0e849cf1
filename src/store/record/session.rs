//! `3 │ session id` → the session and the epoch of its user. Absent once its lifetime or idle time is over.

use idflow_core::session::Session;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kind, Record};

/// A session as stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// Its user's epoch when it was opened; another one now means that it was ended. 0 for guests.
    pub(crate) epoch: u64,
    pub(crate) session: Session,
}

impl Record for SessionRecord {
    const KIND: Kind = Kind::Session;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.session.expires.min(self.session.used.plus(self.session.idle)))
    }
}
