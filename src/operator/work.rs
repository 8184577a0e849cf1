//! Working off the queues: at most so many looks at a time per controller, each ending in a word to its queue.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use idflow_api::reason::Reason;
use tokio::task::{Id, JoinSet};

use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::queue::{Job, Next, Queue};
use crate::route::Controller;

/// An API server that accepts a request and never answers holds up one look no longer than this.
const LOOK_LIMIT: Duration = Duration::from_mins(1);

/// Works off one controller's queue for ever.
pub(crate) async fn work(ctx: Arc<Context>, controller: Controller) {
    let Some(queue) = ctx.queues.get(controller) else { return };
    let mut running: JoinSet<Next> = JoinSet::new();
    let mut jobs: HashMap<Id, Job> = HashMap::new();
    let limit = ctx.settings.concurrency.max(1);
    loop {
        tokio::select! {
            job = queue.next(), if running.len() < limit => {
                let own = Arc::clone(&ctx);
                let looked_at = job.clone();
                let handle = running.spawn(async move { look(&own, controller, &looked_at).await });
                jobs.insert(handle.id(), job);
            }
            Some(ended) = running.join_next_with_id() => {
                let (id, next) = ended.unwrap_or_else(|error| (error.id(), Next::Retry(None)));
                finish(queue, jobs.remove(&id), next);
            }
        }
    }
}

fn finish(queue: &Queue, job: Option<Job>, next: Next) {
    if let Some(job) = job {
        queue.done(job, next);
    }
}

pub(crate) async fn look(ctx: &Context, controller: Controller, job: &Job) -> Next {
    let begun = ctx.now();
    let outcome = tokio::time::timeout(LOOK_LIMIT, dispatch(ctx, controller, job)).await;
    let outcome = outcome
        .unwrap_or_else(|_| Err(Failure::transient(Reason::ApiError, "the API server does not answer")));
    let took = ctx.now().since(begun);
    match outcome {
        Ok(next) => {
            ctx.metrics.looked(controller, "ok", took);
            next
        }
        Err(failure) => {
            ctx.metrics.looked(controller, failure.reason.as_str(), took);
            tracing::warn!(controller = controller.name(), key = %job.key, %failure, class = ?failure.class, "a look failed");
            failure.next()
        }
    }
}

async fn dispatch(ctx: &Context, controller: Controller, job: &Job) -> Outcome {
    match controller {
        Controller::Tenant => crate::tenant::reconcile(ctx, &job.key).await,
        Controller::Flow => crate::flow::reconcile(ctx, &job.key).await,
        Controller::Reference => crate::reference::reconcile(ctx, job).await,
        Controller::Catalog => crate::catalog::reconcile(ctx, &job.key.namespace).await,
        Controller::Executor => crate::executor::reconcile(ctx, &job.key.namespace).await,
        Controller::Collector => crate::collector::reconcile(ctx, &job.key.namespace).await,
    }
}
