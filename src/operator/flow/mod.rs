//! `Flow` → checked, compiled, frozen as a `FlowRevision`; and what became of it as status.

pub(crate) mod grace;
pub(crate) mod plan;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::Arc;

use idflow_api::reason::Reason;
use idflow_api::{Catalog, Flow, FlowRevision, FlowType, ResourceKind, Tenant};
use idflow_flow::compile_flow;
use idflow_flow::objects::Objects;
use idflow_flow::secret::SecretFacts;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};

use crate::cache::Key;
use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::object::{claimant, denied};
use crate::queue::Next;
use crate::reference::used_by;
use crate::route::Controller;
use crate::status::{self, Transition};
use crate::world::World;
use plan::{Checked, Content, Seen, Verdict};

pub(crate) async fn reconcile(ctx: &Context, key: &Key) -> Outcome {
    let Some(flow) = ctx.world.flows.get(key) else { return Ok(Next::Change) };
    if flow.metadata.deletion_timestamp.is_some() {
        return Ok(Next::Change);
    }
    let place = match place(&ctx.world, &key.namespace) {
        Ok(place) => place,
        Err(Some(verdict)) => return observe(ctx, &flow, &Checked::not(verdict), None, None).await,
        Err(None) => return Ok(Next::Change),
    };
    let checked = check(ctx, &flow, &place).await?;
    let revision = match (&checked.verdict, &checked.content) {
        (Verdict::Accepted, Some(content)) if flow.spec.type_ != FlowType::Library => {
            Some(mint(ctx, &flow, &place.catalog, content).await?)
        }
        _ => None,
    };
    observe(ctx, &flow, &checked, revision.as_deref(), Some(&place)).await
}

/// Where a flow runs.
struct Place {
    tenant: Arc<Tenant>,
    catalog: Arc<Catalog>,
}

/// The flow's tenant and Catalog, or why there is nothing to do yet; without a verdict there soon will be.
fn place(world: &World, namespace: &str) -> Result<Place, Option<Verdict>> {
    let Some(tenant) = world.accepted_tenant_of(namespace) else {
        let message = match world.tenant_of(namespace) {
            Some(tenant) => format!("Tenant {} is not accepted yet", tenant.name_any()),
            None => format!("no Tenant has namespace {namespace} yet"),
        };
        return Err(Some(Verdict::Waiting(Reason::NoTenant, message)));
    };
    match world.catalog_of(namespace).filter(|_| world.is_known(namespace)) {
        Some(catalog) => Ok(Place { tenant, catalog }),
        None => Err(None),
    }
}

async fn check(ctx: &Context, flow: &Flow, place: &Place) -> Result<Checked, Failure> {
    let namespace = flow.namespace().unwrap_or_default();
    let objects = objects(ctx, &namespace, flow).await?;
    let compiled = compile_flow(flow, &objects, ctx.environment.kinds);
    let flows = ctx.world.flows.namespace(&namespace);
    let default_holder = denied(flow, &flows).map(|(_, holder)| holder);
    let own = claimant(flow).seniority();
    let older = flows.iter().filter(|other| claimant(other.as_ref()).seniority() < own).count();
    Ok(plan::judge(flow, &place.tenant.spec, compiled, default_holder, older))
}

/// The objects of the namespace, with the content of the `ConfigMap`s that the flow, or one it calls, may need.
async fn objects(ctx: &Context, namespace: &str, flow: &Flow) -> Result<Objects, Failure> {
    let objects = ctx.world.objects(namespace);
    let callable = objects.flows.values().filter(|other| other.spec.type_ == FlowType::Library);
    let named = callable.flat_map(|other| &other.spec.texts_from).chain(&flow.spec.texts_from);
    let config_maps = texts::fetch(ctx, namespace, named).await?;
    let secrets = ctx.world.secrets.namespace(namespace);
    let secrets =
        secrets.iter().map(|one| (one.name_any(), SecretFacts::new(&one.metadata, Vec::new()))).collect();
    Ok(Objects { config_maps, secrets, ..objects })
}

/// Makes the revision, or takes up the one with equal content again. A spec never changes, so that one keeps its own.
async fn mint(
    ctx: &Context,
    flow: &Flow,
    catalog: &Catalog,
    content: &Content,
) -> Result<Arc<FlowRevision>, Failure> {
    let key = Key::of(flow);
    let existing = ctx.world.revisions_of(&key);
    let known = plan::equal(&existing, &content.digest);
    if let Some(known) = known.filter(|known| plan::has_owners(known, flow, catalog)) {
        return Ok(Arc::clone(known));
    }
    let api = ctx.api::<FlowRevision>(&key.namespace);
    let is_taken = |name: &str| ctx.world.revisions.exists(&Key::new(&key.namespace, name));
    let (name, spec, reason) = if let Some(known) = known {
        (known.name_any(), api.get(&known.name_any()).await?.spec, Reason::RevisionReused)
    } else {
        let spec = plan::spec(flow, content);
        (plan::new_name(&spec, is_taken), spec, Reason::RevisionCreated)
    };
    let wanted = plan::revision(flow, catalog, &name, spec);
    let parameters = PatchParams::apply(Controller::Flow.manager()).force();
    let made = api.patch(&name, &parameters, &Patch::Apply(&wanted)).await?;
    ctx.metrics.minted();
    ctx.world.revisions.observe(made.clone());
    let message = format!("generation {} runs as {name}", flow.metadata.generation.unwrap_or_default());
    ctx.publish(Controller::Flow, flow, &Transition::news(reason, message)).await;
    Ok(Arc::new(made))
}

fn offered_since(ctx: &Context, key: &Key, catalog: &Catalog) -> i64 {
    let serving = crate::catalog::plan::serving(catalog, &key.name);
    ctx.world.offered_since(key, serving, catalog.metadata.generation.unwrap_or_default())
}

async fn observe(
    ctx: &Context,
    flow: &Flow,
    checked: &Checked,
    revision: Option<&FlowRevision>,
    place: Option<&Place>,
) -> Outcome {
    let key = Key::of(flow);
    let catalog = ctx.world.catalog_of(&key.namespace);
    let seen = Seen {
        checked,
        revision,
        revisions: &ctx.world.revisions_of(&key),
        offered_since: catalog.as_deref().map_or(0, |catalog| offered_since(ctx, &key, catalog)),
        catalog,
        tenant: place.map(|place| &place.tenant.spec),
        used_by: used_by(&ctx.world, &key.namespace, ResourceKind::Flow, &key.name),
    };
    let before = flow.status.clone().unwrap_or_default();
    let after = plan::status(flow, &seen, ctx.now());
    if before == after {
        return Ok(Next::Change);
    }
    let api = ctx.api::<Flow>(&key.namespace);
    if let Some(written) = status::write(&api, Controller::Flow, flow, &after).await? {
        ctx.world.flows.observe(written);
    }
    if let Some(transition) = Transition::between(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Flow, flow, &transition).await;
    }
    if let Some(begun) = Transition::grace(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Flow, flow, &begun).await;
    }
    Ok(Next::Change)
}
