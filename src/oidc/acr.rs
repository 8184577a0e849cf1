//! Authentication context classes: how strong a sign-in was, from the evidence and from nothing else.

use idflow_core::evidence::{Evidence, authentication_methods};
use idflow_core::id::UserId;

/// One factor was shown.
pub const SINGLE_FACTOR: &str = "urn:idflow:acr:single-factor";

/// Two or more different methods were shown. Not a claim about AAL2 of NIST SP 800-63B: a mailed code counts.
pub const MULTI_FACTOR: &str = "urn:idflow:acr:multi-factor";

/// The classes, weakest first: `acr_values_supported`.
pub const CLASSES: [&str; 2] = [SINGLE_FACTOR, MULTI_FACTOR];

/// What tokens say about a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strength {
    /// `amr`: RFC 8176 values, sorted.
    pub methods: Vec<String>,
    /// `acr`: one of [`CLASSES`], absent when no factor was shown.
    pub class: Option<&'static str>,
}

impl Strength {
    /// Judges the evidence of `user`. Evidence of anybody else, or of nobody, proves nothing about this user.
    pub fn of(evidence: &[Evidence], user: UserId) -> Self {
        let methods = authentication_methods(evidence.iter().filter(|proof| proof.user == Some(user)));
        let class = match methods.len() {
            0 => None,
            1 => Some(SINGLE_FACTOR),
            _ => Some(MULTI_FACTOR),
        };
        Self { methods, class }
    }

    /// Whether the sign-in meets one of the wanted classes. Values that name no class of ours ask for nothing:
    /// `acr_values` is voluntary (OpenID Connect Core 3.1.2.1).
    pub fn meets(&self, wanted: &[String]) -> bool {
        let rank = |name: &str| CLASSES.iter().position(|class| *class == name);
        match wanted.iter().filter_map(|name| rank(name)).min() {
            None => true,
            Some(least) => self.class.and_then(rank).is_some_and(|reached| reached >= least),
        }
    }
}
