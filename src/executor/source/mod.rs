//! Where an executor's configuration comes from: a folder (`idflow dev`) or the cluster. Both end in the same
//! [`Snapshot`], so what runs in `dev` runs in the cluster.

mod by_kind;
pub mod cluster;
pub mod folder;
pub mod live;
pub mod shared_secret;

use std::collections::{BTreeMap, BTreeSet};

use idflow_api::catalog::{CatalogEntry, CatalogFlow, TenantSettings};
use idflow_api::condition::timestamp;
use idflow_api::diagnostic::MAX_PROBLEMS;
use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::configuration::{Configuration, ServedFlow};
use crate::report::{HeldRevision, Refusal, Refusals, RefusedRevision, Report};
use crate::revisions::{Facts, Revisions};
use live::Live;

/// Everything an executor serves by, as objects: what the last good configuration is kept as.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// The generation of the Catalog.
    pub catalog: i64,
    /// The tenant's settings.
    pub tenant: TenantSettings,
    /// Which revisions serve which flow with which weight.
    pub flows: Vec<CatalogFlow>,
    /// Revisions that must not run any more.
    #[serde(default)]
    pub withdrawn: Vec<Digest>,
    /// Contents of revisions by digest: those listed, and in `dev` those that open journeys may still need.
    pub contents: BTreeMap<Digest, String>,
    /// What revisions say of themselves beside their contents.
    #[serde(default)]
    pub facts: BTreeMap<Digest, Facts>,
    /// Names of revisions whose content is not what their digest stands for.
    #[serde(default)]
    pub damaged: BTreeSet<String>,
    /// Objects that are live at once.
    pub live: Live,
}

/// A snapshot made ready to serve.
pub struct Prepared {
    /// What requests read.
    pub configuration: Configuration,
    /// What the operator hears.
    pub report: Report,
}

/// What is the matter with a revision that the Catalog lists and that does not run here.
enum Lacking {
    /// Nobody has told it yet.
    Untold,
    Refused(RefusedRevision),
}

impl Snapshot {
    /// Loads the revisions and turns the objects into a configuration. One unusable object or revision costs only
    /// itself: it is named in the report, and everything else serves.
    pub fn prepare(&self, revisions: &Revisions, now: Timestamp) -> Prepared {
        let (mut configuration, mut problems) = self.live.configuration(&self.tenant);
        let entries = self.flows.iter().flat_map(|flow| &flow.entries);
        let listed: BTreeSet<Digest> = entries.filter_map(|entry| entry.digest.parse().ok()).collect();
        for (digest, content) in &self.contents {
            let facts = self.facts.get(digest).cloned().unwrap_or_default();
            // What becomes of a listed one is told with the others below.
            if let Err(error) = revisions.load(*digest, content, &facts)
                && !listed.contains(digest)
            {
                problems.push(error.to_string());
            }
        }
        configuration.generation = self.catalog;
        configuration.withdrawn.clone_from(&self.withdrawn);
        configuration.flows = self.flows.iter().map(|flow| (flow.flow.clone(), served(flow))).collect();
        let report = self.report(&configuration, revisions, problems, now);
        Prepared { configuration, report }
    }

    fn report(
        &self,
        configuration: &Configuration,
        revisions: &Revisions,
        mut problems: Vec<String>,
        now: Timestamp,
    ) -> Report {
        let mut held: BTreeSet<Digest> = revisions.digests().into_iter().collect();
        let (mut refused, mut is_complete, mut can_open) = (BTreeMap::new(), true, true);
        for entry in self.flows.iter().flat_map(|flow| &flow.entries) {
            let Ok(digest) = entry.digest.parse() else { continue };
            let Some(lacking) = self.lacking(&entry.revision, digest, configuration, revisions, now) else {
                continue;
            };
            is_complete = false;
            held.remove(&digest);
            match lacking {
                Lacking::Untold => {
                    can_open &= entry.weight == 0;
                    problems.push(format!("revision {} is not loaded", entry.revision));
                }
                Lacking::Refused(why) => {
                    problems.push(format!("revision {} does not run here: {}", entry.revision, why.reason));
                    refused.insert(digest, why);
                }
            }
        }
        problems.truncate(MAX_PROBLEMS);
        // Before the first Catalog nothing is missing and nothing can be served.
        let has_catalog = self.catalog > 0;
        Report {
            number: 0,
            catalog: self.catalog,
            revisions: held.into_iter().map(|digest| HeldRevision { digest }).collect(),
            refused: refused.into_values().collect(),
            complete: has_catalog && is_complete,
            can_open: has_catalog && can_open,
            indexed: BTreeMap::new(),
            unindexed: Vec::new(),
            refusals: Refusals::new(),
            problems,
        }
    }

    fn lacking(
        &self,
        name: &str,
        digest: Digest,
        configuration: &Configuration,
        revisions: &Revisions,
        now: Timestamp,
    ) -> Option<Lacking> {
        let refused = |state, reason| Lacking::Refused(RefusedRevision::new(digest, state, reason));
        if let Some(held) = revisions.held(&digest) {
            let breach = configuration.forbids(&held, now)?;
            return Some(refused(Refusal::Forbidden, breach.to_string()));
        }
        if let Some(problem) = revisions.unusable(&digest) {
            return Some(refused(Refusal::Unusable, problem));
        }
        let is_damaged = self.damaged.contains(name);
        let damaged = "its content is not what its digest stands for: it was damaged or forged";
        Some(if is_damaged { refused(Refusal::Unusable, damaged.to_owned()) } else { Lacking::Untold })
    }
}

fn served(flow: &CatalogFlow) -> ServedFlow {
    let listed =
        || flow.entries.iter().filter_map(|entry| Some((entry.digest.parse::<Digest>().ok()?, entry)));
    let grace = |(digest, entry): (Digest, &CatalogEntry)| {
        Some((digest, entry.policy_grace_until.as_ref().map(timestamp)?))
    };
    ServedFlow {
        flow_type: flow.type_.as_str().to_owned(),
        default: flow.default,
        suspended: flow.suspended,
        guarantees: flow.guarantees.clone(),
        revisions: listed()
            .map(|(digest, entry)| (digest, u32::try_from(entry.weight).unwrap_or(0)))
            .collect(),
        policy_graces: listed().filter_map(grace).collect(),
    }
}
