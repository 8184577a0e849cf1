//! Revisions that nobody needs any more are deleted.

pub(crate) mod plan;

use idflow_api::FlowRevision;
use idflow_api::reason::Reason;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, Preconditions};

use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::queue::{Job, Next};
use crate::route::Controller;
use crate::status::Transition;

pub(crate) async fn reconcile(ctx: &Context, namespace: &str) -> Outcome {
    let Some(catalog) = ctx.world.catalog_of(namespace) else { return Ok(Next::Change) };
    let flows = ctx.world.flows.namespace(namespace);
    if !ctx.world.flows.unreadable(namespace).is_empty() {
        // What an unreadable flow still needs cannot be told.
        return Ok(Next::Change);
    }
    let revisions = ctx.world.revisions.namespace(namespace);
    let plan = plan::collect(&revisions, &flows, &catalog, ctx.now());
    for revision in &plan.delete {
        delete(ctx, revision).await?;
    }
    if plan.unlist {
        ctx.queues.add(Controller::Catalog, Job::namespace(namespace));
    }
    Ok(plan.next.map_or(Next::Change, Next::After))
}

async fn delete(ctx: &Context, revision: &FlowRevision) -> Result<(), Failure> {
    let preconditions = Preconditions { uid: revision.uid(), resource_version: None };
    let parameters = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    let api = ctx.api::<FlowRevision>(&revision.namespace().unwrap_or_default());
    match api.delete(&revision.name_any(), &parameters).await {
        Ok(_) => {
            let news = Transition::news(
                Reason::RevisionCollected,
                "no journey can be running on it any more".to_owned(),
            );
            ctx.publish(Controller::Collector, revision, &news).await;
            Ok(())
        }
        Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => Ok(()),
        Err(error) => Err(error.into()),
    }
}
