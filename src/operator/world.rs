//! Everything the operator knows of the cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use idflow_api::claim::{Claim, Holders};
use idflow_api::flow::ServingRevision;
use idflow_api::{Catalog, FlowRevision, Tenant};
use idflow_flow::Objects;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::core::PartialObjectMeta;

use crate::built_in::BuiltIn;
use crate::cache::{Cache, Key};
use crate::object::{by_name, claimant, is_accepted, without_content};

/// A kind of which the operator keeps a cache.
pub(crate) trait Cached: Sized {
    /// The cache of the kind.
    fn cache(world: &World) -> &Cache<Self>;
}

macro_rules! cached {
    ($($Kind:ty, $field:ident);+) => {
        $(impl Cached for $Kind {
            fn cache(world: &World) -> &Cache<Self> {
                &world.$field
            }
        })+
    };
}

cached! {
    PartialObjectMeta<Namespace>, namespaces;
    StatefulSet, workloads;
    Pod, pods;
    PartialObjectMeta<Service>, services;
    PartialObjectMeta<ServiceAccount>, service_accounts;
    PartialObjectMeta<Role>, roles;
    PartialObjectMeta<RoleBinding>, role_bindings;
    PartialObjectMeta<Secret>, secrets;
    PartialObjectMeta<ConfigMap>, config_maps
}

macro_rules! world {
    ($($role:ident { $($Kind:ident $plural:ident),+ })+) => {
        /// One cache per kind. Of Secrets, `ConfigMap`s and most children only metadata is kept, of revisions all but
        /// their content.
        #[derive(Default)]
        pub(crate) struct World {
            $($(pub(crate) $plural: Cache<idflow_api::$Kind>,)+)+
            pub(crate) namespaces: Cache<PartialObjectMeta<Namespace>>,
            pub(crate) workloads: Cache<StatefulSet>,
            pub(crate) pods: Cache<Pod>,
            pub(crate) services: Cache<PartialObjectMeta<Service>>,
            pub(crate) service_accounts: Cache<PartialObjectMeta<ServiceAccount>>,
            pub(crate) roles: Cache<PartialObjectMeta<Role>>,
            pub(crate) role_bindings: Cache<PartialObjectMeta<RoleBinding>>,
            pub(crate) secrets: Cache<PartialObjectMeta<Secret>>,
            pub(crate) config_maps: Cache<PartialObjectMeta<ConfigMap>>,
            /// Since which generation a namespace's Catalog offers what it offers of a flow.
            offers: Mutex<BTreeMap<Key, (Vec<ServingRevision>, i64)>>,
            /// Tenant namespaces whose Secrets and `ConfigMap`s are known, by part.
            known: Mutex<BTreeSet<(String, BuiltIn)>>,
        }

        cached! { $($(idflow_api::$Kind, $plural);+);+ }
    };
}
idflow_api::custom_resources!(world);

macro_rules! objects {
    (
        source { $($Source:ident $sources:ident),+ }
        live { $($Live:ident $lives:ident),+ }
        product { $($Product:ident $products:ident),+ }
    ) => {
        impl World {
            /// What users wrote in a namespace, as the compiler takes it; without `ConfigMap`s and Secrets.
            pub(crate) fn objects(&self, namespace: &str) -> Objects {
                Objects {
                    $($sources: by_name(self.$sources.namespace(namespace)),)+
                    $($lives: by_name(self.$lives.namespace(namespace)),)+
                    ..Objects::default()
                }
            }
        }
    };
}
idflow_api::custom_resources!(objects);

impl World {
    pub(crate) fn new() -> Self {
        Self { revisions: Cache::pruned(without_content), ..Self::default() }
    }

    /// Says that all objects of a kind in a tenant's namespace are known now.
    pub(crate) fn set_known(&self, namespace: &str, kind: BuiltIn) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert((namespace.to_owned(), kind));
    }

    /// Says that a tenant's namespace is not watched any more.
    pub(crate) fn forget(&self, namespace: &str) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|(known, _)| known != namespace);
        self.secrets.keep_only(Some(namespace), &BTreeSet::new());
        self.config_maps.keep_only(Some(namespace), &BTreeSet::new());
    }

    /// Whether Secrets and `ConfigMap`s of a tenant's namespace are known, so that an absent one does not exist.
    pub(crate) fn is_known(&self, namespace: &str) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        [BuiltIn::Secret, BuiltIn::ConfigMap]
            .iter()
            .all(|kind| known.contains(&(namespace.to_owned(), *kind)))
    }

    /// The Tenant that has the namespace: the oldest of those that name it.
    pub(crate) fn tenant_of(&self, namespace: &str) -> Option<Arc<Tenant>> {
        let all = self.tenants.all();
        let holders = Holders::among(all.iter().map(|tenant| claimant(tenant.as_ref())));
        self.tenants.get(&Key::new("", holders.of(&Claim::Namespace(namespace.to_owned()))?))
    }

    /// The Tenant that has the namespace, once it is accepted. That it is does not pass with an edit: namespace and
    /// issuer never change, and a claim that comes later never wins.
    pub(crate) fn accepted_tenant_of(&self, namespace: &str) -> Option<Arc<Tenant>> {
        self.tenant_of(namespace).filter(|tenant| is_accepted(tenant))
    }

    /// The Catalog of a namespace.
    pub(crate) fn catalog_of(&self, namespace: &str) -> Option<Arc<Catalog>> {
        self.catalogs.get(&Key::new(namespace, idflow_api::catalog::NAME))
    }

    /// Since which generation the Catalog offers what it offers of a flow. What happened before this process began to
    /// look counts as happening now.
    pub(crate) fn offered_since(&self, flow: &Key, serving: Vec<ServingRevision>, generation: i64) -> i64 {
        let mut offers = self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        match offers.get(flow) {
            Some((known, since)) if *known == serving && *since <= generation => *since,
            _ => {
                offers.insert(flow.clone(), (serving, generation));
                generation
            }
        }
    }

    /// The revisions of a flow.
    pub(crate) fn revisions_of(&self, flow: &Key) -> Vec<Arc<FlowRevision>> {
        let all = self.revisions.namespace(&flow.namespace);
        all.into_iter().filter(|revision| revision.spec.flow == flow.name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_dates_from_the_first_catalog_that_makes_it() {
        let world = World::default();
        let (flow, other) = (Key::new("acme", "a"), Key::new("acme", "b"));
        let since = |key: &Key, generation, a: &str| {
            let revision = if key.name == "a" { a } else { "one" };
            let serving = vec![ServingRevision { revision: revision.to_owned(), weight: 100 }];
            world.offered_since(key, serving, generation)
        };
        assert_eq!((since(&flow, 4, "one"), since(&other, 4, "one")), (4, 4));
        assert_eq!((since(&flow, 5, "two"), since(&other, 5, "two")), (5, 4));
        assert_eq!(since(&flow, 9, "two"), 5);
        // The Catalog was made anew, so its generations begin again.
        assert_eq!(since(&flow, 1, "two"), 1);
    }
}
