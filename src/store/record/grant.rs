//! `8 │ grant id` → the grant and the epoch of its user. Absent once the code or the grant expired; a revoked
//! grant stays until then, so that a repeated token is still told from an unknown one.

use idflow_core::grant::{Grant, GrantStage};
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kind, Record};

/// A grant as stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    /// Its user's epoch when it was given; another one now means that it was ended.
    pub(crate) epoch: u64,
    pub(crate) grant: Grant,
}

impl Record for GrantRecord {
    const KIND: Kind = Kind::Grant;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        Some(match self.grant.stage {
            GrantStage::Code { expires, .. } => expires.min(self.grant.expires),
            GrantStage::Refresh { .. } | GrantStage::Revoked => self.grant.expires,
        })
    }
}
