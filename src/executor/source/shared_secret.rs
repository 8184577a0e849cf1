//! Secrets as executors hold them.

use std::collections::BTreeMap;

use idflow_flow::secret::{Entry, SecretFacts};
use serde::{Deserialize, Serialize};

/// A Kubernetes Secret with what decides about its use.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SharedSecret {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Its entries. Values that are not text are left out.
    pub data: BTreeMap<String, String>,
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedSecret")
            .field("entries", &self.data.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl SharedSecret {
    pub(super) fn facts(&self) -> SecretFacts {
        let entries = self.data.iter().filter_map(|(name, value)| Entry::read(name, value.as_bytes()));
        SecretFacts::read(&self.labels, &self.annotations, entries.collect())
    }

    pub(super) fn entry(&self, name: &str) -> &str {
        self.data.get(name).map(String::as_str).unwrap_or_default()
    }
}
