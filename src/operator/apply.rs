//! Applying children: never an object that somebody else made, and never one that is as it should be.

use idflow_api::reason::Reason;
use idflow_core::digest::Digest;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{Patch, PatchParams};
use serde_json::Value;

use crate::applied::Child;
use crate::cache::Key;
use crate::context::Context;
use crate::failure::Failure;
use crate::route::Controller;

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
