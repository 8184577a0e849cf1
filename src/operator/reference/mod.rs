//! `FlowNode`, `Directory`, `OIDCClient`, `Connection`, `Theme`: is it valid, does what it names exist, who uses it?

pub(crate) mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use idflow_api::flow::{ReferencedStatus, UsedBy};
use idflow_api::{Connection, Directory, FlowNode, FlowRevision, HasKind, OIDCClient, ResourceKind, Theme};
use idflow_flow::objects::Objects;
use idflow_flow::secret::{SecretFacts, SecretUse};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::{Resource, ResourceExt};

use crate::cache::Key;
use crate::context::{Context, Outcome};
use crate::failure::Failure;
use crate::queue::{Job, Next};
use crate::route::{Controller, Watched};
use crate::status::{self, Transition};
use crate::world::{World, by_name, denied};
use plan::{Finding, Need};

const MAX_USERS: usize = 20;

/// A kind that others refer to.
pub(crate) trait Referenced: HasKind + Watched + Resource<Scope = NamespaceResourceScope> {
    /// What was observed about it.
    fn status(&self) -> Option<&ReferencedStatus>;

    /// Whether it can be used.
    fn judge(ctx: &Context, object: &Arc<Self>) -> impl Future<Output = Result<Finding, Failure>> + Send;
}

pub(crate) async fn reconcile(ctx: &Context, job: &Job) -> Outcome {
    match job.kind {
        Some(ResourceKind::FlowNode) => look::<FlowNode>(ctx, &job.key).await,
        Some(ResourceKind::Directory) => look::<Directory>(ctx, &job.key).await,
        Some(ResourceKind::Connection) => look::<Connection>(ctx, &job.key).await,
        Some(ResourceKind::OIDCClient) => look::<OIDCClient>(ctx, &job.key).await,
        Some(ResourceKind::Theme) => look::<Theme>(ctx, &job.key).await,
        Some(
            ResourceKind::Tenant | ResourceKind::Flow | ResourceKind::FlowRevision | ResourceKind::Catalog,
        )
        | None => Ok(Next::Change),
    }
}

async fn look<K: Referenced>(ctx: &Context, key: &Key) -> Outcome {
    let Some(object) = K::cache(&ctx.world).get(key) else { return Ok(Next::Change) };
    let finding = K::judge(ctx, &object).await?;
    observe(ctx, &object, finding).await
}

impl Referenced for FlowNode {
    fn status(&self) -> Option<&ReferencedStatus> {
        self.status.as_ref()
    }

    async fn judge(ctx: &Context, node: &Arc<Self>) -> Result<Finding, Failure> {
        let namespace = node.namespace().unwrap_or_default();
        let objects = Objects {
            flows: by_name(ctx.world.flows.namespace(&namespace)),
            nodes: by_name(ctx.world.nodes.namespace(&namespace)),
            directories: by_name(ctx.world.directories.namespace(&namespace)),
            connections: by_name(ctx.world.connections.namespace(&namespace)),
            ..Objects::default()
        };
        let (findings, missing) = idflow_flow::check_node(node, &objects, ctx.environment.kinds);
        let object = serde_json::json!(node);
        Ok(plan::node(findings.iter().map(|finding| finding.problem(&object)).collect(), &missing))
    }
}

impl Referenced for Directory {
    fn status(&self) -> Option<&ReferencedStatus> {
        self.status.as_ref()
    }

    async fn judge(ctx: &Context, directory: &Arc<Self>) -> Result<Finding, Failure> {
        let all = ctx.world.directories.namespace(&directory.namespace().unwrap_or_default());
        Ok(plan::claims_only(Self::KIND, denied(directory.as_ref(), &all)))
    }
}

impl Referenced for Theme {
    fn status(&self) -> Option<&ReferencedStatus> {
        self.status.as_ref()
    }

    async fn judge(ctx: &Context, theme: &Arc<Self>) -> Result<Finding, Failure> {
        let all = ctx.world.themes.namespace(&theme.namespace().unwrap_or_default());
        Ok(plan::claims_only(Self::KIND, denied(theme.as_ref(), &all)))
    }
}

impl Referenced for Connection {
    fn status(&self) -> Option<&ReferencedStatus> {
        self.status.as_ref()
    }

    async fn judge(ctx: &Context, connection: &Arc<Self>) -> Result<Finding, Failure> {
        let namespace = connection.namespace().unwrap_or_default();
        let secret = need(ctx, &namespace, SecretUse::of_connection(&connection.spec)).await?;
        Ok(plan::connection(&connection.spec, &secret))
    }
}

impl Referenced for OIDCClient {
    fn status(&self) -> Option<&ReferencedStatus> {
        self.status.as_ref()
    }

    async fn judge(ctx: &Context, client: &Arc<Self>) -> Result<Finding, Failure> {
        let namespace = client.namespace().unwrap_or_default();
        let all = ctx.world.clients.namespace(&namespace);
        let flows: BTreeSet<String> =
            ctx.world.flows.namespace(&namespace).iter().map(|flow| flow.name_any()).collect();
        let secret = need(ctx, &namespace, SecretUse::of_client(&client.spec)).await?;
        Ok(plan::client(client, denied(client.as_ref(), &all), &secret, &flows))
    }
}

/// What is known of the Secret that an object uses.
async fn need(ctx: &Context, namespace: &str, wanted: Option<SecretUse<'_>>) -> Result<Need, Failure> {
    Ok(match wanted {
        None => Need::Nothing,
        Some(_) if !ctx.world.is_known(namespace) => Need::Unknown,
        Some(wanted) => secret_facts(ctx, namespace, wanted.name).await?.map_or(Need::Missing, Need::Found),
    })
}

/// What may be known of a Secret. Its values are read only to learn which of its entries have one, and only if it is
/// shared.
async fn secret_facts(ctx: &Context, namespace: &str, name: &str) -> Result<Option<SecretFacts>, Failure> {
    let Some(metadata) = ctx.world.secrets.get(&Key::new(namespace, name)) else { return Ok(None) };
    let facts = SecretFacts::new(&metadata.metadata, Vec::new());
    if !facts.usable {
        return Ok(Some(facts));
    }
    if let Some(entries) = ctx.entries.get(metadata.as_ref()) {
        return Ok(Some(SecretFacts::new(&metadata.metadata, entries)));
    }
    let secret = ctx.api::<Secret>(namespace).get_opt(name).await?;
    Ok(secret.map(|mut secret| {
        let entries = secret.data.take().unwrap_or_default().into_iter();
        let entries = entries.filter(|(_, value)| !value.0.is_empty());
        let entries: Vec<String> = entries.map(|(name, _)| name).collect();
        ctx.entries.keep(&secret, entries.clone());
        SecretFacts::new(&secret.metadata, entries)
    }))
}

async fn observe<K: Referenced>(ctx: &Context, object: &Arc<K>, finding: Finding) -> Outcome {
    let key = Key::of(object.as_ref());
    let before = object.status().cloned().unwrap_or_default();
    let users = used_by(&ctx.world, &key.namespace, K::KIND, &key.name);
    let generation = object.meta().generation.unwrap_or_default();
    let after = plan::status(&before, generation, finding, users, ctx.now());
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
