//! Applying children, and never an object that somebody else made.

use std::fmt::Debug;

use idflow_api::reason::Reason;
use kube::api::{Api, Patch, PatchParams};
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::route::Controller;
use crate::status::Failure;

/// Applies the whole intent for one child and returns what the server made of it.
///
/// A child is ours when its controller has `owner` as uid, whatever its name. An object of the wanted name that has
/// another owner, or none, is left untouched and is a [`Reason::Conflict`].
pub(crate) async fn child<K>(
    api: &Api<K>,
    controller: Controller,
    owner: &str,
    wanted: &Value,
) -> Result<K, Failure>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug,
{
    let name = wanted["metadata"]["name"].as_str().unwrap_or_default();
    let parameters = PatchParams::apply(controller.manager());
    let Some(existing) = api.get_metadata_opt(name).await? else {
        // Without force: whoever creates it in this moment keeps the fields.
        return Ok(api.patch(name, &parameters, &Patch::Apply(wanted)).await?);
    };
    if !is_controlled_by(existing.owner_references(), owner) {
        let kind = K::kind(&());
        let message =
            format!("{kind} {name} exists and was not made by idflow; it is left alone: rename or remove it");
        return Err(Failure::new(Reason::Conflict, message));
    }
    let mut wanted = wanted.clone();
    wanted["metadata"]["uid"] = existing.uid().into();
    Ok(api.patch(name, &parameters.force(), &Patch::Apply(&wanted)).await?)
}

/// Whether the controller among the owners has this uid.
pub(crate) fn is_controlled_by(
    owners: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference],
    uid: &str,
) -> bool {
    owners.iter().any(|owner| owner.controller == Some(true) && owner.uid == uid)
}
