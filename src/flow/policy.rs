//! What a Tenant's policy makes of a flow and of a session: written once, for linter, operator and executor.
//!
//! A flow is judged by its resolved content, whatever called flows and nodes hide, and by the weakest that is proven
//! where it may open a session. A session is judged by its evidence when it is opened and when it is used again; so
//! a revision that does not say what it proves is let pass here and gives no session that proves too little.

use std::collections::BTreeSet;
use std::fmt;

use idflow_api::flow::{Assurance, Guarantees};
use idflow_api::flow_revision::FlowRevisionSpec;
use idflow_api::tenant::{Limits, Policy};

/// What is judged.
#[derive(Debug, Clone, Default)]
pub struct Offer<'a> {
    /// How many steps the flow has; nothing for a revision, which was within the limit when it was made.
    pub steps: Option<usize>,
    /// The kinds of all nodes, of everything that is entered too.
    pub node_kinds: BTreeSet<&'a str>,
    /// The weakest that is proven at each step that may open a session; nothing when that is not known.
    pub assurance: Option<&'a [Assurance]>,
}

impl<'a> Offer<'a> {
    /// What a revision says of itself.
    pub fn of_revision(spec: &'a FlowRevisionSpec) -> Self {
        let kinds = spec.requires.iter().flat_map(|requires| &requires.node_kinds);
        Self {
            steps: None,
            node_kinds: kinds.map(String::as_str).collect(),
            assurance: spec.assurance.as_deref(),
        }
    }
}

/// Why a policy does not accept something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// The flow has more steps than this.
    TooManySteps(i32),
    /// It uses this node kind.
    ForbiddenKind(String),
    /// A path to this step proves too little.
    TooWeak {
        /// The step.
        step: String,
        /// What is lacking.
        demand: Demand,
    },
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManySteps(limit) => write!(f, "the tenant allows {limit} steps per flow"),
            Self::ForbiddenKind(kind) => write!(f, "the tenant does not allow {kind} steps"),
            Self::TooWeak { step, demand } => {
                write!(f, "a path reaches step {step} without {demand}, which the tenant demands")
            }
        }
    }
}

/// One thing that must have been proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Demand {
    /// An identified user.
    User,
    /// This factor.
    Factor(String),
    /// So many different factors.
    Factors(usize),
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User => f.write_str("an identified user"),
            Self::Factor(factor) => write!(f, "the factor {factor}"),
            Self::Factors(1) => f.write_str("a factor"),
            Self::Factors(least) => write!(f, "{least} different factors"),
        }
    }
}

/// What was proven, by a path or by a session.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Whether a user is identified.
    pub identified: bool,
    /// The factors that were shown.
    pub factors: &'a [String],
    /// How many different ones, where that is more than can be named.
    pub count: usize,
}

impl<'a> Shown<'a> {
    /// By somebody who is known.
    pub fn by_user(factors: &'a [String]) -> Self {
        Self { identified: true, factors, count: factors.len() }
    }

    /// At an end of a flow.
    fn at(end: &'a Assurance) -> Self {
        let fewest = end.minimum_factors.and_then(|fewest| usize::try_from(fewest).ok());
        let count = fewest.unwrap_or_default().max(end.factors.len());
        Self { identified: end.identified, factors: &end.factors, count }
    }
}

impl Demand {
    /// Everything that guarantees demand.
    pub fn of(guarantees: &Guarantees) -> Vec<Self> {
        // What is no number is met by nothing.
        let least = guarantees.minimum_factors.map(|least| usize::try_from(least).unwrap_or(usize::MAX));
        let user = guarantees.identified.then_some(Self::User);
        let factors = guarantees.factors.iter().cloned().map(Self::Factor);
        user.into_iter().chain(factors).chain(least.filter(|least| *least > 0).map(Self::Factors)).collect()
    }

    /// Whether this much is enough.
    pub fn is_met(&self, shown: Shown<'_>) -> bool {
        match self {
            Self::User => shown.identified,
            Self::Factor(factor) => shown.factors.contains(factor),
            Self::Factors(least) => shown.count >= *least,
        }
    }
}

/// The first thing that guarantees demand and that was not shown.
pub fn shortfall(shown: Shown<'_>, guarantees: &Guarantees) -> Option<Demand> {
    Demand::of(guarantees).into_iter().find(|demand| !demand.is_met(shown))
}

/// Whether a policy allows a node kind.
pub fn allows(policy: &Policy, kind: &str) -> bool {
    !policy.forbidden_node_kinds.iter().any(|forbidden| forbidden == kind)
}

/// Why policy and limits do not accept something; empty when they do.
pub fn breaches(policy: Option<&Policy>, limits: Option<&Limits>, offer: &Offer<'_>) -> Vec<Breach> {
    let limit = limits.and_then(|limits| limits.steps);
    let exceeds = |limit: &i32| offer.steps > usize::try_from(*limit).ok();
    let mut breaches: Vec<Breach> = limit.filter(exceeds).map(Breach::TooManySteps).into_iter().collect();
    let Some(policy) = policy else { return breaches };
    let forbidden = offer.node_kinds.iter().filter(|kind| !allows(policy, kind));
    breaches.extend(forbidden.map(|kind| Breach::ForbiddenKind((*kind).to_owned())));
    for end in offer.assurance.unwrap_or_default() {
        let lacking = policy.login.as_ref().and_then(|login| shortfall(Shown::at(end), login));
        breaches.extend(lacking.map(|demand| Breach::TooWeak { step: end.step.clone(), demand }));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn end(factors: &[&str], fewest: i32) -> Assurance {
        let factors = factors.iter().map(|factor| (*factor).to_owned()).collect();
        Assurance { step: "done".to_owned(), identified: true, factors, minimum_factors: Some(fewest) }
    }

    fn judged(policy: Value, offer: &Offer<'_>) -> Vec<String> {
        let policy: Policy = serde_json::from_value(policy).unwrap();
        breaches(Some(&policy), None, offer).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_forbidden_kind_is_found_among_all_kinds() {
        let offer = Offer { node_kinds: BTreeSet::from(["complete", "http"]), ..Offer::default() };
        let found = judged(json!({ "forbiddenNodeKinds": ["http", "script"] }), &offer);
        assert_eq!(found, ["the tenant does not allow http steps"]);
        assert!(judged(json!({ "forbiddenNodeKinds": ["script"] }), &offer).is_empty());
    }

    #[test]
    fn every_end_that_opens_a_session_must_prove_what_is_demanded() {
        let nobody = Assurance { identified: false, ..end(&[], 0) };
        let cases = [
            ("nothing is demanded", json!({}), end(&[], 0), None),
            (
                "one factor of two",
                json!({ "minimumFactors": 2 }),
                end(&["pwd"], 1),
                Some("2 different factors"),
            ),
            ("two factors", json!({ "minimumFactors": 2 }), end(&["otp", "pwd"], 2), None),
            ("a choice of second factors", json!({ "minimumFactors": 2 }), end(&["pwd"], 2), None),
            (
                "another factor",
                json!({ "factors": ["hwk"] }),
                end(&["otp", "pwd"], 2),
                Some("the factor hwk"),
            ),
            ("this factor", json!({ "factors": ["otp"] }), end(&["otp", "pwd"], 2), None),
            ("nobody", json!({ "identified": true }), nobody.clone(), Some("an identified user")),
            ("no factor", json!({ "minimumFactors": 1 }), nobody, Some("a factor")),
        ];
        for (what, login, end, lacking) in cases {
            let ends = [end];
            let offer = Offer { assurance: Some(&ends), ..Offer::default() };
            let found = judged(json!({ "login": login }), &offer);
            let wanted = lacking.map(|lacking| {
                format!("a path reaches step done without {lacking}, which the tenant demands")
            });
            assert_eq!(found, Vec::from_iter(wanted), "{what}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_to_the_sessions() {
        assert!(judged(json!({ "login": { "minimumFactors": 2 } }), &Offer::default()).is_empty());
    }

    #[test]
    fn steps_are_limited() {
        let limits: Limits = serde_json::from_value(json!({ "steps": 3 })).unwrap();
        for (steps, expected) in [(None, 0), (Some(3), 0), (Some(4), 1)] {
            let offer = Offer { steps, ..Offer::default() };
            assert_eq!(breaches(None, Some(&limits), &offer).len(), expected, "{steps:?}");
        }
    }
}
