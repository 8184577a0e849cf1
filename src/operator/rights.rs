//! Every right of the operator and of its executors, as rules that follow from what they watch and write.
//!
//! The operator holds two sets. One counts in the whole cluster and reads no Secret. The other counts only inside
//! namespaces that a Tenant names: the operator binds it to itself there. There is no wildcard, no `escalate` and no
//! `impersonate` in either.

use std::collections::BTreeSet;

use idflow_api::resource::Role;
use idflow_api::{GROUP, ResourceKind};
use k8s_openapi::api::rbac::v1::PolicyRule;

use crate::built_in::BuiltIn;

/// The cluster role with the operator's rights inside a tenant's namespace.
pub const TENANT_ROLE: &str = "idflow-operator-tenant";

const READ: [&str; 3] = ["get", "list", "watch"];

/// Kinds whose objects are owners of others. References that block deletion need this right where the admission
/// plug-in `OwnerReferencesPermissionEnforcement` is on; it touches nothing else.
const OWNERS: [ResourceKind; 3] = [ResourceKind::Tenant, ResourceKind::Flow, ResourceKind::Catalog];

/// The operator's rights.
#[derive(Debug, Clone, PartialEq)]
pub struct Rights {
    /// In the whole cluster.
    pub cluster: Vec<PolicyRule>,
    /// In the namespaces of tenants, by the cluster role [`TENANT_ROLE`].
    pub tenant: Vec<PolicyRule>,
    /// In the operator's own namespace.
    pub own: Vec<PolicyRule>,
}

/// The operator's rights.
pub fn rights() -> Rights {
    // One operator works at a time.
    let leases = rule("coordination.k8s.io", &["leases"], &["get", "create", "patch", "update"]);
    Rights { cluster: cluster(), tenant: built_in(BuiltIn::tenant_verbs), own: vec![leases] }
}

fn cluster() -> Vec<PolicyRule> {
    let mut rules: Vec<PolicyRule> = ResourceKind::ALL.iter().map(|kind| custom(*kind)).collect();
    rules.extend(ResourceKind::ALL.iter().map(|kind| sub_resource(*kind, "status", "patch")));
    rules.extend(OWNERS.iter().map(|kind| sub_resource(*kind, "finalizers", "update")));
    rules.extend(built_in(BuiltIn::cluster_verbs));
    // It can bind this one role and no other.
    let mut bind = rule("rbac.authorization.k8s.io", &["clusterroles"], &["bind"]);
    bind.resource_names = Some(vec![TENANT_ROLE.to_owned()]);
    rules.push(bind);
    rules.push(rule("events.k8s.io", &["events"], &["create", "patch"]));
    rules
}

/// What users write is only read; what only the operator writes is written whole.
fn custom(kind: ResourceKind) -> PolicyRule {
    let plural = kind.plural();
    match kind.role() {
        Role::Source | Role::Live => rule(GROUP, &[&plural], &READ),
        Role::Product => rule(GROUP, &[&plural], &["get", "list", "watch", "create", "patch", "delete"]),
    }
}

fn sub_resource(kind: ResourceKind, part: &str, verb: &str) -> PolicyRule {
    rule(GROUP, &[&format!("{}/{part}", kind.plural())], &[verb])
}

fn built_in(verbs: fn(BuiltIn) -> &'static [&'static str]) -> Vec<PolicyRule> {
    let granted = BuiltIn::ALL.into_iter().filter(|kind| !verbs(*kind).is_empty());
    granted.map(|kind| rule(kind.group(), &[kind.plural()], verbs(kind))).collect()
}

/// An executor reads what it serves by, and of Secrets only those that were shared and are named. The API server lets
/// the operator grant only rights that it has itself.
pub(crate) fn executor(shared_secrets: &BTreeSet<String>) -> Vec<PolicyRule> {
    let served = ResourceKind::ALL.iter().filter(|kind| match kind.role() {
        Role::Source => false,
        Role::Live | Role::Product => true,
    });
    let served: Vec<String> = served.map(|kind| kind.plural()).collect();
    let served: Vec<&str> = served.iter().map(String::as_str).collect();
    let mut rules = vec![rule(GROUP, &served, &READ)];
    // An empty list of names would mean every Secret.
    if !shared_secrets.is_empty() {
        let mut secrets = rule("", &["secrets"], &READ);
        secrets.resource_names = Some(shared_secrets.iter().cloned().collect());
        rules.push(secrets);
    }
    rules
}

fn rule(group: &str, resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    PolicyRule {
        api_groups: Some(vec![group.to_owned()]),
        resources: Some(owned(resources)),
        verbs: owned(verbs),
        ..PolicyRule::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(rules: &[PolicyRule]) -> String {
        serde_json::to_string(rules).unwrap()
    }

    #[test]
    fn nothing_is_granted_wholesale_and_no_secret_is_read_outside_of_tenants() {
        let Rights { cluster, tenant, own } = rights();
        for rules in [&cluster, &tenant, &own] {
            for word in ["*", "escalate", "impersonate"] {
                assert!(!texts(rules).contains(&format!("\"{word}\"")), "{word}: {rules:?}");
            }
        }
        assert!(!texts(&cluster).contains("secrets") && texts(&tenant).contains("secrets"));
    }

    #[test]
    fn an_executor_is_granted_secrets_by_name_only() {
        assert!(!texts(&executor(&BTreeSet::new())).contains("secrets"));
        let named = executor(&BTreeSet::from(["mail".to_owned()]));
        assert_eq!(named[1].resource_names, Some(vec!["mail".to_owned()]));
    }

    #[test]
    fn an_executor_reads_neither_tenants_nor_flows() {
        let rules = executor(&BTreeSet::new());
        let resources = rules[0].resources.clone().unwrap();
        assert!(
            !resources.iter().any(|resource| ["tenants", "flows", "flownodes"].contains(&resource.as_str()))
        );
        assert_eq!(resources.len(), ResourceKind::ALL.len() - 3);
    }
}
