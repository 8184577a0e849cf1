//! What is wrong with an object that others refer to.

use std::collections::BTreeSet;

use idflow_api::claim::Claim;
use idflow_api::condition::{ACCEPTED, Conditions, Progress, RESOLVED_REFS, Truth};
use idflow_api::diagnostic::{MAX_PROBLEMS, Problem, Severity};
use idflow_api::flow::{ReferencedStatus, UsedBy};
use idflow_api::reason::Reason;
use idflow_api::{ConnectionSpec, OIDCClient, ResourceKind};
use idflow_core::Value;
use idflow_core::time::Timestamp;
use idflow_flow::diagnostic::{ObjectId, path};
use idflow_flow::lint;
use idflow_flow::secret::{SecretFacts, SecretProblem, SecretUse};

use crate::tolerance;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It can be used.
    Ready,
    /// It is not accepted although it is sound; something else must change.
    NotAccepted(Reason, Problem),
    /// It is wrong.
    Invalid(String, Vec<Problem>),
    /// Nothing is wrong with it, and it cannot be used yet.
    Waiting(Reason, String),
    /// Something it names is not there, or must not be used; then with the linter's word for it.
    Unresolved(Reason, String, Option<Problem>),
    /// It can be used, and this is doubtful about it.
    Doubtful(Vec<Problem>),
}

/// The Secret that an object needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Need {
    /// It needs none.
    Nothing,
    /// The namespace is nobody's yet, so its Secrets are not read.
    Unknown,
    /// It does not exist.
    Missing,
    /// It exists.
    Found(SecretFacts),
}

/// What the API server would refuse today.
pub(crate) fn refused(problems: Vec<Problem>) -> Option<Finding> {
    Some(Finding::Invalid(told(problems.first()?), problems))
}

/// An object that only has to be the oldest with what it claims.
pub(crate) fn claims_only(kind: ResourceKind, denied: Option<(Claim, String)>) -> Finding {
    denied.map_or(Finding::Ready, |(claim, holder)| {
        let problem = Problem {
            code: lint::rule_of_claim(&claim).code.to_owned(),
            severity: Severity::Error,
            path: path(&Value::Null, claim.field()),
            message: format!("{kind} {holder} is older and {claim}"),
            fix: Some("give one of them another, or remove it there".to_owned()),
        };
        Finding::NotAccepted(Reason::ClaimedByOther, problem)
    })
}

/// A theme by what pages do not use of it.
pub(crate) fn theme(denied: Option<(Claim, String)>, problems: Vec<Problem>) -> Finding {
    match claims_only(ResourceKind::Theme, denied) {
        Finding::Ready if !problems.is_empty() => Finding::Doubtful(problems),
        other => other,
    }
}

/// A node by what the compiler found.
pub(crate) fn node(problems: Vec<Problem>, missing: &[ObjectId]) -> Finding {
    if let Some(first) = problems.iter().find(|problem| problem.severity == Severity::Error) {
        return Finding::Invalid(told(first), problems);
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().take(5).map(ToString::to_string).collect();
        let waiting = format!("waiting for {}", names.join(", "));
        return Finding::Unresolved(Reason::ReferenceNotFound, waiting, None);
    }
    usable(problems)
}

/// A connection, by the Secret it needs.
pub(crate) fn connection(spec: &ConnectionSpec, secret: &Need, doubts: Vec<Problem>) -> Finding {
    secret_problem(SecretUse::of_connection(spec), secret).unwrap_or_else(|| usable(doubts))
}

fn usable(doubts: Vec<Problem>) -> Finding {
    if doubts.is_empty() { Finding::Ready } else { Finding::Doubtful(doubts) }
}

/// What stands against an object's use of a Secret.
fn secret_problem(wanted: Option<SecretUse<'_>>, secret: &Need) -> Option<Finding> {
    let wanted = wanted?;
    let name = wanted.name;
    let (reason, message, problem) = match secret {
        Need::Nothing => return None,
        Need::Unknown => {
            let message = format!("Secret {name} is looked at once a Tenant has the namespace");
            (Reason::NoTenant, message, None)
        }
        Need::Missing => (Reason::ReferenceNotFound, format!("waiting for Secret {name}"), None),
        Need::Found(facts) => {
            let problem = facts.problems(&wanted).into_iter().next()?;
            let found = Problem {
                code: lint::SECRET_RULE.code.to_owned(),
                severity: Severity::Error,
                path: path(&Value::Null, wanted.field),
                message: problem.to_string(),
                fix: Some(problem.help()),
            };
            (reason(&problem), format!("{problem}: {}", problem.help()), Some(found))
        }
    };
    Some(Finding::Unresolved(reason, message, problem))
}

const fn reason(problem: &SecretProblem) -> Reason {
    match problem {
        SecretProblem::Reserved { .. } | SecretProblem::NotShared { .. } => Reason::SecretNotShared,
        SecretProblem::NotForHost { .. } => Reason::SecretNotForHost,
        SecretProblem::NoEntry { .. } | SecretProblem::Ciphertext { .. } => Reason::SecretIncomplete,
    }
}

/// The flows a client names, with the fields that name them.
pub(crate) fn flows_of(client: &OIDCClient) -> impl Iterator<Item = (&'static str, &str)> {
    let flows = client.spec.flows.as_ref();
    let named = [
        ("login", flows.and_then(|flows| flows.login.as_deref())),
        ("registration", flows.and_then(|flows| flows.registration.as_deref())),
        ("resetPassword", flows.and_then(|flows| flows.reset_password.as_deref())),
        ("logout", flows.and_then(|flows| flows.logout.as_deref())),
    ];
    named.into_iter().filter_map(|(field, flow)| Some((field, flow?)))
}

/// A client, by what it says itself, the Secret it needs and the flows there are.
pub(crate) fn client(
    client: &OIDCClient,
    denied: Option<(Claim, String)>,
    secret: &Need,
    flows: &BTreeSet<String>,
    problems: Vec<Problem>,
) -> Finding {
    if denied.is_some() {
        return claims_only(ResourceKind::OIDCClient, denied);
    }
    if let Some(first) = problems.iter().find(|problem| problem.severity == Severity::Error) {
        return Finding::Invalid(told(first), problems);
    }
    if let Some(problem) = secret_problem(SecretUse::of_client(&client.spec), secret) {
        return problem;
    }
    match flows_of(client).find(|(_, flow)| !flows.contains(*flow)) {
        Some((field, flow)) => Finding::Unresolved(
            Reason::ReferenceNotFound,
            format!("spec.flows.{field}: waiting for Flow {flow}"),
            None,
        ),
        None => usable(problems),
    }
}

/// The status that says so.
pub(crate) fn status(
    before: &ReferencedStatus,
    generation: i64,
    finding: Finding,
    tolerated: Vec<Problem>,
    used_by: Vec<UsedBy>,
    now: Timestamp,
) -> ReferencedStatus {
    let list = Conditions::new(&before.conditions, generation, now);
    let (list, problems) = match finding {
        Finding::Ready => (accept_all(list), Vec::new()),
        Finding::Doubtful(problems) => {
            let doubt = problems.first().map_or_else(String::new, told);
            (accept_all(list).set(ACCEPTED, Truth::True, Reason::Accepted, doubt), problems)
        }
        Finding::Waiting(reason, message) => {
            (accepted(list).progress(Progress::Reconciling, reason, message), Vec::new())
        }
        Finding::NotAccepted(reason, problem) => {
            let list = list.set(ACCEPTED, Truth::False, reason, problem.message.as_str());
            (list.progress(Progress::Reconciling, reason, problem.message.clone()), vec![problem])
        }
        Finding::Invalid(message, problems) => {
            let list = list.set(ACCEPTED, Truth::False, Reason::Invalid, message.as_str());
            (list.progress(Progress::Stalled, Reason::Invalid, message), problems)
        }
        Finding::Unresolved(reason, message, problem) => {
            let accepted = list.set(ACCEPTED, Truth::True, Reason::Accepted, "nothing is wrong with it");
            let list = accepted.set(RESOLVED_REFS, Truth::False, reason, message.as_str());
            (list.progress(Progress::Reconciling, reason, message), problem.into_iter().collect())
        }
    };
    ReferencedStatus {
        observed_generation: Some(generation),
        conditions: tolerance::told(list, &tolerated).finish(),
        problems: problems.into_iter().chain(tolerated).take(MAX_PROBLEMS).collect(),
        used_by,
    }
}

pub(crate) fn told(problem: &Problem) -> String {
    format!("{}: {}", problem.path, problem.message)
}

fn accept_all(list: Conditions<'_>) -> Conditions<'_> {
    accepted(list).progress(Progress::Ready, Reason::Ready, "it can be used")
}

fn accepted(list: Conditions<'_>) -> Conditions<'_> {
    list.set(ACCEPTED, Truth::True, Reason::Accepted, "nothing is wrong with it").set(
        RESOLVED_REFS,
        Truth::True,
        Reason::Resolved,
        "everything it names may be used",
    )
}
