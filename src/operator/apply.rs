//! Applying children: never an object that somebody else made, and never one that is as it should be.
//!
//! The API server makes more of an object than what was applied (defaults, normal forms, fields of others), so a child
//! is not compared with what is wanted. Instead it is remembered which version answered to which intent: whoever
//! changes or removes a child, the watch tells of another version, and it is applied again.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use idflow_api::reason::Reason;
use idflow_core::digest::Digest;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;
use kube::api::{Patch, PatchParams};
use kube::core::{PartialObjectMeta, PartialObjectMetaExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cache::Key;
use crate::context::Context;
use crate::failure::Failure;
use crate::route::Controller;
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

/// Applies the whole intent for one child, unless it is there already.
///
/// A child is ours when its controller has `owner` as uid, whatever its name. An object of the wanted name that has
/// another owner, or none, is left untouched and is a [`Reason::Conflict`].
pub(crate) async fn child<K: Child>(
    ctx: &Context,
    controller: Controller,
    owner: &str,
    namespace: &str,
    wanted: &Value,
) -> Result<(), Failure> {
    let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
    let (key, intent) = (Key::new(namespace, name), Digest::of(wanted.to_string()));
    if ctx.applied.is_current::<K>(&ctx.world, &key, intent) {
        return Ok(());
    }
    let api = ctx.api::<K>(namespace);
    let parameters = PatchParams::apply(controller.manager());
    let existing = match K::known(&ctx.world, &key) {
        Some(known) => Some(known),
        None => api.get_metadata_opt(name).await?.map(|found| found.metadata),
    };
    let applied = match existing {
        // Without force: whoever creates it in this moment keeps the fields.
        None => api.patch(name, &parameters, &Patch::Apply(wanted)).await?,
        Some(existing) => {
            let owners = existing.owner_references.as_deref().unwrap_or_default();
            if !is_controlled_by(owners, owner) {
                return Err(conflict::<K>(name));
            }
            let mut wanted = wanted.clone();
            wanted["metadata"]["uid"] = existing.uid.into();
            api.patch(name, &parameters.force(), &Patch::Apply(&wanted)).await?
        }
    };
    ctx.applied.note::<K>(key, intent, applied.meta());
    applied.observe(&ctx.world);
    Ok(())
}

fn conflict<K: Child>(name: &str) -> Failure {
    let kind = K::kind(&());
    let message =
        format!("{kind} {name} exists and was not made by idflow; it is left alone: rename or remove it");
    Failure::waiting(Reason::Conflict, message)
}

/// Whether the controller among the owners has this uid.
pub(crate) fn is_controlled_by(owners: &[OwnerReference], uid: &str) -> bool {
    owners.iter().any(|owner| owner.controller == Some(true) && owner.uid == uid)
}
