//! What the operator hears from an executor: which catalog and which revisions it holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use idflow_api::diagnostic::clip;
use idflow_core::digest::Digest;
use idflow_core::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The most characters of a reason.
const MAX_REASON: usize = 300;

/// The report of one executor. `GET /revisions?after=<number>` hangs until `number` is greater.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Rises with every change of this report; begins anew with the process.
    pub number: u64,
    /// The generation of the Catalog that is loaded; 0 before the first.
    pub catalog: i64,
    /// The revisions that are held and may run, by digest: what may get weight. An operator of the first version reads
    /// only these.
    pub revisions: Vec<HeldRevision>,
    /// The revisions that the Catalog lists and that do not run here.
    pub refused: Vec<RefusedRevision>,
    /// The attributes of each Directory that are unique now; a Directory is absent until it was looked at. An operator
    /// of the first version does not read it.
    #[serde(default)]
    pub indexed: Indexed,
    /// Attributes that are declared unique and are not yet.
    #[serde(default)]
    pub unindexed: Vec<Unindexed>,
    /// The last refusal of an application's requests that its registration decides, by client identifier. An operator of
    /// the first version does not read it.
    #[serde(default)]
    pub refusals: Refusals,
    /// Why something that the Catalog lists is not held. Without secrets, at most 20.
    pub problems: Vec<String>,
    /// Whether everything the Catalog lists is held and may run.
    pub complete: bool,
    /// Whether the Catalog is installed and each revision with weight is held, or known not to run here: visitors may
    /// come. What comes later closes nothing that was open (design 7).
    #[serde(skip)]
    pub can_open: bool,
}

/// One held revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldRevision {
    /// Its digest.
    pub digest: Digest,
}

/// A revision that is listed and does not run here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RefusedRevision {
    /// Its digest.
    pub digest: Digest,
    /// Why in one word.
    pub state: Refusal,
    /// Why in a sentence, at most 300 characters.
    pub reason: String,
}

impl RefusedRevision {
    /// A refusal with its reason cut to what a report may hold.
    pub fn new(digest: Digest, state: Refusal, mut reason: String) -> Self {
        clip(&mut reason, MAX_REASON);
        Self { digest, state, reason }
    }
}

/// Why a revision does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// This program cannot run it, or its content is damaged.
    Unusable,
    /// The Tenant's policy does not accept it.
    Forbidden,
}

/// The last refusal of each application.
pub type Refusals = BTreeMap<String, ClientRefusal>;

/// A refusal of an application's request. Nothing in it comes from the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientRefusal {
    /// When.
    pub at: Timestamp,
    /// Its name.
    pub name: String,
    /// What was wrong.
    pub description: String,
    /// The field that decides it.
    pub field: String,
}

/// How long the refusals of one application are not told after one was: whoever causes them is a stranger, and each
/// becomes a write to the API server.
const QUIET: Span = Span::minutes(1);

/// The same for one that was told already.
const REPEATED: Span = Span::minutes(10);

/// The attributes of each Directory that are unique now.
pub type Indexed = BTreeMap<String, BTreeSet<String>>;

/// An attribute that is not unique yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unindexed {
    /// The Directory.
    pub directory: String,
    /// The attribute.
    pub attribute: String,
    /// How many users have a value that another one has too; 0 while the users are still being looked at.
    pub duplicates: u32,
    /// How many stored records cannot be opened, so that nobody knows whose value they hold.
    #[serde(default)]
    pub unreadable: u32,
}

/// Where the configuration source leaves the latest report and the second port picks it up.
#[derive(Debug, Clone)]
pub struct Reports {
    latest: watch::Sender<Report>,
    is_open: Arc<AtomicBool>,
    is_leaving: Arc<AtomicBool>,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            latest: watch::Sender::new(Report::default()),
            is_open: Arc::default(),
            is_leaving: Arc::default(),
        }
    }
}

impl Reports {
    /// Publishes what is held now, if it differs from the last report.
    pub fn publish(&self, report: Report) {
        self.is_open.fetch_or(report.can_open, Ordering::Relaxed);
        self.latest.send_if_modified(|last| {
            let (indexed, unindexed) = (last.indexed.clone(), last.unindexed.clone());
            let refusals = last.refusals.clone();
            let next = Report { number: last.number, indexed, unindexed, refusals, ..report };
            if *last == next {
                return false;
            }
            *last = Report { number: last.number + 1, ..next };
            true
        });
    }

    /// Publishes which attributes are unique, and which are not yet.
    pub fn publish_indices(&self, indexed: &Indexed, unindexed: &[Unindexed]) {
        self.latest.send_if_modified(|last| {
            let is_news = last.indexed != *indexed || last.unindexed != unindexed;
            if is_news {
                last.number += 1;
                last.indexed.clone_from(indexed);
                last.unindexed = unindexed.to_vec();
            }
            is_news
        });
    }

    /// Publishes the refusal of an application's request, unless one was told of late.
    pub fn publish_refusal(&self, client: &str, refusal: ClientRefusal) {
        self.latest.send_if_modified(|last| {
            let is_quiet = last.refusals.get(client).is_some_and(|told| {
                let quiet = if told.name == refusal.name { REPEATED } else { QUIET };
                refusal.at < told.at.plus(quiet)
            });
            if !is_quiet {
                last.number += 1;
                last.refusals.insert(client.to_owned(), refusal);
            }
            !is_quiet
        });
    }

    /// Forgets the refusals of applications that are not registered as they were.
    pub fn forget_refusals(&self, is_as_it_was: impl Fn(&str) -> bool) {
        self.latest.send_if_modified(|last| {
            let before = last.refusals.len();
            last.refusals.retain(|client, _| is_as_it_was(client));
            let is_news = last.refusals.len() < before;
            last.number += u64::from(is_news);
            is_news
        });
    }

    /// Whether visitors may come: once true, true for ever.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// Closes for good: the pod is about to go.
    pub fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
    }

    /// Whether the pod is about to go.
    pub fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// The latest report.
    pub fn latest(&self) -> Report {
        self.latest.borrow().clone()
    }

    /// Waits for a report with a number greater than `after`.
    pub async fn after(&self, after: u64) -> Report {
        let mut receiver = self.latest.subscribe();
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

    #[test]
    fn what_comes_later_closes_nothing_that_was_open() {
        let reports = Reports::default();
        reports.publish(report(0));
        assert!(!reports.is_open());
        reports.publish(Report { can_open: true, ..report(1) });
        reports.publish(report(2));
        assert!(reports.is_open());
    }

    #[test]
    fn a_flood_of_refusals_is_told_once_a_minute_and_one_that_repeats_every_ten() {
        let reports = Reports::default();
        let refuse = |name: &str, seconds: i64| {
            let at = Timestamp(seconds * 1000);
            let refusal = ClientRefusal { at, name: name.into(), description: "d".into(), field: "f".into() };
            reports.publish_refusal("shop", refusal);
            reports.latest().number
        };
        assert_eq!((refuse("A", 0), refuse("B", 1), refuse("A", 59)), (1, 1, 1));
        assert_eq!((refuse("B", 60), refuse("B", 600), refuse("B", 660)), (2, 2, 3));
        reports.publish(report(1));
        assert_eq!(reports.latest().refusals["shop"].name, "B", "another report does not forget it");
        reports.forget_refusals(|client| client == "shop");
        assert_eq!(reports.latest().number, 4, "nothing was forgotten");
        reports.forget_refusals(|_| false);
        assert!(reports.latest().refusals.is_empty());
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
