//! What the paths to a place prove.

use std::collections::BTreeSet;

use crate::facts::ProofFact;

/// What one path proves.
pub type Proofs = BTreeSet<ProofFact>;

/// The most alternatives that are kept apart. Beyond, only what all of them have in common counts, which is less:
/// the result stays a lower bound.
const MAX_ALTERNATIVES: usize = 32;

/// Whether somebody has shown to be the user, or the user is new: what a step asks for that changes a user of this
/// Directory, whatever values the journey has.
pub fn is_authenticated(proofs: &Proofs, directory: &str) -> bool {
    proofs.iter().any(|fact| match fact {
        ProofFact::Factor(_) | ProofFact::Created => true,
        ProofFact::OwnAddress(known) => known == directory,
        ProofFact::Identified | ProofFact::Address(_) | ProofFact::Named { .. } => false,
    })
}

/// What the paths to a place prove: the weakest alternatives, none of which contains another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternatives(BTreeSet<Proofs>);

impl Alternatives {
    /// Nothing is proven.
    pub fn none() -> Self {
        Self(BTreeSet::from([Proofs::new()]))
    }

    /// One set of proofs.
    pub fn one(proofs: Proofs) -> Self {
        Self(BTreeSet::from([proofs]))
    }

    /// No path at all: the neutral element of [`Alternatives::or`].
    pub fn unreached() -> Self {
        Self(BTreeSet::new())
    }

    /// Whether every alternative passes.
    pub fn all(&self, test: impl Fn(&Proofs) -> bool) -> bool {
        self.0.iter().all(test)
    }

    /// Whether a user is identified whatever the path.
    pub fn identified(&self) -> bool {
        self.all(|proofs| proofs.contains(&ProofFact::Identified))
    }

    /// What all alternatives have in common.
    pub fn common(&self) -> Proofs {
        let mut sets = self.0.iter();
        let first = sets.next().cloned().unwrap_or_default();
        sets.fold(first, |common, set| common.intersection(set).cloned().collect())
    }

    /// The alternatives.
    pub fn iter(&self) -> impl Iterator<Item = &Proofs> {
        self.0.iter()
    }

    /// What holds when either came true.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self::weakest(&self.0.union(&other.0).cloned().collect())
    }

    /// What holds when both came true, each of one with each of the other.
    #[must_use]
    pub fn with(&self, other: &Self, both: impl Fn(&Proofs, &Proofs) -> Proofs) -> Self {
        let pairs = self.0.iter().flat_map(|left| other.0.iter().map(move |right| (left, right)));
        Self::weakest(&pairs.map(|(left, right)| both(left, right)).collect())
    }

    /// Each alternative changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&Proofs) -> Proofs) -> Self {
        Self::weakest(&self.0.iter().map(change).collect())
    }

    fn weakest(sets: &BTreeSet<Proofs>) -> Self {
        let is_weakest = |set: &Proofs| !sets.iter().any(|other| other != set && other.is_subset(set));
        let kept = Self(sets.iter().filter(|set| is_weakest(set)).cloned().collect());
        if kept.0.len() > MAX_ALTERNATIVES { Self::one(kept.common()) } else { kept }
    }
}
