//! A flow with more steps than the Tenant allows.
//!
//! `spec.limits.steps` of the Tenant says how many steps one Flow may have. What a flow calls has its own.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: one }
//!   - { id: one, message: {}, outcomes: { next: two } }
//!   - { id: two, message: {}, outcomes: { next: three } }
//!   - { id: three, message: {}, outcomes: { next: four } }
//!   - { id: four, message: {}, outcomes: { next: five } }
//!   - { id: five, message: {}, outcomes: { next: done } }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Move steps into a Library flow and call it, or ask the cluster's administrator.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;
use crate::policy::{Offer, breaches};

pub(super) const RULE: Rule = Rule {
    code: "too-many-steps",
    severity: Severity::Error,
    why: "The administrator of the cluster decided so for this tenant",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let Some(flow) = cx.part.flow else { return Vec::new() };
    let offer = Offer { steps: Some(flow.spec.steps.len()), ..Offer::default() };
    let tenants = cx.resolved.objects.tenants.values();
    let found = tenants.flat_map(|tenant| breaches(None, tenant.spec.limits.as_ref(), &offer));
    let help = "move steps into a Library flow and call it, or ask the administrator of the cluster";
    found.map(|breach| RULE.at(cx.at("/spec/steps"), breach.to_string(), help)).collect()
}
