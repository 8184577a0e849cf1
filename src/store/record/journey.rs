//! `2 │ journey id` → the journey. Changes with every step; absent a while after its deadline. The epoch of its user stands in
//! it as in sessions and grants (see [`super::standing`]).

use idflow_core::id::JourneyId;
use idflow_core::journey::Journey;
use idflow_core::time::Timestamp;

use super::Record;
use crate::StoreError;
use crate::read::{ReadSet, Wanted};

impl Record for Journey {
    fn expires(&self) -> Option<Timestamp> {
        Some(self.forgotten())
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        let user = Some(idflow_core::id::UserId::random(chance));
        Self { id: JourneyId::random(chance), user, epoch: Some(u64::MAX), ..crate::tests::journey(1) }
    }
}

impl Wanted {
    /// A journey.
    pub fn journey(id: &JourneyId) -> Self {
        Self::guard::<Journey>(id.as_bytes())
    }
}

impl ReadSet {
    /// The journey, for as long as it is remembered: its deadline may have passed.
    pub fn journey(&self, id: &JourneyId) -> Result<Option<Journey>, StoreError> {
        Ok(self.get(id.as_bytes())?.cloned())
    }
}
