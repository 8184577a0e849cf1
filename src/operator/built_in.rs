//! The kinds of Kubernetes itself that the operator watches or writes, and with which rights.

/// A kind of Kubernetes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum BuiltIn {
    Namespace,
    Pod,
    StatefulSet,
    Service,
    ServiceAccount,
    Role,
    RoleBinding,
    Secret,
    ConfigMap,
}

impl BuiltIn {
    pub(crate) const ALL: [Self; 9] = [
        Self::Namespace,
        Self::Pod,
        Self::StatefulSet,
        Self::Service,
        Self::ServiceAccount,
        Self::Role,
        Self::RoleBinding,
        Self::Secret,
        Self::ConfigMap,
    ];

    pub(crate) const fn group(self) -> &'static str {
        match self {
            Self::Namespace
            | Self::Pod
            | Self::Service
            | Self::ServiceAccount
            | Self::Secret
            | Self::ConfigMap => "",
            Self::StatefulSet => "apps",
            Self::Role | Self::RoleBinding => "rbac.authorization.k8s.io",
        }
    }

    pub(crate) const fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Pod => "pods",
            Self::StatefulSet => "statefulsets",
            Self::Service => "services",
            Self::ServiceAccount => "serviceaccounts",
            Self::Role => "roles",
            Self::RoleBinding => "rolebindings",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }

    /// What the operator may do with it in the whole cluster.
    pub(crate) const fn cluster_verbs(self) -> &'static [&'static str] {
        match self {
            // Whether a Tenant's namespace exists; how far its executor is; whether a child was changed or removed.
            Self::Namespace
            | Self::Pod
            | Self::StatefulSet
            | Self::Service
            | Self::ServiceAccount
            | Self::Role => &["list", "watch"],
            // The operator's own binding inside a tenant's namespace is made with these.
            Self::RoleBinding => &["get", "list", "watch", "create", "patch"],
            Self::Secret | Self::ConfigMap => &[],
        }
    }

    /// What the operator may do with it in the namespaces of tenants.
    pub(crate) const fn tenant_verbs(self) -> &'static [&'static str] {
        match self {
            Self::Namespace | Self::Pod | Self::RoleBinding => &[],
            Self::StatefulSet | Self::Service | Self::ServiceAccount | Self::Role => {
                &["get", "create", "patch"]
            }
            // The keys Secret is made here; which Secrets are shared is read from their metadata, which entries a
            // shared one has from itself.
            Self::Secret => &["get", "list", "watch", "create", "patch"],
            Self::ConfigMap => &["get", "list", "watch"],
        }
    }
}
