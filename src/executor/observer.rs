//! Who wants to know what journeys do: one line per step in the terminal of `idflow dev`, the log in a cluster.

use idflow_core::audit::AuditEvent;

/// Hears of everything worth a line. Never gets a value that a visitor entered.
pub trait Observer: Send + Sync {
    /// A security event happened.
    fn audit(&self, event: &AuditEvent);
}

/// Writes events to the log as structured lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogObserver;

impl Observer for LogObserver {
    fn audit(&self, event: &AuditEvent) {
        tracing::info!(
            target: "idflow::audit",
            name = event.name,
            journey = event.journey.map(tracing::field::display),
            user = event.user.map(tracing::field::display),
            flow = event.flow,
            revision = event.revision,
            step = event.step,
            outcome = event.outcome,
            detail = event.detail,
            reference = event.reference,
            client = event.client,
        );
    }
}
