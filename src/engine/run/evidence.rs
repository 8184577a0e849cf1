//! What a finished step has proven: it follows from the facts of its outcome, by which the compiler has judged the
//! flow, and is bound to this visit. A node cannot claim more or less (checklist J-1).

use idflow_core::evidence::{Evidence, Proof};
use idflow_core::user::{User, UserState};
use idflow_flow::facts::{Outcome, ProofFact};

use super::Run;
use crate::turn::{Fault, Finish};

impl Run<'_> {
    /// Records the user and the evidence of a step, and tells what was proven.
    pub(super) fn prove(&mut self, finish: &Finish) -> Result<Vec<Proof>, Fault> {
        let (facts, forgets_user) = self.facts(&finish.outcome);
        let before = self.journey.user;
        let after = match (&finish.user, before) {
            (Some(user), None) => Some(checked(user)?.id),
            (Some(user), Some(known)) if checked(user)?.id == known => before,
            (Some(_), Some(_)) => return Err(Fault::new("the journey already concerns another user")),
            (None, before) => before,
        };
        if before.is_none() && after.is_some() && !facts.contains(&ProofFact::Identified) {
            return Err(Fault::new("a user was named by an outcome that identifies none"));
        }
        if after.is_none() && facts.iter().any(needs_user) {
            return Err(Fault::new("a proof about a user needs an identified one"));
        }
        let mut proofs = proofs(&facts, finish.address.as_deref())?;
        // To name the known user again is no news.
        proofs.retain(|proof| *proof != Proof::Identified || before.is_none());
        self.decided.assurance_rose |=
            before != after || proofs.iter().any(|proof| matches!(proof, Proof::Factor(_)));
        self.journey.user = after;
        if let Some(user) = &finish.user {
            self.journey.look_at(user);
        }
        let evidence = proofs.iter().map(|proof| Evidence {
            proof: proof.clone(),
            user: after,
            instance: self.active.instance,
            attempt: self.active.attempt,
            at: self.now,
        });
        self.journey.evidence.extend(evidence);
        if forgets_user {
            self.journey.user = None;
            self.journey.forget_user();
            self.journey.evidence.retain(|evidence| evidence.user.is_none());
        }
        Ok(proofs)
    }

    fn facts(&self, outcome: &str) -> (Vec<ProofFact>, bool) {
        let step = self.journey.frames.last().and_then(|frame| self.runnable.step(frame.graph, frame.step));
        let outcomes = step.map_or(&[] as &[Outcome], |step| &step.outcomes);
        let found = outcomes.iter().find(|known| known.name == outcome);
        found.map(|known| (known.proofs.clone(), known.forgets_user)).unwrap_or_default()
    }
}

fn checked(user: &User) -> Result<&User, Fault> {
    match user.state {
        UserState::Active => Ok(user),
        UserState::Locked => Err(Fault::new("the user is locked")),
    }
}

const fn needs_user(fact: &ProofFact) -> bool {
    match fact {
        ProofFact::Identified | ProofFact::Factor(_) | ProofFact::Created => true,
        ProofFact::Address(_) | ProofFact::Named { .. } | ProofFact::OwnAddress(_) => false,
    }
}

/// The proofs that facts stand for. Only which address was verified is not known before.
fn proofs(facts: &[ProofFact], address: Option<&str>) -> Result<Vec<Proof>, Fault> {
    let is_address = |fact: &ProofFact| matches!(fact, ProofFact::Address(_));
    if address.is_some() != facts.iter().any(is_address) {
        return Err(Fault::new("an address belongs to an outcome that proves one"));
    }
    let proof = |fact: &ProofFact| match fact {
        ProofFact::Identified => Some(Proof::Identified),
        ProofFact::Created => Some(Proof::Created),
        ProofFact::Factor(method) => Some(Proof::Factor((*method).to_owned())),
        ProofFact::Address(_) => Some(Proof::Address(address.unwrap_or_default().to_owned())),
        // Whom an address belongs to is seen by its value.
        ProofFact::Named { .. } | ProofFact::OwnAddress(_) => None,
    };
    Ok(facts.iter().filter_map(proof).collect())
}
