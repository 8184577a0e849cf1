//! An object in a namespace that belongs to no Tenant.
//!
//! A Tenant gives one namespace to its team, and only what is in it is served. Where a folder describes Tenants, an
//! object that names another namespace is most likely misspelt: it would be applied, and nobody would look at it. A
//! Secret or `ConfigMap` may be meant for somebody else, so that for these it is a warning.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Theme
//! metadata: { name: brand, namespace: amce }
//! spec: { productName: Acme }
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Theme
//! metadata: { name: brand, namespace: acme }
//! spec: { productName: Acme }
//! ```
//!
//! Name the namespace of the Tenant.

use idflow_api::ResourceKind;
use idflow_core::Value;

use crate::diagnostic::{Finding, Rule, Severity, nearest};
use crate::source::{Manifest, Object};

pub(crate) const RULE: Rule = Rule {
    code: "foreign-namespace",
    severity: Severity::Error,
    why: "Only what is in a Tenant's namespace is served",
};

/// What stands in no Tenant's namespace, if there is a Tenant at all.
pub(crate) fn find(manifests: &[Manifest]) -> Vec<Finding> {
    let objects = || manifests.iter().flat_map(|manifest| &manifest.objects);
    let given: Vec<&str> = objects().filter_map(given_namespace).collect();
    if given.is_empty() {
        return Vec::new();
    }
    let placed = objects().filter_map(|object| Some((object, object.namespace.as_deref()?)));
    let foreign = placed.filter(|(object, namespace)| !is_tenant(object) && !given.contains(namespace));
    foreign.map(|(object, namespace)| finding(object, namespace, &given)).collect()
}

fn is_tenant(object: &Object) -> bool {
    object.kind == ResourceKind::Tenant.as_str()
}

/// The namespace that a Tenant gives to its team.
fn given_namespace(object: &Object) -> Option<&str> {
    object.value.pointer("/spec/namespace").and_then(Value::as_str).filter(|_| is_tenant(object))
}

fn finding(object: &Object, namespace: &str, given: &[&str]) -> Finding {
    let title = format!("{} is in the namespace {namespace}, which belongs to no Tenant here", object.id());
    let help = match (nearest(namespace, given.iter().copied()), given) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, [only]) => format!("the Tenant's namespace is {only}"),
        (None, _) => format!("the Tenants' namespaces are {}", given.join(", ")),
    };
    let is_ours = ResourceKind::named(&object.kind).is_some();
    let finding = RULE.at(object.id().at("/metadata/namespace"), title, help).of_absence();
    if is_ours { finding } else { finding.graded(Severity::Warning) }
}
