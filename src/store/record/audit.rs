//! `9 │ milliseconds, 8 bytes │ random, 8 bytes` → one security event. Written once, never changed.

use idflow_core::audit::AuditEvent;
use idflow_core::chance::Chance;
use idflow_core::time::{Span, Timestamp};

use super::Record;

/// How long events are kept.
const RETENTION: Span = Span::hours(90 * 24);

impl Record for AuditEvent {
    fn expires(&self) -> Option<Timestamp> {
        Some(self.at.plus(RETENTION))
    }

    #[cfg(test)]
    fn sample(chance: &dyn Chance) -> Self {
        Self {
            at: Timestamp(5),
            name: idflow_core::chance::token(chance),
            journey: Some(idflow_core::id::JourneyId::random(chance)),
            user: None,
            flow: None,
            revision: Some("abc".to_owned()),
            step: None,
            detail: None,
            reference: None,
            outcome: None,
            client: None,
        }
    }
}

/// A new event's id: in the order of time, and the same for nobody else.
pub(crate) fn id(at: Timestamp, chance: &dyn Chance) -> [u8; 16] {
    let mut id = [0; 16];
    chance.fill(&mut id);
    id[..8].copy_from_slice(&from(at));
    id
}

/// Where the events of a moment begin.
pub(crate) fn from(at: Timestamp) -> [u8; 8] {
    (at.0.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}
