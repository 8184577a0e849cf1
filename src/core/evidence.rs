//! What a step has proven. Tokens take `acr` and `amr` from here and from nowhere else.

use serde::{Deserialize, Serialize};

use crate::id::{Attempt, StepInstance, UserId};
use crate::name::is_same;
use crate::time::Timestamp;

/// One proven fact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    /// The journey now concerns this user: somebody named the account. Proves no possession.
    Identified,
    /// An authentication factor was shown; the value is an RFC 8176 `amr` value (`pwd`, `otp`, …).
    Factor(String),
    /// Somebody who reads this address (`email:` or `tel:` and the address) takes part in the journey.
    Address(String),
    /// The user was created in this journey, so nobody else's account is concerned.
    Created,
    /// The user agreed to what this name stands for.
    Consent(String),
}

impl Proof {
    /// The mail address that is proven to be read.
    pub fn mail_address(&self) -> Option<&str> {
        match self {
            Self::Address(address) => address.strip_prefix("email:"),
            _ => None,
        }
    }

    /// Whether it says so of this address, however that is spelled.
    pub fn is_of_address(&self, address: &str) -> bool {
        self.mail_address().is_some_and(|proven| is_same(proven, address))
    }
}

/// A proof with its origin: the checks of a later step accept it only with all of these equal (checklist J-1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What is proven.
    pub proof: Proof,
    /// For which user, if one was identified at the time.
    pub user: Option<UserId>,
    /// By which visit of which step.
    pub instance: StepInstance,
    /// In which attempt of it.
    pub attempt: Attempt,
    /// When.
    pub at: Timestamp,
}

/// The distinct RFC 8176 `amr` values among some evidence, sorted, with `mfa` when there are two or more.
pub fn authentication_methods<'a>(evidence: impl IntoIterator<Item = &'a Evidence>) -> Vec<String> {
    let mut methods: Vec<String> = evidence
        .into_iter()
        .filter_map(|evidence| match &evidence.proof {
            Proof::Factor(method) => Some(method.clone()),
            _ => None,
        })
        .collect();
    methods.sort();
    methods.dedup();
    if methods.len() > 1 {
        methods.push("mfa".to_owned());
    }
    methods
}
