//! `8 │ grant id` → the grant and the epoch of its user. Absent once the code or the grant expired; a revoked
//! grant stays until then, so that a repeated token is still told from an unknown one.

use idflow_core::block::BlockTarget;
use idflow_core::grant::{Grant, GrantStage};
use idflow_core::id::GrantId;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Record;
use crate::StoreError;
use crate::read::{ReadSet, Wanted};

/// A grant as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    /// Its user's epoch when it was given; another one now means that it was ended.
    pub(crate) epoch: u64,
    pub(crate) grant: Grant,
}

impl Record for GrantRecord {
    fn expires(&self) -> Option<Timestamp> {
        Some(match self.grant.stage {
            GrantStage::Code { expires, .. } => expires.min(self.grant.expires),
            GrantStage::Refresh { .. } | GrantStage::Revoked => self.grant.expires,
        })
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        let session = crate::tests::sample_session(chance);
        Self { epoch: u64::MAX, grant: crate::tests::sample_grant(chance, &session) }
    }
}

impl Wanted {
    /// A grant: what [`ReadSet::grant`] reads first.
    pub fn grant(id: &GrantId) -> Self {
        Self::guard::<GrantRecord>(id.as_bytes())
    }
}

impl ReadSet {
    /// The grant, if it has not expired and its user may still hold it, under the same rules as [`ReadSet::session`].
    /// A revoked grant is returned as such. Two round trips: the grant, then whatever it rests on.
    pub async fn grant(&mut self, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        self.more(&[Wanted::grant(id)]).await?;
        let record = self.get::<GrantRecord>(id.as_bytes())?.cloned();
        let Some(GrantRecord { epoch, grant }) = record else {
            return Ok(None);
        };
        let switches = [BlockTarget::Session(grant.session), BlockTarget::Client(grant.request.client_id.clone())];
        let mut wanted = Wanted::person(&grant.user).to_vec();
        wanted.extend(switches.iter().map(Wanted::block));
        self.more(&wanted).await?;
        for switch in &switches {
            if self.is_blocked(switch)? {
                return Ok(None);
            }
        }
        Ok(if self.admits(&grant.user, epoch)? { Some(grant) } else { None })
    }
}
