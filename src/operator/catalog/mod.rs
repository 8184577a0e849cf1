//! Revisions and flows → `Catalog`: what a tenant's executors offer to new journeys. Edits are coalesced: one look
//! per namespace takes in whatever has changed.

#[cfg(test)]
mod grace_tests;
pub(crate) mod plan;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::{TryStreamExt as _, stream};
use idflow_api::flow_revision::FlowRevisionStatus;
use idflow_api::workload::{MANAGED_BY_LABEL, MANAGER};
use idflow_api::{Catalog, CatalogSpec, FlowRevision, Tenant};
use kube::api::{Patch, PatchParams};
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;

use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::queue::Next;
use crate::route::Controller;
use crate::status::{self, Transition};
use plan::Input;

pub(crate) async fn reconcile(ctx: &Context, namespace: &str) -> Outcome {
    let Some(tenant) = ctx.world.accepted_tenant_of(namespace) else {
        return Ok(Next::Change);
    };
    let existing = ctx.world.catalog_of(namespace);
    let input = Input {
        tenant: &tenant,
        flows: &ctx.world.flows.namespace(namespace),
        unreadable: &ctx.world.flows.unreadable(namespace),
        revisions: &ctx.world.revisions.namespace(namespace),
        previous: existing.as_deref().map(|catalog| &catalog.spec),
        now: ctx.now(),
    };
    let wanted = plan::catalog(&input);
    let catalog = match &existing {
        Some(existing) if existing.spec == wanted => Arc::clone(existing),
        _ => match apply(ctx, &tenant, namespace, &wanted).await {
            Ok(applied) => applied,
            Err(failure) => return Err(told(ctx, &tenant, failure).await),
        },
    };
    let uses = plan::Uses::new(&catalog, input.flows);
    stream::iter(input.revisions.iter().map(Ok))
        .try_for_each_concurrent(ctx.settings.concurrency, |revision| {
            write_revision(ctx, revision, plan::revision_status(revision, &uses, ctx.now()))
        })
        .await?;
    Ok(plan::next_end(&catalog.spec, ctx.now()).map_or(Next::Change, Next::After))
}

/// Tells those who look after the tenant: whatever they changed does not reach the executors.
async fn told(ctx: &Context, tenant: &Tenant, failure: Failure) -> Failure {
    let message =
        format!("the Catalog is not written, so that executors go on with the one before: {failure}");
    ctx.publish(Controller::Catalog, tenant, &Transition::alarm(failure.reason, message)).await;
    failure
}

async fn apply(
    ctx: &Context,
    tenant: &Tenant,
    namespace: &str,
    spec: &CatalogSpec,
) -> Result<Arc<Catalog>, Failure> {
    let wanted = json!({
        "apiVersion": Catalog::api_version(&()),
        "kind": Catalog::kind(&()),
        "metadata": {
            "name": idflow_api::catalog::NAME,
            "namespace": namespace,
            "labels": { MANAGED_BY_LABEL: MANAGER },
            "ownerReferences": [tenant.controller_owner_ref(&())],
        },
        "spec": spec,
    });
    // Only the operator may write this kind, so whatever stands there is taken over.
    let parameters = PatchParams::apply(Controller::Catalog.manager()).force();
    let api = ctx.api::<Catalog>(namespace);
    let applied = api.patch(idflow_api::catalog::NAME, &parameters, &Patch::Apply(&wanted)).await?;
    ctx.world.catalogs.observe(applied.clone());
    Ok(Arc::new(applied))
}

/// Writes this controller's part of a revision's status; `Loaded` belongs to the executor's.
async fn write_revision(
    ctx: &Context,
    revision: &FlowRevision,
    after: FlowRevisionStatus,
) -> Result<(), Failure> {
    let before = plan::own_part(revision);
    if before == after {
        return Ok(());
    }
    let api = ctx.api::<FlowRevision>(&revision.namespace().unwrap_or_default());
    if let Some(written) = status::write(&api, Controller::Catalog, revision, &after).await? {
        ctx.world.revisions.observe(written);
    }
    Ok(())
}
