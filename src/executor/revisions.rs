//! The revisions this executor holds: digest → bound program. A journey runs on the digest in its record and on no
//! other; a digest that is not held is "try again", never another revision (design 2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use futures_util::future::BoxFuture;
use idflow_api::FlowType;
use idflow_api::flow::Assurance;
use idflow_api::flow_revision::{FlowRevisionSpec, Requires};
use idflow_core::digest::Digest;
use idflow_engine::bind::Runnable;
use idflow_flow::content::{FORMAT, is_read};
use idflow_flow::kinds::Kinds;
use idflow_flow::policy::Offer;
use idflow_flow::program::Program;
use serde::{Deserialize, Serialize};

/// What a revision says of itself beside its content. Revisions of the first version say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// What an executor must know to run it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires: Option<Requires>,
    /// The weakest that is proven where a session may be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assurance: Option<Vec<Assurance>>,
}

impl Facts {
    /// What a `FlowRevision` says.
    pub fn of(spec: &FlowRevisionSpec) -> Self {
        Self { requires: spec.requires.clone(), assurance: spec.assurance.clone() }
    }
}

/// Content that cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The content's digest is another than the one it goes by: it was changed on the way.
    #[error("the content of revision {wanted} has the digest {found}; it was changed on the way")]
    DigestMismatch {
        /// The digest it goes by.
        wanted: Digest,
        /// The digest it has.
        found: Digest,
    },
    /// This program does not understand the content.
    #[error("revision {digest} cannot be loaded: {problem}")]
    Unusable {
        /// The revision.
        digest: Digest,
        /// Why.
        problem: String,
    },
}

/// A revision that can run.
pub struct Held {
    /// The bound program.
    pub runnable: Arc<Runnable>,
    steps: usize,
    node_kinds: BTreeSet<&'static str>,
    assurance: Option<Vec<Assurance>>,
}

impl Held {
    fn new(runnable: Runnable, assurance: Option<Vec<Assurance>>) -> Self {
        let graphs = &runnable.program().graphs;
        let steps = graphs.iter().flat_map(|graph| &graph.steps);
        Self {
            steps: graphs.first().map_or(0, |flow| flow.steps.len()),
            node_kinds: steps.map(|step| step.kind.name).collect(),
            runnable: Arc::new(runnable),
            assurance,
        }
    }

    /// What a policy judges. Steps and kinds are those that would run, whatever the revision says of itself.
    pub fn offer(&self) -> Offer<'_> {
        Offer {
            steps: Some(self.steps),
            // Which flows are older, only the operator knows; one that is too many gets no weight.
            older: None,
            node_kinds: self.node_kinds.clone(),
            assurance: self.assurance.as_deref(),
            is_login: self.runnable.program().flow_type == FlowType::Login.as_str(),
        }
    }
}

/// Brings a revision that a journey runs on and this executor does not hold, from where revisions come from.
pub trait RevisionFetch: Send + Sync {
    /// Looks for the revision now, once for all who ask at the same time, and loads it, if there is one.
    fn fetch<'a>(&'a self, digest: Digest, revisions: &'a Revisions) -> BoxFuture<'a, ()>;
}

/// The held revisions. Cheap to clone.
#[derive(Clone)]
pub struct Revisions {
    kinds: Kinds,
    held: Arc<RwLock<BTreeMap<Digest, Loaded>>>,
}

/// What became of a content. A content is what it is, so this program will never think otherwise of it.
type Loaded = Result<Arc<Held>, String>;

impl Revisions {
    /// An empty set that loads with these kinds.
    pub fn new(kinds: Kinds) -> Self {
        Self { kinds, held: Arc::default() }
    }

    /// Loads a revision unless it is held already. The content is trusted only with the digest it goes by, and not
    /// read where the revision says that it needs another program.
    pub fn load(&self, digest: Digest, content: &str, facts: &Facts) -> Result<(), LoadError> {
        if self.held(&digest).is_some() {
            return Ok(());
        }
        let found = Digest::of(content);
        if found != digest {
            return Err(LoadError::DigestMismatch { wanted: digest, found });
        }
        let loaded = match self.unusable(&digest) {
            Some(problem) => Err(problem),
            None => self.program(content, facts).map(Arc::new),
        };
        if let Ok(mut held) = self.held.write() {
            held.insert(digest, loaded.clone());
        }
        loaded.map(drop).map_err(|problem| LoadError::Unusable { digest, problem })
    }

    fn program(&self, content: &str, facts: &Facts) -> Result<Held, String> {
        if let Some(lacking) = facts.requires.as_ref().and_then(|requires| self.lacking(requires)) {
            return Err(lacking);
        }
        let program = Program::load(content, self.kinds).map_err(|error| error.to_string())?;
        let runnable = Runnable::new(Arc::new(program)).map_err(|error| error.to_string())?;
        Ok(Held::new(runnable, facts.assurance.clone()))
    }

    /// What this program lacks of what a revision requires.
    fn lacking(&self, requires: &Requires) -> Option<String> {
        if !u32::try_from(requires.format).is_ok_and(is_read) {
            return Some(format!(
                "it has format {}, and this executor knows formats up to {FORMAT}; update the executor",
                requires.format
            ));
        }
        let unknown = requires.node_kinds.iter().find(|kind| self.kinds.find(kind).is_none())?;
        Some(format!(
            "it needs the node kind {unknown}, which this executor does not have; update the executor"
        ))
    }

    fn loaded(&self, digest: &Digest) -> Option<Loaded> {
        self.held.read().ok()?.get(digest).cloned()
    }

    /// Whether it is known what becomes of a content, so that its text is not needed any more.
    pub fn is_known(&self, digest: &Digest) -> bool {
        self.loaded(digest).is_some()
    }

    /// A revision that can run, with what is known of it.
    pub fn held(&self, digest: &Digest) -> Option<Arc<Held>> {
        self.loaded(digest)?.ok()
    }

    /// Why a content that was told cannot run here.
    pub fn unusable(&self, digest: &Digest) -> Option<String> {
        self.loaded(digest)?.err()
    }

    /// The program of a digest, if it is held.
    pub fn get(&self, digest: &Digest) -> Option<Arc<Runnable>> {
        self.held(digest).map(|held| Arc::clone(&held.runnable))
    }

    /// The digests that can run.
    pub fn digests(&self) -> Vec<Digest> {
        let held = self.held.read().map(|held| {
            held.iter().filter(|(_, loaded)| loaded.is_ok()).map(|(digest, _)| *digest).collect()
        });
        held.unwrap_or_default()
    }

    /// Drops every revision that is not wanted any more.
    pub fn retain(&self, wanted: &BTreeSet<Digest>) {
        if let Ok(mut held) = self.held.write() {
            held.retain(|digest, _| wanted.contains(digest));
        }
    }
}
