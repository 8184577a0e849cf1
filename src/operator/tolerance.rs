//! Objects that are older than a rule.
//!
//! A rule that a release brings would stop what the operator does for an object, and turn it red, without that anybody
//! has edited it and while executors serve it. So a spec that was accepted goes on, and the condition `Tolerated` tells
//! what is the matter. The API server does alike: it does not judge again what an edit leaves as it is. Here the next
//! edit is judged as a whole. That a spec was accepted stands in its status, so that a restart changes nothing.

use idflow_api::condition::{ACCEPTED, Conditions, TOLERATED, Truth};
use idflow_api::connection::PLAIN_LOGIN;
use idflow_api::diagnostic::Problem;
use idflow_api::reason::Reason;
use idflow_flow::Finding;
use idflow_flow::diagnostic::{Severity, path as field};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::Value;

/// Rules that nobody is spared: what breaks them is not served either.
const UNSPARING: [&str; 1] = [PLAIN_LOGIN];

/// What no edit can mend, because it never changes: a Tenant's issuer.
const FIXED: &str = "/spec/issuer";

/// What the API server would refuse in an object today.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// What it is refused for.
    pub(crate) refused: Vec<Finding>,
    /// What it is only told of: its spec was accepted before there were these rules. As warnings.
    pub(crate) tolerated: Vec<Finding>,
}

impl Judged {
    /// Sorts what was found in an object of this generation by what its status says.
    pub(crate) fn new(found: Vec<Finding>, conditions: &[Condition], generation: Option<i64>) -> Self {
        let is_unsparing = |one: &Finding| UNSPARING.contains(&one.title.as_str());
        // One that was accepted may wait for something else at the moment.
        let spoken = || conditions.iter().filter(|one| [ACCEPTED, TOLERATED].contains(&one.type_.as_str()));
        let accepted: Vec<_> = spoken().filter(|one| one.status == "True").collect();
        let is_current = !is_refused(conditions, generation)
            && accepted.iter().any(|one| one.observed_generation == generation);
        let is_old = |one: &Finding| is_current || (!accepted.is_empty() && one.place.pointer() == FIXED);
        let (tolerated, refused) = found.into_iter().partition(|one| is_old(one) && !is_unsparing(one));
        let tolerated: Vec<Finding> = tolerated;
        Self { refused, tolerated: tolerated.into_iter().map(|one| one.graded(Severity::Warning)).collect() }
    }
}

/// Whether an edit was refused for itself. That something which cannot be mended is tolerated in it vouches for nothing
/// else, however often it is looked at.
fn is_refused(conditions: &[Condition], generation: Option<i64>) -> bool {
    conditions.iter().any(|one| {
        one.type_ == ACCEPTED
            && one.status == "False"
            && one.reason == Reason::Invalid.as_str()
            && one.observed_generation == generation
    })
}

/// Findings as a status shows them.
pub(crate) fn problems(findings: &[Finding], object: &Value) -> Vec<Problem> {
    findings.iter().map(|finding| finding.problem(object)).collect()
}

/// The conditions with what is tolerated, if anything is.
pub(crate) fn told<'a>(list: Conditions<'a>, tolerated: &[Problem]) -> Conditions<'a> {
    let Some(first) = tolerated.first() else { return list };
    let more = match tolerated.len() - 1 {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let Problem { code, path, message, fix, .. } = first;
    let cure = if *path == field(&Value::Null, FIXED) {
        "it never changes: only another Tenant can take its place".to_owned()
    } else {
        let fix = fix.as_deref().unwrap_or("see status.problems");
        format!("the next edit of the spec is refused until it is mended: {fix}")
    };
    let message = format!(
        "{path}: {message} ({code}{more}). It was accepted before there was this rule, and goes on; {cure}"
    );
    list.set(TOLERATED, Truth::True, Reason::OlderThanRule, message)
}
