//! Which children are as they should be.
//!
//! The API server makes more of an object than what was applied (defaults, normal forms, fields of others), so a child
//! is not compared with what is wanted. Instead it is remembered which version answered to which intent: whoever
//! changes or removes a child, the watch tells of another version, and it is applied again.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use idflow_core::digest::Digest;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use kube::core::{PartialObjectMeta, PartialObjectMetaExt as _};
use serde::de::DeserializeOwned;

use crate::cache::Key;
use crate::world::World;

/// A kind of object that the operator makes for a tenant, and watches.
pub(crate) trait Child:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug
{
    /// What the watch told last.
    fn known(world: &World, key: &Key) -> Option<ObjectMeta>;

    /// Takes in what a write was answered.
    fn observe(self, world: &World);
}

macro_rules! known_by_metadata {
    ($($Kind:ident $cache:ident),+) => {
        $(impl Child for $Kind {
            fn known(world: &World, key: &Key) -> Option<ObjectMeta> {
                Some(world.$cache.get(key)?.metadata.clone())
            }

            fn observe(self, world: &World) {
                let metadata: PartialObjectMeta<Self> = self.metadata.into_response_partial();
                world.$cache.observe(metadata);
            }
        })+
    };
}
known_by_metadata!(
    ServiceAccount service_accounts,
    Service services,
    Role roles,
    RoleBinding role_bindings,
    Secret secrets
);

impl Child for StatefulSet {
    fn known(world: &World, key: &Key) -> Option<ObjectMeta> {
        Some(world.workloads.get(key)?.metadata.clone())
    }

    fn observe(self, world: &World) {
        world.workloads.observe(self);
    }
}

/// Which version of each child answered to which intent.
#[derive(Default)]
pub(crate) struct Applied(Mutex<BTreeMap<(String, Key), (Digest, Version)>>);

/// What of an object changes when somebody changes it. Of kinds that count their generations, status does not.
#[derive(Debug, Clone, PartialEq)]
enum Version {
    Counted(Box<Counted>),
    Any(Option<String>, Option<String>),
}

#[derive(Debug, Clone, PartialEq)]
struct Counted {
    uid: Option<String>,
    generation: i64,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owners: Option<Vec<OwnerReference>>,
}

impl Version {
    fn of(metadata: &ObjectMeta) -> Self {
        let uid = metadata.uid.clone();
        match metadata.generation {
            Some(generation) => Self::Counted(Box::new(Counted {
                uid,
                generation,
                labels: metadata.labels.clone(),
                annotations: metadata.annotations.clone(),
                owners: metadata.owner_references.clone(),
            })),
            None => Self::Any(uid, metadata.resource_version.clone()),
        }
    }
}

impl Applied {
    fn known(&self) -> MutexGuard<'_, BTreeMap<(String, Key), (Digest, Version)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a child is as it was when it answered to this intent.
    pub(crate) fn is_current<K: Child>(&self, world: &World, key: &Key, intent: Digest) -> bool {
        let Some(metadata) = K::known(world, key) else { return false };
        let known = self.known();
        known.get(&(K::kind(&()).into_owned(), key.clone())) == Some(&(intent, Version::of(&metadata)))
    }

    /// Remembers the version that answered.
    pub(crate) fn note<K: Child>(&self, key: Key, intent: Digest, metadata: &ObjectMeta) {
        self.known().insert((K::kind(&()).into_owned(), key), (intent, Version::of(metadata)));
    }

    /// Forgets the children of a namespace.
    pub(crate) fn forget(&self, namespace: &str) {
        self.known().retain(|(_, key), _| key.namespace != namespace);
    }
}
