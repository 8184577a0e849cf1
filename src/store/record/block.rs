//! `11 │ digest of kind and name`, or `11 │ u │ user id` → an off switch; lifted by being removed. Expires only
//! where everything that it concerns does: that of a session which was signed out.

use idflow_core::block::BlockTarget;
use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Numbered as _, Record};
use crate::backend::Key;
use crate::read::{ReadSet, Wanted};
use crate::{Commit, StoreError};

/// An off switch as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    target: BlockTarget,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Record for Block {
    fn expires(&self) -> Option<Timestamp> {
        self.until
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        let user = idflow_core::id::UserId::random(chance);
        Self { target: BlockTarget::User(user), since: Timestamp(5), until: None }
    }
}

/// Before the id of a user.
const OF_USER: u8 = b'u';

fn id(target: &BlockTarget) -> Vec<u8> {
    let digest = match target {
        BlockTarget::User(id) => return [&[OF_USER][..], id.as_bytes()].concat(),
        BlockTarget::Client(id) => Digest::of_parts(&[b"client", id.as_bytes()]),
        BlockTarget::Session(id) => Digest::of_parts(&[b"session", id.as_bytes()]),
        BlockTarget::Revision(digest) => Digest::of_parts(&[b"revision", digest.as_bytes()]),
    };
    digest.as_bytes().to_vec()
}

/// What the keys of users' switches begin with.
pub(crate) fn of_users() -> Key {
    Block::KIND.key(&[OF_USER])
}

impl Wanted {
    /// Whether something is switched off.
    pub fn block(target: &BlockTarget) -> Self {
        Self::guard::<Block>(&id(target))
    }
}

impl ReadSet {
    /// Whether the target was switched off.
    pub fn is_blocked(&self, target: &BlockTarget) -> Result<bool, StoreError> {
        Ok(self.get::<Block>(&id(target))?.is_some())
    }

    /// Notes without a look that the target is not switched off: otherwise the commit is a conflict. Only for a
    /// decision that has done nothing outside.
    pub fn assume_on(&mut self, target: &BlockTarget) {
        self.assume_absent::<Block>(&id(target));
    }
}

impl Commit {
    /// Switches the target off: from the acknowledged write on, nothing goes on that concerns it.
    #[must_use]
    pub fn block(self, target: BlockTarget) -> Self {
        let since = self.now();
        self.put(id(&target), &Block { target, since, until: None })
    }

    /// Switches off for good what cannot outlive this moment.
    pub(super) fn block_until(self, target: BlockTarget, until: Timestamp) -> Self {
        let since = self.now();
        self.put(id(&target), &Block { target, since, until: Some(until) })
    }

    /// Switches the target on again. What was begun before and has not expired goes on.
    #[must_use]
    pub fn unblock(self, target: &BlockTarget) -> Self {
        self.remove::<Block>(&id(target))
    }
}
