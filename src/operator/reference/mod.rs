//! `FlowNode`, `Directory`, `OIDCClient`, `Connection`, `Theme`: is it valid, does what it names exist, who uses it?

mod directory;
mod kinds;
pub(crate) mod plan;
mod refusal;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use idflow_api::diagnostic::Problem;
use idflow_api::flow::UsedBy;
use idflow_api::{FlowNode, FlowRevision, ResourceKind};
use kube::ResourceExt as _;
use serde::Serialize;

use crate::cache::Key;
use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::queue::{Job, Next};
use crate::route::{Controller, Referenced};
use crate::status::{self, Transition};
use crate::tolerance::problems;
use crate::world::World;
use plan::Finding;
use refusal::Refused;
pub(crate) use refusal::last as last_refusal;

const MAX_USERS: usize = 20;

/// A kind of which it can be told whether it can be used.
trait Judged: Referenced + Serialize {
    /// Whether it can.
    fn judge(ctx: &Context, object: &Arc<Self>) -> impl Future<Output = Result<Finding, Failure>> + Send;

    /// What is told of it beside, as a condition of its own.
    fn refused(_: &Context, _: &Arc<Self>) -> Option<Refused> {
        None
    }
}

macro_rules! reconcile {
    (
        source { $($Source:ident $sources:ident),+ }
        live { $($Live:ident $lives:ident),+ }
        product { $($Product:ident $products:ident),+ }
    ) => {
        pub(crate) async fn reconcile(ctx: &Context, job: &Job) -> Outcome {
            match job.kind {
                $(Some(ResourceKind::$Live) => look::<idflow_api::$Live>(ctx, &job.key).await,)+
                Some(ResourceKind::FlowNode) => look::<FlowNode>(ctx, &job.key).await,
                Some(ResourceKind::Tenant | ResourceKind::Flow $(| ResourceKind::$Product)+) | None => {
                    Ok(Next::Change)
                }
            }
        }
    };
}
idflow_api::custom_resources!(reconcile);

async fn look<K: Judged>(ctx: &Context, key: &Key) -> Outcome {
    let Some(object) = K::cache(&ctx.world).get(key) else { return Ok(Next::Change) };
    let conditions = object.status().map_or(&[][..], |status| &status.conditions);
    let judged = ctx.judge(object.as_ref(), conditions);
    let value = serde_json::json!(object);
    let finding = match plan::refused(problems(&judged.refused, &value)) {
        Some(refused) => refused,
        None => K::judge(ctx, &object).await?,
    };
    observe(ctx, &object, finding, problems(&judged.tolerated, &value)).await
}

async fn observe<K: Judged>(
    ctx: &Context,
    object: &Arc<K>,
    finding: Finding,
    tolerated: Vec<Problem>,
) -> Outcome {
    let key = Key::of(object.as_ref());
    let before = object.status().cloned().unwrap_or_default();
    let users = used_by(&ctx.world, &key.namespace, K::KIND, &key.name);
    let generation = object.meta().generation.unwrap_or_default();
    let mut after = plan::status(&before, generation, finding, tolerated, users, ctx.now());
    let refused = K::refused(ctx, object);
    after.conditions = refusal::added(after.conditions, &before.conditions, generation, refused, ctx.now());
    if before == after {
        return Ok(Next::Change);
    }
    if let Some(written) =
        status::write(&ctx.api::<K>(&key.namespace), Controller::Reference, object, &after).await?
    {
        K::cache(&ctx.world).observe(written);
    }
    if let Some(transition) = Transition::between(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Reference, object.as_ref(), &transition).await;
    }
    if let Some(begun) = Transition::tolerated(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Reference, object.as_ref(), &begun).await;
    }
    Ok(Next::Change)
}

/// Who uses an object: flows whose newest revision was made from it, and clients that name a flow.
pub(crate) fn used_by(world: &World, namespace: &str, kind: ResourceKind, name: &str) -> Vec<UsedBy> {
    let mut users = BTreeSet::new();
    for revision in world.revisions.namespace(namespace) {
        let is_source =
            revision.spec.sources.iter().any(|source| source.kind == kind.as_str() && source.name == name);
        let is_other = kind != ResourceKind::Flow || revision.spec.flow != name;
        if is_source && is_other && is_newest(world, namespace, &revision) {
            users.insert(UsedBy { kind: "Flow".to_owned(), name: revision.spec.flow.clone() });
        }
    }
    if kind == ResourceKind::Flow {
        let clients = world.clients.namespace(namespace);
        let named = clients.iter().filter(|client| plan::flows_of(client).any(|(_, flow)| flow == name));
        users.extend(named.map(|client| UsedBy { kind: "OIDCClient".to_owned(), name: client.name_any() }));
    }
    users.into_iter().take(MAX_USERS).collect()
}

fn is_newest(world: &World, namespace: &str, revision: &FlowRevision) -> bool {
    let flow = world.flows.get(&Key::new(namespace, &revision.spec.flow));
    let status = flow.as_ref().and_then(|flow| flow.status.as_ref());
    status.is_some_and(|status| status.latest_created_revision == revision.metadata.name)
}
