//! `7 │ user id` → whether what was proven for the user still counts; absent means epoch 0, not locked.
//!
//! Sessions, grants and journeys carry the epoch they belong to. Ending all of a user's is one small write that draws
//! a new epoch; a read compares. No list of a user's sessions is kept, and none can be forgotten.

use idflow_core::block::BlockTarget;
use idflow_core::id::UserId;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Record;
use crate::StoreError;
use crate::read::ReadSet;

/// A user's standing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// Drawn at random whenever all sessions and grants end.
    pub(crate) epoch: u64,
    /// Whether the user may hold sessions and grants at all.
    pub(crate) locked: bool,
}

impl Record for Standing {
    fn expires(&self) -> Option<Timestamp> {
        None
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        let mut epoch = [0; 8];
        chance.fill(&mut epoch);
        Self { epoch: u64::from_be_bytes(epoch), locked: true }
    }
}

impl Standing {
    /// Whether a session, grant or journey of this epoch counts.
    pub(crate) fn admits(self, epoch: u64) -> bool {
        !self.locked && self.epoch == epoch
    }
}

impl ReadSet {
    pub(crate) fn standing(&self, user: &UserId) -> Result<Standing, StoreError> {
        Ok(self.get(user.as_bytes())?.copied().unwrap_or_default())
    }

    /// The epoch of a user who was read with [`Wanted::person`](crate::Wanted::person).
    pub fn epoch(&self, user: &UserId) -> Result<u64, StoreError> {
        Ok(self.standing(user)?.epoch)
    }

    /// Whether what was proven for the user in this epoch still counts: neither ended, nor locked, nor switched off.
    pub(crate) fn admits(&self, user: &UserId, epoch: u64) -> Result<bool, StoreError> {
        let blocked = self.is_blocked(&BlockTarget::User(*user))?;
        Ok(!blocked && self.standing(user)?.admits(epoch))
    }

    /// Whether a journey that identified the user in this epoch may go on. One without an epoch comes from a program
    /// that did not know it, and takes on the one of its next step. The lock of a user is the user's own state.
    pub fn has_standing(&self, user: &UserId, epoch: Option<u64>) -> Result<bool, StoreError> {
        let current = self.standing(user)?.epoch;
        Ok(epoch.is_none_or(|epoch| epoch == current))
    }
}
