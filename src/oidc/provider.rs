//! What is fixed for one tenant: its issuer and how long things live.

use idflow_core::time::{Span, Timestamp};

/// One tenant's OpenID Provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// The issuer: an https origin without a path (http only on loopback), byte for byte as tokens carry it
    /// (checklist O-10).
    pub issuer: String,
    /// How long what it issues lives.
    pub lifetimes: Lifetimes,
    /// The languages of its pages.
    pub locales: Vec<String>,
}

/// How long what a provider issues lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// An authorization code. Never more than [`Lifetimes::LONGEST_CODE`] counts (checklist O-7).
    pub code: Span,
    /// An access token.
    pub access_token: Span,
    /// An ID token.
    pub id_token: Span,
    /// A family of refresh tokens, counted from the sign-in, whatever happens (checklist O-19).
    pub grant: Span,
}

impl Lifetimes {
    /// The longest life of a code (checklist O-7).
    pub const LONGEST_CODE: Span = Span::seconds(60);

    /// How long a code lives.
    pub fn of_code(&self) -> Span {
        self.code.min(Self::LONGEST_CODE)
    }
}

/// By how much the clocks of two servers of one tenant may differ. What seems to have happened later than that in the
/// future was written by a clock that was set back since, and nobody knows how old it is.
pub const CLOCK_SKEW: Span = Span::seconds(10);

/// Whether `at` is no longer ago than `span`; not where its age cannot be known.
pub(crate) fn is_within(at: Timestamp, span: Span, now: Timestamp) -> bool {
    let age = now.since(at);
    Span(-CLOCK_SKEW.0) <= age && age.max(Span(0)) < span
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            code: Self::LONGEST_CODE,
            access_token: Span::minutes(10),
            id_token: Span::hours(1),
            grant: Span::hours(30 * 24),
        }
    }
}

impl Provider {
    /// A provider with the default lifetimes: code 60 s, access token 10 min, ID token 1 h, refresh 30 days.
    pub fn new(issuer: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), lifetimes: Lifetimes::default(), locales: Vec::new() }
    }

    /// The absolute address of a path under the issuer.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }
}
