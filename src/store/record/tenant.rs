//! `10` → the tenant's name, sealed: a store opened with foreign keys is refused at once, not record by record.

use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::Record;

/// Proof that store and keys belong together.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Tenant {
    pub(crate) name: String,
}

impl Record for Tenant {
    fn expires(&self) -> Option<Timestamp> {
        None
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        Self { name: idflow_core::chance::token(chance) }
    }
}
