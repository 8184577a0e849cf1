//! What a finished step claims to have proven: checked against its kind's facts, then bound to this visit.

use idflow_core::evidence::{Evidence, Proof};
use idflow_core::user::{User, UserState};
use idflow_flow::kinds::{Outcome, ProofFact};

use super::Run;
use crate::turn::{Fault, Finish};

impl Run<'_> {
    /// Records the user and the evidence of a step. Whatever the facts do not announce is a fault: the compiler has
    /// judged the flow by the facts (checklist J-1).
    pub(super) fn claim(&mut self, finish: &Finish) -> Result<(), Fault> {
        let announced = self.announced(&finish.outcome);
        let before = self.journey.user;
        let after = match (&finish.user, before) {
            (Some(user), None) => Some(checked(user)?.id),
            (Some(user), Some(known)) if checked(user)?.id == known => before,
            (Some(_), Some(_)) => return Err(Fault::new("the journey already concerns another user")),
            (None, before) => before,
        };
        let is_news = |proof: &&Proof| **proof != Proof::Identified || before.is_none();
        let proofs: Vec<&Proof> = finish.proofs.iter().filter(is_news).collect();
        if before.is_none() && after.is_some() && !finish.proofs.contains(&Proof::Identified) {
            return Err(Fault::new("a user was named without being identified"));
        }
        if let Some(stray) = proofs.iter().find(|proof| !is_announced(&announced, proof)) {
            return Err(Fault::new(format!("the step's kind does not announce the proof {}", label(stray))));
        }
        if after.is_none() && proofs.iter().any(|proof| needs_user(proof)) {
            return Err(Fault::new("a proof about a user needs an identified one"));
        }
        self.decided.assurance_rose |=
            before != after || proofs.iter().any(|proof| matches!(proof, Proof::Factor(_)));
        self.journey.user = after;
        if let Some(user) = &finish.user {
            self.journey.user_data.clone_from(&user.attributes);
        }
        let evidence = proofs.into_iter().map(|proof| Evidence {
            proof: proof.clone(),
            user: after,
            instance: self.active.instance,
            attempt: self.active.attempt,
            at: self.now,
        });
        self.journey.evidence.extend(evidence);
        Ok(())
    }

    fn announced(&self, outcome: &str) -> Vec<ProofFact> {
        let step = self.journey.frames.last().and_then(|frame| self.runnable.step(frame.graph, frame.step));
        let outcomes = step.map_or(&[] as &[Outcome], |(_, bound)| &bound.outcomes);
        outcomes
            .iter()
            .find(|known| known.name == outcome)
            .map(|known| known.proofs.clone())
            .unwrap_or_default()
    }
}

fn checked(user: &User) -> Result<&User, Fault> {
    match user.state {
        UserState::Active => Ok(user),
        UserState::Locked => Err(Fault::new("the user is locked")),
    }
}

fn is_announced(announced: &[ProofFact], proof: &Proof) -> bool {
    announced.iter().any(|fact| match (fact, proof) {
        (ProofFact::Identified, Proof::Identified)
        | (ProofFact::Created, Proof::Created)
        | (ProofFact::Address(_), Proof::Address(_)) => true,
        (ProofFact::Factor(method), Proof::Factor(shown)) => method == shown,
        _ => false,
    })
}

const fn needs_user(proof: &Proof) -> bool {
    matches!(proof, Proof::Identified | Proof::Factor(_) | Proof::Created | Proof::Consent(_))
}

const fn label(proof: &Proof) -> &'static str {
    match proof {
        Proof::Identified => "identified",
        Proof::Factor(_) => "factor",
        Proof::Address(_) => "address",
        Proof::Created => "created",
        Proof::Consent(_) => "consent",
    }
}
