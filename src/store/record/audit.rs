//! `9 │ milliseconds, 8 bytes │ random, 8 bytes` → one security event. Written once, never changed.

use idflow_core::audit::AuditEvent;
use idflow_core::chance::Chance;
use idflow_core::time::{Span, Timestamp};

use super::{Kind, Record};

/// How long events are kept.
const RETENTION: Span = Span::hours(90 * 24);

impl Record for AuditEvent {
    const KIND: Kind = Kind::Audit;
    const FORMAT: u8 = 1;

    fn expires(&self) -> Option<Timestamp> {
        Some(self.at.plus(RETENTION))
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
