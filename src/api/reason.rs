//! The one list of reasons: conditions, events, metrics and the requeue policy use the same words.

macro_rules! reasons {
    ($($(#[$doc:meta])+ $name:ident),+ $(,)?) => {
        /// Why something is as it is. The name is part of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])+ $name,)+
        }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The word as conditions, events and metrics show it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

reasons! {
    /// Everything the object asks for is in place.
    Ready,
    /// The object was read and checked.
    Accepted,
    /// Every reference was found and may be used.
    Resolved,
    /// Work on the newest generation has begun and is not finished.
    Progressing,
    /// The last attempt failed for a cause that may pass; it is repeated.
    ProgressingWithRetry,
    /// A check found errors; see `status.problems`.
    Invalid,
    /// A Flow was refused by the compiler; see `status.problems`.
    CompileFailed,
    /// Something in the object goes beyond what the Tenant allows.
    NotAllowed,
    /// A limit of the Tenant is reached.
    LimitReached,
    /// A request of an application was refused; the message says when, and the field that decides it.
    RequestRefused,
    /// Something the object refers to does not exist yet.
    ReferenceNotFound,
    /// What the object refers to exists and is not ready.
    ReferenceNotReady,
    /// The Secret lacks the label `idflow.dev/usable: "true"`.
    SecretNotShared,
    /// The Secret's annotation `idflow.dev/hosts` does not list the host it would be sent to.
    SecretNotForHost,
    /// The Secret lacks an entry that is needed.
    SecretIncomplete,
    /// No Tenant gives this namespace to anybody.
    NoTenant,
    /// An older object already claims the same thing.
    ClaimedByOther,
    /// The namespace belongs to the system or to the operator.
    NamespaceRefused,
    /// The namespace does not exist yet.
    NamespaceNotFound,
    /// An object of the wanted name exists and was made by somebody else; it is left alone.
    Conflict,
    /// Keys that the Tenant's status names are gone or foreign. They are never made anew; restore the backup.
    KeysMissing,
    /// Values of an attribute that is declared unique are still being compared, or some users have the same one.
    NotUniqueYet,
    /// No executor pod is ready.
    NoExecutor,
    /// The executor is starting or being replaced.
    ExecutorStarting,
    /// The executor's pods are ready.
    ExecutorReady,
    /// Not every ready executor pod has loaded what the Catalog lists.
    NotLoaded,
    /// Every ready executor pod has loaded what the Catalog lists.
    Loaded,
    /// An executor pod cannot run the revision: it needs a newer executor, or it is damaged.
    Unusable,
    /// An executor pod does not run the revision because the Tenant's policy does not accept it.
    Forbidden,
    /// The content is not what the digest stands for; it is never used.
    Damaged,
    /// The Tenant's policy does not accept what is served; it goes on until the policy's grace is over.
    PolicyGrace,
    /// The object was accepted before there was the rule that it breaks. It goes on; its next edit is refused.
    OlderThanRule,
    /// New journeys run on the revisions that the Catalog gives weight.
    Serving,
    /// The flow is switched off for new journeys by `spec.suspend`.
    Suspended,
    /// The flow runs only when another flow calls it.
    Library,
    /// The revision receives new journeys.
    Active,
    /// The revision receives no new journeys; those that began on it finish.
    Retired,
    /// The embedded store lives on one volume and one pod.
    EmbeddedStore,
    /// A new revision was made.
    RevisionCreated,
    /// An equal revision existed and is used again.
    RevisionReused,
    /// A revision is no longer needed and was deleted.
    RevisionCollected,
    /// A call to the API server failed.
    ApiError,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
