//! A Directory by what its executors say of its unique attributes.

use std::collections::BTreeSet;

use idflow_api::claim::Claim;
use idflow_api::condition::{READY, find};
use idflow_api::reason::Reason;
use idflow_api::{Directory, ResourceKind};

use super::plan::{Finding, claims_only};
use crate::executor::plan::Executor;
use crate::executor::pods::{Report, Unindexed};

/// Ready when every executor that tells has made unique what the Directory declares, and nothing else. Where none tells
/// anything, what was known stays.
pub(crate) fn judge(
    directory: &Directory,
    denied: Option<(Claim, String)>,
    executors: &[Executor],
) -> Finding {
    if denied.is_some() {
        return claims_only(ResourceKind::Directory, denied);
    }
    let name = directory.metadata.name.as_deref().unwrap_or_default();
    let ready = executors.iter().filter(|executor| executor.is_ready);
    let reports = ready.filter_map(|executor| executor.heard.report.as_ref());
    let told: Vec<Told<'_>> = reports.filter_map(|report| Told::by(report, name)).collect();
    if told.is_empty() {
        return not_unique_before(directory).map_or(Finding::Ready, not_unique_yet);
    }
    let unique = directory.spec.attributes.iter().filter(|attribute| attribute.unique);
    let unique: BTreeSet<&str> = unique.map(|attribute| attribute.name.as_str()).collect();
    let is_unique = |attribute: &&str| told.iter().all(|one| one.indexed.contains(attribute));
    if let Some(missing) = unique.iter().find(|attribute| !is_unique(attribute)) {
        return not_unique_yet(why_not_unique(missing, &told));
    }
    let older = told.iter().flat_map(Told::followed).find(|attribute| !unique.contains(attribute));
    older.map_or(Finding::Ready, |attribute| {
        not_unique_yet(format!(
            "its executors follow an older form of it still, in which {attribute} is unique"
        ))
    })
}

/// What one executor tells of the Directory.
struct Told<'a> {
    indexed: BTreeSet<&'a str>,
    unindexed: Vec<&'a Unindexed>,
}

impl<'a> Told<'a> {
    /// Nothing where the executor is of the first version, which does not tell.
    fn by(report: &'a Report, directory: &str) -> Option<Self> {
        let indexed = report.indexed.as_ref()?.get(directory);
        let unindexed = report.unindexed.iter().filter(|one| one.directory == directory);
        Some(Self {
            indexed: indexed.into_iter().flatten().map(String::as_str).collect(),
            unindexed: unindexed.collect(),
        })
    }

    /// What is unique by the form that the executor follows.
    fn followed(&self) -> impl Iterator<Item = &'a str> {
        let unindexed = self.unindexed.iter().map(|one| one.attribute.as_str());
        self.indexed.iter().copied().chain(unindexed)
    }
}

fn why_not_unique(attribute: &str, told: &[Told<'_>]) -> String {
    let of_it = || told.iter().flat_map(|one| &one.unindexed).filter(|one| one.attribute == attribute);
    let duplicates = of_it().map(|one| one.duplicates).max().unwrap_or_default();
    let unreadable = of_it().map(|one| one.unreadable).max().unwrap_or_default();
    let mut reasons = Vec::new();
    if duplicates > 0 {
        reasons.push(format!(
            "{duplicates} users have a value of {attribute} that another one has too; `idflow users duplicates` lists them, and none of them is found by it: change them, or take unique away"
        ));
    }
    if unreadable > 0 {
        reasons.push(format!(
            "{unreadable} stored records cannot be opened, so that nobody knows their {attribute}; the executor's log names them: give the executor the key that sealed them, or restore them from a backup"
        ));
    }
    if reasons.is_empty() {
        return format!("the users' values of {attribute} are still being compared");
    }
    reasons.join(". ")
}

fn not_unique_yet(message: String) -> Finding {
    Finding::Waiting(Reason::NotUniqueYet, message)
}

/// What was said of this very generation before its executors fell silent.
fn not_unique_before(directory: &Directory) -> Option<String> {
    let ready = find(&directory.status.as_ref()?.conditions, READY)?;
    let is_this = ready.observed_generation == directory.metadata.generation;
    (is_this && ready.reason == Reason::NotUniqueYet.as_str()).then(|| ready.message.clone())
}
