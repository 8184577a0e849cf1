//! What a Tenant's policy makes of a flow and of a session: written once, for linter, operator and executor.
//!
//! A flow is judged by its resolved content, whatever called flows and nodes hide, and by the weakest that is proven
//! where it may open a session. A session is judged by its evidence when it is opened and when it is used again; so
//! a revision that does not say what it proves is let pass here and gives no session that proves too little.

use std::collections::BTreeSet;
use std::fmt;

use idflow_api::flow::{Assurance, Guarantees};
use idflow_api::flow_revision::FlowRevisionSpec;
use idflow_api::tenant::{DEFAULT_FLOWS, DEFAULT_STEPS, Guests, Limits, Policy};

/// What is judged.
#[derive(Debug, Clone, Default)]
pub struct Offer<'a> {
    /// How many steps the flow itself has; nothing when that is not known.
    pub steps: Option<usize>,
    /// How many Flows of the tenant are older; nothing where only the operator can tell.
    pub older: Option<usize>,
    /// The kinds of all nodes, of everything that is entered too.
    pub node_kinds: BTreeSet<&'a str>,
    /// The weakest that is proven at each step that may open a session; nothing when that is not known.
    pub assurance: Option<&'a [Assurance]>,
    /// Whether it is of type Login, of which an end without a user is a guest's: older revisions do not say it.
    pub is_login: bool,
}

impl<'a> Offer<'a> {
    /// What a revision says of itself.
    pub fn of_revision(spec: &'a FlowRevisionSpec) -> Self {
        let kinds = spec.requires.iter().flat_map(|requires| &requires.node_kinds);
        Self {
            steps: spec.steps.and_then(|steps| usize::try_from(steps).ok()),
            older: None,
            node_kinds: kinds.map(String::as_str).collect(),
            assurance: spec.assurance.as_deref(),
            is_login: false,
        }
    }

    fn is_guest(&self, end: &Assurance) -> bool {
        end.guest || self.is_login && !end.identified
    }
}

/// Why a policy does not accept something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// The tenant has so many older flows already.
    TooManyFlows(i32),
    /// The flow has more steps than this.
    TooManySteps(i32),
    /// It uses this node kind.
    ForbiddenKind(String),
    /// At this step it opens a session for nobody.
    Guest {
        /// The step.
        step: String,
    },
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
            Self::TooManyFlows(limit) => {
                write!(f, "the tenant allows {limit} flows, and as many are older")
            }
            Self::TooManySteps(limit) => write!(f, "the tenant allows {limit} steps per flow"),
            Self::ForbiddenKind(kind) => write!(f, "the tenant does not allow {kind} steps"),
            Self::Guest { step } => {
                write!(f, "step {step} opens a session for a guest, and the tenant does not allow guests")
            }
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

/// What meets all of these guarantees.
pub fn strictest<'a>(all: impl IntoIterator<Item = &'a Guarantees>) -> Guarantees {
    // What is no number asks for more than any number.
    let most =
        |one: Option<i32>, other| [one, other].into_iter().max_by_key(|least| least.map(i32::cast_unsigned));
    let join = |one: Guarantees, other: &Guarantees| {
        let factors: BTreeSet<String> =
            one.factors.into_iter().chain(other.factors.iter().cloned()).collect();
        Guarantees {
            identified: one.identified || other.identified,
            factors: factors.into_iter().collect(),
            minimum_factors: most(one.minimum_factors, other.minimum_factors).flatten(),
        }
    };
    all.into_iter().fold(Guarantees::default(), join)
}

/// Whether a policy allows a node kind.
pub fn allows(policy: &Policy, kind: &str) -> bool {
    !policy.forbidden_node_kinds.iter().any(|forbidden| forbidden == kind)
}

/// Whether a session may be nobody's.
pub fn allows_guests(policy: Option<&Policy>) -> bool {
    match policy.and_then(|policy| policy.guests) {
        Some(Guests::Allowed) => true,
        Some(Guests::Refused) | None => false,
    }
}

/// Why policy and limits do not accept something; empty when they do.
pub fn breaches(policy: Option<&Policy>, limits: Option<&Limits>, offer: &Offer<'_>) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let at_most = |limit: i32| usize::try_from(limit).unwrap_or_default();
    let flows = limits.and_then(|limits| limits.flows).unwrap_or(DEFAULT_FLOWS);
    if offer.older.is_some_and(|older| older >= at_most(flows)) {
        breaches.push(Breach::TooManyFlows(flows));
    }
    let steps = limits.and_then(|limits| limits.steps).unwrap_or(DEFAULT_STEPS);
    if offer.steps > Some(at_most(steps)) {
        breaches.push(Breach::TooManySteps(steps));
    }
    if !allows_guests(policy) {
        let guests = offer.assurance.into_iter().flatten().filter(|end| offer.is_guest(end));
        breaches.extend(guests.map(|end| Breach::Guest { step: end.step.clone() }));
    }
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
        let (step, guest) = ("done".to_owned(), false);
        Assurance { step, identified: true, guest, factors, minimum_factors: Some(fewest) }
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
    fn guests_are_refused_unless_they_are_allowed() {
        let nobody = [Assurance { identified: false, ..end(&[], 0) }];
        let guest = [Assurance { guest: true, ..nobody[0].clone() }];
        let told = Offer { assurance: Some(&guest), ..Offer::default() };
        let older = Offer { assurance: Some(&nobody), is_login: true, ..Offer::default() };
        // A registration that ends without a user opens no session.
        let registration = Offer { is_login: false, ..older.clone() };
        let refused = ["step done opens a session for a guest, and the tenant does not allow guests"];
        for (what, offer, policy, expected) in [
            ("no word of guests", &told, json!({}), &refused[..]),
            ("refused", &told, json!({ "guests": "Refused" }), &refused),
            ("allowed", &told, json!({ "guests": "Allowed" }), &[]),
            ("of an older revision", &older, json!({}), &refused),
            ("allowed there", &older, json!({ "guests": "Allowed" }), &[]),
            ("no guest", &registration, json!({}), &[]),
        ] {
            assert_eq!(judged(policy, offer), expected, "{what}");
        }
        assert_eq!(breaches(None, None, &told).len(), 1, "no policy at all");
    }

    #[test]
    fn what_is_not_known_is_left_to_the_sessions() {
        assert!(judged(json!({ "login": { "minimumFactors": 2 } }), &Offer::default()).is_empty());
    }

    #[test]
    fn steps_and_flows_are_limited() {
        let limits: Limits = serde_json::from_value(json!({ "steps": 3, "flows": 2 })).unwrap();
        let found = |offer: &Offer<'_>, limits| breaches(None, limits, offer).len();
        for (number, expected) in [(None, 0), (Some(3), 0), (Some(4), 1)] {
            let offer = Offer { steps: number, ..Offer::default() };
            assert_eq!(found(&offer, Some(&limits)), expected, "{number:?} steps");
        }
        for (number, expected) in [(None, 0), (Some(1), 0), (Some(2), 1)] {
            let offer = Offer { older: number, ..Offer::default() };
            assert_eq!(found(&offer, Some(&limits)), expected, "{number:?} older flows");
        }
        let most = Offer { older: Some(499), steps: Some(200), ..Offer::default() };
        assert_eq!(found(&most, None), 0, "no limit means the documented one");
        let beyond = Offer { older: Some(500), steps: Some(201), ..Offer::default() };
        assert_eq!(found(&beyond, None), 2, "no limit means the documented one");
    }

    #[test]
    fn the_strictest_of_some_guarantees_asks_for_what_each_asks() {
        let guarantees = |value: Value| -> Guarantees { serde_json::from_value(value).unwrap() };
        let one = guarantees(json!({ "factors": ["pwd", "otp"] }));
        let other = guarantees(json!({ "identified": true, "factors": ["hwk", "pwd"], "minimumFactors": 2 }));
        let both =
            guarantees(json!({ "identified": true, "factors": ["hwk", "otp", "pwd"], "minimumFactors": 2 }));
        assert_eq!(strictest([&one, &other]), both);
        assert_eq!(strictest([]), Guarantees::default());
    }
}
