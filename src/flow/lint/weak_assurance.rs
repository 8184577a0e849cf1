//! A sign-in that can complete with less than was promised.
//!
//! `guarantees` says what every path to `complete` must have proven; the Tenant's policy says it for every path that
//! opens a session, in Login and Registration flows.
//!
//! ```yaml,invalid
//! type: Login
//! guarantees: { minimumFactors: 2 }
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Login
//! guarantees: { minimumFactors: 2 }
//! start: password
//! steps:
//!   - id: password
//!     password: { identify: true }
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Ask for more on that path, or promise less.

use std::collections::BTreeSet;

use idflow_api::flow::Guarantees;

use crate::assurance::{factors, session_ends};
use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::{End, ProofFact};
use crate::lint::Subject;
use crate::policy::{Demand, Shown};
use crate::proofs::Proofs;

pub(super) const RULE: Rule = Rule {
    code: "weak-assurance",
    severity: Severity::Error,
    why: "Applications rely on what was promised",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let own = cx.part.flow.and_then(|flow| flow.spec.guarantees.as_ref());
    let mut findings = Vec::new();
    if let Some(guarantees) = own {
        let is_complete = |end: &Option<End>| matches!(end, Some(End::Complete { .. }));
        let ends = cx.steps().filter(|(_, step)| is_complete(&step.facts.end)).map(|(index, _)| index);
        findings.extend(below(cx, &ends.collect(), guarantees, "the flow's guarantees ask for"));
    }
    for login in cx.policies().filter_map(|policy| policy.login.as_ref()) {
        let ends = session_ends(cx.resolved, cx.part);
        findings.extend(below(cx, &ends, login, "the Tenant's policy asks for"));
    }
    findings
}

fn below(cx: &Subject<'_, '_>, ends: &BTreeSet<usize>, wanted: &Guarantees, who: &str) -> Vec<Finding> {
    let demands = Demand::of(wanted);
    let ends = cx.steps().filter(|(index, _)| ends.contains(index));
    let found = ends.flat_map(|(index, step)| {
        demands.iter().filter_map(move |demand| {
            let way = cx.path_where(index, |proofs| !is_met(demand, proofs))?;
            let title = format!("the path {way} proves less than {who}: {demand}");
            Some(RULE.at(cx.at(&step.pointer), title, "ask for more on this path, or promise less"))
        })
    });
    found.collect()
}

fn is_met(demand: &Demand, proofs: &Proofs) -> bool {
    let factors = factors(proofs);
    let identified = proofs.contains(&ProofFact::Identified);
    demand.is_met(Shown { identified, factors: &factors, count: factors.len() })
}
