//! More flows than the Tenant allows.
//!
//! The older ones stay, and a flow beyond the limit is not accepted. In a folder nothing is older, so which ones count
//! would be chance; those named here are the last ones by name.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Tenant
//! metadata: { name: small }
//! spec:
//!   namespace: small
//!   issuer: https://small.example.com
//!   store: { embedded: {} }
//!   limits: { flows: 1 }
//! ---
//! apiVersion: idflow.dev/v1alpha1
//! kind: Flow
//! metadata: { name: words }
//! spec:
//!   type: Custom
//!   start: done
//!   steps: [{ id: done, complete: {} }]
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Tenant
//! metadata: { name: small }
//! spec:
//!   namespace: small
//!   issuer: https://small.example.com
//!   store: { embedded: {} }
//!   limits: { flows: 3 }
//! ---
//! apiVersion: idflow.dev/v1alpha1
//! kind: Flow
//! metadata: { name: words }
//! spec:
//!   type: Custom
//!   start: done
//!   steps: [{ id: done, complete: {} }]
//! ```
//!
//! Remove some, or ask the administrator of the cluster for more.

use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::objects::Objects;
use crate::policy::{Offer, breaches};

pub(super) const RULE: Rule = Rule {
    code: "too-many-flows",
    severity: Severity::Error,
    why: "The administrator of the cluster decided so for this tenant",
};

pub(super) fn find(objects: &Objects) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (before, flow) in objects.flows.keys().enumerate() {
        let offer = Offer { older: Some(before), ..Offer::default() };
        let tenants = objects.tenants.values();
        let found = tenants.flat_map(|tenant| breaches(None, tenant.spec.limits.as_ref(), &offer));
        findings.extend(found.map(|breach| {
            let place = ObjectId::new("Flow", flow).at("/metadata/name");
            RULE.at(place, breach.to_string(), "remove flows, or ask the administrator of the cluster")
        }));
    }
    findings
}
