//! `10` → the tenant's name, sealed: a store opened with foreign keys is refused at once, not record by record.

use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Kind, Record};

/// Proof that store and keys belong together.
#[derive(Serialize, Deserialize)]
pub(crate) struct Tenant {
    pub(crate) name: String,
}

impl Record for Tenant {
    const KIND: Kind = Kind::Tenant;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        None
    }
}
