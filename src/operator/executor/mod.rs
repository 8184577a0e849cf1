//! Executor pods → which revisions every ready one of them has loaded.

pub(crate) mod plan;
pub(crate) mod pods;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use futures_util::{TryStreamExt as _, stream};
use idflow_api::catalog::CatalogStatus;
use idflow_api::condition::{LOADED, find};
use idflow_api::flow_revision::FlowRevisionStatus;
use idflow_api::reason::Reason;
use idflow_api::workload::{COMPONENT_LABEL, EXECUTOR};
use idflow_api::{Catalog, FlowRevision, ResourceKind};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;

use crate::apply::is_controlled_by;
use crate::cache::Key;
use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::queue::{Job, Next};
use crate::route::Controller;
use crate::status;
use crate::world::World;
use plan::Executor;

pub(crate) async fn reconcile(ctx: &Context, namespace: &str) -> Outcome {
    ctx.pods.follow(namespace, &executor_pods(&ctx.world, namespace));
    let executors = executors(ctx, namespace);
    stream::iter(ctx.world.revisions.namespace(namespace).into_iter().map(Ok))
        .try_for_each_concurrent(ctx.settings.concurrency, |revision| write_loaded(ctx, revision, &executors))
        .await?;
    if let Some(catalog) = ctx.world.catalog_of(namespace) {
        write_followed(ctx, &catalog, &executors).await?;
    }
    for directory in ctx.world.directories.namespace(namespace) {
        let job = Job::object(ResourceKind::Directory, Key::of(directory.as_ref()));
        ctx.queues.add(Controller::Reference, job);
    }
    for client in ctx.world.clients.namespace(namespace) {
        if crate::reference::last_refusal(&client, &executors).is_some() {
            let job = Job::object(ResourceKind::OIDCClient, Key::of(client.as_ref()));
            ctx.queues.add(Controller::Reference, job);
        }
    }
    let is_silent = executors.iter().any(|executor| executor.is_ready && executor.heard.report.is_none());
    Ok(if is_silent { Next::After(plan::PATIENCE) } else { Next::Change })
}

/// The tenant's executors, each with what it said last.
pub(crate) fn executors(ctx: &Context, namespace: &str) -> Vec<Executor> {
    let pods = executor_pods(&ctx.world, namespace);
    pods.iter().map(|pod| Executor::of(pod, ctx.pods.heard(pod))).collect()
}

/// The pods of the tenant's own workload. Others that merely carry the labels are asked nothing.
fn executor_pods(world: &World, namespace: &str) -> Vec<Arc<Pod>> {
    let Some(workload) = world.workloads.get(&Key::new(namespace, EXECUTOR)) else { return Vec::new() };
    let uid = workload.uid().unwrap_or_default();
    let mut pods = world.pods.namespace(namespace);
    pods.retain(|pod| {
        pod.labels().get(COMPONENT_LABEL).is_some_and(|component| component == "executor")
            && is_controlled_by(pod.owner_references(), &uid)
            && pod.metadata.deletion_timestamp.is_none()
    });
    pods
}

async fn write_loaded(
    ctx: &Context,
    revision: Arc<FlowRevision>,
    executors: &[Executor],
) -> Result<(), Failure> {
    let conditions = revision.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let before = find(conditions, LOADED);
    let generation = revision.metadata.generation.unwrap_or_default();
    let lacks = |executor: &Executor| match revision.spec.digest.as_str() {
        "" => Some((Reason::Damaged, "its content is not what its digest stands for".to_owned())),
        digest => executor.lacks(digest),
    };
    let Some(after) = plan::loaded(before, generation, executors, lacks, ctx.now()) else { return Ok(()) };
    if before == after.first() {
        return Ok(());
    }
    let after = FlowRevisionStatus { conditions: after, ..FlowRevisionStatus::default() };
    let api = ctx.api::<FlowRevision>(&revision.namespace().unwrap_or_default());
    if let Some(written) = status::write(&api, Controller::Executor, revision.as_ref(), &after).await? {
        ctx.world.revisions.observe(written);
    }
    Ok(())
}

async fn write_followed(ctx: &Context, catalog: &Catalog, executors: &[Executor]) -> Result<(), Failure> {
    let before = catalog.status.clone().unwrap_or_default();
    let generation = catalog.metadata.generation.unwrap_or_default();
    let is_behind = |executor: &Executor| executor.is_behind(generation);
    let known = find(&before.conditions, LOADED);
    let Some(list) = plan::loaded(known, generation, executors, is_behind, ctx.now()) else { return Ok(()) };
    let conditions = plan::with_readiness(&before.conditions, list, generation, ctx.now());
    let followed_generation = plan::followed(before.followed_generation, executors);
    let after = CatalogStatus { observed_generation: Some(generation), followed_generation, conditions };
    if before == after {
        return Ok(());
    }
    let api = ctx.api::<Catalog>(&catalog.namespace().unwrap_or_default());
    if let Some(written) = status::write(&api, Controller::Executor, catalog, &after).await? {
        ctx.world.catalogs.observe(written);
    }
    Ok(())
}
