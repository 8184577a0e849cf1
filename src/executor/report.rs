//! What the operator hears from an executor: which catalog and which revisions it holds.

use idflow_core::digest::Digest;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The report of one executor. `GET /revisions?after=<number>` hangs until `number` is greater.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Rises with every change of this report; begins anew with the process.
    pub number: u64,
    /// The generation of the Catalog that is loaded; 0 before the first.
    pub catalog: i64,
    /// The revisions that are held, by digest.
    pub revisions: Vec<HeldRevision>,
    /// Why something that the Catalog lists is not held. Without secrets, at most 20.
    pub problems: Vec<String>,
    /// Whether everything the Catalog lists is held.
    pub complete: bool,
}

/// One held revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldRevision {
    /// Its digest.
    pub digest: Digest,
}

/// Where the configuration source leaves the latest report and the second port picks it up.
#[derive(Debug, Clone)]
pub struct Reports(watch::Sender<Report>);

impl Default for Reports {
    fn default() -> Self {
        Self(watch::Sender::new(Report::default()))
    }
}

impl Reports {
    /// Publishes what is held now, if it differs from the last report.
    pub fn publish(&self, report: Report) {
        self.0.send_if_modified(|last| {
            let next = Report { number: last.number, ..report };
            if *last == next {
                return false;
            }
            *last = Report { number: last.number + 1, ..next };
            true
        });
    }

    /// The latest report.
    pub fn latest(&self) -> Report {
        self.0.borrow().clone()
    }

    /// Waits for a report with a number greater than `after`.
    pub async fn after(&self, after: u64) -> Report {
        let mut receiver = self.0.subscribe();
        match receiver.wait_for(|report| report.number > after).await {
            Ok(report) => report.clone(),
            Err(_) => self.latest(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(catalog: i64) -> Report {
        Report { catalog, ..Report::default() }
    }

    #[tokio::test]
    async fn a_hanging_report_answers_when_something_changed() {
        let reports = Reports::default();
        reports.publish(report(1));
        let first = reports.after(0).await;
        assert_eq!((first.number, first.catalog), (1, 1));
        reports.publish(report(1));
        assert_eq!(reports.latest().number, 1, "an equal report is no news");
        let (next, ()) = tokio::join!(reports.after(1), async { reports.publish(report(2)) });
        assert_eq!((next.number, next.catalog), (2, 2));
    }
}
