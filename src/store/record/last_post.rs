//! `13 │ journey id` → the last post that moved the journey. Written anew with every step, absent seconds later.

use idflow_core::id::JourneyId;
use idflow_core::journey::LastPost;
use idflow_core::time::Timestamp;

use super::Record;
use crate::read::{ReadSet, Wanted};
use crate::{Commit, StoreError};

impl Record for LastPost {
    fn expires(&self) -> Option<Timestamp> {
        Some(self.until)
    }

    #[cfg(test)]
    fn sample(chance: &dyn idflow_core::chance::Chance) -> Self {
        let proof = idflow_core::digest::Digest::of(idflow_core::chance::token(chance));
        Self { proof, until: Timestamp(5) }
    }
}

impl Wanted {
    /// The last post of a journey.
    pub fn last_post(id: &JourneyId) -> Self {
        Self::guard::<LastPost>(id.as_bytes())
    }
}

impl ReadSet {
    /// The last post of a journey, for as long as it is answered again.
    pub fn last_post(&self, id: &JourneyId) -> Result<Option<LastPost>, StoreError> {
        Ok(self.get(id.as_bytes())?.cloned())
    }
}

impl Commit {
    /// Writes which post moves the journey.
    #[must_use]
    pub fn put_last_post(self, journey: &JourneyId, post: &LastPost) -> Self {
        self.put(journey.as_bytes(), post)
    }
}
