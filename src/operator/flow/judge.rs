//! Whether a flow can be served: what the compiler found, and what the tenant's rules make of it.

use idflow_api::claim::Claim;
use idflow_api::diagnostic::{MAX_PROBLEMS, Problem, Severity};
use idflow_api::flow::Assurance;
use idflow_api::flow_revision::{Requires, Source};
use idflow_api::reason::Reason;
use idflow_api::tenant::TenantSpec;
use idflow_api::{Flow, FlowType};
use idflow_core::digest::Digest;
use idflow_flow::diagnostic::{Finding, ObjectId, Place};
use idflow_flow::lint;
use idflow_flow::policy::{self, Breach, Offer};
use idflow_flow::{Compiled, Revision};
use kube::ResourceExt as _;
use serde_json::{Value, json};

/// Whether a flow can be served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It can.
    Accepted,
    /// Something it refers to does not exist yet.
    Unresolved(String),
    /// Something else must change first.
    Waiting(Reason, String),
    /// Only an edit of the flow can help.
    Refused(String),
}

/// What a revision is made from.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    /// Canonical JSON.
    pub(crate) text: String,
    pub(crate) digest: Digest,
    pub(crate) sources: Vec<Source>,
    pub(crate) requires: Requires,
    /// How many steps the flow itself has.
    pub(crate) steps: Option<i32>,
    /// What is proven where a session may be opened.
    pub(crate) assurance: Vec<Assurance>,
}

impl Content {
    fn new(revision: Revision, steps: Option<i32>, assurance: Vec<Assurance>) -> Self {
        let Revision { content, digest, sources, requires, .. } = revision;
        Self { text: content, digest, sources, requires, steps, assurance }
    }
}

/// A checked flow.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) verdict: Verdict,
    pub(crate) content: Option<Content>,
    pub(crate) problems: Vec<Problem>,
    /// Those of the problems that stand against nothing, because the flow is older than the rule.
    pub(crate) tolerated: Vec<Problem>,
    pub(crate) assurance: Vec<Assurance>,
    pub(crate) steps: Option<i32>,
}

impl Checked {
    /// A flow that could not be checked, with what was tolerated of it.
    pub(crate) fn not(verdict: Verdict, tolerated: Vec<Problem>) -> Self {
        let (problems, assurance) = (tolerated.clone(), Vec::new());
        Self { verdict, content: None, problems, tolerated, assurance, steps: None }
    }
}

/// Judges a compiled flow by its tenant's rules. `default_holder` is an older flow that is the default of the type
/// already; `older` is how many flows of the namespace are older.
pub(crate) fn judge(
    flow: &Flow,
    tenant: &TenantSpec,
    compiled: Compiled,
    default_holder: Option<String>,
    older: usize,
) -> Checked {
    let object = json!(flow);
    let mut problems: Vec<Problem> =
        compiled.findings.iter().map(|finding| finding.problem(&object)).collect();
    let has_own_errors = compiled.findings.iter().any(is_own_error);
    let breaches = breaches(flow, tenant, &compiled, older);
    let no_room = breaches.iter().find(|breach| matches!(breach, Breach::TooManyFlows(_)));
    let mut not_allowed: Vec<Problem> =
        breaches.iter().map(|one| problem(one, flow, &compiled, &object)).collect();
    let verdict = if has_own_errors {
        Verdict::Refused(summary(&problems))
    } else if let Some(holder) = &default_holder {
        let message = format!("Flow {holder} is older and already the default of type {}", flow.spec.type_);
        Verdict::Waiting(Reason::ClaimedByOther, message)
    } else if let Some(no_room) = no_room {
        Verdict::Waiting(Reason::LimitReached, no_room.to_string())
    } else if let Some(first) = not_allowed.first() {
        Verdict::Waiting(Reason::NotAllowed, first.message.clone())
    } else if !compiled.missing.is_empty() {
        let names: Vec<String> = compiled.missing.iter().take(5).map(ToString::to_string).collect();
        Verdict::Unresolved(format!("waiting for {}", names.join(", ")))
    } else if compiled.has_errors() {
        Verdict::Waiting(Reason::ReferenceNotReady, summary(&problems))
    } else {
        Verdict::Accepted
    };
    not_allowed.extend(default_holder.map(|holder| rival(flow, &holder, &object)));
    problems.splice(0..0, not_allowed);
    problems.truncate(MAX_PROBLEMS);
    let steps = i32::try_from(compiled.steps).ok();
    Checked {
        verdict,
        problems,
        tolerated: Vec::new(),
        assurance: compiled.assurance.into_iter().take(20).collect(),
        steps,
        content: compiled.revision.map(|revision| Content::new(revision, steps, compiled.session_assurance)),
    }
}

/// Whether only an edit of the flow itself can help.
fn is_own_error(finding: &Finding) -> bool {
    let mut others = finding.related.iter().filter_map(|related| related.place.object());
    finding.severity == Severity::Error && others.all(|object| Some(object) == finding.place.object())
}

/// What an older flow has.
fn rival(flow: &Flow, holder: &str, object: &Value) -> Problem {
    let claim = Claim::DefaultFlow(flow.spec.type_);
    let place = ObjectId::new("Flow", flow.name_any()).at(claim.field());
    let title = format!("Flow {holder} is older and {claim}");
    lint::rule_of_claim(&claim).at(place, title, "leave default: true on one of them").problem(object)
}

fn summary(problems: &[Problem]) -> String {
    let mut errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    let Some(first) = errors.next() else { return "the flow does not compile".to_owned() };
    let first_words = format!("{}: {}", first.path, first.message);
    match errors.count() {
        0 => first_words,
        more => format!("{first_words} ({more} more in status.problems)"),
    }
}

/// What the Tenant does not accept, of the flow with everything that it enters.
fn breaches(flow: &Flow, tenant: &TenantSpec, compiled: &Compiled, older: usize) -> Vec<Breach> {
    let offer = Offer {
        steps: Some(compiled.steps),
        older: Some(older),
        node_kinds: compiled.node_kinds.keys().map(String::as_str).collect(),
        assurance: Some(&compiled.session_assurance),
        is_login: flow.spec.type_ == FlowType::Login,
    };
    policy::breaches(tenant.policy.as_ref(), tenant.limits.as_ref(), &offer)
}

fn problem(breach: &Breach, flow: &Flow, compiled: &Compiled, object: &Value) -> Problem {
    let (place, title) = place_of(breach, flow, compiled);
    let help = "change the flow, or ask whoever administers the Tenant";
    lint::rule_of_breach(breach).at(place, title, help).problem(object)
}

/// Where a breach is in the flow, and what to say there. What is hidden in another object is named.
fn place_of(breach: &Breach, flow: &Flow, compiled: &Compiled) -> (Place, String) {
    let own = ObjectId::new("Flow", flow.name_any());
    match breach {
        Breach::TooManyFlows(_) => (own.at("/spec"), breach.to_string()),
        Breach::TooManySteps(_) => (own.at("/spec/steps"), breach.to_string()),
        Breach::Guest { step } | Breach::TooWeak { step, .. } => {
            let index = flow.spec.steps.iter().position(|one| one.id == *step).unwrap_or_default();
            (own.at(format!("/spec/steps/{index}")), breach.to_string())
        }
        Breach::ForbiddenKind(kind) => match compiled.node_kinds.get(kind) {
            Some(found) if found.object == own => (own.at(&found.pointer), breach.to_string()),
            Some(found) => (own.at(&found.pointer), format!("{breach}, and {} has one", found.object)),
            None => (own.at("/spec/steps"), breach.to_string()),
        },
    }
}
