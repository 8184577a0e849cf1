//! `3 │ session id` → the session and the epoch of its user. Absent once its lifetime is over; after its idle time it is
//! there only to be ended.

use idflow_core::block::BlockTarget;
use idflow_core::id::{SessionId, UserId};
use idflow_core::session::Session;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Record, user};
use crate::read::{ReadSet, Wanted};
use crate::{Commit, StoreError};

/// A session as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// Its user's epoch when it was opened; another one now means that it was ended. 0 for guests.
    pub(crate) epoch: u64,
    pub(crate) session: Session,
}

impl Record for SessionRecord {
    fn expires(&self) -> Option<Timestamp> {
        Some(self.session.expires)
    }

    fn owner(&self) -> Option<UserId> {
        self.session.user
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        Self { epoch: u64::MAX, session: crate::tests::sample_session(chance) }
    }
}

impl Wanted {
    /// A session with its user, and its off switch: what [`ReadSet::session`] reads.
    pub fn session(id: &SessionId) -> [Self; 2] {
        let session = Self::guard::<SessionRecord>(id.as_bytes()).along(user::prefixes());
        [session, Self::block(&BlockTarget::Session(*id))]
    }
}

impl ReadSet {
    /// The session, if it is alive and its user may still hold it: absent after its lifetime or idle time, after the
    /// user was locked or blocked, and after the user's sessions were ended. One round trip; two for a session that
    /// an earlier program wrote, which does not lead to its user.
    pub async fn session(&mut self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        let session = self.session_to_end(id).await?.filter(|session| session.is_alive(self.now()));
        let Some(user) = session.as_ref().and_then(|session| session.user) else { return Ok(session) };
        Ok(if self.is_blocked(&BlockTarget::User(user))? { None } else { session })
    }

    /// The same also while its user is switched off, and when it has been idle for too long: nobody is kept from signing
    /// out of what came from it, and who is switched on again finds ended what they have ended.
    pub async fn session_to_end(&mut self, id: &SessionId) -> Result<Option<Session>, StoreError> {
        self.more(&Wanted::session(id)).await?;
        let record = self.get::<SessionRecord>(id.as_bytes())?.cloned();
        let Some(SessionRecord { epoch, session }) = record else {
            return Ok(None);
        };
        if self.is_blocked(&BlockTarget::Session(*id))? {
            return Ok(None);
        }
        let Some(user) = &session.user else { return Ok(Some(session)) };
        self.more(&Wanted::person(user)).await?;
        Ok(self.standing(user)?.admits(epoch).then_some(session))
    }
}

impl Commit {
    /// Ends one session and every grant that came from it (checklist O-37). Until then a mark stands where every look at
    /// a grant passes: for longer than any grant of it can live.
    #[must_use]
    pub fn end_session(self, session: SessionId, until: Timestamp) -> Self {
        let ended = self.remove::<SessionRecord>(session.as_bytes());
        ended.block_until(BlockTarget::Session(session), until)
    }
}
