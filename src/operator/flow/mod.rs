//! `Flow` → checked, compiled, frozen as a `FlowRevision`; and what became of it as status.

pub(crate) mod grace;
#[cfg(test)]
mod grace_tests;
mod judge;
mod plan;
mod status;
#[cfg(test)]
mod tests;
mod texts;

use std::sync::Arc;

use idflow_api::diagnostic::Problem;
use idflow_api::reason::Reason;
use idflow_api::{Catalog, Flow, FlowRevision, FlowType, ResourceKind, Tenant};
use idflow_flow::diagnostic::Severity;
use idflow_flow::objects::Objects;
use idflow_flow::secret::SecretFacts;
use idflow_flow::{Finding, compile_flow};
use kube::api::{Patch, PatchParams};
use kube::{Resource as _, ResourceExt as _};
use serde_json::json;

use crate::cache::Key;
use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::object::{ages, denied, name_of};
use crate::queue::Next;
use crate::reference::used_by;
use crate::route::Controller;
use crate::status::{Transition, write};
use crate::tolerance::{Judged, problems};
use crate::world::World;
use judge::{Checked, Content, Verdict};
use status::Seen;

pub(crate) async fn reconcile(ctx: &Context, key: &Key) -> Outcome {
    let Some(flow) = ctx.world.flows.get(key) else { return Ok(Next::Change) };
    if flow.metadata.deletion_timestamp.is_some() {
        return Ok(Next::Change);
    }
    let place = match place(&ctx.world, &flow, &key.namespace) {
        Ok(place) => place,
        Err(Some(verdict)) => {
            let checked = Checked::not(verdict, tolerated(ctx, &flow));
            return observe(ctx, &flow, &checked, None).await;
        }
        Err(None) => return Ok(Next::Change),
    };
    let checked = check(ctx, &flow, &place).await?;
    let revision = match (&checked.verdict, &checked.content) {
        (Verdict::Accepted, Some(content)) if flow.spec.type_ != FlowType::Library => {
            Some(mint(ctx, &flow, &place.catalog, content).await?)
        }
        _ => None,
    };
    observe(ctx, &flow, &checked, revision.as_deref()).await
}

/// Where a flow runs.
struct Place {
    tenant: Arc<Tenant>,
    catalog: Arc<Catalog>,
    /// How many flows of the tenant are older.
    older: usize,
}

/// The flow's tenant and Catalog, or why there is nothing to do yet; without a verdict there soon will be.
fn place(world: &World, flow: &Flow, namespace: &str) -> Result<Place, Option<Verdict>> {
    let Some(tenant) = world.accepted_tenant_of(namespace) else {
        let message = match world.tenant_of(namespace) {
            Some(tenant) => format!("Tenant {} is not accepted yet", tenant.name_any()),
            None => format!("no Tenant has namespace {namespace} yet"),
        };
        return Err(Some(Verdict::Waiting(Reason::NoTenant, message)));
    };
    let older = older(world, flow, namespace);
    match world.catalog_of(namespace).filter(|_| world.is_known(namespace)) {
        Some(catalog) => Ok(Place { tenant, catalog, older }),
        None => Err(None),
    }
}

/// How many flows of the tenant are older.
fn older(world: &World, flow: &Flow, namespace: &str) -> usize {
    ages(&world.flows.namespace(namespace)).get(name_of(flow)).copied().unwrap_or_default()
}

fn judge(ctx: &Context, flow: &Flow) -> Judged {
    ctx.judge(flow, flow.status.as_ref().map_or(&[][..], |status| &status.conditions))
}

/// What a flow is told of that is not checked now, so that it is not forgotten.
fn tolerated(ctx: &Context, flow: &Flow) -> Vec<Problem> {
    problems(&judge(ctx, flow).tolerated, &json!(flow))
}

async fn check(ctx: &Context, flow: &Flow, place: &Place) -> Result<Checked, Failure> {
    let namespace = flow.namespace().unwrap_or_default();
    let objects = objects(ctx, &namespace, flow).await?;
    let mut compiled = compile_flow(flow, &objects, ctx.environment.kinds);
    // What another object may still bring is told to who looks at the whole set: nobody wakes this flow when it comes.
    compiled.findings.retain(|finding| !(finding.is_absence && finding.severity == Severity::Warning));
    let Judged { mut refused, mut tolerated } = judge(ctx, flow);
    // What a rule of its own says better is said once.
    let is_new = |one: &Finding| !compiled.findings.iter().any(|known| known.place == one.place);
    refused.retain(is_new);
    tolerated.retain(is_new);
    compiled.revision.take_if(|_| !refused.is_empty());
    let old = problems(&tolerated, &json!(flow));
    compiled.findings.splice(0..0, refused.into_iter().chain(tolerated));
    let flows = ctx.world.flows.namespace(&namespace);
    let default_holder = denied(flow, &flows).map(|(_, holder)| holder);
    let checked = judge::judge(flow, &place.tenant.spec, compiled, default_holder, place.older);
    Ok(Checked { tolerated: old, ..checked })
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

/// Makes the revision, or takes up the one with equal content again, and says of it what the flow guarantees now.
async fn mint(
    ctx: &Context,
    flow: &Flow,
    catalog: &Catalog,
    content: &Content,
) -> Result<Arc<FlowRevision>, Failure> {
    let existing = ctx.world.revisions_of(&Key::of(flow));
    let known = plan::equal(&existing, &content.digest);
    let revision = match known.filter(|known| plan::has_owners(known, flow, catalog)) {
        Some(known) => Arc::clone(known),
        None => make(ctx, flow, catalog, content, known.map(AsRef::as_ref)).await?,
    };
    let own_part = plan::own_part(&revision, flow, content);
    if plan::is_told(&revision, &own_part) {
        return Ok(revision);
    }
    let api = ctx.api::<FlowRevision>(&revision.namespace().unwrap_or_default());
    let told = write(&api, Controller::Flow, revision.as_ref(), &own_part).await?;
    let Some(told) = told else { return Ok(revision) };
    ctx.world.revisions.observe(told.clone());
    Ok(Arc::new(told))
}

/// Makes the revision, or gives the known one its owners. A spec never changes, so that one keeps its own.
async fn make(
    ctx: &Context,
    flow: &Flow,
    catalog: &Catalog,
    content: &Content,
    known: Option<&FlowRevision>,
) -> Result<Arc<FlowRevision>, Failure> {
    let namespace = flow.namespace().unwrap_or_default();
    let api = ctx.api::<FlowRevision>(&namespace);
    let is_taken = |name: &str| ctx.world.revisions.exists(&Key::new(&namespace, name));
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

async fn observe(ctx: &Context, flow: &Flow, checked: &Checked, revision: Option<&FlowRevision>) -> Outcome {
    let key = Key::of(flow);
    let catalog = ctx.world.catalog_of(&key.namespace);
    let seen = Seen {
        checked,
        revision,
        revisions: &ctx.world.revisions_of(&key),
        offered_since: catalog.as_deref().map_or(0, |catalog| offered_since(ctx, &key, catalog)),
        catalog: catalog.as_deref(),
        older: older(&ctx.world, flow, &key.namespace),
        used_by: used_by(&ctx.world, &key.namespace, ResourceKind::Flow, &key.name),
    };
    let before = flow.status.clone().unwrap_or_default();
    let after = status::status(flow, &seen, ctx.now());
    if before == after {
        return Ok(Next::Change);
    }
    let api = ctx.api::<Flow>(&key.namespace);
    if let Some(written) = write(&api, Controller::Flow, flow, &after).await? {
        ctx.world.flows.observe(written);
    }
    if let Some(transition) = Transition::between(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Flow, flow, &transition).await;
    }
    if let Some(begun) = Transition::tolerated(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Flow, flow, &begun).await;
    }
    let revision = seen.grace(flow).and_then(|grace| seen.revision(&grace.revision));
    let revision = revision.map(|revision| revision.object_ref(&()));
    if let Some(begun) = Transition::grace_of(revision, &before.conditions, &after.conditions) {
        ctx.publish(Controller::Flow, flow, &begun).await;
    }
    Ok(Next::Change)
}
