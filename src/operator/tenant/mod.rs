//! `Tenant` → keys, service account, role, workload and Service of one executor.

pub(crate) mod children;
pub(crate) mod keys;
pub(crate) mod namespaces;
pub(crate) mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use idflow_api::Tenant;
use idflow_api::reason::Reason;
use idflow_api::tenant::KeyRecord;
use idflow_api::workload::{EXECUTOR, KEYS_SECRET};
use idflow_core::digest::Digest;
use idflow_core::time::Timestamp;
use idflow_flow::secret::{self, SecretFacts};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use crate::applied::Child;
use crate::apply;
use crate::cache::Key;
use crate::context::{Context, Outcome};
use crate::failure::{Class, Failure};
use crate::flow::grace::graces;
use crate::object::denied;
use crate::queue::Next;
use crate::reference::plan::told;
use crate::route::Controller;
use crate::status::{self, Transition};
use crate::tolerance::{Judged, problems};
use crate::world::World;
use children::Children;
use keys::{Keys, Verdict};
use plan::{Claim, Observed};

pub(crate) async fn reconcile(ctx: &Context, key: &Key) -> Outcome {
    let Some(tenant) = ctx.world.tenants.get(key) else {
        for namespace in ctx.namespaces.keep_only_claimed() {
            ctx.applied.forget(&namespace);
            ctx.entries.forget(&namespace);
            ctx.texts.forget(&namespace);
        }
        return Ok(Next::Change);
    };
    if tenant.metadata.deletion_timestamp.is_some() {
        return Ok(Next::Change);
    }
    let judged = judge(ctx, &tenant);
    let claim = match judged.refused.first() {
        Some(refusal) => Claim::Refused(Reason::Invalid, told(refusal)),
        None => claim(&ctx.world, &ctx.settings.namespace, &tenant),
    };
    let mut observed = Observed {
        claim,
        judged,
        keys: None,
        workload: workload(&ctx.world, &tenant),
        graces: graces_of(&ctx.world, &tenant),
        problem: None,
    };
    if observed.claim == Claim::Granted {
        observed.problem = set_up(ctx, &tenant, &mut observed).await.err();
    }
    write_status(ctx, &tenant, &observed).await?;
    observed.problem.map_or(Ok(Next::Change), Err)
}

/// What stands against the tenant's own text.
fn judge(ctx: &Context, tenant: &Tenant) -> plan::Judged {
    let conditions = tenant.status.as_ref().map_or(&[][..], |status| &status.conditions);
    let Judged { refused, tolerated } = ctx.judge(tenant, conditions);
    let object = json!(tenant);
    plan::Judged { refused: problems(&refused, &object), tolerated: problems(&tolerated, &object) }
}

/// Whether the tenant may have its namespace.
fn claim(world: &World, own_namespace: &str, tenant: &Tenant) -> Claim {
    let namespace_exists = world.namespaces.exists(&Key::new("", &tenant.spec.namespace));
    plan::claim(tenant, own_namespace, namespace_exists, denied(tenant, &world.tenants.all()))
}

/// The flows in a grace. Another tenant's Catalog is none of this one's business.
fn graces_of(world: &World, tenant: &Tenant) -> Vec<(String, Timestamp)> {
    let catalog = world.catalog_of(&tenant.spec.namespace);
    let own = catalog.filter(|catalog| catalog.spec.tenant.name == tenant.name_any());
    own.iter().flat_map(|catalog| graces(&catalog.spec)).map(|(flow, end)| (flow.to_owned(), end)).collect()
}

/// The tenant's workload, if it is one that we made.
fn workload(world: &World, tenant: &Tenant) -> Option<Arc<StatefulSet>> {
    let workload = world.workloads.get(&Key::new(&tenant.spec.namespace, EXECUTOR))?;
    apply::is_controlled_by(workload.owner_references(), &tenant.uid().unwrap_or_default())
        .then_some(workload)
}

async fn set_up(ctx: &Context, tenant: &Tenant, observed: &mut Observed) -> Result<(), Failure> {
    let namespace = tenant.spec.namespace.as_str();
    // A watch that begins without the rights says so in the log, and waits: a new tenant's begins when it has them.
    if !recorded(tenant).is_empty() {
        ctx.namespaces.watch(namespace);
    }
    bind_operator(ctx, tenant).await?;
    let keys = ensure_keys(ctx, tenant).await?;
    ctx.namespaces.watch(namespace);
    let usable = matches!(keys, Verdict::Present(_));
    observed.keys = Some(keys);
    if !usable {
        // Whatever runs goes on running; nothing is started with other keys.
        return Ok(());
    }
    let shared = shared_secrets(&ctx.world, namespace);
    let image = ctx.settings.executor_image.as_str();
    let children = children::render(tenant, image, &shared, observed.workload.as_deref());
    apply_children(ctx, tenant, &children).await?;
    observed.workload = workload(&ctx.world, tenant);
    Ok(())
}

/// The operator's own rights inside the namespace. Everywhere else it can read no Secret.
async fn bind_operator(ctx: &Context, tenant: &Tenant) -> Result<(), Failure> {
    let Some(account) = &ctx.settings.service_account else { return Ok(()) };
    let binding = children::operator_binding(tenant, &ctx.settings.namespace, account);
    apply_one::<RoleBinding>(ctx, tenant, &binding).await
}

/// Applies the children: accounts and rights first, because pods name them when they are made; the workload last.
async fn apply_children(ctx: &Context, tenant: &Tenant, children: &Children) -> Result<(), Failure> {
    let Children { service_account, role, role_binding, service, workload } = children;
    apply_one::<ServiceAccount>(ctx, tenant, service_account).await?;
    apply_one::<Role>(ctx, tenant, role).await?;
    apply_one::<RoleBinding>(ctx, tenant, role_binding).await?;
    apply_one::<Service>(ctx, tenant, service).await?;
    apply_one::<StatefulSet>(ctx, tenant, workload).await
}

async fn apply_one<K: Child>(ctx: &Context, tenant: &Tenant, wanted: &Value) -> Result<(), Failure> {
    let owner = tenant.uid().unwrap_or_default();
    apply::child::<K>(ctx, Controller::Tenant, &owner, &tenant.spec.namespace, wanted).await
}

/// The Secrets that the tenant's objects name and their owners have shared.
fn shared_secrets(world: &World, namespace: &str) -> BTreeSet<String> {
    let connections = world.connections.namespace(namespace);
    let clients = world.clients.namespace(namespace);
    let named = secret::names(connections.iter().map(|one| &one.spec), clients.iter().map(|one| &one.spec));
    let is_shared = |name: &&str| {
        let secret = world.secrets.get(&Key::new(namespace, *name));
        secret.is_some_and(|secret| SecretFacts::new(&secret.metadata, Vec::new()).usable)
    };
    named.into_iter().filter(is_shared).map(str::to_owned).collect()
}

/// The keys that the tenant's status knows of: none while it is new.
fn recorded(tenant: &Tenant) -> Vec<KeyRecord> {
    tenant.status.as_ref().map(|status| status.keys.clone()).unwrap_or_default()
}

/// What a new tenant is told of a refusal: the rights were bound a moment ago, and API servers learn of that one after
/// the other.
fn not_granted_yet(error: kube::Error) -> Failure {
    match Failure::from(error) {
        refusal @ Failure { class: Class::Waiting, .. } => Failure::transient(
            Reason::Progressing,
            format!("waiting until the operator's rights in the namespace count: {}", refusal.message),
        ),
        other => other,
    }
}

/// Finds the tenant's keys, or makes them if it never had any.
async fn ensure_keys(ctx: &Context, tenant: &Tenant) -> Result<Verdict, Failure> {
    let secrets: Api<Secret> = ctx.api(&tenant.spec.namespace);
    let recorded = recorded(tenant);
    let key = Key::new(&tenant.spec.namespace, KEYS_SECRET);
    let ownership = keys::ownership(tenant);
    let intent = Digest::of(json!([&ownership, &recorded]).to_string());
    if ctx.applied.is_current::<Secret>(&ctx.world, &key, intent) {
        return Ok(Verdict::Present(recorded));
    }
    let existing = secrets.get_opt(KEYS_SECRET).await;
    let existing =
        existing.map_err(|error| if recorded.is_empty() { not_granted_yet(error) } else { error.into() })?;
    let verdict = keys::judge(tenant, &recorded, existing.as_ref());
    match &verdict {
        Verdict::NeverMade => {
            let made = make_keys(ctx)?;
            let manifest = made.manifest(tenant);
            // A create, so that a Secret that appears in this moment is not written over.
            secrets.create(&kube::api::PostParams::default(), &manifest).await?;
            Ok(Verdict::Present(made.records()))
        }
        Verdict::Present(_) => {
            let parameters = PatchParams::apply(Controller::Tenant.manager()).force();
            let owned = secrets.patch_metadata(KEYS_SECRET, &parameters, &Patch::Apply(&ownership)).await?;
            ctx.applied.note::<Secret>(key, intent, &owned.metadata);
            ctx.world.secrets.observe(owned);
            Ok(verdict)
        }
        Verdict::Missing(_) => Ok(verdict),
    }
}

fn make_keys(ctx: &Context) -> Result<Keys, Failure> {
    let signing = (ctx.environment.make_signing_keys)().ok_or_else(|| {
        Failure::transient(Reason::KeysMissing, "the cryptographic library made no signing keys")
    })?;
    Ok(Keys::new(signing, ctx.environment.chance.as_ref()))
}

async fn write_status(ctx: &Context, tenant: &Tenant, observed: &Observed) -> Result<(), Failure> {
    let before = tenant.status.clone().unwrap_or_default();
    let after = plan::status(tenant, observed, ctx.now());
    if before == after {
        return Ok(());
    }
    let api: Api<Tenant> = Api::all(ctx.client.clone());
    if let Some(written) = status::write(&api, Controller::Tenant, tenant, &after).await? {
        ctx.world.tenants.observe(written);
    }
    if let Some(transition) = Transition::between(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Tenant, tenant, &transition).await;
    }
    let begun = Transition::grace(&before.conditions, &after.conditions);
    for begun in begun.into_iter().chain(Transition::tolerated(&before.conditions, &after.conditions)) {
        ctx.publish(Controller::Tenant, tenant, &begun).await;
    }
    Ok(())
}
