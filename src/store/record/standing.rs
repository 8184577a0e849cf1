//! `7 │ user id` → whether the user's sessions and grants still count; absent means epoch 0, not locked.
//!
//! Sessions and grants carry the epoch they were opened in. Ending all of a user's is one small write that draws
//! a new epoch; a read compares. No list of a user's sessions is kept, and none can be forgotten.

use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kind, Record};

/// A user's standing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Drawn at random whenever all sessions and grants end.
    pub(crate) epoch: u64,
    /// Whether the user may hold sessions and grants at all.
    pub(crate) locked: bool,
}

impl Record for Standing {
    const KIND: Kind = Kind::Standing;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        None
    }
}

impl Standing {
    /// Whether a session or grant of this epoch counts.
    pub(crate) fn admits(self, epoch: u64) -> bool {
        !self.locked && self.epoch == epoch
    }
}
