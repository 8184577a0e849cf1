//! The revisions this executor holds: digest → bound program. A journey runs on the digest in its record and on no
//! other; a digest that is not held is "try again", never another revision (design 2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};

use idflow_core::digest::Digest;
use idflow_engine::bind::Runnable;
use idflow_flow::kinds::Kinds;
use idflow_flow::program::Program;

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

/// The held revisions. Cheap to clone.
#[derive(Clone)]
pub struct Revisions {
    kinds: Kinds,
    held: Arc<RwLock<BTreeMap<Digest, Arc<Runnable>>>>,
}

impl Revisions {
    /// An empty set that loads with these kinds.
    pub fn new(kinds: Kinds) -> Self {
        Self { kinds, held: Arc::default() }
    }

    /// Loads a revision unless it is held already. The content is trusted only with the digest it goes by.
    pub fn load(&self, digest: Digest, content: &str) -> Result<(), LoadError> {
        if self.get(&digest).is_some() {
            return Ok(());
        }
        let found = Digest::of(content);
        if found != digest {
            return Err(LoadError::DigestMismatch { wanted: digest, found });
        }
        let unusable = |problem: String| LoadError::Unusable { digest, problem };
        let program = Program::load(content, self.kinds).map_err(|error| unusable(error.to_string()))?;
        let runnable = Runnable::new(Arc::new(program)).map_err(|error| unusable(error.to_string()))?;
        if let Ok(mut held) = self.held.write() {
            held.insert(digest, Arc::new(runnable));
        }
        Ok(())
    }

    /// The program of a digest, if it is held.
    pub fn get(&self, digest: &Digest) -> Option<Arc<Runnable>> {
        self.held.read().ok()?.get(digest).cloned()
    }

    /// The held digests.
    pub fn digests(&self) -> Vec<Digest> {
        self.held.read().map(|held| held.keys().copied().collect()).unwrap_or_default()
    }

    /// Drops every revision that is not wanted any more.
    pub fn retain(&self, wanted: &BTreeSet<Digest>) {
        if let Ok(mut held) = self.held.write() {
            held.retain(|digest, _| wanted.contains(digest));
        }
    }
}
