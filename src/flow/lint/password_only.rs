//! A sign-in by password from which somebody may be shut out without another way in.
//!
//! After eighty wrong passwords from browsers that nobody has signed in with, which takes a stranger eighteen hours, no
//! such browser is listened to for as long as ninety days. From a known device the person still gets in, and so does who
//! gets a code, or sets a new password.
//!
//! ```yaml,invalid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Directory
//! metadata: { name: partners }
//! spec:
//!   identifiers: [email]
//!   attributes: [{ name: email, type: Email, unique: true, required: true }]
//! ---
//! apiVersion: idflow.dev/v1alpha1
//! kind: Flow
//! metadata: { name: partner-sign-in }
//! spec:
//!   type: Login
//!   start: password
//!   steps:
//!     - id: password
//!       password: { identify: true, directory: partners }
//!       outcomes: { next: done }
//!     - id: done
//!       complete: {}
//! ```
//!
//! ```yaml,valid
//! apiVersion: idflow.dev/v1alpha1
//! kind: Directory
//! metadata: { name: partners }
//! spec:
//!   identifiers: [email]
//!   attributes: [{ name: email, type: Email, unique: true, required: true }]
//! ---
//! apiVersion: idflow.dev/v1alpha1
//! kind: Flow
//! metadata: { name: partner-sign-in }
//! spec:
//!   type: Login
//!   start: password
//!   steps:
//!     - id: password
//!       password: { identify: true, directory: partners, actions: [{ name: byMail }] }
//!       outcomes: { next: done, byMail: ask }
//!     - id: ask
//!       form: { fields: [{ name: email, type: Email }] }
//!       outcomes: { next: account }
//!     - id: account
//!       findUser: { by: form.email, directory: partners }
//!       outcomes: { next: code, notFound: ask }
//!     - id: code
//!       oneTimeCode: { email: { connection: mail, to: user.email } }
//!       outcomes: { next: done }
//!     - id: done
//!       complete: {}
//! ```
//!
//! Add a Flow of type `ResetPassword` for the same Directory, or offer a `oneTimeCode` beside the password.

use std::collections::BTreeSet;

use idflow_api::{Flow, FlowType};

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::{ProofFact, ReferenceKind};
use crate::graph::{Edge, Graph, Step};
use crate::lint::Subject;
use crate::proofs::Alternatives;
use crate::resolve::{Resolved, Subject as Resolving, resolve};

/// The factor that a password is (RFC 8176).
const PASSWORD: ProofFact = ProofFact::Factor("pwd");

pub(super) const RULE: Rule = Rule {
    code: "password-only",
    severity: Severity::Warning,
    why: "After 80 wrong guesses by strangers only devices that are known get in, for as long as 90 days",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    if !cx.is_login() || !cx.is_known() || has_another_way(cx.graph()) {
        return Vec::new();
    }
    let passwords: Vec<_> = cx.steps().filter(|(_, step)| asks_password(cx.resolved, step)).collect();
    if passwords.is_empty() {
        return Vec::new();
    }
    let renewed = renewed(cx.resolved);
    let found = passwords.into_iter().filter_map(|(_, step)| {
        let lacking = directories(cx.resolved, step).into_iter().find(|name| !renewed.contains(name))?;
        let title = format!("who cannot use their password has no other way in to the Directory {lacking}");
        let help = format!(
            "add a Flow of type ResetPassword that sets passwords of {lacking}, or offer a oneTimeCode beside the password"
        );
        Some(RULE.at(cx.at(&step.pointer), title, help).of_absence())
    });
    found.collect()
}

/// Whether a step, or something that it enters, asks for the user's password.
fn asks_password(resolved: &Resolved<'_>, step: &Step<'_>) -> bool {
    let entered = step.graph_entered().and_then(|index| resolved.parts.get(index));
    let within = entered.is_some_and(|part| part.graph.steps.iter().any(|step| asks_password(resolved, step)));
    within || step.facts.changes_user.is_none() && step.proves.values().any(|proven| proves(proven, is_password))
}

/// Whether somebody gets to another factor who does not get past the password.
fn has_another_way(graph: &Graph<'_>) -> bool {
    let passes = |step: &Step<'_>, edge: &Edge| {
        step.proves.get(&edge.outcome).is_some_and(|proven| proves(proven, is_password))
    };
    let mut open: Vec<usize> = graph.start().into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(index) = open.pop() {
        let Some(step) = graph.steps.get(index).filter(|_| seen.insert(index)) else { continue };
        if step.proves.values().any(|proven| proves(proven, is_other_factor)) {
            return true;
        }
        open.extend(step.edges.iter().filter(|edge| !passes(step, edge)).map(|edge| edge.to));
    }
    false
}

/// The Directories whose passwords a step may ask for.
fn directories(resolved: &Resolved<'_>, step: &Step<'_>) -> Vec<String> {
    let named = step.facts.references.iter().filter(|reference| reference.kind == ReferenceKind::Directory);
    let named: Vec<_> = named.filter_map(|reference| resolved.directory(reference.name.as_deref())).collect();
    let meant = if named.is_empty() { resolved.directories() } else { named };
    meant.into_iter().filter_map(|directory| directory.metadata.name.clone()).collect()
}

/// The Directories in which some flow of this set resets passwords.
fn renewed(resolved: &Resolved<'_>) -> BTreeSet<String> {
    let flows = resolved.objects.flows.values().map(AsRef::as_ref);
    let resets = flows.filter(|flow: &&Flow| flow.spec.type_ == FlowType::ResetPassword);
    let changed = resets.flat_map(|flow| {
        let reset = resolve(Resolving::Flow(flow), resolved.objects, resolved.kinds);
        let steps = reset.parts.iter().flat_map(|part| &part.graph.steps);
        steps.filter_map(|step| step.facts.changes_user.clone()).collect::<Vec<_>>()
    });
    changed.collect()
}

fn proves(proven: &Alternatives, is: impl Fn(&ProofFact) -> bool) -> bool {
    proven.iter().flatten().any(is)
}

fn is_password(fact: &ProofFact) -> bool {
    *fact == PASSWORD
}

fn is_other_factor(fact: &ProofFact) -> bool {
    matches!(fact, ProofFact::Factor(_)) && !is_password(fact)
}
