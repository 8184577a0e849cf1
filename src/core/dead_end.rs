//! Why a visitor cannot go on, as audit records say it. The page tells little and has a reference; whoever looks after
//! the service finds the reason under it.

/// The name of the audit record.
pub const STOPPED: &str = "visitor.stopped";

macro_rules! dead_ends {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// Why a visitor cannot go on.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum DeadEnd {
            $($(#[$doc])* $name),+
        }

        impl DeadEnd {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The outcome in audit records.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word),+
                }
            }
        }
    };
}

dead_ends! {
    /// The journey took longer than its lifetime.
    Expired = "expired",
    /// The journey's revision was withdrawn or may not run any more, or what it stands on was switched off.
    Withdrawn = "withdrawn",
    /// The application was removed or switched off, or has another redirect URI.
    ApplicationGone = "applicationGone",
    /// The browser has no cookie of such a journey: a bookmark, another browser, or it is long over.
    NothingKnown = "nothingKnown",
    /// The browser sent no cookie at all.
    NoCookies = "noCookies",
    /// The browser has a cookie from before the journey's last step.
    OldCookie = "oldCookie",
    /// The journey ended at a `fail`, or at an error that leads nowhere.
    Failed = "failed",
    /// A sign-up whose names became somebody else's before it was finished.
    Taken = "taken",
    /// A form came from another site.
    AnotherOrigin = "anotherOrigin",
    /// The page was shown at another name than the issuer's, where nothing that it posts is accepted.
    AnotherName = "anotherName",
    /// The browser sent more cookies than are read.
    TooManyCookies = "tooManyCookies",
    /// What was posted is no form of ours.
    Unreadable = "unreadable",
    /// A part of the service could not be reached.
    Unavailable = "unavailable",
    /// A defect of ours.
    Defect = "defect",
}

impl DeadEnd {
    /// The one that an audit record means.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|end| end.word() == word)
    }
}
