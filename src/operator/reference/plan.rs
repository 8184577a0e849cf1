//! What is wrong with an object that others refer to.

use std::collections::BTreeSet;

use idflow_api::condition::{ACCEPTED, Conditions, Progress, RESOLVED_REFS, Truth};
use idflow_api::connection::HttpScheme;
use idflow_api::diagnostic::{MAX_PROBLEMS, Problem, Severity};
use idflow_api::flow::{ReferencedStatus, UsedBy};
use idflow_api::reason::Reason;
use idflow_api::{ConnectionSpec, OIDCClient, USABLE_LABEL};
use idflow_core::time::Timestamp;
use idflow_flow::diagnostic::ObjectId;
use idflow_flow::objects::SecretFacts;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt as _;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// It can be used.
    Ready,
    /// It is not accepted although it is sound; something else must change.
    NotAccepted(Reason, String),
    /// It is wrong.
    Invalid(String, Vec<Problem>),
    /// Something it names is not there, or must not be used.
    Unresolved(Reason, String),
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

/// Whether a Secret's owner has shared it.
pub(crate) fn is_shared(metadata: &ObjectMeta) -> bool {
    metadata.labels.as_ref().and_then(|labels| labels.get(USABLE_LABEL)).is_some_and(|value| value == "true")
}

/// At most one object of a kind is the default.
pub(crate) fn single_default(claims: bool, holder: Option<String>, kind: &str) -> Finding {
    match holder.filter(|_| claims) {
        Some(holder) => Finding::NotAccepted(
            Reason::ClaimedByOther,
            format!("{kind} {holder} is older and already the default"),
        ),
        None => Finding::Ready,
    }
}

/// A node by what the compiler found.
pub(crate) fn node(problems: Vec<Problem>, missing: &[ObjectId]) -> Finding {
    if let Some(first) = problems.iter().find(|problem| problem.severity == Severity::Error) {
        return Finding::Invalid(format!("{}: {}", first.path, first.message), problems);
    }
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().take(5).map(ToString::to_string).collect();
        return Finding::Unresolved(Reason::ReferenceNotFound, format!("waiting for {}", names.join(", ")));
    }
    if problems.is_empty() { Finding::Ready } else { Finding::Doubtful(problems) }
}

/// The Secret a connection needs.
pub(crate) fn connection_secret(spec: &ConnectionSpec) -> Option<&str> {
    let smtp = spec.smtp.as_ref().and_then(|smtp| smtp.secret_ref.as_ref());
    let http = spec.http.as_ref().and_then(|http| http.authentication.as_ref());
    smtp.or(http.map(|authentication| &authentication.secret_ref)).map(|secret| secret.name.as_str())
}

/// A connection, by the Secret it needs.
pub(crate) fn connection(spec: &ConnectionSpec, secret: &Need) -> Finding {
    let name = connection_secret(spec).unwrap_or_default();
    let entries: &[&str] = match spec.http.as_ref().and_then(|http| http.authentication.as_ref()) {
        Some(authentication) if authentication.scheme == HttpScheme::Bearer => &["token"],
        _ => &["username", "password"],
    };
    if let Some(problem) = secret_problem(name, secret, entries) {
        return problem;
    }
    let host = host(spec);
    match secret {
        Need::Found(facts) if !facts.hosts.iter().any(|listed| covers(listed, &host)) => {
            let annotation = idflow_api::HOSTS_ANNOTATION;
            let message = format!(
                "Secret {name} may not be sent to {host}: its owner lists the hosts in the annotation {annotation}"
            );
            Finding::Unresolved(Reason::SecretNotForHost, message)
        }
        _ => Finding::Ready,
    }
}

/// What is wrong with a Secret, whatever it is for.
fn secret_problem(name: &str, secret: &Need, entries: &[&str]) -> Option<Finding> {
    let facts = match secret {
        Need::Nothing => return None,
        Need::Unknown => {
            let message = format!("Secret {name} is looked at once a Tenant has the namespace");
            return Some(Finding::Unresolved(Reason::NoTenant, message));
        }
        Need::Missing => {
            return Some(Finding::Unresolved(
                Reason::ReferenceNotFound,
                format!("waiting for Secret {name}"),
            ));
        }
        Need::Found(facts) => facts,
    };
    if !facts.usable {
        let message =
            format!("Secret {name} is not shared: its owner sets the label {USABLE_LABEL}: \"true\"");
        return Some(Finding::Unresolved(Reason::SecretNotShared, message));
    }
    let missing = entries.iter().find(|entry| !facts.entries.iter().any(|found| found == *entry))?;
    Some(Finding::Unresolved(Reason::SecretIncomplete, format!("Secret {name} has no entry {missing}")))
}

fn host(spec: &ConnectionSpec) -> String {
    match (&spec.smtp, &spec.http) {
        (Some(smtp), _) => smtp.host.to_ascii_lowercase(),
        (None, Some(http)) => {
            let authority =
                http.url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
            let bare = authority.rsplit_once(':').map_or(authority, |(host, port)| {
                if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
            });
            bare.trim_matches(['[', ']']).to_ascii_lowercase()
        }
        (None, None) => String::new(),
    }
}

/// Whether an entry of the list covers a host; `*.example.com` covers every name below.
fn covers(listed: &str, host: &str) -> bool {
    match listed.strip_prefix("*.") {
        Some(parent) => {
            host.strip_suffix(parent).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        }
        None => listed.eq_ignore_ascii_case(host),
    }
}

/// The `client_id` that applies.
pub(crate) fn client_id(client: &OIDCClient) -> String {
    client.spec.client_id.clone().unwrap_or_else(|| client.name_any())
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

/// A client, by the Secret it needs and the flows there are.
pub(crate) fn client(
    client: &OIDCClient,
    holder: Option<String>,
    secret: &Need,
    flows: &BTreeSet<String>,
) -> Finding {
    if let Some(holder) = holder {
        let message = format!("OIDCClient {holder} is older and has the client id {}", client_id(client));
        return Finding::NotAccepted(Reason::ClaimedByOther, message);
    }
    let name = client.spec.secret_ref.as_ref().map(|secret| secret.name.as_str()).unwrap_or_default();
    if let Some(problem) = secret_problem(name, secret, &["current"]) {
        return problem;
    }
    match flows_of(client).find(|(_, flow)| !flows.contains(*flow)) {
        Some((field, flow)) => Finding::Unresolved(
            Reason::ReferenceNotFound,
            format!("spec.flows.{field}: waiting for Flow {flow}"),
        ),
        None => Finding::Ready,
    }
}

/// The status that says so.
pub(crate) fn status(
    before: &ReferencedStatus,
    generation: i64,
    finding: Finding,
    used_by: Vec<UsedBy>,
    now: Timestamp,
) -> ReferencedStatus {
    let list = Conditions::new(&before.conditions, generation, now);
    let (list, problems) = match finding {
        Finding::Ready => (accept_all(list), Vec::new()),
        Finding::Doubtful(problems) => (accept_all(list), problems),
        Finding::NotAccepted(reason, message) => {
            let list = list.set(ACCEPTED, Truth::False, reason, message.as_str());
            (list.progress(Progress::Reconciling, reason, message), Vec::new())
        }
        Finding::Invalid(message, problems) => {
            let list = list.set(ACCEPTED, Truth::False, Reason::Invalid, message.as_str());
            (list.progress(Progress::Stalled, Reason::Invalid, message), problems)
        }
        Finding::Unresolved(reason, message) => {
            let accepted = list.set(ACCEPTED, Truth::True, Reason::Accepted, "nothing is wrong with it");
            let list = accepted.set(RESOLVED_REFS, Truth::False, reason, message.as_str());
            (list.progress(Progress::Reconciling, reason, message), Vec::new())
        }
    };
    ReferencedStatus {
        observed_generation: Some(generation),
        conditions: list.finish(),
        problems: problems.into_iter().take(MAX_PROBLEMS).collect(),
        used_by,
    }
}

fn accept_all(list: Conditions<'_>) -> Conditions<'_> {
    list.set(ACCEPTED, Truth::True, Reason::Accepted, "nothing is wrong with it")
        .set(RESOLVED_REFS, Truth::True, Reason::Resolved, "everything it names may be used")
        .progress(Progress::Ready, Reason::Ready, "it can be used")
}
