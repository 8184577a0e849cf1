//! Where an executor's configuration comes from: a folder (`idflow dev`) or the cluster. Both end in the same
//! [`Snapshot`], so what runs in `dev` runs in the cluster.

pub mod cluster;
pub mod folder;
pub mod live;
mod theme;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use idflow_api::catalog::{CatalogFlow, TenantSettings};
use idflow_core::digest::Digest;
use serde::{Deserialize, Serialize};

use crate::configuration::{Configuration, ServedFlow};
use crate::report::{HeldRevision, Report};
use crate::revisions::Revisions;
use live::Live;

/// Brings a revision that a journey runs on and this executor does not hold, from where revisions come from.
pub trait RevisionFetch: Send + Sync {
    /// Looks for the revision now, once for all who ask at the same time, and loads it. Says whether it is held then.
    fn fetch<'a>(&'a self, digest: Digest, revisions: &'a Revisions) -> BoxFuture<'a, bool>;
}

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

impl Snapshot {
    /// Loads the revisions and turns the objects into a configuration. One unusable object or revision costs only
    /// itself: it is named in the report, and everything else serves.
    pub fn prepare(&self, revisions: &Revisions) -> Prepared {
        let (mut configuration, mut problems) = self.live.configuration(&self.tenant);
        for (digest, content) in &self.contents {
            if let Err(error) = revisions.load(*digest, content) {
                problems.push(error.to_string());
            }
        }
        let listed: BTreeSet<Digest> = self.flows.iter().flat_map(digests).collect();
        let missing: Vec<&Digest> = listed.iter().filter(|digest| revisions.get(digest).is_none()).collect();
        problems.extend(missing.iter().map(|digest| format!("revision {digest} is not loaded")));
        let is_refused = |digest: &&Digest| {
            revisions.get(digest).is_some_and(|held| !configuration.permits(held.program()))
        };
        problems.extend(listed.iter().filter(is_refused).map(|digest| {
            format!(
                "revision {digest} uses a node kind that the Tenant's policy forbids: no journey begins on it"
            )
        }));
        problems.truncate(20);
        configuration.generation = self.catalog;
        configuration.withdrawn.clone_from(&self.withdrawn);
        configuration.flows = self
            .flows
            .iter()
            .map(|flow| (flow.flow.clone(), served(flow, &configuration, revisions)))
            .collect();
        let report = Report {
            number: 0,
            catalog: self.catalog,
            revisions: revisions.digests().into_iter().map(|digest| HeldRevision { digest }).collect(),
            // Before the first Catalog nothing is missing and nothing can be served.
            complete: self.catalog > 0 && missing.is_empty(),
            problems,
        };
        Prepared { configuration, report }
    }
}

fn digests(flow: &CatalogFlow) -> impl Iterator<Item = Digest> + '_ {
    flow.entries.iter().filter_map(|entry| entry.digest.parse().ok())
}

/// Weight counts only for revisions that are held and permitted: a pod that lacks one starts journeys on those it has.
fn served(flow: &CatalogFlow, configuration: &Configuration, revisions: &Revisions) -> ServedFlow {
    let entries = flow.entries.iter().filter_map(|entry| {
        let digest: Digest = entry.digest.parse().ok()?;
        revisions.get(&digest).filter(|held| configuration.permits(held.program()))?;
        Some((digest, u32::try_from(entry.weight).unwrap_or(0)))
    });
    ServedFlow {
        flow_type: flow.type_.as_str().to_owned(),
        default: flow.default,
        suspended: flow.suspended,
        revisions: entries.collect(),
    }
}
