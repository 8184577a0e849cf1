//! A sign-in that can complete with less than was promised.
//!
//! `guarantees` says what every path to `complete` must have proven; the Tenant's policy says it for every Login flow.
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
//!     oneTimeCode: { connection: mail }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Ask for more on that path, or promise less.

use idflow_api::flow::Guarantees;

use crate::assurance::factors;
use crate::proofs::Proofs;
use crate::diagnostic::{Finding, Place, Rule, Severity};
use crate::facts::{End, ProofFact};
use crate::lint::Subject;

pub(super) const RULE: Rule = Rule {
    code: "weak-assurance",
    severity: Severity::Error,
    why: "Applications rely on what was promised",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    let own = cx.part.flow.and_then(|flow| flow.spec.guarantees.as_ref());
    let mut findings: Vec<Finding> =
        own.into_iter().flat_map(|guarantees| below(cx, guarantees, "the flow's guarantees ask for")).collect();
    let policies = cx.resolved.objects.tenants.values().filter_map(|tenant| tenant.spec.policy.as_ref()?.login.as_ref());
    for policy in policies.filter(|_| cx.is_login()) {
        findings.extend(below(cx, policy, "the Tenant's policy asks for"));
    }
    findings
}

fn below(cx: &Subject<'_, '_>, wanted: &Guarantees, who: &str) -> Vec<Finding> {
    let ends = cx.steps().filter(|(_, step)| matches!(step.facts.end, Some(End::Complete { .. })));
    let mut findings = Vec::new();
    for (index, step) in ends {
        let place = || cx.at(&step.pointer);
        if wanted.identified {
            findings.extend(missing(cx, index, place(), &format!("{who} an identified user"), |proofs| {
                !proofs.contains(&ProofFact::Identified)
            }));
        }
        for factor in &wanted.factors {
            findings.extend(missing(cx, index, place(), &format!("{who} {factor}"), |proofs| {
                !factors(proofs).contains(factor)
            }));
        }
        let minimum = wanted.minimum_factors.and_then(|minimum| usize::try_from(minimum).ok()).unwrap_or_default();
        findings.extend(missing(cx, index, place(), &format!("{who} {minimum} factors"), |proofs| {
            factors(proofs).len() < minimum
        }));
    }
    findings
}

fn missing(
    cx: &Subject<'_, '_>,
    index: usize,
    place: Place,
    who: &str,
    lacks: impl Fn(&Proofs) -> bool,
) -> Option<Finding> {
    let way = cx.path_where(index, lacks)?;
    let title = format!("the path {way} proves less than {who}");
    Some(RULE.at(place, title, "ask for more on this path, or promise less"))
}
