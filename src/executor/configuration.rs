//! What an executor serves: one immutable picture, replaced as a whole when the folder or the cluster changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use idflow_core::digest::Digest;
use idflow_core::secret::SecretText;
use idflow_core::time::Span;
use idflow_flow::program::Program;
use idflow_net::mail::SmtpSettings;
use idflow_oidc::client::Client;
use idflow_pages::PreparedTheme;
use serde::{Deserialize, Serialize};

/// One picture of everything live.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Rises with every change; reported on the second port.
    pub generation: i64,
    /// The tenant's origin, without a trailing slash.
    pub issuer: String,
    /// Networks whose forwarding headers count (checklist J-17).
    pub trusted_proxies: Vec<String>,
    /// The only hosts that connections may reach; nothing means every public one.
    pub allowed_hosts: Option<Vec<String>>,
    /// Networks that connections may reach although they are not public.
    pub allowed_networks: Vec<String>,
    /// The longest life of a session, whatever a flow says.
    pub session_lifetime: Option<Span>,
    /// How many journeys may begin per second and pod; nothing means the default.
    pub journeys_per_second: Option<i32>,
    /// Node kinds that no revision may use (design 8).
    pub forbidden_kinds: Vec<String>,
    /// Flows by name.
    pub flows: BTreeMap<String, ServedFlow>,
    /// Revisions that must not run any more.
    pub withdrawn: Vec<Digest>,
    /// Applications by client identifier.
    pub clients: BTreeMap<String, Arc<Client>>,
    /// Origins of pages that may call the provider: those that some application registered.
    pub origins: BTreeSet<String>,
    /// Directories by name.
    pub directories: BTreeMap<String, Directory>,
    /// Connections by name; one that may not be used is absent.
    pub connections: BTreeMap<String, Connection>,
    /// The looks of the hosted pages.
    pub theme: Arc<PreparedTheme>,
}

/// A flow that takes new journeys, and the revisions that it takes them on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedFlow {
    /// Its type, as in the manifest.
    pub flow_type: String,
    /// Whether it is the flow of its type when an application names none.
    pub default: bool,
    /// Whether it takes no new journeys.
    pub suspended: bool,
    /// Revisions to hold, with their weight for new journeys; 0 means held but not started.
    pub revisions: Vec<(Digest, u32)>,
}

impl ServedFlow {
    /// The revision for a new journey: the same seed chooses the same revision while the weights stay.
    pub fn choose(&self, seed: &[u8]) -> Option<Digest> {
        let total: u64 = self.revisions.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let drawn =
            Digest::of(seed).as_bytes().iter().take(8).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        let mut rest = drawn.checked_rem(total)?;
        for (digest, weight) in &self.revisions {
            match rest.checked_sub(u64::from(*weight)) {
                None => return Some(*digest),
                Some(left) => rest = left,
            }
        }
        None
    }
}

/// The live part of a Directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    /// The fewest code points a new password may have.
    pub minimum_length: u32,
    /// Words a new password may not be.
    pub blocklist: Vec<String>,
    /// Attributes no two users may share.
    pub unique: Vec<String>,
}

/// An outside system that may be used.
#[derive(Debug, Clone)]
pub enum Connection {
    /// Sends mail.
    Smtp(SmtpSettings),
    /// Answers HTTP calls.
    Http(HttpConnection),
}

/// An HTTP API with its credentials.
#[derive(Debug, Clone)]
pub struct HttpConnection {
    /// The address that paths are below, without a trailing slash.
    pub base: String,
    /// Headers sent with every call, credentials among them.
    pub headers: Vec<(String, SecretText)>,
    /// How long a call may take.
    pub timeout: Span,
}

impl Configuration {
    /// Whether the Tenant's policy lets this revision run.
    pub fn permits(&self, program: &Program) -> bool {
        let forbids = |name: &str| self.forbidden_kinds.iter().any(|forbidden| forbidden == name);
        let mut steps = program.graphs.iter().flat_map(|graph| &graph.steps);
        self.forbidden_kinds.is_empty() || !steps.any(|step| forbids(step.kind.name))
    }

    /// The flow of a type: the one named, else the default one, else the only one.
    pub fn flow_of_type(&self, flow_type: &str, named: Option<&str>) -> Option<(&str, &ServedFlow)> {
        let mut of_type = self
            .flows
            .iter()
            .filter(|(_, flow)| flow.flow_type == flow_type && !flow.suspended)
            .map(|(name, flow)| (name.as_str(), flow));
        if let Some(named) = named {
            return of_type.find(|(name, _)| *name == named);
        }
        let all: Vec<_> = of_type.collect();
        let default = all.iter().find(|(_, flow)| flow.default);
        default.or(if all.len() == 1 { all.first() } else { None }).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(revisions: Vec<(Digest, u32)>) -> ServedFlow {
        ServedFlow { flow_type: "Login".into(), default: false, suspended: false, revisions }
    }

    #[test]
    fn new_journeys_are_spread_by_weight_and_a_seed_is_faithful() {
        let (old, new) = (Digest::of("old"), Digest::of("new"));
        let served = flow(vec![(old, 90), (new, 10), (Digest::of("next"), 0)]);
        let chosen: Vec<Digest> = (0..2000_u32).filter_map(|n| served.choose(&n.to_be_bytes())).collect();
        let share = chosen.iter().filter(|digest| **digest == new).count();
        assert!((120..280).contains(&share), "{share} of 2000");
        assert!(chosen.iter().all(|digest| *digest == old || *digest == new));
        assert_eq!(served.choose(b"seed"), served.choose(b"seed"));
    }

    #[test]
    fn without_weight_nothing_starts() {
        assert_eq!(flow(vec![(Digest::of("a"), 0)]).choose(b"seed"), None);
        assert_eq!(flow(Vec::new()).choose(b"seed"), None);
    }
}
