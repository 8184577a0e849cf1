//! A node kind that the Tenant does not allow.
//!
//! `spec.policy.forbiddenNodeKinds` of the Tenant names kinds that no flow of the namespace may use.
//!
//! ```yaml,invalid
//! type: Login
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: hello }
//!   - id: hello
//!     fail: {}
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
//! Do without it, or ask the cluster's administrator.

use crate::diagnostic::{Finding, Rule, Severity};
use crate::lint::Subject;
use crate::policy;

pub(super) const RULE: Rule = Rule {
    code: "forbidden-node-kind",
    severity: Severity::Error,
    why: "The administrator of the cluster decided so for this tenant",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let found = cx.steps().filter_map(|(_, step)| {
        let node = step.node.as_ref()?;
        cx.policies().find(|policy| !policy::allows(policy, node.name))?;
        let place = cx.at_key(step.node_pointer(""));
        let title = format!("the Tenant does not allow {}", node.name);
        Some(RULE.at(place, title, "do without it, or ask the administrator of the cluster"))
    });
    found.collect()
}
