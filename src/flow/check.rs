//! The one way from a manifest to a revision, for the operator, `idflow dev` and `idflow lint`.

use std::collections::BTreeMap;

use idflow_api::flow::{Assurance, Flow};
use idflow_api::flow_node::FlowNode;
use idflow_api::flow_revision::{Requires, Source};
use idflow_api::{OIDCClient, Theme};
use idflow_core::digest::Digest;

use crate::assurance::{assurance, session_ends};
use crate::content::{MAX_CONTENT, requires};
use crate::diagnostic::{Finding, ObjectId, Rule, Severity};
use crate::kinds::Kinds;
use crate::lint::{self, check};
use crate::objects::Objects;
use crate::pin::content;
use crate::program::Program;
use crate::resolve::{Part, Resolved, Subject, resolve};
use crate::secret::{SecretFacts, SecretUse};

pub(crate) static TOO_LARGE: Rule = Rule {
    code: "too-large",
    severity: Severity::Error,
    why: "A revision is one object of the cluster's store, which takes no larger ones",
};
pub(crate) static BROKEN_CALLEE: Rule = Rule {
    code: "broken-callee",
    severity: Severity::Error,
    why: "What a flow enters becomes part of its revision",
};
pub(crate) static INTERNAL: Rule = Rule {
    code: "internal",
    severity: Severity::Error,
    why: "The checks let something through that cannot be loaded; this is a mistake in idflow",
};

/// What became of a flow.
#[derive(Debug)]
pub struct Compiled {
    /// What can be served; nothing while there are errors or missing objects.
    pub revision: Option<Revision>,
    /// Objects that are named and do not exist. They are waited for.
    pub missing: Vec<ObjectId>,
    /// What is wrong or doubtful, worst first.
    pub findings: Vec<Finding>,
    /// The weakest that is proven at each `complete`.
    pub assurance: Vec<Assurance>,
    /// The same, only where a session may be opened: what a policy judges.
    pub session_assurance: Vec<Assurance>,
    /// The node kinds in everything that is entered, with the first place of each.
    pub node_kinds: BTreeMap<String, KindUse>,
    /// How many steps the flow has.
    pub steps: usize,
}

/// Where a node kind is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindUse {
    /// JSON pointer of the step of the flow that is of this kind or leads to it.
    pub pointer: String,
    /// The object in which it stands.
    pub object: ObjectId,
}

/// A revision that can be minted.
#[derive(Debug)]
pub struct Revision {
    /// Canonical JSON.
    pub content: String,
    /// Its SHA-256.
    pub digest: Digest,
    /// Every object that went in, sorted.
    pub sources: Vec<Source>,
    /// What an executor must know to run it.
    pub requires: Requires,
    /// The content, compiled.
    pub program: Program,
}

impl Compiled {
    /// Whether some finding is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Resolves, checks and compiles a flow.
pub fn compile_flow(flow: &Flow, objects: &Objects, kinds: Kinds) -> Compiled {
    let resolved = resolve(Subject::Flow(flow), objects, kinds);
    let mut findings = all_findings(&resolved);
    let missing = resolved.missing();
    let is_sound = !findings.iter().any(|finding| finding.severity == Severity::Error);
    let revision = if is_sound && missing.is_empty() {
        mint(&resolved).map_err(|finding| findings.push(*finding)).ok()
    } else {
        None
    };
    findings.sort_by_key(|finding| finding.severity);
    Compiled {
        revision,
        missing,
        findings,
        assurance: resolved.parts.last().map(assurance).unwrap_or_default(),
        session_assurance: resolved.parts.last().map(|part| of_sessions(&resolved, part)).unwrap_or_default(),
        node_kinds: node_kinds(&resolved),
        steps: flow.spec.steps.len(),
    }
}

fn of_sessions(resolved: &Resolved<'_>, part: &Part<'_>) -> Vec<Assurance> {
    let ends = session_ends(resolved, part);
    let opens = |end: &Assurance| part.graph.find(&end.step).is_some_and(|index| ends.contains(&index));
    assurance(part).into_iter().filter(opens).collect()
}

fn node_kinds(resolved: &Resolved<'_>) -> BTreeMap<String, KindUse> {
    let Some((subject, callees)) = resolved.parts.split_last() else { return BTreeMap::new() };
    let mut kinds = BTreeMap::new();
    for part in std::iter::once(subject).chain(callees) {
        for step in &part.graph.steps {
            let Some(node) = &step.node else { continue };
            kinds.entry(node.name.to_owned()).or_insert_with(|| KindUse {
                pointer: if std::ptr::eq(part, subject) {
                    step.node_pointer("")
                } else {
                    lint::place_of_callee(resolved, subject, part)
                },
                object: part.graph.object.clone(),
            });
        }
    }
    kinds
}

/// Checks a `Theme` on its own.
pub fn check_theme(theme: &Theme) -> Vec<Finding> {
    lint::of_theme(theme.metadata.name.as_deref().unwrap_or_default(), &theme.spec)
}

/// Checks an `OIDCClient` among the other objects of its namespace. What only they make wrong is a warning: an edit of a
/// Directory must not stop an application.
pub fn check_client(client: &OIDCClient, objects: &Objects) -> Vec<Finding> {
    let name = client.metadata.name.as_deref().unwrap_or_default();
    let among = lint::claims_among(objects, name, &client.spec).into_iter();
    let among = among.map(|finding| finding.graded(Severity::Warning));
    lint::of_claims(name, &client.spec).into_iter().chain(among).collect()
}

/// Checks what an object uses of a Secret.
pub fn check_secret(object: &ObjectId, facts: &SecretFacts, wanted: &SecretUse<'_>) -> Vec<Finding> {
    lint::of_secret(object, facts, wanted)
}

/// Checks a `FlowNode` on its own.
pub fn check_node(node: &FlowNode, objects: &Objects, kinds: Kinds) -> (Vec<Finding>, Vec<ObjectId>) {
    let resolved = resolve(Subject::Node(node), objects, kinds);
    let mut findings = all_findings(&resolved);
    findings.sort_by_key(|finding| finding.severity);
    let missing = resolved.missing();
    (findings, missing)
}

/// The findings about the flow or node itself. Errors of what it enters stand at their own object, and here as one.
fn all_findings(resolved: &Resolved<'_>) -> Vec<Finding> {
    let Some((subject, callees)) = resolved.parts.split_last() else { return Vec::new() };
    let mut findings = check(resolved, subject);
    for callee in callees {
        let errors =
            check(resolved, callee).into_iter().filter(|finding| finding.severity == Severity::Error);
        let errors: Vec<Finding> = errors.collect();
        if let Some(first) = errors.first() {
            let title =
                format!("{} has {} of its own: {}", callee.graph.object, count(errors.len()), first.title);
            let place = subject.graph.at(lint::place_of_callee(resolved, subject, callee));
            let help = format!("correct {} first", callee.graph.object);
            findings
                .push(BROKEN_CALLEE.at(place, title, help).with(first.place.clone(), first.title.clone()));
        }
    }
    findings
}

fn count(errors: usize) -> String {
    if errors == 1 { "an error".to_owned() } else { format!("{errors} errors") }
}

fn mint(resolved: &Resolved<'_>) -> Result<Revision, Box<Finding>> {
    let place = || {
        resolved.parts.last().map_or_else(|| ObjectId::new("Flow", "").at(""), |part| part.graph.at("/spec"))
    };
    let internal = |error: String| Box::new(INTERNAL.at(place(), error, "please report it with the flow"));
    let content = content(resolved).ok_or_else(|| internal("there is no flow".to_owned()))?;
    let (content, digest) = content.canonical().map_err(|error| internal(error.to_string()))?;
    if content.len() > MAX_CONTENT {
        let title = format!(
            "the flow with everything it enters has {} bytes, more than {MAX_CONTENT}",
            content.len()
        );
        return Err(Box::new(TOO_LARGE.at(place(), title, "shorten texts, or split the flow")));
    }
    let program = Program::load(&content, resolved.kinds).map_err(|error| internal(error.to_string()))?;
    let requires = requires(&content).ok_or_else(|| internal("the content cannot be read".to_owned()))?;
    let mut sources: Vec<Source> = resolved.parts.iter().flat_map(|part| part.sources.clone()).collect();
    sources.extend(resolved.pinned_directories().keys().filter_map(|name| {
        resolved
            .objects
            .directories
            .get(name)
            .map(|directory| crate::objects::source("Directory", &directory.metadata))
    }));
    sources.sort();
    sources.dedup();
    Ok(Revision { content, digest, sources, requires, program })
}
