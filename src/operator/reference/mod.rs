//! `FlowNode`, `Directory`, `OIDCClient`, `Connection`, `Theme`: is it valid, does what it names exist, who uses it?

pub(crate) mod plan;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use idflow_api::flow::{ReferencedStatus, UsedBy};
use idflow_api::{Connection, FlowNode, FlowRevision, OIDCClient};
use idflow_flow::objects::{Objects, SecretFacts};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Secret;
use kube::{Resource, ResourceExt};
use serde::de::DeserializeOwned;

use crate::cache::{Cache, Key};
use crate::context::{Context, Outcome};
use crate::queue::{Job, Next};
use crate::route::Controller;
use crate::status::{self, Failure, Transition};
use crate::world::{World, by_name, holder};
use plan::{Finding, Need};

const MAX_USERS: usize = 20;

pub(crate) async fn reconcile(ctx: &Context, job: &Job) -> Outcome {
    let (world, key) = (&ctx.world, &job.key);
    match job.kind {
        "FlowNode" => match world.nodes.get(key) {
            Some(node) => {
                let finding = check_node(ctx, &node);
                observe(ctx, &world.nodes, "FlowNode", &node, |node| node.status.clone(), finding).await
            }
            None => Ok(Next::Change),
        },
        "Directory" => match world.directories.get(key) {
            Some(directory) => {
                let all = world.directories.namespace(&key.namespace);
                let rivals = all.iter().filter(|other| other.spec.default);
                let finding = plan::single_default(
                    directory.spec.default,
                    holder(directory.as_ref(), rivals),
                    "Directory",
                );
                observe(ctx, &world.directories, "Directory", &directory, |one| one.status.clone(), finding)
                    .await
            }
            None => Ok(Next::Change),
        },
        "Theme" => match world.themes.get(key) {
            Some(theme) => {
                let all = world.themes.namespace(&key.namespace);
                let rivals = all.iter().filter(|other| other.spec.default);
                let finding =
                    plan::single_default(theme.spec.default, holder(theme.as_ref(), rivals), "Theme");
                observe(ctx, &world.themes, "Theme", &theme, |one| one.status.clone(), finding).await
            }
            None => Ok(Next::Change),
        },
        "Connection" => match world.connections.get(key) {
            Some(connection) => check_connection(ctx, &connection).await,
            None => Ok(Next::Change),
        },
        _ => match world.clients.get(key) {
            Some(client) => check_client(ctx, &client).await,
            None => Ok(Next::Change),
        },
    }
}

fn check_node(ctx: &Context, node: &FlowNode) -> Finding {
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
    plan::node(findings.iter().map(|finding| finding.problem(&object)).collect(), &missing)
}

async fn check_connection(ctx: &Context, connection: &Arc<Connection>) -> Outcome {
    let namespace = connection.namespace().unwrap_or_default();
    let secret = match plan::connection_secret(&connection.spec) {
        Some(_) if !ctx.world.is_known(&namespace) => Need::Unknown,
        Some(name) => secret_facts(ctx, &namespace, name).await?.map_or(Need::Missing, Need::Found),
        None => Need::Nothing,
    };
    let finding = plan::connection(&connection.spec, &secret);
    observe(ctx, &ctx.world.connections, "Connection", connection, |one| one.status.clone(), finding).await
}

async fn check_client(ctx: &Context, client: &Arc<OIDCClient>) -> Outcome {
    let namespace = client.namespace().unwrap_or_default();
    let all = ctx.world.clients.namespace(&namespace);
    let id = plan::client_id(client);
    let rivals = all.iter().filter(|other| plan::client_id(other) == id);
    let flows: BTreeSet<String> =
        ctx.world.flows.namespace(&namespace).iter().map(|flow| flow.name_any()).collect();
    let secret = match &client.spec.secret_ref {
        Some(_) if !ctx.world.is_known(&namespace) => Need::Unknown,
        Some(secret) => secret_facts(ctx, &namespace, &secret.name).await?.map_or(Need::Missing, Need::Found),
        None => Need::Nothing,
    };
    let finding = plan::client(client, holder(client.as_ref(), rivals), &secret, &flows);
    observe(ctx, &ctx.world.clients, "OIDCClient", client, |one| one.status.clone(), finding).await
}

/// What may be known of a Secret. Its values are read only to learn the names of its entries, and only if it is
/// shared.
async fn secret_facts(ctx: &Context, namespace: &str, name: &str) -> Result<Option<SecretFacts>, Failure> {
    let Some(metadata) = ctx.world.secrets.get(&Key::new(namespace, name)) else { return Ok(None) };
    if !plan::is_shared(&metadata.metadata) {
        return Ok(Some(SecretFacts::new(&metadata.metadata, Vec::new())));
    }
    let secret = ctx.api::<Secret>(namespace).get_opt(name).await?;
    Ok(secret.map(|secret| {
        let entries = secret.data.unwrap_or_default().into_keys().collect();
        SecretFacts::new(&secret.metadata, entries)
    }))
}

async fn observe<K>(
    ctx: &Context,
    cache: &Cache<K>,
    kind: &'static str,
    object: &Arc<K>,
    status_of: impl Fn(&K) -> Option<ReferencedStatus>,
    finding: Finding,
) -> Outcome
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Debug,
{
    let key = Key::of(object.as_ref());
    let before = status_of(object).unwrap_or_default();
    let users = used_by(&ctx.world, &key.namespace, kind, &key.name);
    let generation = object.meta().generation.unwrap_or_default();
    let after = plan::status(&before, generation, finding, users, ctx.now());
    if before == after {
        return Ok(Next::Change);
    }
    if let Some(written) =
        status::write(&ctx.api::<K>(&key.namespace), Controller::Reference, object, &after).await?
    {
        cache.observe(written);
    }
    if let Some(transition) = Transition::between(&before.conditions, &after.conditions) {
        ctx.publish(Controller::Reference, object.as_ref(), &transition).await;
    }
    Ok(Next::Change)
}

/// Who uses an object: flows whose newest revision was made from it, and clients that name a flow.
pub(crate) fn used_by(world: &World, namespace: &str, kind: &str, name: &str) -> Vec<UsedBy> {
    let mut users = BTreeSet::new();
    for revision in world.revisions.namespace(namespace) {
        let is_source = revision.spec.sources.iter().any(|source| source.kind == kind && source.name == name);
        let is_other = kind != "Flow" || revision.spec.flow != name;
        if is_source && is_other && is_newest(world, namespace, &revision) {
            users.insert(UsedBy { kind: "Flow".to_owned(), name: revision.spec.flow.clone() });
        }
    }
    if kind == "Flow" {
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
