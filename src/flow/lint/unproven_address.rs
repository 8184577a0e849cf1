//! A sign-up that gives an address away before it is proven.
//!
//! With its first credential, or by completing, a sign-up becomes a user under the address that was typed. Where that
//! comes before the address is proven, whoever types somebody else's address first has the account, and its owner is
//! told that there is one.
//!
//! ```yaml,invalid
//! type: Registration
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: account }
//!   - id: account
//!     createUser: { attributes: { email: form.email } }
//!     outcomes: { next: newPassword, exists: ask }
//!   - id: newPassword
//!     setPassword: {}
//!     outcomes: { next: code }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail } }
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,invalid
//! type: Registration
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: account }
//!   - id: account
//!     createUser: { attributes: { email: form.email } }
//!     outcomes: { next: done, exists: ask }
//!   - id: done
//!     complete: {}
//! ```
//!
//! ```yaml,valid
//! type: Registration
//! start: ask
//! steps:
//!   - id: ask
//!     form: { fields: [{ name: email, type: Email }] }
//!     outcomes: { next: account }
//!   - id: account
//!     createUser: { attributes: { email: form.email } }
//!     outcomes: { next: code, exists: ask }
//!   - id: code
//!     oneTimeCode: { email: { connection: mail } }
//!     outcomes: { next: newPassword }
//!   - id: newPassword
//!     setPassword: {}
//!     outcomes: { next: done }
//!   - id: done
//!     complete: {}
//! ```
//!
//! Let a `oneTimeCode` prove the address first.

use idflow_api::value_type::ValueType;

use crate::diagnostic::{Finding, Rule, Severity};
use crate::facts::{End, ProofFact, ReferenceKind};
use crate::graph::{Role, Step};
use crate::lint::Subject;
use crate::proofs::Proofs;
use crate::resolve::{Part, Resolved};

pub(super) const RULE: Rule = Rule {
    code: "unproven-address",
    severity: Severity::Warning,
    why: "Whoever types somebody else's address first has the account",
};

pub(super) fn find(cx: &Subject<'_, '_>) -> Vec<Finding> {
    // A flow of another type acts for somebody who knows the person: an administrator, or another program.
    let Role::Journey(flow_type) = &cx.graph().role else { return Vec::new() };
    let completing = flow_type == "Registration";
    if !(completing || flow_type == "Login") || !takes_address(cx.resolved) {
        return Vec::new();
    }
    let found = cx.steps().filter_map(|(index, step)| {
        let is_end = completing && matches!(step.facts.end, Some(End::Complete { .. }));
        let way = if is_end {
            cx.path_where(index, |proofs| is_unproven(proofs) && !proofs.iter().any(is_factor))?
        } else if gives_credential(cx.resolved, step) {
            cx.path_where(index, is_unproven)?
        } else {
            return None;
        };
        let title = format!("the path {way} makes an account of an address that is not proven yet");
        Some(RULE.at(cx.at(&step.pointer), title, "let a oneTimeCode prove the address before"))
    });
    found.collect()
}

/// Whether some step makes users under an address that no two of them share.
fn takes_address(resolved: &Resolved<'_>) -> bool {
    let steps = resolved.parts.iter().flat_map(|part| &part.graph.steps).filter(|step| creates(step));
    let mut named = steps.flat_map(|step| &step.facts.references);
    named.any(|reference| {
        let directory = resolved.directory(reference.name.as_deref());
        let attributes = directory.into_iter().flat_map(|directory| &directory.spec.attributes);
        let mut addresses = attributes.filter(|known| known.unique && known.type_ == ValueType::Email);
        reference.kind == ReferenceKind::Directory
            && addresses.any(|known| reference.attributes.iter().any(|used| used.name == known.name))
    })
}

fn creates(step: &Step<'_>) -> bool {
    step.facts.outcomes.iter().any(|outcome| outcome.proofs.contains(&ProofFact::Created))
}

/// Whether a step, or something that it enters, gives the user a credential before it has proven an address.
fn gives_credential(resolved: &Resolved<'_>, step: &Step<'_>) -> bool {
    let within = |part: &Part<'_>| {
        let steps = part.graph.steps.iter().enumerate();
        let unproven = steps.filter(|(index, _)| {
            part.dataflow.entry(*index).is_some_and(|state| !state.proofs.all(has_address))
        });
        { unproven }.any(|(_, step)| gives_credential(resolved, step))
    };
    let is_end = step.facts.end.is_some();
    let entered = step.graph_entered().and_then(|index| resolved.parts.get(index));
    step.facts.finishes_sign_up() && !is_end || entered.is_some_and(within)
}

fn is_unproven(proofs: &Proofs) -> bool {
    proofs.contains(&ProofFact::Created) && !has_address(proofs)
}

fn has_address(proofs: &Proofs) -> bool {
    proofs.iter().any(|fact| matches!(fact, ProofFact::Address(_) | ProofFact::OwnAddress(_)))
}

fn is_factor(fact: &ProofFact) -> bool {
    matches!(fact, ProofFact::Factor(_))
}
